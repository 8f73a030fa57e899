"""Screens many clients on one roster and one day: each verdict is judged once for equal answers.

What nobody has to answer is compiled into codes that every screening begins with. Only constraints
that read an answer of the client are looked at further.
"""

from collections.abc import Callable, Hashable, Mapping, Set
from dataclasses import dataclass, field
from datetime import date

from recommender.practice.columns import Columns, RowReader, answered_in
from recommender.practice.definition import Practice
from recommender.practice.rules.constraint import (
    Constraint,
    client_fields,
    deciding_fields,
    field_names,
    judge,
)
from recommender.practice.rules.packed_flags import Bits
from recommender.practice.rules.rule_input import RequestContext, id_index_in
from recommender.screening.codes import packed_codes
from recommender.screening.known_verdicts import (
    JudgedConstraint,
    JudgedGroup,
    KnownVerdicts,
    group_of,
    judged_constraint,
    known_of,
)
from recommender.screening.layout import DECLARED_MODES, MAX_LAYOUTS, Layout, Modes, layout_for
from recommender.screening.screen import request_context_of, screen_columns
from recommender.screening.screening import Screening
from recommender.tables.roster import Roster
from recommender.values.bounded_store import store_bounded

MAX_CACHED = 10_000_000
"""Verdicts in a cache, 40 MB; further ones are judged each time."""
MAX_KEYS = 4_096
"""Encoded answers by which the verdicts of one group are found."""
PERSONAL_KINDS = ("place", "weekly_hours")
"""Kinds of answer that two clients rarely share: caching their verdicts would only use memory."""
PlacedFlags = tuple[int, Bits | None]
"""The place of a constraint in the layout, and `packed_codes` of its codes."""
LISTED = ""
"""Stands among fields for whether lists of clinicians name the client."""


def screening_cache_for(practice: Practice, roster: Roster, day: date) -> "ScreeningCache":
    """The cache of a practice and a day; the roster holds the one used last."""
    caches: dict[str, ScreeningCache] = roster.columns.view("screening", dict)
    cache = caches.get("latest")
    if cache is None or not cache.is_of(practice, day):
        cache = caches["latest"] = ScreeningCache(practice, roster, day)
    return cache


