"""The table that is learned from, made in parts by whoever has a hand free.

A part holds its pairings and those of its clients alone: memory stays bounded, and a worker on
another machine is sent no more than it needs. Imported by `prepared`.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from recommender.compute.runner import TaskRunner
from recommender.features.feature import Array
from recommender.features.pipeline import Pairs, Pipeline, Rows
from recommender.practice.columns import Columns

CHUNK_ROWS = 20_000
"""Pairings of a part: some 20 MB of what their clients answered, and as much of rows."""


@dataclass(frozen=True, slots=True)
class SideTables:
    """What all parts share: how rows are made, and every clinician."""

    pipeline: Pipeline
    clinicians: Columns


@dataclass(frozen=True, slots=True)
class TrainingPair:
    """Some pairings, in the places of their own clients."""

    clients: Columns
    pairs: Pairs
    history: Array


def feature_table(
    sides: SideTables, clients: Columns, pairs: Pairs, history: Array, runner: TaskRunner
) -> Rows:
    """What `Pipeline.rows` makes of all pairings, made in parts.

    Parameters
    ----------
    sides, clients, pairs, history
        As `Pipeline.rows` takes them.
    runner
        Who makes the parts.
    """
    needed = clients.only(sides.pipeline.client_fields)
    made = dict(runner(_rows, sides, _parts(needed, pairs, history)))
    return Rows.concatenate([made[name] for name in sorted(made)])


def _rows(sides: SideTables, met: TrainingPair) -> Rows:
    return sides.pipeline.rows(met.clients, sides.clinicians, met.pairs, met.history)


def _parts(clients: Columns, pairs: Pairs, history: Array) -> Iterator[tuple[str, TrainingPair]]:
    # Nobody to learn from is one empty part: its rows have columns all the same.
    for start in range(0, max(len(pairs.client), 1), CHUNK_ROWS):
        some = np.arange(start, min(start + CHUNK_ROWS, len(pairs.client)))
        own, place = np.unique(pairs.client[some], return_inverse=True)
        met = TrainingPair(clients.take(own), Pairs(place, pairs.clinician[some]), history[some])
        yield f"{start:012d}", met
