"""A fit in a notebook is the fit of the command line."""

import pytest

from recommender.errors import RecommenderError
from recommender.model.evaluation_report import ALL_RATED
from recommender.notebook.evaluation import evaluate
from recommender.notebook.fitting import fit
from recommender.notebook.tables import load_tables
from recommender.training.dataset import dataset_of
from recommender.training.enough_ratings import with_interval
from recommender.training.fit import fit as fit_dataset
from recommender.training.tree_fitting import FitSettings
from tests.support.builders import a_practice, some_tables
from tests.support.frames import loaded_tables, some_frames


def test_it_is_the_model_that_is_learned_from_the_files() -> None:
    model = fit(loaded_tables(pairings=120), progress=False)
    dataset = dataset_of(some_tables(pairings=120), a_practice())
    expected = fit_dataset(dataset, settings=FitSettings(seed=0), with_matches=True)

    frame = model.matches
    assert model.alliance_model.additive.fit.intercept == expected.model.additive.fit.intercept
    assert model.alliance_model.interval == expected.model.interval
    assert expected.matches is not None
    assert set(frame["match"]) == {each.match for each in expected.matches.by_match}
    assert frame["size"].abs().is_monotonic_decreasing


def test_an_evaluation_becomes_the_report_of_the_model() -> None:
    tables = loaded_tables(pairings=120)
    evaluation = evaluate(tables, draws=10, progress=False)
    model = fit(tables, evaluation=evaluation, progress=False)

    assert model.report.figures == evaluation.report.figures
    assert model.report.ranges[0].among == ALL_RATED
    expected, source = with_interval(model.alliance_model, evaluation.evaluation)
    assert model.alliance_model.interval == expected.interval
    assert model.report.ranges_from == source


def test_an_evaluation_of_other_tables_is_refused() -> None:
    evaluation = evaluate(loaded_tables(pairings=120), draws=5, progress=False)
    with pytest.raises(RecommenderError, match="is of other tables"):
        fit(loaded_tables(pairings=130), evaluation=evaluation, progress=False)


def test_too_few_ratings_give_the_declared_sizes_with_a_warning() -> None:
    with pytest.warns(UserWarning, match="pairings are rated, fewer than 50"):
        model = fit(loaded_tables(pairings=40), progress=False)

    assert model.manifest.mode == "evidence_prior"
    assert model.matches.empty


def test_a_practice_without_any_rating_has_a_model_too() -> None:
    frames = some_frames(pairings=60)
    frames["ratings"]["session"] = 40
    with pytest.warns(UserWarning, match="0 pairings are rated"):
        model = fit(load_tables(frames, a_practice()), progress=False)

    assert model.score({"agrees": True}, frames["clinicians"])["predicted_alliance"].notna().all()


def test_settings_are_those_of_the_estimator() -> None:
    tables = loaded_tables(pairings=120)
    usual, other = (
        fit(tables, settings=settings, progress=False)
        for settings in (None, {"client_num_trees": 3, "folds": 2})
    )

    assert usual.digest != other.digest
    with pytest.raises(RecommenderError, match="settings: has no trees; known are client_"):
        fit(tables, settings={"trees": 3})


def test_equal_tables_and_seeds_give_equal_models() -> None:
    tables = loaded_tables(pairings=120)
    first, again, other = (fit(tables, seed=seed, progress=False).digest for seed in (1, 1, 2))

    assert first == again != other


def test_somebody_who_tunes_trees_that_are_not_grown_is_warned() -> None:
    tables = loaded_tables(pairings=120)
    with pytest.warns(
        UserWarning, match="pairing_num_leaves cannot act: trees of pairings are gro"
    ):
        fit(tables, settings={"pairing_num_leaves": 8, "client_num_trees": 20}, progress=False)
