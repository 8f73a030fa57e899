"""A whole retraining against a real SQLite registry: what is measured, published and kept."""

import re
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from recommender.model.bundle.io import load_bundle
from recommender.model.evaluation_report import ComparedChampion
from recommender.model.match_sizes import NO_RATING, match_sizes
from recommender.registry.registry import Registry
from recommender.registry.versions import CHALLENGER
from recommender.training.enough_ratings import (
    LATER,
    MIN_LATER,
    MIN_RATED,
    OUT_OF_FOLD,
    with_interval,
)
from recommender.training.promotion import promote
from recommender.training.report import report_of
from recommender.training.run import EXPERIMENT, TrainingResult, train
from recommender.training.tune import SearchSettings
from tests.support.builders import QUICK, a_model, a_practice, some_rows, write_tables
from tests.support.evaluations import an_evaluation
from tests.support.registries import datasets_of_run, empty_registry

NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)


class Twice(NamedTuple):
    """A practice that trained, promoted, went on and trained again."""

    registry: Registry
    first: TrainingResult
    second: TrainingResult


def a_training(
    registry: Registry, tables: Path, pairings: int, search: SearchSettings | None = None
) -> TrainingResult:
    tables.mkdir(exist_ok=True)
    write_tables(tables, pairings=pairings)
    return train(tables, a_practice(), registry, now=NOW, settings=QUICK, search=search)


@pytest.fixture(scope="module")
def twice(tmp_path_factory: pytest.TempPathFactory) -> Twice:
    home = tmp_path_factory.mktemp("home")
    registry = Registry(empty_registry(home), "alliance", home / "artifacts")
    first = a_training(registry, home / "tables", 200)
    promote(registry, None, by="j.lee", at=NOW, reason="first", force=True)
    return Twice(registry, first, a_training(registry, home / "tables", 300, SearchSettings(2)))


def kept(registry: Registry, trained: TrainingResult, under: str = "") -> set[str]:
    with registry.client() as client:
        return {file.path for file in client.list_artifacts(trained.version.run_id, under)}


def test_enough_later_ratings_give_the_range_that_is_published() -> None:
    evaluation = an_evaluation()
    rated = evaluation.held_out.is_rated
    assert rated.sum() >= MIN_LATER
    model, source = with_interval(a_model(), evaluation)
    error = (evaluation.held_out.label - evaluation.scores["ours"].alliance)[rated]
    inside = (model.interval.low <= error) & (error <= model.interval.high)

    assert source == LATER
    assert model.interval != a_model().interval
    # The ends are ratings themselves, one rank further out than 5 and 95 %.
    assert {model.interval.low, model.interval.high} <= set(error)
    assert 0.9 <= inside.mean() <= 0.9 + 3 / len(error)
    assert replace(model, interval=a_model().interval) == a_model()


def test_of_too_few_later_ratings_the_range_stays_that_of_held_out_ones() -> None:
    evaluation = an_evaluation()
    label = evaluation.held_out.label.copy()
    label[np.flatnonzero(evaluation.held_out.is_rated)[MIN_LATER - 1 :]] = np.nan
    few = replace(evaluation, held_out=replace(evaluation.held_out, label=label))

    assert with_interval(a_model(), few) == (a_model(), OUT_OF_FOLD)


def test_the_coverage_that_is_told_is_of_ranges_stated_before() -> None:
    evaluation = an_evaluation()
    tested, said = evaluation.held_out, evaluation.scores["ours"].alliance
    error = (tested.label - said)[tested.is_rated]
    interval = with_interval(a_model(), evaluation)[0].interval
    told = report_of(evaluation, a_practice()).ranges[0]
    stated = (tested.low <= tested.label) & (tested.label <= tested.high)

    assert told.coverage == pytest.approx(stated[tested.is_rated].mean())
    assert told.coverage != pytest.approx(
        ((interval.low <= error) & (error <= interval.high)).mean()
    )


@pytest.mark.slow
def test_a_report_says_where_the_range_comes_from(twice: Twice) -> None:
    assert (twice.second.model.report.rated or 0) < MIN_LATER
    assert twice.second.model.report.ranges_from == OUT_OF_FOLD
    card = twice.registry.text(twice.second.version, "card.md")
    assert "the interval that is served: out of fold." in card


