"""The practice definition: one TOML file that states what a practice asks, compares and requires.

Nothing about a single field is written in code: tables, features, the HTTP request model,
constraints and explanations are all built from a `Practice`.
"""

import hashlib
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from dataclasses import field as attribute
from datetime import date, datetime
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from recommender.alliance.instruments import AllianceSettings, Instrument
from recommender.errors import DefinitionError, Fault, IntakeError
from recommender.practice.columns import RowReader, cells_at, read_rows
from recommender.practice.declared_products import read_product
from recommender.practice.fields import Field, Side, Surroundings, read_field
from recommender.practice.form_declaration import (
    asked_when_faults,
    label_faults,
    language_faults,
    read_forms,
    with_labels,
)
from recommender.practice.forms import Audience, FormLayout
from recommender.practice.funding import FundingRows, read_funding, unknown_modes
from recommender.practice.locations import Locations, read_locations
from recommender.practice.matches import WISH_OPERATORS, Match, read_match
from recommender.practice.matching_page import MatchingPage, read_matching_page
from recommender.practice.rules.catalogue import FIELD_SETTINGS, ON_HOURS
from recommender.practice.rules.constraint import Constraint
from recommender.practice.rules.declaration import funding_problems, read_constraint, ways_problems
from recommender.practice.rules.first_session import FirstSession
from recommender.practice.sections import (
    CardSettings,
    HistorySettings,
    MeetingModes,
    RankingSettings,
    read_alliance,
    read_first_session,
    read_groups,
    read_heading,
    read_history,
    read_meeting_modes,
    read_optional,
    read_postcodes,
    unknown_group,
)
from recommender.values.kinds import RawValue
from recommender.values.near_names import with_near_name
from recommender.values.toml_problem import toml_problem
from recommender.values.toml_settings import name_faults

WEAKER = "{group}: predicted weaker than with others"
"""What is said of a match that speaks against a clinician, where an old definition has no words."""
NAMED = ("client", "clinician", "matches", "products", "constraints", "places")
"""Sections of named tables."""
TABLES = (
    *("practice", "card", "alliance", "instruments", "groups", "history", "ranking", "ways"),
    *("first_session", *NAMED, "postcodes", "labels", "forms", "example", "matching_page"),
)
"""Sections that are one table; `funding` alone is a list of tables."""
ON_FIELDS = frozenset(
    (
        *("client", "clinician", "when", "unless", "instead", "value", "session", "indifferent"),
        *("client_level", "clinician_level", "client_at_least", "clinician_at_least"),
        *FIELD_SETTINGS,
    )
)
"""Settings of a match, a product or a constraint whose meaning depends on a field."""

