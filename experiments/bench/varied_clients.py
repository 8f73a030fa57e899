"""Requests of varied clients of a simulated practice: the paths a request can take, all of them.

One request measured over and over says nothing about the slowest: those who fit nobody, do not
agree to prediction or choose the mode of a constraint take other paths.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from experiments.bench.scoring import request_of
from recommender.practice.definition import Practice
from recommender.tables.loader import read_clients

CLIENTS = 300
REFUSING, CHOOSING, RESTRICTED = 0.04, 0.06, 0.08
"""Shares of clients who do not agree to prediction, for whom a constraint is in another mode than
declared, and with a limit that nearly nobody meets."""
LEFT_OPEN = 0.3
"""Share of optional answers that a client does not give."""


def varied_requests(
    practice: Practice, tables: Path, clients: int = CLIENTS, seed: int = 1
) -> list[dict[str, Any]]:
    """Request bodies as parsed JSON, with equal seeds for equal bodies."""
    people = read_clients(tables / "clients.csv", practice)
    random = np.random.default_rng(seed)
    return [_varied(practice, request_of(practice, people, row % len(people)), random)
            for row in range(clients)]  # fmt: skip


def _varied(
    practice: Practice, body: dict[str, Any], random: np.random.Generator
) -> dict[str, Any]:
    answers = {
        name: answer
        for name, answer in body["answers"].items()
        if practice.client[name].required
        or name in _deciding(practice)
        or random.random() >= LEFT_OPEN
    }
    if practice.consent is not None and random.random() < REFUSING:
        answers[practice.consent] = False
    if random.random() < RESTRICTED:
        answers |= {name: 1.0 for name in ("max_km",) if name in answers}
    modes = {}
    choices = [each for each in practice.constraints.values() if each.may_be]
    if choices and random.random() < CHOOSING:
        chosen = choices[int(random.integers(len(choices)))]
        modes[chosen.name] = chosen.may_be[0]
    return body | {"answers": answers, "modes": modes}


def _deciding(practice: Practice) -> Iterator[str]:
    """Fields without whose answer nobody can be offered."""
    for constraint in practice.constraints.values():
        if constraint.excludes_on_silence:
            yield from constraint.client
    if practice.consent is not None:
        yield practice.consent
