"""Requests of varied clients of a simulated practice: the paths a request can take, all of them.

One request measured over and over says nothing about the slowest: those who fit nobody, do not
agree to prediction or choose the mode of a constraint take other paths.
"""

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
    random, needed = np.random.default_rng(seed), _needed(practice)
    return [
        _varied(practice, request_of(practice, people, row % len(people)), needed, random)
        for row in range(clients)
    ]


def _varied(
    practice: Practice,
    body: dict[str, Any],
    needed: frozenset[str],
    random: np.random.Generator,
) -> dict[str, Any]:
    answers = {
        name: answer
        for name, answer in body["answers"].items()
        if name in needed or random.random() >= LEFT_OPEN
    }
    if practice.consent is not None and random.random() < REFUSING:
        answers[practice.consent] = False
    if random.random() < RESTRICTED and "max_km" in answers:
        answers["max_km"] = 1.0
    modes = {}
    choices = [each for each in practice.constraints.values() if each.may_be]
    if choices and random.random() < CHOOSING:
        chosen = choices[int(random.integers(len(choices)))]
        modes[chosen.name] = chosen.may_be[0]
    return body | {"answers": answers, "modes": modes}


def _needed(practice: Practice) -> frozenset[str]:
    """Fields that are required, or without whose answer nobody can be offered."""
    required = {name for name, field in practice.client.items() if field.required}
    rules = (each for each in practice.constraints.values() if each.excludes_on_silence)
    deciding = {name for rule in rules for name in rule.client}
    return frozenset(required | deciding | {practice.consent or ""})