@pytest.mark.slow
def test_the_first_training_has_no_champion_beside_it(twice: Twice) -> None:
    report = twice.first.model.report
    assert report.champion is None
    assert "champion" not in {figure.learner for figure in report.figures}


@pytest.mark.slow
def test_the_second_training_measures_the_champion_beside_the_challenger(twice: Twice) -> None:
    report, champion = twice.second.model.report, twice.first.version
    assert report.champion == ComparedChampion(
        version=1,
        digest=champion.digest,
        mode="model",
        known_until=twice.first.model.manifest.known_until,
    )
    beside = {row.baseline: row for row in report.differences if row.metric == "composite"}
    assert set(beside) >= {"champion", "random", "plain LightGBM"}
    assert (beside["champion"].rated or 0) <= (beside["random"].rated or 0) == report.rated


@pytest.mark.slow
def test_what_is_published_is_what_was_measured(twice: Twice, tmp_path: Path) -> None:
    model = load_bundle(twice.registry.fetch(CHALLENGER, tmp_path))
    assert model.report == twice.second.model.report
    assert model.manifest == twice.second.model.manifest
    assert twice.registry.alias(CHALLENGER) == twice.second.version


@pytest.mark.slow
def test_a_run_keeps_figures_overall_and_by_fold(twice: Twice) -> None:
    with twice.registry.client() as client:
        run = client.get_run(twice.second.version.run_id).data
    evaluation = twice.second.evaluation
    assert evaluation is not None
    for name in ("composite/ours", "composite"):
        assert np.isclose(run.metrics[name], evaluation.value("ours", "composite"))
    assert not any("nan" in text for text in run.tags.values())
    (fold,) = runs_below(twice, "fold")
    assert fold.info.run_name == "fold forward"
    assert np.isclose(fold.data.metrics["composite"], run.metrics["composite"])
    assert run.metrics["range/all rated/rated"] == twice.second.model.report.rated
    assert run.params["known_until"] == twice.second.model.manifest.known_until
    assert run.params["pairing.num_leaves"] == "4"
    # Of what is implausible about the tables only counts are logged.
    assert {name: n for name, n in run.metrics.items() if name.startswith("plausibility")} == {
        "plausibility/warnings": 0
    }


@pytest.mark.slow
def test_a_run_keeps_its_card_definition_tables_and_pictures(twice: Twice) -> None:
    assert kept(twice.registry, twice.second) >= {"card.md", "practice.toml", "tables", "figures"}
    assert kept(twice.registry, twice.second, "figures") >= {
        f"figures/{name}.svg" for name in ("calibration", "gain", "importance", "features")
    }
    assert kept(twice.registry, twice.second, "tables") >= {
        f"tables/{name}.csv" for name in ("ranges", "groups", "ours_minus", "exposure", "trials")
    }
    card = twice.registry.text(twice.second.version, "card.md")
    assert twice.second.model.manifest.data_digest in card
    assert "*Empty" not in card


def runs_below(twice: Twice, kind: str) -> list[Any]:
    """The child runs of the second training, in their order."""
    below = f"tags.mlflow.parentRunId = '{twice.second.version.run_id}' AND tags.kind = '{kind}'"
    with twice.registry.client() as client:
        found = [twice.registry.experiment(EXPERIMENT)]
        return list(client.search_runs(found, below, order_by=["start_time"]))


@pytest.mark.slow
def test_every_trial_of_a_search_is_a_run_below_the_training(twice: Twice) -> None:
    tuned = twice.second.tuned
    assert tuned is not None
    below = runs_below(twice, "trial")
    assert {run.info.run_name for run in below} == {"trial 0", "trial 1"}
    for run in below:
        assert run.data.params.keys() == tuned.trials[0].params.keys()
        assert (
            run.data.metrics["composite"] == run.data.metrics["composite/fold 1"]
            or len(tuned.trials[0].by_fold) > 1
        )


