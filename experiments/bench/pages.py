"""The page of one request beside the JSON answer to the same request, from one server.

All are asked for in turn over one kept connection: the JSON as a matching tool does, the form and
its page as a browser does.
"""

import http.client
import json
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import numpy as np

from experiments.screenshots.answers import ANSWERS
from experiments.trust.live import PATIENT, connected, live_server
from recommender.practice.definition import shipped_practice
from recommender.serving.http.submitted_form import FORM, FormData
from recommender.serving.staff.pages.new_request import REQUESTS
from recommender.serving.staff.views.intake_answers import request_values

TIMES, WARM_UP = 150, 20
WHOLE = "/v1/recommendations?include=facts,exclusions,relaxations,contributions,unanswered"
"""The address whose answer holds everything that the page shows."""
JSON = {"content-type": "application/json"}
FORM_SENT = {"content-type": FORM, "sec-fetch-site": "same-origin"}


@dataclass(frozen=True, slots=True)
class Beside:
    """Milliseconds and bytes of both, on a roster of some size.

    Attributes
    ----------
    page
        The page rendered, for a request that is there.
    asked
        The form sent, and the page it leads to.
    answer
        The same request as JSON.
    """

    clinicians: int
    page: float
    asked: float
    answer: float
    page_bytes: int
    answer_bytes: int


def compare(bundle: Path, roster: Path) -> Beside:
    """Asks for both in turn and measures each."""
    form = {name: value if isinstance(value, list) else [value] for name, value in ANSWERS.items()}
    values = request_values(shipped_practice(), FormData(form))
    body, sent = json.dumps(values).encode(), urlencode(form, doseq=True).encode()
    settings = {"BUNDLE": bundle, "ROSTER": roster, **PATIENT}
    taken = []
    with live_server(settings) as server, closing(connected(server.port)) as connection:
        for _ in range(WARM_UP + TIMES):
            form_ms, moved, _ = _timed(connection, "POST", REQUESTS, sent, FORM_SENT)
            page_ms, _, page = _timed(connection, "GET", moved)
            answer_ms, _, answer = _timed(connection, "POST", WHOLE, body, JSON)
            taken.append((page_ms, form_ms + page_ms, answer_ms))
    told = json.loads(answer)
    page_taken, asked, answered = np.median(taken[WARM_UP:], axis=0).tolist()
    clinicians = told["eligible"] + len(told["excluded"])
    return Beside(clinicians, page_taken, asked, answered, len(page), len(answer))


def _timed(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> tuple[float, str, bytes]:
    """Milliseconds, where it leads, and what was sent."""
    started = time.perf_counter()
    connection.request(method, path, body, dict(headers or {}))
    response = connection.getresponse()
    content = response.read()
    taken = 1000 * (time.perf_counter() - started)
    if response.status not in (200, 303):
        raise SystemExit(f"{path} was answered {response.status}")
    return taken, response.headers.get("location", ""), content
