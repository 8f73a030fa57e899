"""How time grows with the number of pairings learned from, and of clinicians asked about.

Training runs in a process of its own at each size; a request is the whole way from an intake to a
shortlist with its reasons, in this process.
"""

import json
import time
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np

from experiments.bench.latency import CLIENT
from experiments.bench.training import Cost, ours
from recommender.model.alliance_model import AllianceModel
from recommender.recommendation.recommend import Intake, read_intake, recommend
from recommender.serving.schemas.intake import build_request_schema
from recommender.tables.loader import read_roster
from recommender.tables.roster import Roster, snapshot

DAY = date(2026, 11, 23)
WARM_UP = 3
SECONDS = 5.0
"""How long each roster is asked about."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Milliseconds of one request, and who fits."""

    clinicians: int
    eligible: int
    ms: float


def trained(tables: Path) -> Cost:
    """Seconds and memory of learning from one practice's tables."""
    return ours(tables, tables / "matrix.npz")


def asked(model: AllianceModel, roster: Path, clinicians: int) -> Asked:
    """The median request for the demo's client, of as many as fit into some seconds.

    A larger roster is the file's, over and over under new ids: as many fit of every thousand.
    """
    few = read_roster(roster, model.practice, datetime.now(UTC))
    encoding = model.encode_roster(_over_and_over(few, clinicians))
    intake, taken = _intake(model), list[float]()
    until = time.perf_counter() + SECONDS
    while time.perf_counter() < until or len(taken) <= WARM_UP:
        started = time.perf_counter()
        found = recommend(intake, encoding, model, day=DAY)
        taken.append(1000 * (time.perf_counter() - started))
    return Asked(len(encoding.roster), found.eligible, float(np.median(taken[WARM_UP:])))


def _over_and_over(roster: Roster, size: int) -> Roster:
    ids = tuple(f"k{number:06}" for number in range(size))
    rows = np.arange(size) % len(roster)
    return snapshot(ids, ids, roster.columns.take(rows), roster.taken_at)


def _intake(model: AllianceModel) -> Intake:
    told = build_request_schema(model.practice, top_k=5).read(json.loads(CLIENT.read_bytes()))
    return read_intake(model.practice, told.answers, told.client_id, told.modes)
