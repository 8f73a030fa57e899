"""Screens many clients of one roster: what two clients answered alike is judged once.

The verdicts are those of `constraints.screen`, found again by the answers they hang on. Imported
by `recommend` and `crowd`.
"""

from collections.abc import Hashable, Mapping
from datetime import date

from recommender.practice.columns import Columns
from recommender.practice.definition import Practice
from recommender.practice.rules.constraint import Constraint, client_fields, field_names, judge
from recommender.practice.rules.rule_input import RequestContext
from recommender.screening.screen import (
    DECLARED_MODES,
    Array,
    Modes,
    Screening,
    request_context_of,
    screen_columns,
)
from recommender.tables.roster import Roster

MAX_CACHED = 4_000_000
"""Verdicts kept, 32 MB of them: what is asked for after that is judged anew."""
PERSONAL_KINDS = ("place", "weekly_hours")
"""Kinds of answer two clients hardly ever share: to keep their verdicts would only take memory."""


def screening_cache_for(practice: Practice, roster: Roster, day: date) -> "ScreeningCache":
    """The sieve of a practice and a day, kept with the roster for those who ask next."""
    caches: dict[str, ScreeningCache] = roster.columns.view("sieve", dict)
    found = caches.get("latest")
    if found is None or not found.matches(practice, day):
        found = caches["latest"] = ScreeningCache(practice, roster, day)
    return found


class ScreeningCache:
    """One practice's constraints before one roster on one day."""

    def __init__(self, practice: Practice, roster: Roster, day: date) -> None:
        self._practice, self._roster, self._day = practice, roster, day
        self._reads = {
            name: tuple(sorted(client_fields(constraint)))
            for name, constraint in practice.constraints.items()
        }
        self._shared = frozenset(
            name for name, read in self._reads.items() if not self._is_personal(name, read)
        )
        self._fields = frozenset(f for name in self._shared for f in self._reads[name])
        self._verdicts: dict[Hashable, Array] = {}

    def matches(self, practice: Practice, day: date) -> bool:
        """Whether these constraints on this day are what it judges."""
        return self._practice is practice and self._day == day

    def screen(
        self, client: Columns, client_id: str | None, modes: Modes = DECLARED_MODES
    ) -> Screening:
        """Who may be shown to one client: exactly what `constraints.screen` says."""
        asking = request_context_of(self._practice, client_id, self._roster.ids, self._day)
        columns = self._roster.columns
        answers = {name: self._answer(client, name) for name in self._fields}
        known = {
            name: self._verdict(self._practice.constraints[name], client, asking, answers)
            for name in self._shared
        }
        return screen_columns(self._practice, client, columns, asking, modes, known)

    def _is_personal(self, name: str, read: tuple[str, ...]) -> bool:
        # Whom a clinician's list names is a question of who the client is.
        theirs = field_names(self._practice.constraints[name])[1]
        names_clients = any(self._practice.clinician[field].kind == "ids" for field in theirs)
        own = any(self._practice.client[field].kind in PERSONAL_KINDS for field in read)
        return own or names_clients

    def _answer(self, client: Columns, field: str) -> Hashable:
        answer = client[field]
        # The bytes of a list of ids say where it is kept, not what it holds.
        return answer[0] if self._practice.client[field].kind == "ids" else answer.tobytes()

    def _verdict(
        self,
        constraint: Constraint,
        client: Columns,
        asking: RequestContext,
        answers: Mapping[str, Hashable],
    ) -> Array:
        key = (constraint.name, *(answers[field] for field in self._reads[constraint.name]))
        found = self._verdicts.get(key)
        if found is None:
            found = judge(constraint, client, self._roster.columns, asking)
            if (len(self._verdicts) + 1) * len(self._roster) <= MAX_CACHED:
                self._verdicts[key] = found
        return found
