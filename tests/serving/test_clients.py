"""Clients generated from the contract talk to a live server: Python and TypeScript.

`make clients` sets their generators up in var/clients; without them the tests say so.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from recommender.cli.main import app
from recommender.security.scopes import Role
from recommender.settings import Settings
from recommender.store.database import open_store
from tests.support.server import PEPPER, a_request, new_key
from tests.support.server_process import http_request, running_server

TOOL = """
import json, sys
from generated import AuthenticatedClient
from generated.api.recommendations import get_recommendation, recommend
from generated.models import (
    GetRecommendationIncludeItem,
    RecommendationRequest,
    RecommendIncludeItem,
)

url, key = sys.argv[1:]
client = AuthenticatedClient(base_url=url, token=key)
body = RecommendationRequest.from_dict(json.load(sys.stdin))
parts = [RecommendIncludeItem.RELAXATIONS]
made = recommend.sync(client=client, body=body, include=parts)
read = get_recommendation.sync(
    made.recommendation_id, client=client, include=[GetRecommendationIncludeItem.RELAXATIONS]
)
gains = [type(each.gain).__name__ for each in made.relaxations]
print(json.dumps({"gains": gains, "same": made == read}))
"""

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PROGRAMS, TOOLS = ROOT / "clients", ROOT / "var" / "clients"
EXPECTED = {
    "chosen": True,
    "predicted": True,
    "problem": "/problems/no-such-record",
    "same": True,
    "started_on": "2026-10-05",
    "versions": [False, True],
}


Live = tuple[int, Mapping[Role, str]]


@pytest.fixture(scope="module")
def live(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """The port of a server in a process of its own, and a key of each role."""
    url = f"sqlite:///{tmp_path_factory.mktemp('live')}/journal.db"
    store = open_store(url)
    keys = {role: new_key(store, f"generated-{role}", role).text for role in Role}
    store.close()
    where = {"bundle": settings.bundle, "roster": settings.roster}
    with running_server(**where, store=url, pepper=PEPPER) as port:
        yield port, keys


def contract(port: int, directory: Path) -> Path:
    """The contract as the live server gives it."""
    path = directory / "openapi.json"
    path.write_bytes(http_request(port, "GET", "/openapi.json")[2])
    return path


def run(*line: str | Path, at: Path, said: str = "", **environment: str) -> str:
    """What a program printed; fails with all it said where it fails."""
    done = subprocess.run(
        [str(word) for word in line],
        cwd=at,
        input=said,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def talked(printed: str) -> Any:
    return json.loads(printed.splitlines()[-1])


@pytest.fixture
def generated(live: Live, tmp_path: Path) -> Path:
    """The Python that runs a client generated from the contract into this test's directory."""
    tools = TOOLS / "python" / "bin"
    if not (tools / "openapi-python-client").exists():
        pytest.skip("no generator in var/clients/python: run `make clients`")
    (tmp_path / "settings.yml").write_text("post_hooks: []\n")
    generate = ("--path", contract(live[0], tmp_path), "--config", tmp_path / "settings.yml")
    where = ("--meta", "none", "--output-path", tmp_path / "generated")
    said = run(tools / "openapi-python-client", "generate", *generate, *where, at=tmp_path)
    assert "warning" not in said.lower(), said
    return tools / "python"


def test_a_python_client_generated_from_the_contract_works(
    live: Live, generated: Path, tmp_path: Path
) -> None:
    port, keys = live
    program = PROGRAMS / "python" / "talk.py"
    line = (generated, program, f"http://127.0.0.1:{port}", keys[Role.STAFF])
    request = json.dumps(a_request())
    assert talked(run(*line, at=tmp_path, said=request, PYTHONPATH=str(tmp_path))) == EXPECTED


def test_a_matching_tool_that_uses_the_generated_client_does_not_stop_at_a_relaxation(
    live: Live, generated: Path, tmp_path: Path
) -> None:
    """Its key is not sent `gain`, which the contract once required."""
    port, keys = live
    (tmp_path / "tool.py").write_text(TOOL)
    line = (generated, tmp_path / "tool.py", f"http://127.0.0.1:{port}", keys[Role.TOOL])
    request = json.dumps(a_request({"max_fee": 1}))
    told = talked(run(*line, at=tmp_path, said=request, PYTHONPATH=str(tmp_path)))
    assert told["gains"] == ["Unset"] * len(told["gains"]) != []
    assert told["same"]


def test_a_matching_tool_that_follows_the_readme_is_shown_its_relaxations(
    live: Live, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port, keys = live
    monkeypatch.setenv("RECOMMENDER_KEY", keys[Role.TOOL])
    (tmp_path / "client.json").write_text(json.dumps(a_request({"max_fee": 1})))
    words = ["recommend", str(tmp_path / "client.json"), "--url", f"http://127.0.0.1:{port}"]
    shown = CliRunner().invoke(app, words, catch_exceptions=False)
    assert (shown.exit_code, "admit" in shown.output) == (0, True), shown.output
    as_json = CliRunner().invoke(app, [*words, "--json"], catch_exceptions=False)
    offers = json.loads(as_json.output)["relaxations"]
    assert offers
    assert all("gain" not in offer for offer in offers)


def test_a_typescript_client_generated_from_the_contract_works(live: Live, tmp_path: Path) -> None:
    tools = TOOLS / "typescript" / "node_modules"
    if shutil.which("node") is None or not tools.exists():
        pytest.skip("no node, or no generator in var/clients/typescript: run `make clients`")
    port, key = live[0], live[1][Role.STAFF]
    for name in ("talk.ts", "tsconfig.json", "package.json"):
        shutil.copy(PROGRAMS / "typescript" / name, tmp_path)
    (tmp_path / "node_modules").symlink_to(tools)
    programs = tmp_path / "node_modules" / ".bin"
    types = ("--default-non-nullable", "false", "-o", tmp_path / "api.d.ts")
    run(programs / "openapi-typescript", contract(port, tmp_path), *types, at=tmp_path)
    run(programs / "tsc", "-p", tmp_path, at=tmp_path)
    line = ("node", tmp_path / "talk.js", f"http://127.0.0.1:{port}", key)
    assert talked(run(*line, at=tmp_path, said=json.dumps(a_request()))) == EXPECTED
