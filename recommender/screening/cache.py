"""Caches constraint verdicts of a roster, so that equal answers of many clients are judged once."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from datetime import date
from operator import itemgetter

from recommender.practice.columns import Columns
from recommender.practice.definition import Practice
from recommender.practice.rules.constraint import Constraint, client_fields, field_names, judge
from recommender.practice.rules.rule_input import RequestContext
from recommender.screening.codes import JudgedGroup, group_of, judged_constraint
from recommender.screening.layout import DECLARED_MODES, Modes, layout_for
from recommender.screening.screen import request_context_of, screen_columns
from recommender.screening.screening import Screening
from recommender.tables.roster import Roster

MAX_CACHED = 4_000_000
"""Verdicts in a cache, 40 MB; further ones are judged each time."""
PERSONAL_KINDS = ("place", "weekly_hours")
"""Kinds of answer that two clients rarely share: caching their verdicts would only use memory."""


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
        reads = {
            name: tuple(sorted(client_fields(constraint, practice.first_session)))
            for name, constraint in practice.constraints.items()
        }
        # Constraints that read the same answers are looked up together.
        by_fields: dict[tuple[str, ...], list[Constraint]] = {}
        self._layout = layout_for(practice, roster.columns)
        for name, fields in reads.items():
            is_direct = practice.constraints[name] in self._layout.direct
            if is_direct and not self._is_personal(name, fields):
                by_fields.setdefault(fields, []).append(practice.constraints[name])
        self._groups = [
            (number, _answers_to(fields), constraints)
            for number, (fields, constraints) in enumerate(by_fields.items())
        ]
        self._fields = frozenset(field for fields in by_fields for field in fields)
        self._judged: dict[Hashable, JudgedGroup] = {}
        self._stored = 0

    def is_of(self, practice: Practice, day: date) -> bool:
        """Whether this is the cache of a practice and a day."""
        return self._practice is practice and self._day == day

    def screen(
        self, client: Columns, client_id: str | None, modes: Modes = DECLARED_MODES
    ) -> Screening:
        """The screening of one client, as `screening.screen.screen` gives it."""
        context = request_context_of(self._practice, client_id, self._roster.ids, self._day)
        answers = {name: self._answer(client, name) for name in self._fields}
        known = []
        for number, answers_to, constraints in self._groups:
            key = number, answers_to(answers)
            judged = self._judged.get(key)
            if judged is None:
                judged = self._judge(key, constraints, client, context)
            known.append(judged)
        columns = self._roster.columns
        layout = layout_for(self._practice, columns, modes) if modes else self._layout
        return screen_columns(layout, client, columns, context, known)

    def _is_personal(self, name: str, client: tuple[str, ...]) -> bool:
        """Whether a verdict depends on who the client is, or on an answer that few share."""
        clinician = field_names(self._practice.constraints[name])[1]
        lists_clients = any(self._practice.clinician[field].kind == "ids" for field in clinician)
        return lists_clients or any(
            self._practice.client[field].kind in PERSONAL_KINDS for field in client
        )

    def _answer(self, client: Columns, field: str) -> Hashable:
        answer = client[field]
        # The bytes of a list of ids are its address, not its content.
        return answer[0] if self._practice.client[field].kind == "ids" else answer.tobytes()

    def _judge(
        self,
        key: Hashable,
        constraints: Sequence[Constraint],
        client: Columns,
        context: RequestContext,
    ) -> JudgedGroup:
        judged = {
            each.name: judged_constraint(
                each,
                each.mode,
                judge(each, client, self._roster.columns, context),
                context.first_session,
            )
            for each in constraints
        }
        group = group_of(self._layout, judged, len(self._roster))
        if self._stored + len(judged) * len(self._roster) <= MAX_CACHED:
            self._judged[key] = group
            self._stored += len(judged) * len(self._roster)
        return group


def _answers_to(fields: tuple[str, ...]) -> Callable[[Mapping[str, Hashable]], Hashable]:
    return itemgetter(*fields) if fields else lambda _: None
