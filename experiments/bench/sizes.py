"""Bytes of answers as programs receive them, for everybody in a simulated practice's file.

Simulated clients answer nearly every question: no client of a practice gives fuller answers.
"""

import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from experiments.bench.latency import CLIENT
from experiments.bench.scoring import request_of
from recommender.security.scopes import ROLES, Role
from recommender.serving.recommendation_service import recommend_parsed
from recommender.serving.schemas.required_scope import EVERYTHING, NOTHING
from recommender.serving.snapshot.snapshot import open_snapshot
from recommender.settings import Settings
from recommender.tables.loader import read_clients

SHOWN_TO = (Role.TOOL, Role.STAFF)
CLIENTS = 120
LIMITS: Mapping[int, int] = {200: 12_000, 1_000: 15_000}
"""Bytes of a default answer that are accepted, by clinicians."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """Bytes of answers of one roster to one role.

    Attributes
    ----------
    demo, packed, whole
        To the request of the demo: by default, the same compressed, and with every part.
    median, largest
        Over simulated clients, by default.
    exceeding
        How many of these answers are larger than `LIMITS` accepts.
    """

    clinicians: int
    role: Role
    demo: int
    packed: int
    whole: int
    median: float
    largest: int
    exceeding: int


def measured(tables: Path, clinicians: int, clients: int = CLIENTS) -> Iterator[Sizes]:
    """The sizes of answers from a simulated practice's tables; the shipped definition's sizes."""
    settings = Settings(roster=tables / "clinicians.csv", practice="psychology")
    snapshot = open_snapshot(settings)
    people = read_clients(tables / "clients.csv", snapshot.practice)
    demo: dict[str, Any] = json.loads(CLIENT.read_bytes())
    bodies = [demo, *(request_of(snapshot.practice, people, row) for row in range(clients))]
    served = [
        recommend_parsed(
            snapshot, snapshot.form.read({k: v for k, v in body.items() if k != "top_k"})
        )
        for body in bodies
    ]
    for role in SHOWN_TO:
        answers = [each.to_json(ROLES[role], NOTHING) for each in served]
        sizes = list(map(len, answers[1:]))
        yield Sizes(
            clinicians=clinicians,
            role=role,
            demo=len(answers[0]),
            packed=len(gzip.compress(answers[0], 6)),
            whole=len(served[0].to_json(ROLES[role], EVERYTHING)),
            median=float(np.median(sizes)),
            largest=max(sizes),
            exceeding=sum(each > LIMITS[clinicians] for each in sizes),
        )
