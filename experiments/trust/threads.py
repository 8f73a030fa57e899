"""Predictions and contributions asked by many threads at once, held against the same asked in turn.

Three ways to an answer: LightGBM's prediction, our table of contributions, and LightGBM's own walk
of trees, which serves where trees are too large for a table.
"""

import threading
from collections.abc import Callable, Mapping, Sequence

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray

from experiments.trust.line import Line
from experiments.trust.subject import Subject
from recommender.features.feature import Array
from recommender.model.bundle.io import load_bundle
from recommender.model.trees.ensemble import Trees

THREADS, CASES, ROWS = 32, 64, 3

Ask = Callable[[Array], Array]


def measure(count: int, subject: Subject) -> Sequence[Line]:
    """How many of so many calls answered otherwise than the same call alone."""
    trees = load_bundle(subject.bundle).trees
    if trees is None:
        raise SystemExit("the bundle has no trees of pairings; train on more ratings")
    differ = differences(count, ways_of(trees), trees.width)
    return (
        Line(
            f"predictions and contributions from {THREADS} threads",
            f"{count:,} calls of {len(ways_of(trees))} kinds against serial results, bit by bit",
            f"{differ} differences",
            "0 differences",
            differ == 0,
        ),
    )


def ways_of(trees: Trees) -> Mapping[str, Ask]:
    """Every way in which trees are asked; each call is counted as one."""
    booster = lgb.Booster(model_str=trees.text)

    def walk(rows: Array) -> Array:
        narrow = np.ascontiguousarray(rows, dtype=np.float32)
        return np.asarray(booster.predict(narrow, pred_contrib=True, num_threads=1))

    trees.prepare()
    return {"score": trees.score, "contributions": trees.contributions, "walk": walk}


def differences(count: int, ways: Mapping[str, Ask], width: int) -> int:
    """Calls that gave other bits than the same call alone, or that failed."""
    asks = list(ways.values())
    cases = _cases(width)
    alone = [[ask(case) for case in cases] for ask in asks]
    differ = [0] * THREADS
    start = threading.Barrier(THREADS)

    def run(thread: int) -> None:
        start.wait()
        for call in range(thread, count, THREADS):
            way, case = call % len(asks), call // len(asks) % len(cases)
            try:
                same = np.array_equal(asks[way](cases[case]), alone[way][case])
            except Exception:
                same = False
            differ[thread] += not same

    threads = [threading.Thread(target=run, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(differ)


def _cases(width: int) -> list[NDArray[np.float64]]:
    """A few rows each, with missing answers, the same in every run."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(CASES, ROWS, width)) * 3
    rows[rng.random(rows.shape) < 0.2] = np.nan
    return list(rows)
