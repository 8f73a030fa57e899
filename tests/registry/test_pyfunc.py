"""The published model through mlflow's own interface, with pickles forbidden."""

from datetime import UTC, datetime
from pathlib import Path

import mlflow.pyfunc
import pandas as pd
import pytest

from recommender.model.bundle.io import bundle_digest, load_bundle
from recommender.registry.mlflow_model import model_table, table_fields
from recommender.registry.registry import Registry
from recommender.training.mlflow_run import tracked_run
from tests.support.builders import a_bundle
from tests.support.registries import empty_registry

pytestmark = [
    pytest.mark.slow,
    # mlflow 3.17 on SQLAlchemy 2.1 and pandas 3, called here without the registry around it.
    pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy"),
    pytest.mark.filterwarnings("ignore:Operation with range is deprecated"),
]


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The bundle that stands as champion in the registry mlflow is pointed at."""
    bundle = a_bundle(tmp_path)
    registry = Registry(empty_registry(tmp_path), "alliance", tmp_path / "artifacts")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", registry.uri)
    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
    with tracked_run(registry, "training", "r", {}) as run:
        practice, digest = load_bundle(bundle).practice, bundle_digest(bundle)
        version = registry.publish(run.run_id, bundle, practice, digest, {})
    now = datetime(2026, 11, 23, tzinfo=UTC)
    registry.promote(version.version, by="j.lee", at=now, reason="the first")
    return bundle


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
