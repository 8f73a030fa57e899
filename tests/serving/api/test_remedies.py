"""Refusals over HTTP show how to write JSON, and what they show is accepted."""

import json
import re
from typing import Any

from tests.support.server import TestClient, a_request, post_bytes

NIGHT = [{"day": "mon", "start": "22:00", "end": "02:00"}]


def errors(caller: TestClient, answers: dict[str, Any]) -> list[dict[str, Any]]:
    response = post_bytes(caller, json.dumps(a_request(answers)).encode())
    assert response.status_code == 422, response.text
    found: list[dict[str, Any]] = response.json()["errors"]
    return found


def test_a_client_free_past_midnight_is_told_how_to_split_the_night_in_json(
    caller: TestClient,
) -> None:
    [error] = errors(caller, {"free": NIGHT})
    assert error["pointer"] == "/answers/free/0"
    assert "split hours that pass midnight at 24:00" in error["message"]

    windows = [json.loads(text) for text in re.findall(r"\{[^}]*\}", error["message"])]
    followed = post_bytes(caller, json.dumps(a_request({"free": windows})).encode())
    assert followed.status_code == 200, followed.text