class ScreeningCache:
    """Screens clients against one roster on one day; equal to `screening.screen.screen`."""

    def __init__(self, practice: Practice, roster: Roster, day: date) -> None:
        self._practice, self._roster, self._day = practice, roster, day
        self._layout = layout_for(practice, roster.columns)
        self._listed = {
            listed
            for constraint in self._layout.direct
            for name in _lists_of_clients(practice, constraint)
            for listed in id_index_in(roster.columns, name).of
        }
        together: dict[tuple[str, ...], list[Constraint]] = {}
        for constraint in self._layout.direct:
            together.setdefault(_fields_read(practice, constraint), []).append(constraint)
        self._groups = tuple(
            ConstraintGroup(
                fields,
                tuple(constraints),
                any(practice.client[each].kind in PERSONAL_KINDS for each in fields if each),
            )
            for fields, constraints in together.items()
        )
        self._deciding: dict[str, list[int]] = {}
        self._read = {name for group in self._groups for name in group.fields}
        for number, group in enumerate(self._groups):
            for name in _deciding(practice, group):
                self._deciding.setdefault(name, []).append(number)
        self._ids = {name for name, each in practice.client.items() if each.kind == "ids"}
        context = request_context_of(practice, None, roster.ids, day)
        silent = Columns(1, RowReader.of(practice.client).missing)
        judged: dict[str, JudgedConstraint] = {}
        for group in self._groups:
            judged |= self._judge(group, silent, context)
        self._unanswered = {self._layout: known_of(self._layout, judged, len(roster))}
        self._stored = 0

    def is_of(self, practice: Practice, day: date) -> bool:
        """Whether this is the cache of a practice and a day."""
        return self._practice is practice and self._day == day

    @property
    def layout(self) -> Layout:
        """The constraints in the declared modes."""
        return self._layout

    @property
    def roster(self) -> Roster:
        """The clinicians."""
        return self._roster

    @property
    def day(self) -> date:
        """The day of the requests."""
        return self._day

    def context_of(self, client_id: str | None) -> RequestContext:
        """What the rules read besides the answers of a client."""
        return request_context_of(self._practice, client_id, self._roster.ids, self._day)

    @property
    def groups(self) -> tuple["ConstraintGroup", ...]:
        """The constraints that do not depend on the way of meeting, by the answers they read."""
        return self._groups

    @property
    def listed(self) -> Set[str]:
        """The clients who are named in lists of the roster that constraints read."""
        return self._listed

    @property
    def unanswered(self) -> JudgedGroup:
        """The verdicts on a client without answers."""
        return self._unanswered[self._layout].groups[0]

    def of_group(
        self, number: int, key: Hashable, client: Callable[[], Columns], client_id: str
    ) -> tuple[PlacedFlags, ...]:
        """What one of the groups does for a client, of whom its fields are enough.

        None of it where that is what it does for a client without answers.

        `key` is equal for clients whose answers to these fields are. `client` is read only where
        they are not known.
        """
        group = self._groups[number]
        if key in group.known:
            return group.known[key]
        one, context = client(), self.context_of(client_id)
        answers = self._answers({*group.fields}, one, context)
        found: tuple[PlacedFlags, ...] = ()
        if any(number in self._deciding.get(name, ()) for name in answers):
            codes = self._verdicts_of(group, answers, one, context).codes
            found = tuple((place, packed_codes(each)) for place, each in codes)
        if self._stored < MAX_CACHED:
            store_bounded(group.known, key, found, MAX_KEYS)
        return found

    def screen(
        self, client: Columns, client_id: str | None, modes: Modes = DECLARED_MODES
    ) -> Screening:
        """The screening of one client, as `screening.screen.screen` gives it."""
        columns = self._roster.columns
        context = self.context_of(client_id)
        layout = layout_for(self._practice, columns, modes) if modes else self._layout
        known = self._known(layout, client, context)
        return screen_columns(layout, client, columns, context, known)

    def _known(self, layout: Layout, client: Columns, context: RequestContext) -> KnownVerdicts:
        answers = self._answers(self._read, client, context)
        unanswered = self._unanswered_in(layout)
        known, unknown = [unanswered.groups[0]], [*unanswered.unknown]
        decided = self._deciding.keys() & answers.keys()
        for number in {number for name in decided for number in self._deciding[name]}:
            group = self._groups[number]
            if group.is_personal:
                unknown += [each for each in group.constraints if each.name in layout.places]
                continue
            own = self._verdicts_of(group, answers, client, context)
            if layout is not self._layout:
                own = group_of(layout, own.judged, unanswered.groups[0])
            known.append(own)
        return KnownVerdicts(unanswered.codes, tuple(known), tuple(unknown))

    def _answers(
        self, names: Set[str], client: Columns, context: RequestContext
    ) -> dict[str, Hashable]:
        """What a client answered to some fields, so that equal answers are equal."""
        answers: dict[str, Hashable] = {}
        for name in names & answered_in(client):
            answer = client.values[name]
            # The bytes of a list of ids are its address, not its content.
            answers[name] = answer[0] if name in self._ids else answer.tobytes()
        if context.client_id is not None and LISTED in names:
            answers[LISTED] = context.client_id if context.client_id in self._listed else LISTED
        return answers

    def _verdicts_of(
        self,
        group: "ConstraintGroup",
        answers: Mapping[str, Hashable],
        client: Columns,
        context: RequestContext,
    ) -> JudgedGroup:
        fields = group.fields
        key = (
            answers[fields[0]]
            if len(fields) == 1
            else tuple([answers.get(name) for name in fields])
        )
        own = group.cached.get(key)
        return self._judged_group(group, key, client, context) if own is None else own

    def _unanswered_in(self, layout: Layout) -> KnownVerdicts:
        """The verdicts on a client without answers, in the modes of a layout."""
        found = self._unanswered.get(layout)
        if found is None:
            judged = self._unanswered[self._layout].judged()
            found = known_of(layout, judged, len(self._roster))
            if len(self._unanswered) < MAX_LAYOUTS:
                self._unanswered[layout] = found
        return found

    def _judged_group(
        self, group: "ConstraintGroup", key: Hashable, client: Columns, context: RequestContext
    ) -> JudgedGroup:
        judged = self._judge(group, client, context)
        own = group_of(self._layout, judged, self._unanswered[self._layout].groups[0])
        if self._stored + len(judged) * len(self._roster) <= MAX_CACHED:
            group.cached[key] = own
            self._stored += len(judged) * len(self._roster)
        return own

    def _judge(
        self, group: "ConstraintGroup", client: Columns, context: RequestContext
    ) -> dict[str, JudgedConstraint]:
        columns = self._roster.columns
        return {
            each.name: judged_constraint(each, each.mode, judge(each, client, columns, context))
            for each in group.constraints
        }


@dataclass(frozen=True, slots=True, eq=False)
class ConstraintGroup:
    """Constraints that read the same answers of the client, and are looked up together.

    `fields` are those read, `cached` the verdicts by answers to them, and `known` what these do for
    many clients, by their encoded answers. With a field of `PERSONAL_KINDS` they are judged each
    time.
    """

    fields: tuple[str, ...]
    constraints: tuple[Constraint, ...]
    is_personal: bool
    cached: dict[Hashable, JudgedGroup] = field(default_factory=dict)
    known: dict[Hashable, tuple[PlacedFlags, ...]] = field(default_factory=dict)


def _deciding(practice: Practice, group: ConstraintGroup) -> set[str]:
    """The fields of which none is answered where the group's verdicts are those on silence."""
    fields = set().union(
        *(deciding_fields(each, practice.first_session) for each in group.constraints)
    )
    return fields | {LISTED} if LISTED in group.fields else fields


def _fields_read(practice: Practice, constraint: Constraint) -> tuple[str, ...]:
    """The client's fields whose answers decide a verdict, and `LISTED` where lists do."""
    fields = sorted(client_fields(constraint, practice.first_session))
    return (LISTED, *fields) if _lists_of_clients(practice, constraint) else tuple(fields)


def _lists_of_clients(practice: Practice, constraint: Constraint) -> list[str]:
    """The clinician's fields of ids that a constraint reads."""
    return [n for n in field_names(constraint)[1] if practice.clinician[n].kind == "ids"]
