"""The samples of docs/webhooks.md accept what a server signs, and nothing that was changed."""

import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from recommender.journal.webhook_events import DECIDED, Event
from recommender.security.keys import Pepper
from recommender.webhooks.messages import message_of, secret_of, signed_headers
from tests.support.server import PEPPER

ROOT = Path(__file__).parents[2]
TOOLS = ROOT / "var" / "clients" / "typescript"
OLD, NEW, OTHER = (secret_of(Pepper.of(PEPPER), "abcdefgh", version) for version in (1, 2, 3))

Case = tuple[str, Mapping[str, str], bytes]


def sample(language: str) -> str:
    page = (ROOT / "docs" / "webhooks.md").read_text()
    (found,) = re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)
    return str(found)


def cases() -> list[tuple[bool, Case]]:
    """Messages, each with whether it is sound."""
    now = datetime.now(UTC)
    message = message_of("e1", Event(DECIDED, recommendation_id="r1"), now)
    body, headers = message.body, dict(signed_headers(message, [NEW, OLD], now))
    stale = dict(signed_headers(message, [NEW], now - timedelta(minutes=6)))
    ahead = dict(signed_headers(message, [NEW], now + timedelta(minutes=6)))
    signature = headers["webhook-signature"]
    return [
        (True, (NEW, headers, body)),
        (True, (OLD, headers, body)),
        (False, (OTHER, headers, body)),
        (False, (NEW, headers, body.replace(b"r1", b"r2"))),
        (False, (NEW, headers, body + b" ")),
        (False, (NEW, headers | {"webhook-id": "e2"}, body)),
        (False, (NEW, headers | {"webhook-signature": signature.replace("v1,", "v2,")}, body)),
        (False, (NEW, headers | {"webhook-signature": "v1,"}, body)),
        (False, (NEW, {}, body)),
        (False, (NEW, stale, body)),
        (False, (NEW, ahead, body)),
    ]


def test_the_python_sample_verifies() -> None:
    namespace: dict[str, Any] = {}
    exec(compile(sample("python"), "sample", "exec"), namespace)
    for sound, case in cases():
        assert namespace["verified"](*case) is sound, case


@pytest.mark.slow
def test_the_typescript_sample_compiles_and_verifies(tmp_path: Path) -> None:
    if not (TOOLS / "ready").exists() or shutil.which("node") is None:
        pytest.skip("no compiler in var/clients/typescript: run `make clients`")
    (tmp_path / "node_modules").symlink_to(TOOLS / "node_modules")
    (tmp_path / "package.json").write_text('{"type": "module"}')
    program = """
import { readFileSync } from "node:fs";
const cases = JSON.parse(readFileSync(0, "utf8")) as [string, Record<string, string>, string][];
const said = cases.map(([secret, headers, body]) =>
  verified(secret, new Headers(headers), new TextEncoder().encode(body)));
console.log(JSON.stringify(said));
"""
    (tmp_path / "talk.ts").write_text(sample("typescript") + program)
    compiler = tmp_path / "node_modules" / ".bin" / "tsc"
    strict = ("--strict", "--noUncheckedIndexedAccess", "--skipLibCheck", "--types", "node")
    options = (*strict, "--target", "es2022", "--module", "nodenext")
    subprocess.run([compiler, *options, "talk.ts"], cwd=tmp_path, check=True)
    given = [[secret, dict(headers), body.decode()] for _, (secret, headers, body) in cases()]
    done = subprocess.run(
        ["node", "talk.js"],
        cwd=tmp_path,
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == [sound for sound, _ in cases()]
