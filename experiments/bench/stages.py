"""Where the time of one recommendation goes, in this process, over varied clients."""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from recommender.recommendation.recommend import DEFAULT_TOP_K, read_intake, recommend
from recommender.screening.cache import screening_cache_for
from recommender.security.scopes import ROLES, Role
from recommender.serving.recommendation_service import recommend_parsed, today
from recommender.serving.schemas.required_scope import NOTHING
from recommender.serving.snapshot.snapshot import ServingSnapshot, open_snapshot
from recommender.serving.stored_recommendation import shown_of
from recommender.settings import Settings

Result = TypeVar("Result")
Taken = Mapping[str, float]
WARM_UP = 20
RUNS = 2
"""Each client is computed so often; the fastest counts."""


def stages(bundle: Path, roster: Path, clients: Sequence[Mapping[str, Any]]) -> list[Taken]:
    """Milliseconds of processor time by stage, one mapping for each client.

    `whole` is everything that a server without a store computes for the default answer, `building`
    what of it the other stages do not name, and `recording` what a store needs besides.
    """
    snapshot = open_snapshot(Settings(bundle=bundle, roster=roster))
    for body in clients[:WARM_UP]:
        _stages(snapshot, body)
    return [_fastest([_stages(snapshot, body) for _ in range(RUNS)]) for body in clients]


def _stages(snapshot: ServingSnapshot, body: Mapping[str, Any]) -> Taken:
    practice, encoding = snapshot.practice, snapshot.encoding
    request, validating = _timed(lambda: snapshot.form.read(dict(body)))
    intake, encoding_answers = _timed(
        lambda: read_intake(practice, request.answers, request.client_id, request.modes)
    )
    day = request.asked_on or today(practice)
    cache = screening_cache_for(practice, encoding.roster, day)
    _, screening = _timed(lambda: cache.screen(intake.client, intake.client_id, intake.modes))
    _, recommending = _timed(
        lambda: recommend(
            intake, encoding, snapshot.model, day=day, top_k=DEFAULT_TOP_K, seed="bench"
        )
    )
    served, serving = _timed(lambda: recommend_parsed(snapshot, request))
    _, writing = _timed(lambda: served.to_json(ROLES[Role.TOOL], NOTHING))
    _, recording = _timed(lambda: shown_of(served, snapshot))
    return {
        "validating": validating,
        "encoding": encoding_answers,
        "screening": screening,
        "scoring, ranking, relaxations": recommending - screening,
        "building": serving - encoding_answers - recommending,
        "writing JSON": writing,
        "whole": validating + serving + writing,
        "recording": recording,
    }


def _timed(work: Callable[[], Result]) -> tuple[Result, float]:
    started = time.thread_time()
    result = work()
    return result, 1000 * (time.thread_time() - started)


def _fastest(runs: Sequence[Taken]) -> Taken:
    return min(runs, key=lambda run: run["whole"])


def quantiles(taken: Sequence[Taken]) -> Mapping[str, tuple[float, float, float]]:
    """Median, 99th percentile and mean of each stage."""
    columns = {name: [run[name] for run in taken] for name in taken[0]}
    return {
        name: (float(np.median(each)), float(np.quantile(each, 0.99)), float(np.mean(each)))
        for name, each in columns.items()
    }
