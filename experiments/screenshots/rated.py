"""Matches that were asked for, begun and rated, so that there is something to draw.

What clients say is the prediction and chance, drawn from a seed: the pictures show what such pages
look like, not how right a model is.
"""

import json
from contextlib import closing
from datetime import date, timedelta
from typing import Any

import numpy as np

from experiments.screenshots.office import Office
from experiments.trust.keys import keys_to
from experiments.trust.live import call, connected
from experiments.trust.subject import CLIENT
from recommender.security.scopes import Role

MATCHES = 160
LAST = date(2026, 11, 1)
SPREAD = 0.6
"""Standard deviation of what clients say about what was predicted, in points of the mean item."""
ITEMS = 12


def keep_rated(office: Office) -> None:
    """Keeps so many matches, one a day up to the last, each rated two weeks later."""
    key = keys_to(office.store, [Role.STAFF])[Role.STAFF]
    rng = np.random.default_rng(1)
    port = int(office.url.rpartition(":")[2])
    for number in range(MATCHES):
        began = LAST - timedelta(days=MATCHES - number)
        _match(port, key, f"{number:04d}", began, float(rng.normal(scale=SPREAD)))


def _match(port: int, key: str, number: str, began: date, apart: float) -> None:
    client = {"client_id": f"r{number}"}
    told = _post(port, key, "/v1/recommendations", json.loads(CLIENT.read_bytes()) | client)
    shown = told["shortlist"][int(number) % len(told["shortlist"])]
    pairing = {"pairing_id": f"m{number}", "recommendation_id": told["recommendation_id"]}
    clinician = {"clinician_id": shown["clinician_id"]}
    _post(port, key, "/v1/pairings", pairing | client | clinician)
    event = {"kind": "attended", "happened_on": began.isoformat(), "session": 1}
    _post(port, key, f"/v1/pairings/m{number}/events", event)
    said = np.clip(shown["predicted_alliance"] + apart, 1, 5)
    rated_on = (began + timedelta(days=14)).isoformat()
    rating = {"pairing_id": f"m{number}", "session": 3, "instrument": "wai_sr", "metric": "sum"}
    score = {"score": round(float(said) * ITEMS), "rated_on": rated_on, "known_on": rated_on}
    _post(port, key, "/v1/ratings", rating | score)


def _post(port: int, key: str, path: str, body: Any) -> Any:
    with closing(connected(port)) as line:
        status, told = call(line, "POST", path, json.dumps(body).encode(), key)
    if status != 201:
        raise SystemExit(f"{path} answered {status}: {told}")
    return told
