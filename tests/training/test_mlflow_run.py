"""A training run against a real SQLite store: what is kept, what is refused, how it ends."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from recommender.errors import RegistryError
from recommender.registry.registry import Registry
from recommender.training.mlflow_run import (
    ChildRun,
    LoggedDataset,
    TrackedRun,
    refuse_personal,
    tracked_run,
)
from recommender.training.plots import importance
from tests.support.registries import datasets_of_run, empty_registry

slow = pytest.mark.slow


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    store = tmp_path_factory.mktemp("store")
    return Registry(empty_registry(store), "alliance", store / "artifacts")


def kept_text(run: TrackedRun, name: str) -> str:
    with run.registry.client() as client:
        place = client.get_run(run.run_id).info.artifact_uri
    return (Path(place.removeprefix("file://")) / name).read_text()


def status(run: TrackedRun) -> str:
    with run.registry.client() as client:
        return str(client.get_run(run.run_id).info.status)


@slow
def test_a_run_keeps_settings_measurements_and_tags(registry: Registry) -> None:
    with tracked_run(registry, "training", "first", {"commit": "abc"}) as run:
        run.log_params({"trees": 400, "early sessions": (2, 5)})
        run.log_metrics({"dyad_partial": 0.25})
    with registry.client() as client:
        kept = client.get_run(run.run_id)

    assert kept.info.run_name == "first"
    assert kept.info.status == "FINISHED"
    assert kept.data.params == {"trees": "400", "early sessions": "(2, 5)"}
    assert kept.data.metrics == {"dyad_partial": 0.25}
    assert kept.data.tags["commit"] == "abc"


@slow
def test_what_could_not_be_measured_is_left_out_and_named_and_never_zero(
    registry: Registry,
) -> None:
    with tracked_run(registry, "training", "r", {}) as run:
        skipped = run.log_metrics({"slope": np.nan, "cover": np.inf, "share": 0.5})
    with registry.client() as client:
        kept = client.get_run(run.run_id).data

    assert skipped == ("slope", "cover")
    assert kept.metrics == {"share": 0.5}
    assert not any("nan" in text or "slope" in text for text in kept.tags.values())


@slow
def test_more_settings_and_figures_than_one_request_takes_are_all_logged(
    registry: Registry,
) -> None:
    with tracked_run(registry, "training", "r", {}) as run:
        run.log_params({f"p{n}": n for n in range(101)})
        run.log_metrics({f"m{n}": n for n in range(1001)})
    with registry.client() as client:
        kept = client.get_run(run.run_id).data

    assert (len(kept.params), len(kept.metrics)) == (101, 1001)


@slow
def test_a_dataset_is_logged_without_a_row_and_without_a_path(registry: Registry) -> None:
    dataset = LoggedDataset("clients", "ab" * 32, {"client_id": "string"}, 40, "training")
    with tracked_run(registry, "training", "r", {}) as run:
        run.log_datasets([dataset])
    with registry.client() as client:
        kept = datasets_of_run(client.get_run(run.run_id))["clients"]

    assert kept["digest"] == "ab" * 18
    assert kept["sizes"] == {"num_rows": 40, "num_elements": 40}
    assert kept["columns"] == {"client_id": "string"}
    assert "/" not in kept["source"]


@slow
def test_a_run_has_the_name_and_the_description_given_last(registry: Registry) -> None:
    with tracked_run(registry, "training", "r", {}) as run:
        run.describe("**What it is**")
        run.rename("corner v3 2026-11-23")
    with registry.client() as client:
        kept = client.get_run(run.run_id)

    assert kept.info.run_name == "corner v3 2026-11-23"
    assert kept.data.tags["mlflow.note.content"] == "**What it is**"


@slow
def test_names_mlflow_does_not_take_are_made_plain(registry: Registry) -> None:
    with tracked_run(registry, "training", "r", {}) as run:
        run.log_metrics({"cover (90 %)": 0.9})
        with pytest.raises(RegistryError, match="rename one of a%, a&"):
            run.log_metrics({"a%": 1.0, "a&": 2.0})
    with registry.client() as client:
        assert client.get_run(run.run_id).data.metrics == {"cover _90 __": 0.9}


@slow
def test_a_table_is_kept_as_csv_and_as_json(registry: Registry) -> None:
    table = pd.DataFrame({"learner": ["champion"], "share": [0.75]})
    with tracked_run(registry, "training", "r", {}) as run:
        run.log_table("baselines", table)
        run.log_table("by learner", table.set_index("learner"))

    rows = [{"learner": "champion", "share": 0.75}]
    assert kept_text(run, "tables/baselines.csv") == "learner,share\nchampion,0.75\n"
    assert json.loads(kept_text(run, "tables/baselines.json")) == rows
    assert kept_text(run, "tables/by learner.csv") == "learner,share\nchampion,0.75\n"
    assert json.loads(kept_text(run, "tables/by learner.json")) == rows


@slow
def test_a_figure_is_kept_as_svg_and_as_png(registry: Registry) -> None:
    drawn = importance(["style"], [[0.2]], "WAI-SR points")
    with tracked_run(registry, "training", "r", {}) as run:
        run.log_figure("importance", drawn.figure)
        run.log_text("card.md", "# Model card\n")
    with registry.client() as client:
        files = {file.path for file in client.list_artifacts(run.run_id, "figures")}

    assert files == {"figures/importance.svg", "figures/importance.png"}
    assert "<svg" in kept_text(run, "figures/importance.svg")
    assert kept_text(run, "card.md") == "# Model card\n"


@slow
def test_a_table_of_people_is_refused_before_anything_is_written(registry: Registry) -> None:
    people = pd.DataFrame({"client_id": ["c1"], "predicted": [4.0]})
    with (
        tracked_run(registry, "training", "r", {}) as run,
        pytest.raises(RegistryError) as refused,
    ):
        run.log_table("predictions", people)
    with registry.client() as client:
        assert client.list_artifacts(run.run_id) == []

    assert "columns about single people: client_id" in str(refused.value)
    assert "c1" not in str(refused.value)


def a_broken_run(registry: Registry, opened: list[TrackedRun], error: BaseException) -> None:
    with tracked_run(registry, "training", "r", {}) as run:
        opened.append(run)
        raise error


@slow
@pytest.mark.parametrize(
    ("error", "end"), [(ValueError("too few"), "FAILED"), (KeyboardInterrupt(), "KILLED")]
)
def test_a_run_that_does_not_finish_says_so_and_still_raises(
    registry: Registry, error: BaseException, end: str
) -> None:
    opened: list[TrackedRun] = []
    with pytest.raises(type(error)):
        a_broken_run(registry, opened, error)

    assert status(opened[0]) == end


@slow
def test_two_runs_can_be_open_and_do_not_mix(registry: Registry) -> None:
    with (
        tracked_run(registry, "training", "outer", {}) as outer,
        tracked_run(registry, "training", "inner", {}) as inner,
    ):
        outer.log_metrics({"share": 0.1})
        inner.log_metrics({"share": 0.2})
    with registry.client() as client:
        shares = [client.get_run(run.run_id).data.metrics["share"] for run in (outer, inner)]

    assert shares == [0.1, 0.2]


@slow
def test_folds_and_trials_are_finished_runs_below_another(registry: Registry) -> None:
    children = [
        ChildRun("fold a", "fold", {"composite": 0.2, "slope": np.nan}),
        ChildRun("trial 0", "trial", {}, {"leaves": 4}, {"state": "pruned"}, seconds=90.0),
    ]
    with tracked_run(registry, "training", "outer", {}) as run:
        run.log_children(children)
    with registry.client() as client:
        experiment = [registry.experiment("training")]
        below = f"tags.mlflow.parentRunId = '{run.run_id}'"
        fold, trial = client.search_runs(experiment, below, order_by=["tags.kind"])

    assert (fold.info.run_name, fold.data.tags["kind"]) == ("fold a", "fold")
    assert (fold.info.status, fold.data.metrics) == ("FINISHED", {"composite": 0.2})
    assert (trial.data.params, trial.data.tags["state"]) == ({"leaves": "4"}, "pruned")
    assert trial.info.end_time - trial.info.start_time == 90_000


@pytest.mark.parametrize(
    "column",
    ["client_id", "pairing_id", "clinician_id", "Clinician_ID ", "first_client_id", "client.age"],
)
def test_columns_about_single_people_are_refused(column: str) -> None:
    with pytest.raises(RegistryError, match="about single people"):
        refuse_personal("t", pd.DataFrame({column: [1], "share": [0.5]}))


def test_an_index_about_single_people_is_refused() -> None:
    table = pd.DataFrame({"clinician_id": ["t1"], "share": [0.5]}).set_index("clinician_id")

    with pytest.raises(RegistryError, match="clinician_id"):
        refuse_personal("t", table)


def test_levels_of_a_column_index_about_single_people_are_refused() -> None:
    table = pd.DataFrame([[1.0]], columns=pd.MultiIndex.from_tuples([("clinician_id", "mean")]))

    with pytest.raises(RegistryError, match="clinician_id"):
        refuse_personal("t", table)


def test_a_table_of_groups_passes() -> None:
    refuse_personal("t", pd.DataFrame({"group": ["style"], "clients": [40], "share": [0.5]}))
