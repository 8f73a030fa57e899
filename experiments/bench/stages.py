"""Where the time of one recommendation goes, in this process, over varied clients."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial, wraps
from pathlib import Path
from typing import Any, TypeVar
from unittest.mock import patch

import numpy as np

from recommender.plan.score_plan import ScorePlan
from recommender.recommendation import recommend as recommending
from recommender.recommendation import relaxation_offers, shortlists, shown_explanations
from recommender.recommendation.recommend import DEFAULT_TOP_K, read_intake, recommend
from recommender.screening.cache import ScreeningCache, screening_cache_for
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
PAUSE = 0.002
"""Seconds without work, as a server has between requests."""
SCREENING_PASSES = ((ScreeningCache, "screen"),)
SCORING_PASSES = (
    (recommending, "score_eligible"),
    (recommending, "score_stated"),
    (ScorePlan, "score_changed"),
    (shortlists, "leads_among"),
    (shown_explanations, "contributions_of"),
    (shown_explanations, "average_contributions"),
    (relaxation_offers, "ahead"),
    (relaxation_offers, "may_lead"),
)
"""Functions that pass over arrays of clinicians, none of which calls another. Compiled code over
the same arrays can save no more than is spent in them, which includes the calls around numpy."""


def stages(bundle: Path, roster: Path, clients: Sequence[Mapping[str, Any]]) -> list[Taken]:
    """Milliseconds of processor time by stage, one mapping for each client.

    `whole` is everything that a server without a store computes for the default answer, `building`
    what of it the other stages do not name, and `recording` what a store needs besides. The
    `passes` are the parts of the whole spent in `SCREENING_PASSES` and `SCORING_PASSES`. All are of
    clients whose answers were computed before, without a pause, but for the two rows that say so.
    """
    snapshot = open_snapshot(Settings(bundle=bundle, roster=roster))
    first = min(WARM_UP, len(clients) // 2)
    for body in clients[:first]:
        _stages(snapshot, body)
    return [_of_client(snapshot, body) for body in clients[first:]]


def _of_client(snapshot: ServingSnapshot, body: Mapping[str, Any]) -> Taken:
    new = _whole(snapshot, body)
    taken = _fastest([_stages(snapshot, body) for _ in range(RUNS)])
    time.sleep(PAUSE)
    return {**taken, NEW_CLIENT: new, AFTER_PAUSE: _whole(snapshot, body)}


NEW_CLIENT = "whole, of a new client"
AFTER_PAUSE = "whole, after a pause"


def _whole(snapshot: ServingSnapshot, body: Mapping[str, Any]) -> float:
    """Milliseconds of processor time of everything a server computes for the default answer."""

    def answer() -> bytes:
        served = recommend_parsed(snapshot, snapshot.form.read(dict(body)))
        return served.to_json(ROLES[Role.TOOL], NOTHING)

    return _timed(answer)[1]


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
    stored, storing = _timed(lambda: recommend_parsed(snapshot, request, with_relaxations=True))
    _, recording = _timed(lambda: shown_of(stored, snapshot))
    with _spent_in(SCREENING_PASSES) as verdicts, _spent_in(SCORING_PASSES) as scores:
        recommend_parsed(snapshot, request)
    return {
        "validating": validating,
        "encoding": encoding_answers,
        "screening": screening,
        "scoring, ranking": recommending - screening,
        "building": serving - encoding_answers - recommending,
        "writing JSON": writing,
        "whole": validating + serving + writing,
        "recording": storing - serving + recording,
        "passes of screening, in the whole": sum(verdicts),
        "passes of scoring, in the whole": sum(scores),
    }


@contextmanager
def _spent_in(functions: Sequence[tuple[Any, str]]) -> Iterator[list[float]]:
    """Milliseconds of processor time of every call of some functions, while the block runs."""
    taken: list[float] = []

    def counted(function: Callable[..., Result]) -> Callable[..., Result]:
        @wraps(function)
        def call(*parts: Any, **named: Any) -> Result:
            result, spent = _timed(partial(function, *parts, **named))
            taken.append(spent)
            return result

        return call

    with ExitStack() as patched:
        for owner, name in functions:
            patched.enter_context(patch.object(owner, name, counted(getattr(owner, name))))
        yield taken


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
