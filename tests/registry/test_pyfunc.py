"""The published model through mlflow's own interface, with pickles forbidden."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import mlflow
import mlflow.models
import mlflow.pyfunc
import numpy as np
import pandas as pd
import pytest

from recommender.errors import IntakeError
from recommender.model.bundle.io import bundle_digest, load_bundle
from recommender.practice.definition import shipped_practice
from recommender.registry.mlflow_model import model_table, table_fields
from recommender.registry.registry import Registry
from recommender.tables.pairing_frame import read_pairing_frame
from recommender.training.mlflow_run import tracked_run
from tests.support.builders import a_bundle
from tests.support.pairing_cells import read_cells, text_cells
from tests.support.registries import empty_registry

pytestmark = [
    pytest.mark.slow,
    # mlflow 3.17 on SQLAlchemy 2.1 and pandas 3, called here without the registry around it.
    pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy"),
    pytest.mark.filterwarnings("ignore:Operation with range is deprecated"),
]

SECRET = "not a number 8675309"


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The bundle that stands as champion in the registry mlflow is pointed at."""
    home = tmp_path_factory.mktemp("home")
    bundle = a_bundle(home)
    registry = Registry(empty_registry(home), "alliance", home / "artifacts")
    with tracked_run(registry, "training", "r", {}) as run:
        practice, digest = load_bundle(bundle).practice, bundle_digest(bundle)
        version = registry.publish(run.run_id, bundle, practice, digest, {})
    now = datetime(2026, 11, 23, tzinfo=UTC)
    registry.promote(version.version, by="j.lee", at=now, reason="the first")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("MLFLOW_TRACKING_URI", registry.uri)
        environment.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
        yield bundle


def test_mlflow_predicts_as_the_bundle_does_without_a_pickle(published: Path) -> None:
    model = load_bundle(published)
    table, _ = model_table(model.practice)
    table = pd.concat([table, table], ignore_index=True)
    loaded = mlflow.pyfunc.load_model("models:/alliance@champion")

    predicted = loaded.predict(table)

    assert list(predicted.columns) == ["predicted_alliance", "lower", "upper"]
    pd.testing.assert_frame_equal(predicted, model.predict_table(table))


def test_mlflow_does_not_hand_on_columns_the_model_must_not_see(published: Path) -> None:
    model = load_bundle(published)
    table, _ = model_table(model.practice)
    loaded = mlflow.pyfunc.load_model("models:/alliance@champion")

    more = table.assign(**{"client.not_a_field": "x"})

    pd.testing.assert_frame_equal(loaded.predict(more), loaded.predict(table))


def test_empty_cells_reach_the_bundle_as_missing(published: Path) -> None:
    model = load_bundle(published)
    table, _ = model_table(model.practice)
    optional = [field.label for field in table_fields(model.practice) if not field.required]
    empty = table.assign(**dict.fromkeys(optional))
    loaded = mlflow.pyfunc.load_model("models:/alliance@champion")

    pd.testing.assert_frame_equal(loaded.predict(empty), model.predict_table(empty))
    without = empty.drop(columns=optional)
    pd.testing.assert_frame_equal(loaded.predict(without), loaded.predict(empty))


def test_a_frame_as_read_csv_gives_it_scores_as_the_practices_own_tables(published: Path) -> None:
    model, frame = load_bundle(published), read_cells(60)
    assert {str(kind) for kind in frame.dtypes} >= {"int64", "float64", "str"}
    loaded = mlflow.pyfunc.load_model("models:/alliance@champion")

    predicted = loaded.predict(frame)

    own = model.predict_table(text_cells(60))
    np.testing.assert_allclose(predicted, own, rtol=0, atol=1e-12)
    flags = frame.assign(**{"client.agrees": frame["client.agrees"] == "yes"}).iloc[::-1]
    np.testing.assert_allclose(loaded.predict(flags), own.iloc[::-1], rtol=0, atol=1e-12)


