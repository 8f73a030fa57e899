"""The same rows scored by our server and by `mlflow models serve` of the same bundle, in one run.

One client beside a hundred clinicians is one request to each. Ours names the clinicians, whom it
knows, and also screens them and says why; mlflow gets rows of both and gives back numbers. Beside
both stands a whole recommendation from the same roster.
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
from itertools import islice
from pathlib import Path
from typing import Any

from recommender.practice.definition import shipped_practice
from recommender.serving.schemas.intake import build_request_schema

ROWS = 100
SECONDS, WARM_UP = 10.0, 5
MOST_SECONDS = 180
"""How long mlflow may take to start before this is given up."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Requests a second for so many rows; `furthest` apart are two predictions of one pairing."""

    rows: int
    predictions: float
    recommendations: float
    mlflow: float
    furthest: float


def compare(bundle: Path, roster: Path, workspace: Path) -> Rates | None:
    """Rates of both, asked in turn; None where mlflow does not come to serve."""
    from experiments.bench.latency import CLIENT

    request = CLIENT.read_bytes()
    table, ids = _table(request, roster)
    answers = {"answers": json.loads(request)["answers"], "clinician_ids": ids}
    named = json.dumps(answers).encode()
    serve = ["recommender.cli", "serve", "--bundle", str(bundle), "--roster", str(roster)]
    packed = _packed(bundle, workspace)
    line = ["-m", "mlflow", "models", "serve", "-m", str(packed), "--env-manager", "local"]
    with (
        _server(["-m", *serve], "/readyz", 120) as ours,
        _server(line, "/ping", MOST_SECONDS) as theirs,
    ):
        if ours is None:
            raise SystemExit("our server did not start")
        if theirs is None:
            return None
        predictions, told = _rate(ours, "/v1/predictions", named)
        recommendations, _ = _rate(ours, "/v1/recommendations", request)
        invocations, answered = _rate(theirs, "/invocations", table)
        apart = _furthest(told, answered)
        return Rates(len(ids), predictions, recommendations, invocations, apart)


def _furthest(ours: bytes, theirs: bytes) -> float:
    """The largest difference of two predictions of one pairing, where both tell one."""
    told = [each["predicted_alliance"] for each in json.loads(ours)["pairings"]]
    answered = [each["predicted_alliance"] for each in json.loads(theirs)["predictions"]]
    both = zip(told, answered, strict=True)
    return max(abs(float(one) - float(other)) for one, other in both if one is not None)


def _rate(line: http.client.HTTPConnection, path: str, body: bytes) -> tuple[float, bytes]:
    """Requests a second, and what the last of them was answered."""
    # A server lets go of a connection that was idle while the other one started.
    line.close()
    for _ in range(WARM_UP):
        answer = _ask(line, path, body)
    started, count = time.perf_counter(), 0
    while time.perf_counter() - started < SECONDS:
        answer = _ask(line, path, body)
        count += 1
    return count / (time.perf_counter() - started), answer


def _table(request: bytes, roster: Path) -> tuple[bytes, list[str]]:
    """Rows of the client beside the first clinicians of a roster, as mlflow takes them."""
    practice = shipped_practice()
    asked = build_request_schema(practice, top_k=5).read(json.loads(request))
    scored = practice.fields("client", "score", "filter")
    client = {f"client.{name}": _cell(asked.answers.get(name)) for name in scored}
    with roster.open(encoding="utf-8", newline="") as file:
        some = list(islice(csv.DictReader(file), ROWS))
    rows = [
        client | {f"clinician.{name}": row[name] for name in practice.clinician}
        | {"clinician_id": row["clinician_id"]}
        for row in some
    ]  # fmt: skip
    columns = list(rows[0])
    split = {"columns": columns, "data": [[row[name] for name in columns] for row in rows]}
    return json.dumps({"dataframe_split": split}).encode(), [row["clinician_id"] for row in some]


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

    from recommender.registry.mlflow_model import write_model

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
