"""Answers requests with the code of one checkout and says how long each took.

Runs as a file, with that checkout on the path: it uses nothing else of `experiments`. A line of its
input is a list of request bodies; a line of its output has, for each, the milliseconds of processor
time and a digest of the answer.
"""

import gc
import hashlib
import itertools
import json
import secrets
import sys
import time
from pathlib import Path
from typing import Any

from recommender.security.scopes import ROLES, Role
from recommender.serving.recommendation_service import recommend_parsed
from recommender.serving.schemas.required_scope import NOTHING
from recommender.serving.snapshot.snapshot import ServingSnapshot, open_snapshot
from recommender.settings import Settings

_NUMBERS = itertools.count()


def _next_id(size: int) -> str:
    """Ids of recommendations are the seeds of lots: both versions count them."""
    return hashlib.sha256(str(next(_NUMBERS)).encode()).hexdigest()[: 2 * size]


def _answered(snapshot: ServingSnapshot, body: dict[str, Any]) -> tuple[float, str]:
    started = time.thread_time()
    served = recommend_parsed(snapshot, snapshot.form.read(body))
    sent = served.to_json(ROLES[Role.TOOL], NOTHING)
    taken = 1000 * (time.thread_time() - started)
    return taken, hashlib.sha256(sent + served.to_json()).hexdigest()


def _serve(bundle: Path, roster: Path) -> None:
    snapshot = open_snapshot(Settings(bundle=bundle, roster=roster))
    gc.collect()
    gc.freeze()
    for line in sys.stdin:
        found = [_answered(snapshot, body) for body in json.loads(line)]
        sys.stdout.write(json.dumps(found) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    secrets.token_hex = _next_id  # type: ignore[assignment]
    _serve(*map(Path, sys.argv[1:]))
