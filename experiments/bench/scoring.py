"""A file of clients ranked at once beside the same clients asking one after another over HTTP.

Both rank the same clients against the same roster. What is compared is the time each computed, so
that what else the machine does takes from neither.
"""

import json
import time
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from experiments.bench.latency import COUNTED, ask, server
from recommender.model.alliance_model import AllianceModel
from recommender.model.bundle.io import load_bundle
from recommender.practice.columns import cells_at
from recommender.practice.definition import Practice
from recommender.recommendation.batch_scoring import score_clients
from recommender.recommendation.score_tables import JobSettings
from recommender.tables.cells import People
from recommender.tables.loader import read_clients, read_roster

DAY = date(2026, 11, 23)
TOP_K = 5
WARM_UP, REQUESTS = 20, 100
AT_ONCE = 2_000
"""Clients ranked by the batch; those who ask over HTTP are the first of them."""


@dataclass(frozen=True, slots=True)
class Speed:
    """Pairs a second and core, and milliseconds a client."""

    clinicians: int
    clients: int
    seconds: float

    @property
    def pairs(self) -> float:
        """Pairs a second and core."""
        return self.clinicians * self.clients / self.seconds

    @property
    def ms(self) -> float:
        """Milliseconds a client."""
        return 1000 * self.seconds / self.clients


def compare(bundle: Path, clients: Path, roster: Path, out: Path) -> tuple[Speed, Speed]:
    """The batch, and the same over HTTP."""
    model = load_bundle(bundle)
    people = read_clients(clients, model.practice)
    return (
        batched(model, some(people, AT_ONCE), roster, out),
        _over_http(bundle, model, some(people, WARM_UP + REQUESTS), roster),
    )


def some(people: People, size: int) -> People:
    """So many of the people, over and over under new ids where there are fewer."""
    found = people.take(np.arange(size) % len(people))
    ids = tuple(f"{name}-{place // len(people)}" for place, name in enumerate(found.ids))
    return People(ids, found.names, found.columns)


def batched(model: AllianceModel, people: People, roster: Path, out: Path) -> Speed:
    """Ranked from what was read to what is written, in this process alone."""
    encoding = model.encode_roster(read_roster(roster, model.practice, datetime.now(UTC)))
    asked = JobSettings(encoding, model, DAY, TOP_K)
    score_clients(some(people, 1), asked, "warm", out / "warm", lambda *_: None)
    started = time.process_time()
    score_clients(people, asked, "bench", out / "parts", lambda *_: None)
    return Speed(len(encoding.roster), len(people), time.process_time() - started)


def _over_http(bundle: Path, model: AllianceModel, people: People, roster: Path) -> Speed:
    bodies = [
        json.dumps(request_of(model.practice, people, row)).encode() for row in range(len(people))
    ]
    serve = ("recommender.cli", "serve", "--bundle", bundle, "--roster", roster)
    with server(*serve) as (connection, process):
        for body in bodies[:WARM_UP]:
            ask(connection, body)
        before = _computed(process)
        for body in bodies[WARM_UP:]:
            ask(connection, body)
        taken = _computed(process) - before
        told = json.loads(ask(connection, bodies[0], COUNTED))
    clinicians = told["eligible"] + len(told["excluded"])
    return Speed(clinicians, len(people) - WARM_UP, taken)


def _computed(process: int) -> float:
    """Seconds a process and those it started have computed."""
    parent = psutil.Process(process)
    times = [each.cpu_times() for each in (parent, *parent.children(recursive=True))]
    return float(sum(each.user + each.system for each in times))


def request_of(practice: Practice, people: People, row: int) -> dict[str, Any]:
    """The request for one client of a file, with every answer in it."""
    fields = practice.fields("client", "score", "filter")
    cells: dict[str, Any] = cells_at(fields, people.columns, row)
    for name, cell in cells.items():
        if fields[name].kind == "weekly_hours":
            cells[name] = [_window(text) for text in cell]
        elif fields[name].kind == "place":
            cells[name] = [_point(text) for text in cell]
    asked = {"client_id": people.ids[row], "asked_on": DAY.isoformat(), "top_k": TOP_K}
    return asked | {"answers": cells}


def _window(text: str) -> dict[str, str]:
    day, hours = text.split(" ")
    start, end = hours.split("-")
    return {"day": day, "start": start, "end": end}


def _point(text: str) -> dict[str, float]:
    latitude, longitude = map(float, text.split(","))
    return {"latitude": latitude, "longitude": longitude}
