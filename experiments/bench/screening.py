"""Screening a large roster against every constraint, beside one numpy pass over the same columns.

The pass reads each column once and keeps nothing, so no screening can be cheaper. The client asks
for something in every constraint.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiments.simulated_practice.settings import scenario
from experiments.simulated_practice.tables import client_ids, clinicians_table
from experiments.simulated_practice.world import simulate
from recommender.practice.columns import Columns, read_rows
from recommender.practice.definition import Practice
from recommender.practice.rules.constraint import field_names, judge
from recommender.recommendation.recommend import Intake, read_intake
from recommender.screening.screen import request_context_of, screen
from recommender.screening.screening import Screening
from recommender.tables.roster import Roster

SIZES = (5_000, 50_000, 500_000)
MIDDLE = 50_000
"""The size the target is about."""
RUNS: Mapping[int, int] = {5_000: 41, 50_000: 21, 500_000: 7}
TOLD_RUNS = 3
DAY = date(2026, 10, 12)
"""A week in which no zone of the practice changes its clock."""
DRAWN, CHANGED = 400, 0.25
"""Clinicians simulated, and the share of each one's cells that a copy takes from somebody else."""
ELSEWHERE = 0.05
"""Share of clinicians in another zone than the practice's."""

CLIENT_ID = "c000007"
ANSWERS: Mapping[str, object] = {
    "main_concern": "anxiety",
    "concerns": ["anxiety", "trauma"],
    "concerns_must": ["anxiety"],
    "modalities_wanted": ["cbt", "act"],
    "modalities_must": ["cbt", "act", "emdr", "schema"],
    "modalities_not_wanted": ["psychodynamic"],
    "training_wished": "introductory",
    "languages_needed": ["vietnamese", "mandarin"],
    "interpreter_ok": True,
    "languages_preferred": ["vietnamese"],
    "genders_wished": ["woman", "non_binary"],
    "culture_wished": ["migrant_refugee"],
    "experience_wished": 5,
    "age_years": 16,
    "start_on": "2026-12-01",
    "service": "family",
    "risk_level": "level_3",
    "competencies_needed": ["suicide_safety_planning"],
    "funding": "medicare",
    "referral_held": True,
    "rebates_left": 9,
    "ndis_management": "agency_managed",
    "concession_card": True,
    "registrations_accepted": ["clinical_psychologist", "psychologist"],
    "max_fee": 300,
    "max_gap": 150,
    "no_gap_needed": True,
    "budget": 1500,
    "sessions_wished": 8,
    "modes_wanted": ["in_person", "video"],
    "jurisdiction": "nsw",
    "timezone": "Australia/Brisbane",
    "home": "-33.898,151.179",
    "max_km": 25,
    "hours_free": "mon 16:00-20:00; tue 09:00-12:30; wed 13:00-20:00; sat 09:00-13:00",
    "after_hours_needed": True,
    "max_wait_days": 14,
    "waitlist_ok": False,
    "session_minutes": 60,
    "session_interval_days": 14,
    "access_needs": ["public_transport"],
    "reports_needed": ["gp_letter"],
    "coordination_wished": True,
    "family_involved": True,
    "blocked_clinicians": ["k000003"],
    "refused_clinicians": ["k000004"],
    "clinicians_wished": ["k000005", "k000006"],
    "model_consent": True,
}
"""An intake with an answer to every question that a constraint reads. Medicare pays, since more
constraints ask for Medicare than for any other scheme; approval for a scheme is the one it leaves
unasked."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Median milliseconds at one size of roster.

    Attributes
    ----------
    clinicians, eligible
        How many, and how many of them may be shown.
    first
        The first screening of a new snapshot, which lays out what only the roster decides.
    screening
        Every verdict, who may be shown, and the ledger.
    told
        The same, with every reason of everyone excluded.
    read
        One pass over the same columns.
    """

    clinicians: int
    eligible: int
    first: float
    screening: float
    told: float
    read: float

    @property
    def ratio(self) -> float:
        """Screening beside one pass."""
        return self.screening / self.read


def measured(practice: Practice, size: int, runs: int) -> Cost:
    """What screening costs at one size; both are timed in turn, so that noise hits both."""
    intake, roster = the_intake(practice), a_roster(practice, size)
    columns = tuple(roster.columns[name] for name in columns_read(practice))
    first = _taken(lambda: _settled(_screened(practice, intake, roster)))
    taken = [
        (
            _taken(lambda: read_once(columns)),
            _taken(lambda: _settled(_screened(practice, intake, roster))),
        )
        for _ in range(runs)
    ]
    told = [_taken(lambda: _told(_screened(practice, intake, roster))) for _ in range(TOLD_RUNS)]
    eligible = int(_screened(practice, intake, roster).eligible.sum())
    read, screening = np.median(taken, axis=0).tolist()
    return Cost(size, eligible, first, screening, float(np.median(told)), read)


