"""The ledger and what would open more for one client of 200 clinicians, beside scoring them.

Scoring is one call for the whole roster; the ledger and the relaxations are all that a request does
beyond screening, scoring who fits and putting them in order.
"""

import csv
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np

from recommender.features.pipeline import Pairs
from recommender.model.alliance_model import AllianceModel, RosterEncoding
from recommender.plan.compiling import plan_for
from recommender.recommendation.recommend import (
    DEFAULT_TOP_K,
    Intake,
    read_intake,
)
from recommender.recommendation.relaxation_bounds import may_lead
from recommender.recommendation.relaxation_offers import RelaxationOffer, relaxation_offers
from recommender.recommendation.stated_scores import score_stated
from recommender.screening.changes import ScreenedRequest
from recommender.screening.relaxation import max_changes, relaxations
from recommender.screening.screen import request_context_of, screen
from recommender.tables.loader import read_roster

DAY = date(2026, 11, 23)
CLIENTS, RUNS = 60, 5


@dataclass(frozen=True, slots=True)
class Cost:
    """Milliseconds of one request, the quickest of several runs of each step.

    Attributes
    ----------
    eligible, offered
        Clinicians who fit, and changes offered.
    scoring
        Scoring all clinicians.
    ledger
        Ledger and reasons of everyone excluded.
    relaxing
        Finding changes, scoring whom they admit beside who fits, and choosing among them.
    """

    eligible: int
    offered: int
    scoring: float
    ledger: float
    relaxing: float

    @property
    def ratio(self) -> float:
        """Ledger and relaxations beside scoring."""
        return (self.ledger + self.relaxing) / self.scoring


def measured(model: AllianceModel, tables: Path) -> list[Cost]:
    """One cost a client of a simulated practice."""
    taken_at = datetime.now(UTC)
    encoding = model.encode_roster(read_roster(tables / "clinicians.csv", model.practice, taken_at))
    return [_cost(model, encoding, intake) for intake in intakes(model, tables)]


def intakes(model: AllianceModel, tables: Path) -> list[Intake]:
    """The first clients of a simulated practice."""
    asked = model.practice.fields("client", "score", "filter")
    with (tables / "clients.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row, _ in zip(csv.DictReader(file), range(CLIENTS), strict=False)]
    answers = [{k: v for k, v in row.items() if k in asked and v} for row in rows]
    return [
        read_intake(model.practice, given, row["client_id"])
        for given, row in zip(answers, rows, strict=True)
    ]


def _cost(model: AllianceModel, encoding: RosterEncoding, intake: Intake) -> Cost:
    practice, roster = model.practice, encoding.roster
    screening = screen(practice, intake.client, intake.client_id, roster, DAY)
    asking = request_context_of(practice, intake.client_id, roster.ids, DAY)
    asked = ScreenedRequest(practice, intake.client, asking, roster.columns, screening)
    fitting = np.flatnonzero(screening.eligible)
    few = len(fitting) < DEFAULT_TOP_K
    plan = plan_for(model, encoding)
    stated = score_stated(asked, plan)

    def score_fitting() -> None:
        plan.score(intake.client, Pairs(np.zeros(len(fitting), dtype=np.intp), fitting))

    def relax() -> tuple[RelaxationOffer, ...]:
        among = None if few else may_lead(asked, stated)
        found = relaxations(asked, max_changes(screening), among)
        return relaxation_offers(asked, encoding, stated, found, few=few)

    # Who fits is scored in any case: only what it takes beyond that is the relaxations'.
    fitted = _quickest(score_fitting) if len(fitting) else 0.0
    scored = _quickest(lambda: score_stated(asked, plan))
    return Cost(
        eligible=len(fitting),
        offered=len(relax()),
        scoring=_quickest(lambda: plan.score(intake.client, Pairs.of_one(len(roster)))),
        ledger=_quickest(lambda: (screening.constraint_counts, screening.exclusions)),
        relaxing=max(scored - fitted, 0.0) + _quickest(relax),
    )


def _quickest(work: Callable[[], object]) -> float:
    """Milliseconds of the quickest of several runs."""
    taken = []
    for _ in range(RUNS):
        started = time.perf_counter()
        work()
        taken.append(1000 * (time.perf_counter() - started))
    return min(taken)
