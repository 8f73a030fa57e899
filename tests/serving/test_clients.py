"""The client packages are built from a live server's contract, installed, and run against it.

`make clients` sets their generators up in var/clients; without them the tests say so.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from recommender.cli.main import app
from recommender.security.scopes import Role
from recommender.serving.http.contract_versions import API_VERSION
from recommender.settings import Settings
from recommender.store.database import open_store
from tests.support.server import PEPPER, a_request, new_key
from tests.support.server_process import free_port, http_request, running_server

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
CLIENTS, TOOLS = ROOT / "clients", ROOT / "var" / "clients"
EXPECTED = {
    "chosen": True,
    "predicted": True,
    "problem": "/problems/no-such-record",
    "same": True,
    "started_on": "2026-10-05",
    "versions": [False, True],
}


REQUEST = a_request({"max_fee": 170})
"""One clinician fits, and a higher fee would admit another."""
NAMES = {"python": Role.TOOL, "typescript": Role.TOOL, "example": Role.TOOL, "staff": Role.STAFF}
Live = tuple[int, Mapping[str, str]]


@pytest.fixture(scope="module")
def live(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """The port of a server in a process of its own, and keys by name."""
    url = f"sqlite:///{tmp_path_factory.mktemp('live')}/journal.db"
    store = open_store(url)
    keys = {name: new_key(store, name, role).text for name, role in NAMES.items()}
    store.close()
    where = {"bundle": settings.bundle, "roster": settings.roster}
    with running_server(**where, store=url, pepper=PEPPER) as port:
        yield port, keys


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


def answered(printed: str) -> Any:
    """The object that a program printed last."""
    return json.loads(printed.splitlines()[-1])


@pytest.fixture(scope="module")
def packages(live: Live, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with both packages, built from the contract of the live server for a tool."""
    if not (TOOLS / "python" / "bin" / "openapi-python-client").exists():
        pytest.skip("no generator in var/clients/python: run `make clients`")
    out = tmp_path_factory.mktemp("dist")
    url = f"http://127.0.0.1:{live[0]}"
    run(sys.executable, "-m", "clients.build", "--url", url, "--out", out, at=ROOT)
    return out