T = TypeVar("T")
Fields = Mapping[str, Field]
Sections = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Practice:
    """A checked practice definition.

    Attributes
    ----------
    id, version, title, timezone, currency, consent, accent, logo, accounts
        See `recommender.practice.sections.Heading`; the other sections have a class there too.
    groups
        Explanation groups: id to phrase, in the order shown.
    client, clinician, matches, constraints
        Declarations by name, in the order of the file; declared products follow the matches.
    language
        BCP 47 tag of every text of the definition.
    forms
        The form for each audience; a practice without a form for clients asks them nothing.
    matching_page
        What the page for clients says; None without the section.
    example
        The answers of an invented client, by field; empty if none are declared.
    locations
        The places that rooms lie at, of the section `places`.
    text, digest
        The file as read, and its SHA-256. Where a model learned with an earlier file, and only
        texts and forms were changed since, they are those of the file it learned with.
    asked
        Reads clients' answers; fields for audit only are not among its fields.
    naming
        The fields whose ids name people, by side.
    by_rule
        The constraints of each rule, in the order of the file.
    about_ways
        The constraints about single ways of meeting, but those on hours.
    wishes
        The place among the matches, and the phrase, of each that says of a clinician that they
        offer what the client asks for.

    Examples
    --------
    >>> practice = shipped_practice()
    >>> practice.reference.name
    'wai_sr'
    >>> practice.clinician["hours"].kind
    'availability'
    """

    id: str
    version: str
    title: str
    timezone: str
    currency: str
    consent: str | None
    language: str
    accent: str | None
    logo: str | None
    accounts: str
    card: CardSettings
    alliance: AllianceSettings
    instruments: Mapping[str, Instrument]
    groups: Mapping[str, str]
    history: HistorySettings
    ranking: RankingSettings
    ways: MeetingModes | None
    first_session: FirstSession
    client: Mapping[str, Field]
    clinician: Mapping[str, Field]
    matches: Mapping[str, Match]
    constraints: Mapping[str, Constraint]
    funding: FundingRows
    forms: Mapping[Audience, FormLayout]
    matching_page: MatchingPage | None
    example: Mapping[str, RawValue]
    locations: Locations
    text: str
    digest: str
    asked: RowReader = attribute(init=False, repr=False, compare=False)
    naming: Mapping[str, tuple[Field, ...]] = attribute(init=False, repr=False, compare=False)
    by_rule: Mapping[str, tuple[Constraint, ...]] = attribute(init=False, repr=False, compare=False)
    about_ways: tuple[Constraint, ...] = attribute(init=False, repr=False, compare=False)
    wishes: tuple[tuple[int, str], ...] = attribute(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Prepares once what requests read of all fields and constraints."""
        asked = RowReader.of(self.fields("client", "score", "filter"))
        object.__setattr__(self, "asked", asked)
        sides = {"client": self.client, "clinician": self.clinician}
        naming = {
            side: tuple(field for field in fields.values() if field.kind == "ids")
            for side, fields in sides.items()
        }
        object.__setattr__(self, "naming", naming)
        by_rule: dict[str, tuple[Constraint, ...]] = {}
        for each in self.constraints.values():
            by_rule[each.rule] = (*by_rule.get(each.rule, ()), each)
        object.__setattr__(self, "by_rule", by_rule)
        about_ways = [r for r in self.constraints.values() if r.ways and r.rule not in ON_HOURS]
        object.__setattr__(self, "about_ways", tuple(about_ways))
        wishes = tuple(
            (place, match.phrase)
            for place, match in enumerate(self.matches.values())
            if match.operator in WISH_OPERATORS and match.phrase_side > 0
        )
        object.__setattr__(self, "wishes", wishes)

    def __repr__(self) -> str:
        """Short: the text of a definition has thousands of lines."""
        sizes = f"{len(self.client)} client fields, {len(self.clinician)} clinician fields, "
        sizes += f"{len(self.matches)} matches, {len(self.constraints)} constraints"
        return f"<Practice {self.id} {self.version}: {sizes}>"

    @property
    def reference(self) -> Instrument:
        """The instrument on whose scale predictions are reported."""
        return self.instruments[self.alliance.reference]

    @property
    def capacity(self) -> Constraint | None:
        """The constraint on open places: the first of family capacity by rule `at_least`."""
        return capacity_of(self.constraints.values())

    @property
    def places(self) -> str | None:
        """The clinician field that counts open places, which `capacity` reads; None without one."""
        return None if self.capacity is None else self.capacity.clinician[0]

    def day_at(self, now: datetime) -> date:
        """The date in the practice's time zone at a time that carries a zone."""
        return now.astimezone(ZoneInfo(self.timezone)).date()

    def fields(self, side: Side, *uses: str) -> dict[str, Field]:
        """Fields of one side; with `uses`, only fields of one of these uses."""
        declared = self.client if side == "client" else self.clinician
        return {name: f for name, f in declared.items() if not uses or f.use in uses}


def capacity_of(constraints: Iterable[Constraint]) -> Constraint | None:
    """The constraint on open places among some constraints; None without one."""
    for constraint in constraints:
        if constraint.family == "capacity" and constraint.rule == "at_least":
            return constraint
    return None


def load_practice(path: Path) -> Practice:
    """The practice definition in a TOML file.

    Raises
    ------
    DefinitionError
        With every fault: path in the file, what is wrong, how to fix it.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        others = [each.name for each in path.parent.glob("*.toml")]
        remedy = "check the path, or name `psychology` for the one that ships"
        remedy = with_near_name(path.name, others, remedy)
        raise DefinitionError([Fault(str(path), "does not exist", remedy)]) from None
    except (OSError, UnicodeDecodeError):
        remedy = "name a readable UTF-8 TOML file, or `psychology` for the one that ships"
        raise DefinitionError([Fault(str(path), "cannot be read", remedy)]) from None
    return read_practice(text)


def practice_named(name: str) -> Practice:
    """The definition in a file `NAME.toml`, or the shipped one of that name."""
    return load_practice(Path(name)) if name.endswith(".toml") else shipped_practice(name)


@cache
def shipped_practice(name: str = "psychology") -> Practice:
    """A definition that ships with the package, read once a process."""
    return read_practice(shipped_text(name))


def shipped_text(name: str) -> str:
    """The text of a shipped definition, to be copied and edited."""
    folder = files("recommender") / "practice" / "shipped"
    path = folder / f"{name}.toml"
    if not path.is_file():
        shipped = [each.name.removesuffix(".toml") for each in folder.iterdir()]
        remedy = with_near_name(name, set(shipped) - {"instruments"}, "name a TOML file")
        raise DefinitionError([Fault(name, "is not a shipped definition", remedy)])
    return path.read_text(encoding="utf-8")


def read_practice(text: str) -> Practice:
    """A checked practice from the text of its definition; see `load_practice` for errors.

    >>> try:
    ...     read_practice("[practise]")
    ... except DefinitionError as error:
    ...     print(error.faults[-1].where, error.faults[-1].problem)
    practise is not a section of a definition
    """
    return practice_of(_declared(text), text)


def _declared(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        problem, remedy = toml_problem(text, error)
        raise DefinitionError([Fault("file", problem, remedy)]) from None


def read_learned_practice(text: str, now: Practice | None = None) -> Practice:
    """The practice of a definition that a model learned with, which may lack words for cautions.

    Definitions once needed no `otherwise`, and a model that learned with one must still load. A
    match without it gets the words of the same match in `now`, the definition in use, or else a
    sentence about its group: never the words of a reason.

    Raises
    ------
    DefinitionError
        As `read_practice`, for everything else.
    """
    declared = _declared(text)
    groups, matches = (declared.get(section) for section in ("groups", "matches"))
    for name, table in matches.items() if isinstance(matches, dict) else ():
        if isinstance(table, dict) and _lacks_otherwise(table):
            ours = None if now is None else now.matches.get(name)
            phrase = groups.get(table.get("group"), "") if isinstance(groups, dict) else ""
            generic = WEAKER.format(group=phrase or name)
            alike = ours is not None and ours.phrase == table.get("phrase")
            table["otherwise"] = ours.otherwise if ours is not None and alike else generic
    history = declared.get("history")
    if isinstance(history, dict) and "phrase" in history and _lacks_otherwise(history):
        alike = now is not None and now.history.phrase == history["phrase"]
        default = HistorySettings().otherwise
        history["otherwise"] = now.history.otherwise if now is not None and alike else default
    return practice_of(declared, text)


def _lacks_otherwise(table: Mapping[str, Any]) -> bool:
    """Whether words for a caution are missing, or are those of the reason."""
    return bool(table.get("otherwise", table.get("phrase")) == table.get("phrase"))


def practice_of(declared: Mapping[str, Any], text: str) -> Practice:
    """A checked practice from its parsed definition and the text that was parsed.

    Raises
    ------
    DefinitionError
        With every fault, whatever the values are.
    """
    tables, rows, faults = _sections_of(declared)
    groups, group_faults = read_groups(tables["groups"])
    postcodes, postcode_faults = read_postcodes(tables["postcodes"])
    around = _surroundings_of(tables, postcodes)
    client, client_faults = _read_fields("client", tables["client"], groups, around)
    clinician, clinician_faults = _read_fields("clinician", tables["clinician"], groups, around)
    clinician_faults += _unknown_rooms(clinician)
    field_faults = client_faults + clinician_faults
    faulty = frozenset(".".join(fault.where.split(".")[:2]) for fault in field_faults)
    between = _FieldsOfBothSides(client, clinician, faulty)
    heading, heading_faults = read_heading(tables["practice"], client)
    heading_faults += language_faults(tables["practice"].get("language"))
    word_faults = [] if faulty else label_faults(client, clinician, tables["labels"])
    word_faults += [] if faulty else asked_when_faults(client)
    if not faulty and not word_faults:
        client, clinician = (with_labels(each, tables["labels"]) for each in (client, clinician))
    card, card_faults = read_optional(CardSettings, "card", tables["card"])
    instruments, alliance, alliance_faults = read_alliance(
        tables["alliance"], tables["instruments"]
    )
    history, history_faults = read_history(tables["history"], groups, client)
    ranking, ranking_faults = read_optional(RankingSettings, "ranking", tables["ranking"])
    matches, match_faults = _read_named("matches", tables["matches"], read_match, between)
    products, product_faults = _read_named("products", tables["products"], read_product, between)
    match_faults += product_faults
    for section in ("matches", "products"):
        for name, table in tables[section].items():
            match_faults += unknown_group(f"{section}.{name}.group", table.get("group"), groups)
    remedy = "choose another name: reasons and reports name both alike"
    match_faults += [
        Fault(f"products.{name}", "is the name of a match", remedy)
        for name in tables["products"]
        if name in tables["matches"]
    ]
    funding, funding_faults = read_funding(rows)
    if not faulty:
        funding_faults += unknown_modes(funding, client)
    example, example_faults = ({}, []) if faulty else _read_example(tables["example"], client)
    constraints, constraint_faults = _read_named(
        "constraints", tables["constraints"], read_constraint, between
    )
    locations, location_faults = read_locations(tables["places"], postcodes)
    for constraint in constraints.values():
        constraint_faults += funding_problems(constraint, funding, client, clinician)
    ways, ways_faults = read_meeting_modes(tables["ways"], client, clinician)
    if not ways_faults:
        wanted = None if ways is None else client[ways.client]
        ways_faults = [f for each in constraints.values() for f in ways_problems(each, wanted)]
    first_session, first_faults = read_first_session(
        tables["first_session"], client, clinician, constraints.values()
    )
    forms, form_faults = read_forms(tables["forms"], client, constraints.values(), groups)
    matching_page, page_faults = read_matching_page(
        tables["matching_page"], client, postcodes, tables["practice"].get("consent")
    )
    if (
        ranking.keep_last_places
        and not constraint_faults
        and capacity_of(constraints.values()) is None
    ):
        remedy = "declare a constraint of family capacity by rule at_least, or leave it out"
        fault = Fault("ranking.keep_last_places", "has no field of open places", remedy)
        ranking_faults.append(fault)
    faults += group_faults + postcode_faults + field_faults + heading_faults + card_faults
    faults += alliance_faults + history_faults + ranking_faults + match_faults + funding_faults
    faults += constraint_faults + ways_faults + first_faults + location_faults + example_faults
    faults += word_faults + ([] if client_faults else form_faults + page_faults)
    if faults:
        raise DefinitionError(sorted(set(faults)))
    return Practice(
        **asdict(heading),
        card=card,
        alliance=alliance,
        instruments=instruments,
        groups=groups,
        history=history,
        ranking=ranking,
        ways=ways,
        first_session=first_session,
        client=client,
        clinician=clinician,
        matches=matches | products,
        constraints=constraints,
        funding=funding,
        forms=forms,
        matching_page=matching_page,
        example=example,
        locations=locations,
        text=text,
        digest=hashlib.sha256(text.encode()).hexdigest(),
    )


def _sections_of(
    declared: Mapping[str, Any],
) -> tuple[dict[str, dict[str, Any]], list[dict[str, Any]], list[Fault]]:
    """Every section that is one table, the funding rows, and faults of what is neither."""
    known = (*TABLES, "funding")
    remedy = f"remove it, or use one of: {', '.join(known)}"
    faults = [
        Fault(section, "is not a section of a definition", with_near_name(section, known, remedy))
        for section in sorted(set(declared) - {*TABLES, "funding"})
    ]
    remedy = "write it as a TOML table, [section] or [section.name]"
    tables: dict[str, dict[str, Any]] = {}
    for section in TABLES:
        table = declared.get(section, {})
        if not isinstance(table, dict):
            faults.append(Fault(section, "is not a table", remedy))
            table = {}
        wrong = [name for name in table if section in NAMED and not isinstance(table[name], dict)]
        faults += [Fault(f"{section}.{name}", "is not a table", remedy) for name in wrong]
        tables[section] = {name: each for name, each in table.items() if name not in wrong}
    rows = declared.get("funding", [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        faults.append(Fault("funding", "is not a list of tables", "write each as [[funding]]"))
        rows = []
    return tables, rows, faults


@dataclass(frozen=True, slots=True)
class _FieldsOfBothSides:
    """The fields of both sides, and the labels of those with faults."""

    client: Fields
    clinician: Fields
    faulty: frozenset[str]


def _read_fields(
    side: Side, tables: Sections, groups: Mapping[str, str], around: Surroundings
) -> tuple[dict[str, Field], list[Fault]]:
    fields: dict[str, Field] = {}
    faults: list[Fault] = []
    for name, table in tables.items():
        fields[name], wrong = read_field(side, name, table, around)
        faults += wrong + name_faults(f"{side}.{name}", name)
        faults += unknown_group(f"{side}.{name}.group", fields[name].group, groups)
    reserved = {f"{side}_id", "name"} & set(fields)
    remedy = "choose another name: the tables already have this column"
    faults += [Fault(f"{side}.{name}", "is reserved", remedy) for name in sorted(reserved)]
    return fields, faults


def _surroundings_of(
    tables: Mapping[str, Mapping[str, Any]], postcodes: Mapping[str, tuple[float, float]]
) -> Surroundings:
    """What fields read of other parts: postcodes, and the ways of meeting an availability names.

    Whether they are right is checked where they are declared.
    """
    ways = tables["ways"].get("clinician")
    table = tables["clinician"].get(ways, {}) if isinstance(ways, str) else {}
    levels = table.get("levels", ())
    sound = isinstance(levels, list) and all(isinstance(level, str) for level in levels)
    if not sound or not levels:
        return Surroundings(postcodes)
    return Surroundings(postcodes, ways, tuple(levels))


def _read_example(
    table: Mapping[str, Any], client: Fields
) -> tuple[Mapping[str, RawValue], list[Fault]]:
    """The invented client's answers, as plain JSON that `read_rows` accepts."""
    if not table:
        return {}, []
    asked = {name: field for name, field in client.items() if field.use != "audit"}
    cells = {
        name: answer.isoformat() if isinstance(answer, date) else answer
        for name, answer in table.items()
    }
    try:
        return cells_at(asked, read_rows(asked, [cells]), 0), []
    except IntakeError as error:
        return {}, [replace(fault, where=f"example.{fault.where}") for fault in error.faults]


def _unknown_rooms(clinician: Fields) -> list[Fault]:
    remedy = "name a place of the clinician, or leave it out"
    places = [name for name, field in clinician.items() if field.kind == "place"]
    return [
        Fault(
            f"clinician.{name}.rooms",
            "is not a place of the clinician",
            with_near_name(field.rooms, places, remedy),
        )
        for name, field in clinician.items()
        if field.rooms is not None and field.rooms not in places
    ]


def _read_named(
    section: str,
    tables: Sections,
    read: Callable[[str, Mapping[str, Any], Fields, Fields], tuple[T | None, list[Fault]]],
    fields: _FieldsOfBothSides,
) -> tuple[dict[str, T], list[Fault]]:
    """The matches or the constraints.

    A table that names a field with faults has only those faults that do not depend on a field:
    the others may come from the field, and would mislead.
    """
    declarations: dict[str, T] = {}
    faults: list[Fault] = []
    for name, table in tables.items():
        where = f"{section}.{name}"
        declaration, wrong = read(name, table, fields.client, fields.clinician)
        if _fields_named_in(table) & fields.faulty:
            wrong = [fault for fault in wrong if not _depends_on_fields(fault, where)]
        elif declaration is not None:
            declarations[name] = declaration
        faults += wrong + name_faults(where, name)
    return declarations, faults


def _fields_named_in(table: Mapping[str, Any]) -> set[str]:
    """Labels of the fields that a match or a constraint names in any setting."""
    names = {side: [table.get(side)] for side in ("client", "clinician")}
    names["client"].append(table.get("session"))
    for key in ("when", "unless", "instead"):
        for side, name in (table[key] if isinstance(table.get(key), dict) else {}).items():
            names.setdefault(side, []).append(name)
    for key, (side, _) in FIELD_SETTINGS.items():
        names[side].append(table.get(key))
    return {
        f"{side}.{name}"
        for side, settings in names.items()
        for setting in settings
        for name in (setting if isinstance(setting, list) else [setting])
    }


def _depends_on_fields(fault: Fault, where: str) -> bool:
    parent, _, key = fault.where.rpartition(".")
    return parent != where or key in ON_FIELDS
