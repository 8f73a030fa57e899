"""Each check finds what is wrong, and a sound deployment has nothing wrong."""

import base64
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import NamedTuple

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from recommender.backup.writing import BackupSources, write_backup
from recommender.cli.doctor import checks
from recommender.cli.doctor.checks import (
    CHECKS,
    check_backups,
    check_bundle,
    check_clock,
    check_definition,
    check_permissions,
    check_port,
    check_registry,
    check_roster,
    check_settings,
    check_space,
    run_checks,
)
from recommender.cli.doctor.deployment import Deployment
from recommender.cli.doctor.security_checks import (
    check_keys,
    check_open,
    check_passwords,
    check_pepper,
    check_special_keys,
    check_store,
    check_webhooks,
)
from recommender.cli.main import app
from recommender.errors import Fault
from recommender.practice.definition import shipped_practice
from recommender.security.keys import list_keys, revoke_key
from recommender.security.scopes import Role
from recommender.store.database import connect, open_store
from recommender.store.schema import webhook_endpoints
from recommender.webhooks.endpoints import switch_off
from tests.support.server import CANARY, PEPPER, new_key
from tests.support.webhook_receiver import subscribe

DAY = timedelta(days=1)


def found_by(check: Callable[[Deployment], Iterator[Fault]], deployment: Deployment) -> str:
    """What a check found, one line each."""
    return "\n".join(map(str, check(deployment)))


def test_a_sound_deployment_has_no_fault(sound: Deployment) -> None:
    assert run_checks(sound) == ()


def test_no_check_changes_a_deployment(sound: Deployment, tmp_path: Path) -> None:
    before = sorted(tmp_path.iterdir())
    run_checks(replace(sound, store=f"sqlite:///{tmp_path}/absent.db"))
    assert sorted(tmp_path.iterdir()) == before


def test_a_misspelt_variable_is_named_and_its_value_is_not(sound: Deployment) -> None:
    environment = {"RECOMMENDER_PEPER": CANARY, "RECOMMENDER_STORE": "x", "PATH": "x"}
    said = found_by(check_settings, replace(sound, environment=environment))
    assert "RECOMMENDER_PEPER" in said
    assert len(said.splitlines()) == 1
    assert CANARY not in said


def test_a_server_open_to_the_network_is_found(sound: Deployment) -> None:
    bare = replace(sound, host="0.0.0.0", store=None)
    assert "anybody on the network" in found_by(check_open, bare)
    assert "ALLOWED_HOSTS" in found_by(check_open, replace(sound, host="0.0.0.0"))


def test_a_damaged_bundle_is_found(sound: Deployment, tmp_path: Path) -> None:
    assert sound.bundle is not None
    damaged = Path(shutil.copytree(sound.bundle, tmp_path / "bundle"))
    with (damaged / "manifest.json").open("ab") as file:
        file.write(b" ")
    assert "manifest.json" in found_by(check_bundle, replace(sound, bundle=damaged))
    for check in (check_definition, check_roster):
        assert found_by(check, replace(sound, bundle=damaged)) == ""


def test_a_model_of_another_definition_is_found(sound: Deployment) -> None:
    other = replace(sound, practice=shipped_practice())
    assert "not the definition" in found_by(check_definition, other)


def test_a_roster_that_is_absent_old_or_faulty_is_found(sound: Deployment, tmp_path: Path) -> None:
    assert "does not exist" in found_by(check_roster, replace(sound, roster=tmp_path / "none.csv"))
    assert "days ago" in found_by(check_roster, replace(sound, now=sound.now + 8 * DAY))
    faulty = tmp_path / "clinicians.csv"
    faulty.write_text(sound.roster.read_text().replace("k01", "", 1))
    assert "clinician" in found_by(check_roster, replace(sound, roster=faulty))


def test_a_store_that_is_absent_away_or_not_migrated_is_found(
    sound: Deployment, tmp_path: Path
) -> None:
    absent = replace(sound, store=f"sqlite:///{tmp_path}/absent.db")
    assert "database does not exist yet" in found_by(check_store, absent)
    away = "postgresql+psycopg://someone:hunter2@127.0.0.1:1/nothing"
    said = found_by(check_store, replace(sound, store=away))
    assert "unreachable" in said
    assert "hunter2" not in said
    assert sound.store is not None
    store = connect(sound.store)
    with store.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    store.close()
    assert "another schema" in found_by(check_store, sound)


