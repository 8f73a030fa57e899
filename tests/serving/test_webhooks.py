"""A running server sends what was decided and rated, as its contract says, also after a kill."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from standardwebhooks import Webhook

from recommender.journal.webhook_events import KINDS
from recommender.security.scopes import Role
from recommender.settings import Settings
from recommender.store.database import open_store
from recommender.store.schema import webhook_events
from recommender.webhooks.messages import secret_of
from tests.support.journal_rows import count
from tests.support.server import (
    PEPPER,
    RECOMMEND,
    JournalServer,
    a_request,
    captured_logs,
    journal_server,
    log_lines,
    new_key,
    wait_until,
)
from tests.support.server_process import free_port, server_process, wait_until_ready
from tests.support.webhook_receiver import Received, running_receiver, subscribe

RATING: dict[str, Any] = {
    **{"pairing_id": "p1", "session": 3, "instrument": "wai_sr", "metric": "sum", "score": 48},
    "rated_on": "2026-10-20",
}


@pytest.fixture(scope="module")
def server(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[JournalServer]:
    """A server that delivers at once."""
    url = f"sqlite:///{tmp_path_factory.mktemp('webhooks')}/journal.db"
    quick = settings.model_copy(update={"poll_seconds": 0.02})
    with journal_server(quick, url) as running:
        yield running


def decide(server: JournalServer) -> str:
    """The id of a recommendation that was decided on."""
    shown = server.recommended()
    name: str = shown["recommendation_id"]
    chosen = {"clinician_id": shown["shortlist"][0]["clinician_id"]}
    assert server.post(f"{RECOMMEND}/{name}/decisions", chosen).status_code == 201
    return name


def schema_of(contract: dict[str, Any], kind: str) -> Any:
    body = contract["webhooks"][kind]["post"]["requestBody"]["content"]["application/json"]
    return jsonschema_rs.Draft202012Validator(
        {**body["schema"], "components": contract["components"]}, validate_formats=True
    )


def test_what_is_decided_wished_and_rated_is_sent_signed_and_as_the_contract_says(
    server: JournalServer,
) -> None:
    contract = server.staff.get("/openapi.json").json()
    assert list(contract["webhooks"]) == list(KINDS)
    with running_receiver(503, 204) as receiver, captured_logs() as logs:
        endpoint, secret = subscribe(server.store, receiver.url)
        name = decide(server)
        wished = server.post(f"{RECOMMEND}/{name}/wishes", {"clinician_id": None})
        assert wished.status_code == 201, wished.text
        stored = server.post("/v1/ratings", RATING)
        assert stored.status_code == 201, stored.text
        wait_until(lambda: len(receiver.received) == 3)
        wait_until(lambda: 'outcome="delivered"} 2.0' in metrics(server))
        bodies = {body["type"]: body for body in map(verified_by(secret), receiver.received)}
    for kind, body in bodies.items():
        schema_of(contract, kind).validate(body)
        assert set(body["data"]) == set(example_of(contract, kind)["data"])
        schema_of(contract, kind).validate(example_of(contract, kind))
    for kind in ("recommendation.decided", "recommendation.wished"):
        assert bodies[kind]["data"] == {"recommendation_id": name}
    assert bodies["pairing.rated"]["data"]["rating_id"] == stored.json()["rating_id"]

    assert 'recommender_webhook_attempts_total{outcome="retried"} 1.0' in metrics(server)
    wait_until(lambda: oldest_of(metrics(server)) > 0)
    assert "webhooks" not in server.tool.get("/openapi.json?role=tool").json()
    own = server.staff.get("/openapi.json?role=staff").json()
    assert list(own["webhooks"]) == list(KINDS)
    (refused,) = [each for each in log_lines(logs) if each["event"] == "webhook_not_delivered"]
    assert refused["endpoint"] == endpoint.endpoint_id
    assert (refused["outcome"], refused["became"]) == ("refused", "retried")
    assert "127.0.0.1" not in json.dumps(refused)


def test_a_sandbox_key_causes_no_message(server: JournalServer) -> None:
    subscribe(server.store, "https://example.org/")
    before = count(server.store, webhook_events)
    key = new_key(server.store, "trial", Role.STAFF, sandbox=True).text
    headers = {"authorization": f"Bearer {key}"}
    shown = server.staff.post(RECOMMEND, json=a_request(), headers=headers).json()
    chosen = {"clinician_id": shown["shortlist"][0]["clinician_id"]}
    address = f"{RECOMMEND}/{shown['recommendation_id']}/decisions"
    assert server.staff.post(address, json=chosen, headers=headers).status_code == 201
    assert count(server.store, webhook_events) == before


def verified_by(secret: str) -> Any:
    def verified(received: Received) -> Any:
        return Webhook(secret).verify(received.body, received.headers)

    return verified


def example_of(contract: dict[str, Any], kind: str) -> Any:
    body = contract["webhooks"][kind]["post"]["requestBody"]["content"]["application/json"]
    return body["examples"][kind]["value"]


def metrics(server: JournalServer) -> str:
    context = server.app.state.context
    return str(context.metrics.text().decode())


def oldest_of(text: str) -> float:
    name = "recommender_webhook_oldest_waiting_seconds "
    return float(next(line for line in text.splitlines() if line.startswith(name)).split()[1])


@pytest.mark.slow
def test_a_server_killed_after_a_decision_sends_it_once_it_runs_again(
    settings: Settings, tmp_path: Path
) -> None:
    url, port = f"sqlite:///{tmp_path}/journal.db", free_port()
    store = open_store(url)
    key = new_key(store, "website", Role.STAFF).text
    environment = {
        "RECOMMENDER_STORE": url,
        "RECOMMENDER_PEPPER": PEPPER,
        # It does not come to deliver before it is killed.
        "RECOMMENDER_POLL_SECONDS": "600",
    }
    with running_receiver() as receiver, pytest.MonkeyPatch.context() as variables:
        _, secret = subscribe(store, receiver.url)
        for name, value in environment.items():
            variables.setenv(name, value)
        with server_process(settings, port) as process:
            wait_until_ready(process, port)
            name = decided_over_http(port, key)
            os.kill(process.pid, signal.SIGKILL)
            process.wait(10)
        assert receiver.received == []
        quick = settings.model_copy(update={"poll_seconds": 0.02})
        for name_of in environment:
            variables.delenv(name_of)
        with journal_server(quick, url):
            wait_until(lambda: len(receiver.received) == 1)
        body = Webhook(secret).verify(receiver.received[0].body, receiver.received[0].headers)
        assert body["data"] == {"recommendation_id": name}
    store.close()


def decided_over_http(port: int, key: str) -> str:
    import httpx

    headers = {"authorization": f"Bearer {key}"}
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers) as client:
        shown = client.post(RECOMMEND, json=a_request()).json()
        name: str = shown["recommendation_id"]
        chosen = {"clinician_id": shown["shortlist"][0]["clinician_id"]}
        assert client.post(f"{RECOMMEND}/{name}/decisions", json=chosen).status_code == 201
    return name


def test_secrets_of_endpoints_follow_from_the_pepper_of_the_server(server: JournalServer) -> None:
    credentials = server.app.state.context.auth.credentials
    endpoint, secret = subscribe(server.store, "https://example.org/")
    assert secret_of(credentials.pepper, endpoint.endpoint_id, 1) == secret