@pytest.fixture(scope="module")
def installed_python(packages: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh folder into which the wheel is installed."""
    folder = tmp_path_factory.mktemp("python")
    (wheel,) = packages.glob(f"recommender_client-{API_VERSION}-*.whl")
    options = ("--quiet", "--no-deps", "--no-index", "--target", folder)
    run(sys.executable, "-m", "pip", "install", *options, wheel, at=folder)
    return folder


@pytest.fixture(scope="module")
def installed_typescript(packages: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh folder into which the tarball is installed, beside what it depends on."""
    modules = TOOLS / "typescript" / "node_modules"
    if shutil.which("npm") is None or not modules.exists():
        pytest.skip("no npm, or no generator in var/clients/typescript: run `make clients`")
    folder = tmp_path_factory.mktemp("typescript")
    (folder / "package.json").write_text('{"name": "tool", "private": true, "type": "module"}')
    package = packages / f"recommender-client-{API_VERSION}.tgz"
    needed = [modules / name for name in ("openapi-fetch", "openapi-typescript-helpers")]
    quiet = ("--offline", "--silent", "--no-audit", "--no-fund", "--ignore-scripts")
    run("npm", "install", *quiet, package, *needed, at=folder)
    return folder


@contextmanager
def unreliable(port: int) -> Iterator[tuple[int, list[dict[str, Any]]]]:
    """The port of a proxy that loses an answer and refuses a request first, and what it did."""
    own = free_port()
    did: list[dict[str, Any]] = []
    line = [sys.executable, "-m", "tests.support.unreliable_proxy", str(own), str(port)]
    process = subprocess.Popen(line, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        while True:
            with suppress(OSError), socket.create_connection(("127.0.0.1", own), 1):
                break
            time.sleep(0.05)
        yield own, did
    finally:
        process.terminate()
        did.extend(map(json.loads, process.communicate()[0].splitlines()))


def tool_environment(port: int, key: str) -> dict[str, str]:
    return {"RECOMMENDER_URL": f"http://127.0.0.1:{port}", "RECOMMENDER_KEY": key}


def example_of(page: Path, language: str) -> str:
    """The first code block of a page in a language."""
    return page.read_text().partition(f"```{language}\n")[2].partition("```")[0]


def check_sample(saw: Any, did: list[dict[str, Any]]) -> None:
    """What a sample saw of the server, and what the proxy saw of the sample."""
    assert saw["shown"]
    assert saw["changes"]
    assert saw["same"]
    assert saw["listed"] == 5
    assert saw["each_once"]
    assert saw["problem"] == "no-such-record"
    assert [each["step"] for each in did[:4]] == ["answer lost", "refused", "passed", "passed"]
    first, again = {each["key"] for each in did[:3]}, {each["key"] for each in did[3:5]}
    assert len(first) == len(again) == 1
    assert None not in first
    assert again == {"form-17"}
    assert [each["method"] for each in did].count("GET") == 1 + 3 + 1


def test_the_python_package_repeats_a_lost_request_once_reads_pages_and_knows_relaxations(
    live: Live, installed_python: Path
) -> None:
    port, keys = live
    with unreliable(port) as (proxy, did):
        printed = run(
            TOOLS / "python" / "bin" / "python",
            CLIENTS / "python" / "sample.py",
            at=installed_python,
            said=json.dumps(REQUEST),
            PYTHONPATH=str(installed_python),
            **tool_environment(proxy, keys["python"]),
        )
    check_sample(answered(printed), did)


def test_the_typescript_package_repeats_a_lost_request_once_reads_pages_and_knows_relaxations(
    live: Live, installed_typescript: Path
) -> None:
    port, keys = live
    shutil.copy(CLIENTS / "typescript" / "sample.ts", installed_typescript)
    types = TOOLS / "typescript" / "node_modules" / "@types"
    options = (
        "--strict",
        "--skipLibCheck",
        "--target",
        "es2022",
        "--module",
        "nodenext",
        "--typeRoots",
        types,
    )
    compiler = TOOLS / "typescript" / "node_modules" / ".bin" / "tsc"
    run(compiler, *options, "--types", "node", "sample.ts", at=installed_typescript)
    with unreliable(port) as (proxy, did):
        printed = run(
            *("node", "sample.js"),
            at=installed_typescript,
            said=json.dumps(REQUEST),
            **tool_environment(proxy, keys["typescript"]),
        )
    check_sample(answered(printed), did)


@pytest.mark.parametrize("language", ["python", "typescript"])
def test_the_example_of_a_packages_page_prints_clinicians_and_relaxations(
    live: Live, language: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    folder: Path = request.getfixturevalue(f"installed_{language}")
    name, ending = {"python": ("python", "py"), "typescript": ("ts", "mjs")}[language]
    program = folder / f"example.{ending}"
    program.write_text(example_of(CLIENTS / language / "README.md", name))
    (folder / "client.json").write_text(json.dumps(REQUEST))
    interpreter = TOOLS / "python" / "bin" / "python" if language == "python" else "node"
    port, keys = live
    environment = tool_environment(port, keys["example"]) | {"PYTHONPATH": str(folder)}
    printed = run(interpreter, program, at=folder, **environment)
    assert len(printed.splitlines()) >= 3
    assert "more with highest fee: $190" in printed


def test_a_refusal_of_the_python_package_names_the_fault_and_not_the_key(
    live: Live, installed_python: Path
) -> None:
    program = """
import os
from recommender_client import Client, InvalidRequestError, NotAllowedError
url, key = os.environ["RECOMMENDER_URL"], os.environ["RECOMMENDER_KEY"]
client = Client(url, key)
try:
    client.recommend({"answers": {"directive": "zqx"}})
except InvalidRequestError as error:
    print(error.status, error.faults[0].pointer, "zqx" in str(error))
try:
    Client(url, key[:-4] + "AAAA").recommendation("r")
except NotAllowedError as error:
    print(error.status, key[3:9] in str(error))
print(any(key in repr(each) for each in (client, client.generated, vars(client))))
"""
    python = TOOLS / "python" / "bin" / "python"
    environment = {"PYTHONPATH": str(installed_python)}
    environment |= tool_environment(live[0], live[1]["example"])
    printed = run(python, "-c", program, at=installed_python, **environment)
    assert printed.splitlines() == ["422 /answers/directive False", "401 False", "False"]


def test_a_client_generated_from_the_whole_contract_does_what_a_practices_own_system_does(
    live: Live, tmp_path: Path
) -> None:
    port, keys = live
    tools = TOOLS / "python" / "bin"
    if not (tools / "openapi-python-client").exists():
        pytest.skip("no generator in var/clients/python: run `make clients`")
    contract = tmp_path / "openapi.json"
    contract.write_bytes(http_request(port, "GET", "/openapi.json")[2])
    (tmp_path / "settings.yml").write_text("post_hooks: []\n")
    generate = ("--path", contract, "--config", tmp_path / "settings.yml", "--meta", "none")
    output = ("--fail-on-warning", "--output-path", tmp_path / "generated")
    run(tools / "openapi-python-client", "generate", *generate, *output, at=tmp_path)
    line = (tools / "python", CLIENTS / "samples" / "staff.py", f"http://127.0.0.1:{port}")
    said = json.dumps(a_request())
    printed = run(*line, keys["staff"], at=tmp_path, said=said, PYTHONPATH=str(tmp_path))
    assert answered(printed) == EXPECTED


def test_a_matching_tool_that_follows_the_readme_is_shown_its_relaxations(
    live: Live, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port, keys = live
    monkeypatch.setenv("RECOMMENDER_KEY", keys["example"])
    (tmp_path / "client.json").write_text(json.dumps(a_request({"max_fee": 1})))
    words = ["recommend", str(tmp_path / "client.json"), "--url", f"http://127.0.0.1:{port}"]
    shown = CliRunner().invoke(app, words, catch_exceptions=False)
    assert (shown.exit_code, "admit" in shown.output) == (0, True), shown.output
    as_json = CliRunner().invoke(app, [*words, "--json"], catch_exceptions=False)
    offers = json.loads(as_json.output)["relaxations"]
    assert offers
    assert all("gain" not in offer for offer in offers)
