"""A declared field: one question to clients, or one fact about clinicians."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as attribute
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import SkipValidation

from recommender.errors import Fault
from recommender.practice.conditions import OneTest
from recommender.practice.forms import Audience
from recommender.values.kinds import (
    KINDS,
    NONE_NAMED,
    FieldKind,
    Point,
    RawValue,
    code_of,
    is_missing,
)
from recommender.values.toml_settings import (
    Codes,
    FilledText,
    Flag,
    Number,
    Text,
    Texts,
    one_of,
    read_settings,
    toml_table,
)

Side = Literal["client", "clinician"]
OF_CLINICIANS = frozenset({"availability", "date_ranges", "link"})
"""Kinds of facts that no client is asked for."""
USES = ("score", "filter", "audit")
ShownTo = Literal["client", "staff", "nobody"]
SHOWN_TO: tuple[ShownTo, ...] = ("client", "staff", "nobody")
"""Who may read a fact about a clinician on a card: clients and staff, staff alone, or nobody."""
PEOPLE = ("clients", "clinicians")


@toml_table
@dataclass(frozen=True, slots=True)
class Field:
    """A declared field.

    Attributes
    ----------
    name, side
        Unique together; `label` joins them.
    kind
        One of `recommender.values.kinds.KINDS`.
    phrase
        How staff say it.
    purpose
        Why it is asked; printed in the privacy statement.
    missing
        What an empty answer means.
    use
        `score`: the model may read it. `filter`: only constraints, and matches on a wish of the
        client's, may. `audit`: only fairness reports may.
    group
        Explanation group, for scored fields.
    unit, min, max, levels
        Meaning and bounds of a value, where the kind has them. Money bounds are in whole currency.
    required
        Whether an empty answer is a fault.
    rooms
        For an availability, the clinician's field that lists the rooms it may name; else None.
    ways
        For an availability, the clinician's field of ways of meeting, whose levels are its own;
        else None.
    missing_codes
        Cells that mean no answer, beside an empty one; compared as `code_of` gives them.
    refers_to
        Whom the ids of a field of kind `ids` name, `clients` or `clinicians`; None for the other
        side than the field's own.
    question, question_to_client
        How staff ask it, and how a form asks the client; None without words of its own.
    help, help_to_client
        A sentence beside the question for either; "" for none.
    labels
        What people read for a level, by level; a level without one reads as its plain words.
    asked_when
        The client's answer without which it is not asked, or None.
    short_to_client
        A word or two for the question where a client checks the answer; "" for the question.
    when_nobody_fits
        What a client reads on the matching page where their answer leaves nobody; "" for nothing
        but the question and the answer.
    may_try
        Choices open to anybody, by level the words of a button that asks with this choice; the
        matching page offers them where nobody fits.
    shown_to
        Who reads a clinician's fact on a card, one of `SHOWN_TO`; clients' answers are on none.
    fact
        The heading of a clinician's fact on a card; see `heading`.
    only_if_asked
        Whether the fact is on a card only where the client asked for it.
    spoken
        How staff say a clinician's fact on the phone, with `{values}` or, with small first
        letters, `{lower}` for its values; "" for the words of `spoken_of`.
    postcodes
        The practice's postcodes with their points, for places and rooms; empty for other kinds.

    Notes
    -----
    Attributes of how a question is asked, and of how a fact is shown, are not compared: fields
    that differ only there are equal, so that a corrected text never asks for a new model.
    """

    name: str
    side: Side
    kind: Annotated[str, one_of(KINDS)]
    phrase: FilledText
    purpose: FilledText
    missing: FilledText
    use: Annotated[str, one_of(USES)]
    group: FilledText | None = None
    unit: FilledText | None = None
    min: Number | None = None
    max: Number | None = None
    levels: Texts = ()
    required: Flag = False
    rooms: FilledText | None = None
    ways: FilledText | None = None
    missing_codes: Codes = ()
    refers_to: Annotated[str, one_of(PEOPLE)] | None = None
    question: FilledText | None = attribute(default=None, compare=False)
    question_to_client: FilledText | None = attribute(default=None, compare=False)
    help: Text = attribute(default="", compare=False)
    help_to_client: Text = attribute(default="", compare=False)
    labels: Mapping[str, FilledText] = attribute(default_factory=dict, compare=False)
    asked_when: OneTest = attribute(default=None, compare=False)
    short_to_client: Text = attribute(default="", compare=False)
    when_nobody_fits: Text = attribute(default="", compare=False)
    may_try: Mapping[str, FilledText] = attribute(default_factory=dict, compare=False)
    shown_to: Annotated[ShownTo, one_of(SHOWN_TO)] = attribute(default="nobody", compare=False)
    fact: FilledText | None = attribute(default=None, compare=False)
    only_if_asked: Flag = attribute(default=False, compare=False)
    spoken: Text = attribute(default="", compare=False)
    # A mapping has no hash. Fields that differ in their postcodes alone still compare unequal.
    postcodes: Annotated[Mapping[str, Point], SkipValidation] = attribute(
        default_factory=dict, hash=False, repr=False
    )

    @property
    def label(self) -> str:
        """Side and name, as they appear in feature names and faults."""
        return f"{self.side}.{self.name}"

    @property
    def behaviour(self) -> FieldKind:
        """The kind that parses and encodes this field."""
        return KINDS[self.kind]

    def is_code(self, cell: RawValue) -> bool:
        """Whether a cell is one of the declared codes for a missing answer."""
        return bool(self.missing_codes) and code_of(cell) in map(code_of, self.missing_codes)

    def is_missing(self, cell: RawValue) -> bool:
        """Whether a cell is no answer: empty, or a declared code."""
        return is_missing(cell) or self.is_code(cell)

    @property
    def people_named(self) -> str:
        """Whom the ids of this field name, one of `PEOPLE`."""
        return self.refers_to or ("clinicians" if self.side == "client" else "clients")

    def question_for(self, audience: Audience) -> str:
        """The question as its reader reads it; without one, staff's question or the phrase."""
        phrase = f"{self.phrase[:1].upper()}{self.phrase[1:]}"
        asked = self.question or phrase
        return asked if audience == "staff" else self.question_to_client or asked

    def help_for(self, audience: Audience) -> str:
        """The sentence beside the question; "" for none."""
        return self.help if audience == "staff" else self.help_to_client

    def label_of(self, level: str) -> str:
        """What people read for a level."""
        return self.labels.get(level) or plain(level)

    @property
    def heading(self) -> str:
        """What a card writes before the fact: `fact`, or the phrase with a capital letter."""
        return self.fact or self.phrase[:1].upper() + self.phrase[1:]

    def spoken_of(self, values: Sequence[str]) -> str:
        """What staff say of a clinician with these values of a fact, after the name."""
        template = self.spoken or (self.phrase if self.kind == "flag" else "offers {values}")
        small = listed([small_label(each) for each in values])
        return template.replace("{values}", listed(values)).replace("{lower}", small)

    def on_unit_range(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Encoded values on 0 to 1, by the declared bounds or by the number of levels."""
        low, span = self.unit_range
        return (values - low) / span

    @property
    def unit_range(self) -> tuple[float, float]:
        """The encoded value that is 0 on the unit range, and how far from it is 1."""
        kind = self.behaviour
        if kind.has_levels:
            return 0.0, float(max(len(self.levels) - 1, 1))
        if not kind.has_bounds:
            return 0.0, 1.0
        low = (self.min or 0.0) * kind.units
        high = (1.0 if self.max is None else self.max) * kind.units
        return low, high - low


def plain(level: str) -> str:
    """A level or code without underscores."""
    return level.replace("_", " ")


def small_label(label: str) -> str:
    """A label with a small first letter, unless it begins with an abbreviation."""
    return label if label[1:2].isupper() else label[:1].lower() + label[1:]


def listed(words: Sequence[str]) -> str:
    """Several words or phrases joined as in a sentence."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the kinds `place` and `availability` read from other parts of a definition.

    `ways` is the clinician's field of ways of meeting, None without one; `levels` are its levels.
    """

    postcodes: Mapping[str, Point] = attribute(default_factory=dict)
    ways: str | None = None
    levels: tuple[str, ...] = ()


def read_field(
    side: Side,
    name: str,
    declared: Mapping[str, Any],
    surroundings: Surroundings | None = None,
) -> tuple[Field, list[Fault]]:
    """A field from its table in the definition, and everything that is wrong about it.

    A field with faults has placeholders for the wrong settings, so that others can name it.
    """
    where = f"{side}.{name}"
    known, kind_name = surroundings or Surroundings(), str(declared.get("kind"))
    has_points = kind_name in ("place", "availability")
    origin: dict[str, Any] = {"name": name, "side": side, "ways": None}
    origin["postcodes"] = known.postcodes if has_points else {}
    if kind_name == "availability":
        origin |= {"ways": known.ways, "levels": known.levels}
    field, sound, faults = read_settings(Field, where, "a field", declared, origin)
    kind = KINDS.get(sound.get("kind", ""))
    if kind is not None:
        faults += _settings_of_kind(where, kind, declared)
    faults += _wrong_use(where, side, declared, sound) + _wrong_levels(where, sound)
    faults += _wrong_words(where, side, sound)
    if "min" in sound and "max" in sound and not sound["min"] < sound["max"]:
        faults.append(Fault(f"{where}.min", "is not below max", "put the smaller bound in min"))
    if kind_name in OF_CLINICIANS and side == "client":
        remedy = (
            "use weekly_hours or date: rooms, ways of meeting, absences and links are of clinicians"
        )
        faults.append(Fault(f"{where}.kind", "is for clinicians", remedy))
    faults += _wrong_card(where, side, declared, sound)
    if field is not None:
        faults += _wrong_codes(where, field)
    else:
        plain = {"kind": "number", "use": "filter", "phrase": "", "purpose": "", "missing": ""}
        levels = {"levels": tuple(sound.get("levels", ()))}
        # A condition is still a table here, whose own faults have been found.
        unread = {"asked_when": None}
        field = Field(**(plain | sound | levels | origin | unread))
    return field, faults


def _settings_of_kind(where: str, kind: FieldKind, declared: Mapping[str, Any]) -> list[Fault]:
    """Faults of settings that the kind needs and lacks, or would ignore."""
    faults = [
        Fault(f"{where}.{key}", "is not given", f"every field of kind {kind.name} needs it")
        for key in sorted(kind.needs)
        if declared.get(key) in (None, [])
    ]
    own = {"unit", "min", "max", "levels", "rooms", "refers_to"}
    ignored = own - kind.needs - kind.allows
    remedy = "remove it, or change the kind"
    return faults + [
        Fault(f"{where}.{key}", f"is not a setting of a {kind.name}", remedy)
        for key in sorted(ignored & set(declared))
    ]


def _wrong_card(
    where: str, side: Side, declared: Mapping[str, Any], sound: Mapping[str, Any]
) -> list[Fault]:
    """Faults of settings about cards, on which only facts about clinicians are shown."""
    if side == "client":
        remedy = "remove it: a card shows facts about clinicians, never a client's answers"
        return [
            Fault(f"{where}.{key}", "is for clinicians", remedy)
            for key in ("shown_to", "fact", "only_if_asked", "spoken")
            if key in declared
        ]
    if sound.get("kind") == "ids" and sound.get("shown_to", "nobody") != "nobody":
        remedy = 'write "nobody": a card never names the people on a list'
        return [Fault(f"{where}.shown_to", "would show who is on a list", remedy)]
    return []


def _wrong_use(
    where: str, side: Side, declared: Mapping[str, Any], sound: Mapping[str, Any]
) -> list[Fault]:
    use, kind = sound.get("use"), KINDS.get(sound.get("kind", ""))
    if use == "audit" and side == "clinician":
        remedy = "use filter: attributes of a clinician only serve a wish the client stated"
        return [Fault(f"{where}.use", "audit is for clients", remedy)]
    faults = []
    if use == "score" and kind is not None and not kind.scorable:
        remedy = "use filter, and declare a match that compares it"
        faults.append(Fault(f"{where}.use", "this kind cannot be scored by itself", remedy))
    if use == "score" and "group" not in declared:
        faults.append(Fault(f"{where}.group", "is not given", "every scored field needs it"))
    return faults


def _wrong_codes(where: str, field: Field) -> list[Fault]:
    """Faults of missing codes that are empty, given twice, or answers of this field."""
    codes = [code_of(code) for code in field.missing_codes]
    where = f"{where}.missing_codes"
    faults = []
    if "" in codes:
        remedy = "remove it: an empty cell is missing without a code"
        faults.append(Fault(where, "has a blank code", remedy))
    if len(set(codes)) != len(codes):
        faults.append(Fault(where, "names a code twice", "name each code once"))
    closed = field.behaviour.has_levels or field.kind in ("flag", "ids")
    if any(closed and _is_answer(field, code) for code in field.missing_codes):
        remedy = "remove it from the codes, or from the answers the field accepts"
        faults.append(Fault(where, "has a code that is an answer of this field", remedy))
    return faults


def _is_answer(field: Field, code: RawValue) -> bool:
    if field.kind == "ids":
        # Any word may be an id, and a code is one that is not; `none` says that there is nobody.
        return code_of(code) == NONE_NAMED
    try:
        field.behaviour.parse(field, code)
    except ValueError:
        return False
    return True


def _wrong_levels(where: str, sound: Mapping[str, Any]) -> list[Fault]:
    levels = sound.get("levels", [])
    faults = []
    if len(set(levels)) != len(levels):
        faults.append(Fault(f"{where}.levels", "names a level twice", "name each level once"))
    if any(level != level.strip() or not level.isprintable() or not level for level in levels):
        remedy = "write each on one line, without space before or after it"
        problem = "has a level that is blank, padded with spaces or unprintable"
        faults.append(Fault(f"{where}.levels", problem, remedy))
    if any(";" in level or level.lower() == NONE_NAMED for level in levels):
        remedy = "choose another word: a semicolon separates tags, and none means no tag"
        faults.append(Fault(f"{where}.levels", "has a level that cannot be written", remedy))
    return faults


OF_QUESTIONS = (
    *("question", "question_to_client", "help", "help_to_client", "asked_when"),
    *("short_to_client", "when_nobody_fits", "may_try"),
)
"""Settings of how a question is asked; nobody is asked a clinician's facts."""


def _wrong_words(where: str, side: Side, sound: Mapping[str, Any]) -> list[Fault]:
    remedy = "remove it: only questions to clients are asked"
    faults = [
        Fault(f"{where}.{key}", "is for clients", remedy)
        for key in OF_QUESTIONS
        if side == "clinician" and key in sound
    ]
    levels = sound.get("levels", ()) if sound.get("kind") in ("category", "ordinal") else ()
    unknown = [level for level in sound.get("may_try", {}) if level not in levels]
    if unknown:
        problem = f"has no choice called {', '.join(unknown)}"
        remedy = f"choose from {', '.join(levels)}" if levels else "remove it: one choice is needed"
        faults.append(Fault(f"{where}.may_try", problem, remedy))
    if sound.get("required") is True and "asked_when" in sound:
        remedy = "ask it of everybody, or do not require it"
        faults.append(Fault(f"{where}.asked_when", "is given for a required question", remedy))
    return faults
