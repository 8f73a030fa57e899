"""Screens many clients on one roster and one day: each verdict is judged once for equal answers.

What nobody has to answer is compiled into codes that every screening begins with. Only constraints
that read an answer of the client are looked at further.
"""

from collections.abc import Hashable
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
from recommender.practice.rules.rule_input import RequestContext, id_index_in
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

MAX_CACHED = 10_000_000
"""Verdicts in a cache, 40 MB; further ones are judged each time."""
PERSONAL_KINDS = ("place", "weekly_hours")
"""Kinds of answer that two clients rarely share: caching their verdicts would only use memory."""
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
            _Group(
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

    def screen(
        self, client: Columns, client_id: str | None, modes: Modes = DECLARED_MODES
    ) -> Screening:
        """The screening of one client, as `screening.screen.screen` gives it."""
        columns = self._roster.columns
        context = request_context_of(self._practice, client_id, self._roster.ids, self._day)
        layout = layout_for(self._practice, columns, modes) if modes else self._layout
        known = self._known(layout, client, context)
        return screen_columns(layout, client, columns, context, known)

    def _known(self, layout: Layout, client: Columns, context: RequestContext) -> KnownVerdicts:
        answers: dict[str, Hashable] = {}
        for name in self._read & answered_in(client):
            answer = client.values[name]
            # The bytes of a list of ids are its address, not its content.
            answers[name] = answer[0] if name in self._ids else answer.tobytes()
        if context.client_id is not None and LISTED in self._read:
            answers[LISTED] = context.client_id if context.client_id in self._listed else LISTED
        unanswered = self._unanswered_in(layout)
        known, unknown = [unanswered.groups[0]], [*unanswered.unknown]
        decided = self._deciding.keys() & answers.keys()
        for number in {number for name in decided for number in self._deciding[name]}:
            group = self._groups[number]
            if group.is_personal:
                unknown += [each for each in group.constraints if each.name in layout.places]
                continue
            fields = group.fields
            key = (
                answers[fields[0]]
                if len(fields) == 1
                else tuple([answers.get(name) for name in fields])
            )
            own = group.cached.get(key)
            if own is None:
                own = self._judged_group(group, key, client, context)
            if layout is not self._layout:
                own = group_of(layout, own.judged, unanswered.groups[0])
            known.append(own)
        return KnownVerdicts(unanswered.codes, tuple(known), tuple(unknown))

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
        self, group: "_Group", key: Hashable, client: Columns, context: RequestContext
    ) -> JudgedGroup:
        judged = self._judge(group, client, context)
        own = group_of(self._layout, judged, self._unanswered[self._layout].groups[0])
        if self._stored + len(judged) * len(self._roster) <= MAX_CACHED:
            group.cached[key] = own
            self._stored += len(judged) * len(self._roster)
        return own

    def _judge(
        self, group: "_Group", client: Columns, context: RequestContext
    ) -> dict[str, JudgedConstraint]:
        columns = self._roster.columns
        return {
            each.name: judged_constraint(each, each.mode, judge(each, client, columns, context))
            for each in group.constraints
        }


@dataclass(frozen=True, slots=True, eq=False)
class _Group:
    """Constraints that read the same answers of the client, and are looked up together.

    `fields` are those read, `cached` the verdicts by answers to them. With a field of
    `PERSONAL_KINDS` they are judged each time.
    """

    fields: tuple[str, ...]
    constraints: tuple[Constraint, ...]
    is_personal: bool
    cached: dict[Hashable, JudgedGroup] = field(default_factory=dict)


def _deciding(practice: Practice, group: _Group) -> set[str]:
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