def test_a_store_that_others_can_read_is_found(sound: Deployment) -> None:
    assert sound.store_file is not None
    sound.store_file.chmod(0o644)
    assert "chmod 600" in found_by(check_permissions, sound)


@pytest.mark.parametrize(
    ("pepper", "said"),
    [
        (None, "fewer than 32"),
        ("changeme", "fewer than 32"),
        ("ab" * 20, "can be guessed"),
        ("another pepper of more than thirty-two letters", "created with: website"),
    ],
)
def test_a_pepper_that_is_missing_weak_or_another_is_found(
    sound: Deployment, pepper: str | None, said: str
) -> None:
    assert said in found_by(check_pepper, replace(sound, pepper=pepper))


def test_keys_of_pages_on_any_machine_and_keys_that_store_nothing_are_found(
    sound: Deployment,
) -> None:
    assert list(check_special_keys(sound)) == []
    assert sound.store is not None
    store = open_store(sound.store)
    local = {"origins": ("http://localhost:3000",)}
    new_key(store, "form", Role.BROWSER, now=sound.now, **local)
    assert list(check_special_keys(sound)) == []
    public = replace(sound, host="0.0.0.0")
    assert "pages on anybody's own machine" in found_by(check_special_keys, public)
    with store.writing() as connection:
        for key in list_keys(connection):
            revoke_key(connection, key.key_id, now=sound.now, actor="test")
    new_key(store, "trial", Role.BROWSER, now=sound.now, sandbox=True, **local)
    store.close()
    assert found_by(check_special_keys, public).count("sandbox keys only") == 1
    assert "own machine" not in found_by(check_special_keys, public)


def test_webhooks_that_are_off_failing_or_signed_with_another_pepper_are_found(
    sound: Deployment,
) -> None:
    assert sound.store is not None
    store = open_store(sound.store)
    endpoint, _ = subscribe(store, "https://example.org/")
    assert list(check_webhooks(sound)) == []
    assert "another pepper" in found_by(check_webhooks, replace(sound, pepper=PEPPER + "!"))
    with store.writing() as connection:
        named = webhook_endpoints.c.endpoint_id == endpoint.endpoint_id
        failing = webhook_endpoints.update().where(named).values(failing_since=sound.now)
        connection.execute(failing)
    assert list(check_webhooks(sound)) == []
    assert "has failed since" in found_by(check_webhooks, replace(sound, now=sound.now + DAY))
    with store.writing() as connection:
        switch_off(connection, endpoint.endpoint_id, "gone", now=sound.now, actor="test")
    store.close()
    assert "is off (gone)" in found_by(check_webhooks, sound)


def test_keys_that_end_soon_or_are_not_there_are_found(sound: Deployment) -> None:
    assert "expires in 10 days" in found_by(check_keys, replace(sound, now=sound.now + 355 * DAY))
    assert "no live key" in found_by(check_keys, replace(sound, now=sound.now + 400 * DAY))


@pytest.mark.parametrize(
    "changes",
    [
        {"store": "postgresql+psycopg://postgres:postgres@db/x"},
        {"store": "postgresql+psycopg://someone:someone@db/x"},
        {"registry": "https://admin:password1234@mlflow.example"},
        {"environment": {"MLFLOW_TRACKING_PASSWORD": "password1234"}},
    ],
)
def test_a_password_that_everybody_knows_is_found(
    sound: Deployment, changes: dict[str, str]
) -> None:
    said = found_by(check_passwords, replace(sound, **changes))  # type: ignore[arg-type]
    assert "default password" in said
    assert "password1234" not in said


def test_a_registry_that_is_away_is_found(sound: Deployment, tmp_path: Path) -> None:
    for registry in ("http://127.0.0.1:9", f"sqlite:///{tmp_path}/absent.db"):
        assert "registry" in found_by(check_registry, replace(sound, registry=registry))