def dearest(practice: Practice, size: int, runs: int = 5) -> list[tuple[str, float]]:
    """Constraints with the milliseconds of their verdict alone, the dearest first."""
    intake, roster = the_intake(practice), a_roster(practice, size)
    asking = request_context_of(practice, intake.client_id, roster.ids, DAY)
    costs: dict[str, list[float]] = {name: [] for name in practice.constraints}
    for _ in range(runs + 1):
        for name, constraint in practice.constraints.items():
            verdict = partial(judge, constraint, intake.client, roster.columns, asking)
            costs[name].append(_taken(verdict))
    # The first of each lays out what only the roster decides.
    medians = [(name, float(np.median(taken[1:]))) for name, taken in costs.items()]
    return sorted(medians, key=lambda cost: -cost[1])


def exponent(sizes: list[float], times: list[float]) -> float:
    """The power of the size that times grow with, by least squares over logarithms.

    >>> round(exponent([10, 100, 1000], [2, 20, 200]), 6)
    1.0
    """
    return float(np.polyfit(np.log(sizes), np.log(times), 1)[0])


def the_intake(practice: Practice) -> Intake:
    """A client who asks for something in every constraint."""
    return read_intake(practice, ANSWERS, CLIENT_ID)


def columns_read(practice: Practice) -> tuple[str, ...]:
    """Every clinician's field that some constraint reads, and the one that says how they meet."""
    named = [name for c in practice.constraints.values() for name in field_names(c)[1]]
    named += [c.instead.clinician for c in practice.constraints.values() if c.instead]
    named += [practice.ways.clinician] if practice.ways else []
    first = practice.first_session
    named += [name for name in (first.clinician, first.absences) if name is not None]
    return tuple(sorted(set(named)))


def read_once(columns: tuple[NDArray[Any], ...]) -> float:
    """The sum of every number: one read, nothing kept, nothing compared.

    Lists of ids are only looked at for being there.
    """
    total = 0.0
    for column in columns:
        total += float(np.count_nonzero(column) if column.dtype == object else column.sum())
    return total


def a_roster(practice: Practice, size: int, seed: int = 1) -> Roster:
    """Clinicians tiled from a simulated roster, a quarter of their cells somebody else's."""
    drawn, rng = _drawn(practice, seed), np.random.default_rng(seed)
    base = rng.integers(drawn.size, size=size)
    values = {}
    for name in columns_read(practice):
        other = rng.integers(drawn.size, size=size)
        values[name] = drawn[name][np.where(rng.random(size) < CHANGED, other, base)]
    for name, column in _elsewhere(practice, rng, size):
        values[name] = column
    if "rooms" in values:
        values["rooms"] = values["rooms"] + rng.normal(0.0, 0.01, values["rooms"].shape)
    ids = tuple(f"k{number:06d}" for number in range(1, size + 1))
    return Roster(ids, (None,) * size, Columns(size, values), "bench", datetime.now(UTC))


def _elsewhere(
    practice: Practice, rng: np.random.Generator, size: int
) -> Iterator[tuple[str, NDArray[np.float64]]]:
    field = practice.clinician.get("timezone")
    if field is not None:
        away = rng.integers(len(field.levels), size=size)
        here = field.levels.index(practice.timezone)
        yield "timezone", np.where(rng.random(size) < ELSEWHERE, away, here).astype(np.float64)


def _drawn(practice: Practice, seed: int) -> Columns:
    settings = scenario("default", seed=seed, clinicians=DRAWN, ratings=1, test_clients=1)
    world = simulate(settings, practice)
    table = clinicians_table(world, client_ids(1, len(world.history.clients["age_years"])))
    fields = practice.fields("clinician")
    rows = table[list(fields)].to_dict("records")
    return read_rows(fields, [{str(name): cell for name, cell in row.items()} for row in rows])


def _screened(practice: Practice, intake: Intake, roster: Roster) -> Screening:
    return screen(practice, intake.client, intake.client_id, roster, DAY)


def _settled(screening: Screening) -> object:
    return screening.eligible, screening.constraint_counts


def _told(screening: Screening) -> object:
    return screening.eligible, screening.constraint_counts, screening.exclusions


def _taken(what: Callable[[], object]) -> float:
    started = time.perf_counter()
    what()
    return 1000 * (time.perf_counter() - started)
