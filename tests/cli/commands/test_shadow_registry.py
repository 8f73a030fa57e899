"""`serve --shadow challenger` beside a real registry: a process, its requests, the comparison."""

import json
import shutil
import time
import urllib.request
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from experiments.trust.live import live_server
from recommender.cli.main import app
from recommender.registry.registry import Registry
from recommender.security.scopes import Role
from tests.support.builders import DEFINITION, a_model, write_tables
from tests.support.journal_rows import pair, rate
from tests.support.registries import address, empty_registry, publish
from tests.support.server import PEPPER, WHOLE, a_request, new_key, store_with_schema

AT = datetime(2026, 11, 23, tzinfo=UTC)


def answered(url: str, key: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """The response to a request for a recommendation, or without one for the model that answers."""
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
    address = f"{url}/v1/models/current" if body is None else f"{url}{WHOLE}"
    content = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address, content, headers)
    with urllib.request.urlopen(request, timeout=60) as response:
        found: dict[str, Any] = json.load(response)
        return found


def wait_for(version: int, url: str, key: str) -> None:
    """Returns once a version of the registry answers."""
    end = time.monotonic() + 60
    while answered(url, key)["model"]["version"] != version:
        assert time.monotonic() < end, f"version {version} does not answer"
        time.sleep(0.2)


def compared(store: str, *words: str) -> str:
    given = ["shadow", "--store", store, "--practice", str(DEFINITION), *words]
    result = CliRunner().invoke(app, given, env={"COLUMNS": "200"})
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.long
def test_the_challenger_of_a_registry_scores_what_the_champion_shows(tmp_path: Path) -> None:
    registry, workspace = Registry(empty_registry(tmp_path)), tmp_path / "bundles"
    workspace.mkdir()
    champion = publish(registry, workspace, a_model())
    registry.promote(champion.version, by="j.lee", at=AT, reason="the first")
    challenger = publish(registry, workspace, replace(a_model(), trees=None, client_mean=0.5))
    write_tables(tmp_path)
    url = f"sqlite:///{tmp_path}/journal.db"
    store = store_with_schema(url)
    key = new_key(store, "desk", Role.STAFF).text
    words = ["-m", "recommender.cli", "serve", "--registry", registry.uri, "--shadow", "challenger"]
    words += ["--roster", str(tmp_path / "clinicians.csv"), "--practice", str(DEFINITION)]
    words += ["--bundles", str(tmp_path / "cache")]

    with live_server({"STORE": url, "PEPPER": PEPPER}, words=words) as server:
        wait_for(champion.version, server.url, key)
        for number in range(4):
            body = a_request(client_id=f"c{number:04d}", answers={"directive": 3 * number - 5})
            shown = answered(server.url, key, body)
            assert shown["model"]["version"] == champion.version
            assert shown["model"]["digest"] == champion.digest
            whom = shown["shortlist"][0]["clinician_id"]
            pair(store, f"p{number}", f"c{number:04d}", whom, shown["recommendation_id"])
            rate(store, f"p{number}", score=40.0 + number)
    store.close()

    text, found = compared(url), json.loads(compared(url, "--json"))
    assert f"Second model {challenger.digest[:12]}: 4 requests scored by both." in text
    assert "no figure here is an effect" in text
    assert found["model"] == challenger.digest
    assert found["requests"] == found["paired"] == 4
    assert found["errors"][0] != found["errors"][1]


@pytest.mark.slow
def test_a_challenger_that_is_the_champion_is_said_to_compare_nothing(
    published_registry: Path, tmp_path: Path
) -> None:
    shutil.copytree(published_registry, tmp_path / "home")
    registry = Registry(address(tmp_path / "home"))
    registry.set_alias("challenger", 2)
    given = ["serve", "--registry", registry.uri, "--shadow", "challenger"]
    given += ["--bundles", str(tmp_path / "cache"), "--roster", str(tmp_path / "nobody.csv")]

    result = CliRunner().invoke(app, given, env={"COLUMNS": "200"})

    told = " ".join(result.output.split())
    assert "--shadow challenger: is version 2, the champion itself, so nothing is compared" in told
