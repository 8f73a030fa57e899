"""The same rows scored by our server and by `mlflow models serve` of the same bundle, in one run.

One client beside every eligible clinician is one request to each. Ours also screens, orders,
explains and says why; mlflow gets the rows of those who may be offered and gives back numbers.
Imported by the command.
"""

import csv
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recommender.practice import shipped_practice
from recommender.recommend import read_intake
from recommender.serving.form import build_form

SECONDS, WARM_UP = 10.0, 5
MOST_SECONDS = 180
"""How long mlflow may take to start before this is given up."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Requests a second of both, for so many rows; `furthest` apart are two predictions."""

    rows: int
    ours: float
    mlflow: float
    furthest: float


def compare(bundle: Path, roster: Path, workspace: Path) -> Rates | None:
    """Rates of both, asked in turn; None where mlflow does not come to serve."""
    from experiments.bench.latency import CLIENT

    request = CLIENT.read_bytes()
    everybody = json.dumps(json.loads(request) | {"top_k": 50}).encode()
    serve = ["recommender.cli", "serve", "--bundle", str(bundle), "--roster", str(roster)]
    with _server(["-m", *serve], "/readyz", 120) as ours:
        if ours is None:
            raise SystemExit("our server did not start")
        told = json.loads(_ask(ours, "/v1/recommendations", everybody))
        excluded = {each["clinician_id"] for each in told["excluded"]}
        table, ids = _table(request, roster, excluded)
        model = _packed(bundle, workspace)
        line = ["-m", "mlflow", "models", "serve", "-m", str(model), "--env-manager", "local"]
        with _server(line, "/ping", MOST_SECONDS) as theirs:
            if theirs is None:
                return None
            answered = json.loads(_ask(theirs, "/invocations", table))["predictions"]
            predicted = dict(zip(ids, answered, strict=True))
            furthest = max(
                abs(
                    each["predicted_alliance"]
                    - predicted[each["clinician_id"]]["predicted_alliance"]
                )
                for each in told["shortlist"]
            )
            rates = [
                _rate(ours, "/v1/recommendations", request),
                _rate(theirs, "/invocations", table),
            ]
            return Rates(len(ids), rates[0], rates[1], furthest)


def _rate(line: http.client.HTTPConnection, path: str, body: bytes) -> float:
    # A server lets go of a connection that was idle while the other one started.
    line.close()
    for _ in range(WARM_UP):
        _ask(line, path, body)
    started, count = time.perf_counter(), 0
    while time.perf_counter() - started < SECONDS:
        _ask(line, path, body)
        count += 1
    return count / (time.perf_counter() - started)


def _table(request: bytes, roster: Path, excluded: set[str]) -> tuple[bytes, list[str]]:
    """Rows of the client beside each clinician who may be offered, as mlflow takes them."""
    practice = shipped_practice()
    asked = build_form(practice, top_k=5).read(request)
    read_intake(practice, asked.answers)
    client = {f"client.{name}": _cell(asked.answers.get(name)) for name in
              practice.fields("client", "score", "filter")}  # fmt: skip
    rows, ids = [], []
    with roster.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["clinician_id"] not in excluded:
                facts = {f"clinician.{name}": row[name] for name in practice.clinician}
                rows.append(client | facts | {"clinician_id": row["clinician_id"]})
                ids.append(row["clinician_id"])
    columns = list(rows[0])
    split = {"columns": columns, "data": [[row[name] for name in columns] for row in rows]}
    return json.dumps({"dataframe_split": split}).encode(), ids


def _cell(answer: Any) -> str:
    """An answer as it stands in a table: text, empty where there is none."""
    if answer is None:
        return ""
    if isinstance(answer, list):
        return ";".join(answer) or "none"
    return str(answer)


def _packed(bundle: Path, workspace: Path) -> Path:
    """The bundle as an mlflow model, packed as `recommender train` does."""
    from mlflow.models import Model

    from recommender.publishing.packing import write_model

    workspace.mkdir(parents=True, exist_ok=True)
    write_model(workspace, bundle, shipped_practice(), Model())
    return workspace / "model"


def _ask(line: http.client.HTTPConnection, path: str, body: bytes) -> bytes:
    line.request("POST", path, body, {"Content-Type": "application/json"})
    response = line.getresponse()
    content = response.read()
    if response.status != 200:
        raise SystemExit(f"{path} answered {response.status}: {content.decode()[:500]}")
    return content


@contextmanager
def _server(
    line: list[str], probe: str, seconds: float
) -> Iterator[http.client.HTTPConnection | None]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    quiet: Mapping[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    # mlflow finds the server it starts by its name.
    found = {"PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])}
    environment = os.environ | found | {"PYTHONPATH": str(Path.cwd())}
    process = subprocess.Popen(
        [sys.executable, *line, "--port", str(port)],
        env=environment,
        start_new_session=True,
        **quiet,
    )
    try:
        if not _comes(port, probe, process, seconds):
            yield None
            return
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
            yield connection
    finally:
        # mlflow starts servers of its own: they are of the same group.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=60)


def _comes(port: int, probe: str, process: subprocess.Popen[bytes], seconds: float) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until and process.poll() is None:
        try:
            with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as line:
                line.request("GET", probe)
                if line.getresponse().status == 200:
                    return True
        except OSError:
            time.sleep(0.2)
    return False
