"""`recommender evaluate`: printed, drawn, kept; the champion beside; nobody named."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from recommender.cli.main import app
from recommender.model.bundle.io import save_bundle
from recommender.registry.registry import Registry
from recommender.training.mlflow_run import tracked_run
from recommender.training.run import EXPERIMENT
from tests.support.builders import DEFINITION, a_fit, a_practice, write_tables
from tests.support.registries import datasets_of_run, empty_registry

FIGURES = ("baselines", "calibration", "gain", "coverage")


def evaluate(folder: Path, *words: str | Path) -> Result:
    given = ["evaluate", folder, "--practice", DEFINITION, *words]
    return CliRunner().invoke(app, [str(word) for word in given])


def said(result: Result) -> str:
    return " ".join(result.output.replace("│", " ").split())


def a_registry(home: Path, known_until: str | None = None) -> Registry:
    """A registry whose champion knew of ratings until a day."""
    registry = Registry(empty_registry(home))
    model = a_fit().model
    manifest = replace(model.manifest, known_until=known_until)
    digest = save_bundle(replace(model, manifest=manifest), home / "bundle")
    with tracked_run(registry, EXPERIMENT, "a run", {}) as run:
        version = registry.publish(run.run_id, home / "bundle", a_practice(), digest, {})
    registry.set_alias("champion", version.version)
    return registry


def test_help_teaches_what_each_split_holds_back() -> None:
    told = CliRunner().invoke(app, ["evaluate", "--help"], env={"COLUMNS": "200"}).output
    for word in ("forward", "rolling", "clients", "clinicians", "--save", "--log", "publishes"):
        assert word in told


def test_what_was_measured_is_printed_and_written_with_its_pictures(tmp_path: Path) -> None:
    write_tables(tmp_path, pairings=150)
    folder = tmp_path / "new" / "folder"
    result = evaluate(tmp_path, "--save", folder)

    assert result.exit_code == 0, result.output
    for title in ("held-out rated pairings", "Interval coverage", "First ranks"):
        assert title in said(result)
    assert {file.name for file in folder.iterdir()} == {
        "evaluation.csv", "report.json",
        *(f"{name}.{kind}" for name in FIGURES for kind in ("svg", "csv")),
    }  # fmt: skip
    report = json.loads((folder / "report.json").read_text())
    with (folder / "evaluation.csv").open() as file:
        written = list(csv.DictReader(file))
    assert len(written) == len(report["figures"])
    learners = {row["learner"] for row in written}
    assert learners >= {"ours", "random", "clinician average", "additive", "plain LightGBM"}
    assert "champion" not in learners


def test_a_file_is_no_folder_to_write_to(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    assert evaluate(tmp_path, "--save", tmp_path / "taken").exit_code == 2


def test_a_folder_that_cannot_be_made_is_said_before_anything_is_measured(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    result = evaluate(tmp_path, "--save", tmp_path / "taken" / "below")
    assert result.exit_code == 1
    assert "save: cannot be created" in said(result)


def test_a_mistyped_registry_is_refused_and_not_created(tmp_path: Path) -> None:
    typed = tmp_path / "typo" / "mlflow.db"
    result = evaluate(tmp_path, "--registry", f"sqlite:///{typed}")
    assert result.exit_code == 1
    assert "fix --registry" in said(result)
    assert not typed.parent.exists()


@pytest.mark.long
def test_rolling_folds_are_measured_in_time_order_and_kept_as_an_evaluation(
    tmp_path: Path,
) -> None:
    write_tables(tmp_path, pairings=200)
    uri = f"sqlite:///{tmp_path}/new.db"
    result = evaluate(tmp_path, "--split", "rolling", "--registry", uri, "--log")
    assert result.exit_code == 0, result.output

    registry = Registry(uri)
    with registry.client() as client:
        experiment = [registry.experiment(EXPERIMENT)]
        (run,) = client.search_runs(experiment, "tags.kind = 'evaluation'")
        folds = client.search_runs(experiment, "tags.kind = 'fold'", order_by=["start_time"])
        tables = {file.path for file in client.list_artifacts(run.info.run_id, "tables")}
        figures = {file.path for file in client.list_artifacts(run.info.run_id, "figures")}
    assert run.info.run_id in said(result)
    assert run.info.status == "FINISHED"
    assert run.data.tags["kind"] == "evaluation"
    assert run.data.tags["split"] == "rolling"
    assert run.info.run_name.startswith("corner rolling 20")
    assert {"composite", "coverage", "tested"} <= run.data.metrics.keys()
    assert datasets_of_run(run).keys() >= {"rated pairings", "clients", "ratings"}
    assert "rated pairings held out** (split: rolling)" in run.data.tags["mlflow.note.content"]
    assert [each.info.run_name for each in folds] == [f"fold forward {n}" for n in (1, 2, 3, 4)]
    assert all(each.data.tags["mlflow.parentRunId"] == run.info.run_id for each in folds)
    assert all({"composite", "composite/random"} <= each.data.metrics.keys() for each in folds)
    assert run.data.params["seed"] == "0"
    assert {f"figures/{name}.svg" for name in FIGURES} <= figures
    assert "tables/ranges.csv" in tables
    assert registry.versions() == ()


@pytest.mark.long
def test_the_champion_of_the_registry_is_measured_on_what_began_after_it_knew(
    tmp_path: Path,
) -> None:
    write_tables(tmp_path, pairings=300)
    registry = a_registry(tmp_path, known_until="2025-01-01")
    folder = tmp_path / "folder"
    result = evaluate(tmp_path, "--registry", registry.uri, "--save", folder)

    assert result.exit_code == 0, result.output
    report = json.loads((folder / "report.json").read_text())
    assert "champion" in {row["learner"] for row in report["figures"]}
    assert report["champion"]["version"] == 1
    assert len(registry.versions()) == 1


@pytest.mark.long
def test_a_champion_that_knew_all_that_is_tested_is_not_measured_and_nothing_breaks(
    tmp_path: Path,
) -> None:
    write_tables(tmp_path, pairings=300)
    registry = a_registry(tmp_path, known_until="2026-11-23")
    result = evaluate(tmp_path, "--split", "clinicians", "--registry", registry.uri)

    assert result.exit_code == 0, result.output
    assert "champion not measured not measured" in said(result)


@pytest.mark.slow
def test_folds_of_a_file_are_numbered_so_that_nobody_named_in_it_is_kept(tmp_path: Path) -> None:
    write_tables(tmp_path, pairings=200)
    with (tmp_path / "pairings.csv").open() as file:
        ids = [row["pairing_id"] for row in csv.DictReader(file)]
    rows = [f"{one},{'Dr Poe' if place % 2 else 'Dr Roe'}" for place, one in enumerate(ids)]
    folds, folder = tmp_path / "folds.csv", tmp_path / "folder"
    folds.write_text("\n".join(["pairing_id,fold", *rows, "nobody,b"]))
    result = evaluate(tmp_path, "--folds", folds, "--save", folder)
    assert "folds.csv, column pairing_id, row 202: is not among the pairings" in said(result)

    assert result.exit_code == 0, result.output
    told = (folder / "report.json").read_text()
    assert "Dr Poe" not in told
    assert json.loads(told)["folds"] == ["fold 1", "fold 2"]
