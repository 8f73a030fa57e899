"""Clients generated from the contract talk to a live server: Python and TypeScript.

`make clients` sets their generators up in var/clients; without them the tests say so.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from recommender.security.scopes import Role
from recommender.settings import Settings
from recommender.store.database import open_store
from tests.support.server import PEPPER, a_request, new_key
from tests.support.server_process import RUN_SERVER, free_port, http_request, wait_until_ready

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


@pytest.fixture(scope="module")
def live(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, str]]:
    """The port of a server in a process of its own, and a key of staff."""
    url = f"sqlite:///{tmp_path_factory.mktemp('live')}/journal.db"
    store, port = open_store(url), free_port()
    key = new_key(store, "generated", Role.STAFF).text
    store.close()
    given: dict[str, object] = {"BUNDLE": settings.bundle, "ROSTER": settings.roster, "PORT": port}
    given |= {"STORE": url, "PEPPER": PEPPER}
    environment = os.environ | {f"RECOMMENDER_{name}": str(value) for name, value in given.items()}
    with tempfile.TemporaryFile() as log:
        line = [sys.executable, "-c", f"{RUN_SERVER}serve(Settings())"]
        process = subprocess.Popen(line, env=environment, cwd=ROOT, stderr=log, text=True)
        try:
            wait_until_ready(process, port)
            yield port, key
        finally:
            process.terminate()
            process.wait(60)


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


def test_a_python_client_generated_from_the_contract_works(
    live: tuple[int, str], tmp_path: Path
) -> None:
    tools = TOOLS / "python" / "bin"
    if not (tools / "openapi-python-client").exists():
        pytest.skip("no generator in var/clients/python: run `make clients`")
    port, key = live
    (tmp_path / "settings.yml").write_text("post_hooks: []\n")
    generate = ("--path", contract(port, tmp_path), "--config", tmp_path / "settings.yml")
    where = ("--meta", "none", "--output-path", tmp_path / "generated")
    said = run(tools / "openapi-python-client", "generate", *generate, *where, at=tmp_path)
    assert "warning" not in said.lower(), said
    line = (tools / "python", PROGRAMS / "python" / "talk.py", f"http://127.0.0.1:{port}", key)
    request = json.dumps(a_request())
    assert talked(run(*line, at=tmp_path, said=request, PYTHONPATH=str(tmp_path))) == EXPECTED


def test_a_typescript_client_generated_from_the_contract_works(
    live: tuple[int, str], tmp_path: Path
) -> None:
    tools = TOOLS / "typescript" / "node_modules"
    if shutil.which("node") is None or not tools.exists():
        pytest.skip("no node, or no generator in var/clients/typescript: run `make clients`")
    port, key = live
    for name in ("talk.ts", "tsconfig.json", "package.json"):
        shutil.copy(PROGRAMS / "typescript" / name, tmp_path)
    (tmp_path / "node_modules").symlink_to(tools)
    programs = tmp_path / "node_modules" / ".bin"
    types = ("--default-non-nullable", "false", "-o", tmp_path / "api.d.ts")
    run(programs / "openapi-typescript", contract(port, tmp_path), *types, at=tmp_path)
    run(programs / "tsc", "-p", tmp_path, at=tmp_path)
    line = ("node", tmp_path / "talk.js", f"http://127.0.0.1:{port}", key)
    assert talked(run(*line, at=tmp_path, said=json.dumps(a_request()))) == EXPECTED
