"""`recommender webhooks`, from the first endpoint to a repeated delivery."""

import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from standardwebhooks import Webhook
from typer.testing import CliRunner, Result

from recommender.cli.main import app
from recommender.security.keys import Pepper
from recommender.store.database import Store, open_store
from recommender.webhooks.deliveries import MAX_ATTEMPTS, deliver_due
from recommender.webhooks.sending import send
from tests.support.journal_rows import decide
from tests.support.server import PEPPER
from tests.support.server_process import free_port
from tests.support.webhook_receiver import running_receiver

EVENTS = ("--event", "recommendation.decided", "--event", "pairing.rated")


@pytest.fixture
def environment(store_file: Path) -> dict[str, str]:
    store = f"sqlite:///{store_file}"
    return {"RECOMMENDER_STORE": store, "RECOMMENDER_PEPPER": PEPPER, "COLUMNS": "250"}


def run(environment: dict[str, str], *words: str) -> Result:
    return CliRunner().invoke(app, ["webhooks", *words], env=environment)


def deliver_in(store: Store, wait: timedelta) -> None:
    at = datetime.now(UTC) + wait
    with ThreadPoolExecutor(1) as workers:
        deliver_due(store, Pepper.of(PEPPER), send, workers, clock=lambda _: at)


def test_an_endpoint_is_added_tested_rotated_and_removed(environment: dict[str, str]) -> None:
    assert "recommender webhooks add" in run(environment, "list").output
    with running_receiver(204, 204, 500) as receiver:
        added = run(environment, "add", receiver.url, *EVENTS)
        assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=\n", added.stdout)
        assert "not shown again" in added.stderr
        listed = run(environment, "list").output
        assert receiver.url in listed
        assert added.stdout.strip() not in listed
        (name,) = re.findall(r"Endpoint ([a-z0-9]{8}) is added", added.stderr)

        assert run(environment, "test", name).output == "accepted (status 204)\n"
        rotated = run(environment, "rotate", name)
        assert rotated.stdout != added.stdout
        assert run(environment, "test", name).exit_code == 0
        for secret in (added.stdout, rotated.stdout):
            last = receiver.received[1]
            body = Webhook(secret.strip()).verify(last.body, last.headers)
            assert (body["type"], body["data"]) == ("webhook.test", {})
        refused = run(environment, "test", name)
        assert (refused.exit_code, refused.output) == (1, "refused (status 500)\n")

    assert run(environment, "test", name).output == "unreachable\n"
    assert "is removed" in run(environment, "remove", name).output
    assert run(environment, "remove", name).exit_code == 1


def test_a_delivery_that_failed_is_listed_and_repeated(environment: dict[str, str]) -> None:
    added = run(environment, "add", f"http://localhost:{free_port()}/", *EVENTS)
    (name,) = re.findall(r"Endpoint ([a-z0-9]{8}) is added", added.stderr)
    assert "no such delivery" in run(environment, "deliveries").output
    with closing(open_store(environment["RECOMMENDER_STORE"])) as store:
        decide(store)
        for attempt in range(MAX_ATTEMPTS):
            deliver_in(store, timedelta(days=2 * attempt, minutes=1))
    failed = run(environment, "deliveries", "--failed", "--endpoint", name).output
    assert "endpoint_off" in failed
    assert "off since" in run(environment, "list").output
    assert run(environment, "retry").exit_code == 1
    assert "retry --endpoint" in run(environment, "enable", name).output
    assert run(environment, "retry", "--endpoint", name).output == "1 delivery waits again.\n"
    assert "waiting" in run(environment, "deliveries").output


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("add", "http://example.org/", *EVENTS), "http is for localhost only"),
        (("add", "https://example.org/", "--event", "all"), "pairing.rated"),
        (("enable", "abcdefgh"), "webhooks list"),
        (("test", "abcdefgh"), "webhooks list"),
    ],
)
def test_what_cannot_be_done_is_refused_with_its_remedy(
    environment: dict[str, str], words: tuple[str, ...], expected: str
) -> None:
    result = run(environment, *words)
    assert result.exit_code == 1
    assert expected in " ".join(result.output.replace("│", " ").split())


def test_an_address_inside_is_tested_only_where_the_server_may_send_to_it(
    environment: dict[str, str],
) -> None:
    added = run(environment, "add", f"https://127.0.0.2:{free_port()}/", *EVENTS)
    (name,) = re.findall(r"Endpoint ([a-z0-9]{8}) is added", added.stderr)
    assert run(environment, "test", name).output == "private_address\n"
    named = environment | {"RECOMMENDER_WEBHOOK_PRIVATE_HOSTS": '["127.0.0.2"]'}
    assert run(named, "test", name).output == "unreachable\n"


def test_with_another_pepper_no_test_is_sent(environment: dict[str, str]) -> None:
    added = run(environment, "add", "http://localhost/", *EVENTS)
    (name,) = re.findall(r"Endpoint ([a-z0-9]{8}) is added", added.stderr)
    result = run(environment | {"RECOMMENDER_PEPPER": PEPPER + "!"}, "test", name)
    assert result.exit_code == 1
    assert "webhooks rotate" in result.output