def test_what_cannot_be_read_is_named_by_column_and_row_and_never_repeated(published: Path) -> None:
    loaded = mlflow.pyfunc.load_model("models:/alliance@champion")
    wrong = read_cells(5).astype({"client.directive": object})
    wrong.loc[[1, 3], "client.directive"] = SECRET

    with pytest.raises(IntakeError, match=r"client\.directive, rows 1, 3: is not a number") as bad:
        loaded.predict(wrong)
    with pytest.raises(IntakeError, match="clinician_id: is missing; add the column") as without:
        loaded.predict(wrong.drop(columns="clinician_id"))
    assert SECRET not in f"{bad.value}{without.value}"


# mlflow 3.17 on pandas 3.
@pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning")
def test_mlflow_evaluates_the_champion_on_a_frame(published: Path, tmp_path: Path) -> None:
    frame = read_cells(60)
    own = load_bundle(published).predict_table(frame)["predicted_alliance"]
    frame = frame.assign(alliance=own + 0.5)
    experiment = mlflow.create_experiment("judged", tmp_path.as_uri())
    with mlflow.start_run(experiment_id=experiment) as run:
        evaluate: Any = mlflow.models.evaluate
        result = evaluate(
            "models:/alliance@champion",
            frame,
            targets="alliance",
            predictions="predicted_alliance",
            model_type="regressor",
            evaluator_config={"log_model_explainability": False},
        )

    assert result.metrics["example_count"] == 60
    assert result.metrics["mean_absolute_error"] == pytest.approx(0.5, abs=1e-9)
    kept = mlflow.get_run(run.info.run_id)
    assert kept.data.metrics["root_mean_squared_error"] == pytest.approx(0.5, abs=1e-9)


def test_who_copies_the_request_of_the_page_sends_what_is_known_of_the_clinician() -> None:
    page = (Path(__file__).parents[2] / "docs" / "mlflow.md").read_text(encoding="utf-8")
    body = page.split("/invocations", 1)[1].split("-d '", 1)[1].split("'", 1)[0]
    frame = pd.DataFrame(json.loads(body)["dataframe_records"])
    rows = read_pairing_frame(frame, shipped_practice(), ("k012",), permuted=True)
    assert any(str(name).startswith("clinician.") for name in frame)
    assert len(rows) == 1


@contextmanager
def scoring_server() -> Iterator[str]:
    """The address of `mlflow models serve` on the champion, in processes of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    command = [sys.executable, "-m", "mlflow", "models", "serve", "--env-manager", "local"]
    command += ["--model-uri", "models:/alliance@champion", "--port", str(port)]
    # It looks for uvicorn where an activated environment has its programs.
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    process = subprocess.Popen(
        command,
        env=os.environ | {"PATH": programs},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _wait(f"http://127.0.0.1:{port}/ping", process)
        yield f"http://127.0.0.1:{port}/invocations"
    finally:
        # The command does not end the server that it started.
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=60)


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.2)
    pytest.fail("mlflow models serve did not start")


def posted(url: str, frame: pd.DataFrame) -> Any:
    body = {"dataframe_split": json.loads(frame.to_json(orient="split"))}
    request = urllib.request.Request(
        url, json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as response:
        return json.load(response)


def test_mlflow_serves_the_champion_over_http(published: Path) -> None:
    frame = read_cells(5)
    own = load_bundle(published).predict_table(frame)
    with scoring_server() as url:
        answered = pd.DataFrame(posted(url, frame)["predictions"])
        with pytest.raises(urllib.error.HTTPError) as refused:
            posted(url, frame.assign(**{"client.directive": SECRET}))
        told = refused.value.read().decode()

    np.testing.assert_allclose(answered[own.columns], own, rtol=0, atol=1e-12)
    assert refused.value.code == 400
    assert "column client.directive, rows 0, 1, 2, 3, 4: is not a number" in told
    assert SECRET not in told