def test_a_backup_that_is_missing_old_or_recent_is_told_apart(
    sound: Deployment, tmp_path: Path
) -> None:
    folder = tmp_path / "backups"
    deployment = replace(sound, backups=folder)
    assert found_by(check_backups, sound) == ""
    assert "cannot be read; create it" in found_by(check_backups, deployment)
    folder.mkdir()
    assert "holds no backup" in found_by(check_backups, deployment)
    sources = BackupSources(sound.store, None, None, {})
    write_backup(sources, folder / "monday", now=sound.now - 3 * DAY, progress=lambda *_: None)
    assert "newest is 72 hours old" in found_by(check_backups, deployment)
    write_backup(sources, folder / "thursday", now=sound.now, progress=lambda *_: None)
    assert found_by(check_backups, deployment) == ""


def test_a_registry_that_takes_the_first_password_is_found(sound: Deployment) -> None:
    with a_registry("admin:password1234") as address:
        said = found_by(check_registry, replace(sound, registry=address))
    assert "mlflow's default password" in said
    with a_registry("admin:four words without tune") as address:
        assert found_by(check_registry, replace(sound, registry=address)) == ""


def test_a_slow_registry_is_given_up_on(sound: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "PATIENCE_SECONDS", 0.2)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        said = found_by(check_registry, replace(sound, registry=address))
    assert "does not answer" in said


def test_unknown_zones_and_a_clock_apart_are_found(
    sound: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "NTP" in found_by(check_clock, replace(sound, now=sound.now + timedelta(minutes=5)))
    monkeypatch.setattr(checks, "ZONES", ("Nowhere/Atlantis",))
    assert "tzdata" in found_by(check_clock, sound)


def test_a_full_disk_is_found(sound: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    class Usage(NamedTuple):
        free: int

    monkeypatch.setattr("shutil.disk_usage", lambda _: Usage(checks.SPACE - 1))
    assert "less than 1 GiB" in found_by(check_space, sound)


def test_a_port_that_something_else_has_is_found(
    sound: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "PATIENCE_SECONDS", 0.2)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        busy = replace(sound, port=taken.getsockname()[1])
        assert "is in use" in found_by(check_port, busy)


def test_a_port_that_this_server_has_is_no_finding(sound: Deployment) -> None:
    with a_registry("") as address:
        mine = replace(sound, port=int(address.rsplit(":", 1)[1]))
        assert found_by(check_port, mine) == ""


def test_every_check_is_in_the_checkup() -> None:
    modules = {check.__module__ for check in CHECKS}
    assert len(CHECKS) == len(set(CHECKS)) == 21
    assert modules == {
        "recommender.cli.doctor.checks",
        "recommender.cli.doctor.matching_checks",
        "recommender.cli.doctor.security_checks",
        "recommender.cli.doctor.sign_in_checks",
    }


def test_the_command_says_each_finding_on_a_line_and_exits_with_one(
    sound: Deployment, tmp_path: Path
) -> None:
    words = ["doctor", "--roster", str(tmp_path / "none.csv"), "--port", str(sound.port)]
    result = CliRunner().invoke(app, words, env={"RECOMMENDER_STORE": f"sqlite:///{tmp_path}/no"})
    assert result.exit_code == 1
    lines = [line.split(":")[0] for line in result.output.splitlines()]
    assert lines == ["roster", "store", "pepper"]
    words[2] = str(sound.roster)
    assert CliRunner().invoke(app, words, env={"RECOMMENDER_STORE": None}).exit_code == 0


def test_settings_that_cannot_be_read_are_told_without_their_values() -> None:
    environment = {"RECOMMENDER_WORKERS": CANARY}
    result = CliRunner().invoke(app, ["doctor"], env=environment)
    assert result.exit_code == 1
    assert "RECOMMENDER_WORKERS" in result.output
    assert CANARY not in result.output


@contextmanager
def a_registry(right: str) -> Iterator[str]:
    """A server that asks for a password and is alive as ours are."""
    wanted = f"Basic {base64.b64encode(right.encode()).decode()}"

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            let_in = self.path == "/livez" or self.headers.get("authorization") == wanted
            self.send_response(200 if let_in else 401)
            self.end_headers()
            self.wfile.write(b'{"status":"alive"}')

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = HTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