@pytest.mark.slow
def test_a_list_of_runs_compares_trainings_by_name_and_headline(twice: Twice) -> None:
    with twice.registry.client() as client:
        found = [twice.registry.experiment(EXPERIMENT)]
        runs = client.search_runs(found, "tags.kind = 'training'", order_by=["start_time"])

    assert [run.info.run_name for run in runs] == [
        f"corner v{version} 2026-11-23" for version in (1, 2)
    ]
    for run, trained in zip(runs, (twice.first, twice.second), strict=True):
        assert run.data.metrics["ratings"] == trained.model.manifest.ratings
        assert run.data.metrics["tested"] == trained.model.report.rated
        assert run.data.metrics["pairings"] == trained.model.manifest.pairings
        assert {"composite", "dyad_partial", "coverage", "rmse"} <= run.data.metrics.keys()


@pytest.mark.slow
def test_pages_of_mlflow_describe_run_version_model_and_aliases(twice: Twice) -> None:
    registry, second = twice.registry, twice.second.version
    with registry.client() as client:
        run: Any = client.get_run(second.run_id)
        version: Any = client.get_model_version(registry.name, str(second.version))
        model = client.get_registered_model(registry.name)
        (output,) = run.outputs.model_outputs
        logged: Any = client.get_logged_model(output.model_id)

    assert "## In short" in run.data.tags["mlflow.note.content"]
    assert version.description == run.data.tags["mlflow.note.content"]
    assert "card.md" in version.description
    assert len(version.description) <= 5000
    assert model.aliases == {"champion": 1, "challenger": 2}
    assert all(f"- `{alias}`: " in model.description for alias in model.aliases)
    assert {metric.key for metric in logged.metrics} >= {"composite", "coverage"}


@pytest.mark.slow
def test_a_run_names_the_tables_it_learned_from(twice: Twice) -> None:
    with twice.registry.client() as client:
        run = client.get_run(twice.second.version.run_id)
    tables = datasets_of_run(run)

    assert {name: each["sizes"]["num_rows"] for name, each in tables.items()} == {
        "rated pairings": twice.second.model.manifest.pairings,
        "clients": 300,
        "clinicians": 12,
        "pairings": 300,
        "ratings": twice.second.model.manifest.ratings,
    }
    learned = tables["rated pairings"]
    assert twice.second.model.manifest.data_digest.startswith(learned["digest"])
    assert learned["columns"]["client.directive"] == learned["columns"]["alliance"] == "double"
    assert "client.gender" not in learned["columns"]
    assert tables["clients"]["columns"]["gender"] == "string"


@pytest.mark.slow
def test_nothing_in_mlflow_names_a_person_of_the_tables(twice: Twice) -> None:
    tables = some_rows(pairings=300)
    ids = {row[f"{side}_id"] for side in ("client", "clinician") for row in tables[f"{side}s"]}
    ids |= {row["pairing_id"] for row in tables["pairings"]}
    ids |= {row["name"] for row in tables["clinicians"] if row.get("name")}
    home = Path(twice.registry.uri.removeprefix("sqlite:///"))
    with closing(sqlite3.connect(home)) as database:
        stored = "\n".join(database.iterdump())
    written = {
        path.relative_to(home.parent): path.read_bytes().decode("utf-8", "replace")
        for path in (home.parent / "artifacts").rglob("*")
        # A bundle names the clinicians it learned from; it is the model itself.
        if path.is_file() and "bundle" not in path.parts
    }
    word = re.compile(rf"(?<![\w-])(?:{'|'.join(map(re.escape, sorted(ids)))})(?![\w-])")

    assert len(ids) > 600
    assert len(written) > 50
    assert word.findall(f"so {min(ids)}: here") == [min(ids)]
    assert word.findall(stored) == []
    assert not {path: word.findall(text) for path, text in written.items() if word.search(text)}
    assert str(home.parent / "tables") not in stored


@pytest.mark.slow
def test_with_hardly_a_rating_the_declared_sizes_are_published_and_say_so(tmp_path: Path) -> None:
    registry = Registry(empty_registry(tmp_path), "alliance", tmp_path / "artifacts")
    trained = a_training(registry, tmp_path / "tables", MIN_RATED // 2)

    assert trained.evaluation is None
    report = trained.model.report
    facts = report.to_dict()
    assert (facts["mode"], set(facts)) == ("evidence_prior", {"mode", "matches"})
    assert {each.status for each in match_sizes(report, trained.model.practice)} == {NO_RATING}
    assert "so nothing was measured" in registry.text(trained.version, "card.md")
