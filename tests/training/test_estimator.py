"""Our learner in scikit-learn's hands: its checks, its searches, and the same predictions."""

from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import clone
from sklearn.inspection import permutation_importance
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_predict, cross_val_score
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from experiments.simulated_practice.write import write
from recommender.errors import IntakeError, RecommenderError
from recommender.model.bundle.io import load_bundle, save_bundle
from recommender.notebook.regression import regression_data
from recommender.notebook.tables import load_tables
from recommender.registry.registry import Registry
from recommender.tables.pairing_frame import SIDES
from recommender.training.dataset import dataset_of, labels_for
from recommender.training.estimator import AllianceRegressor
from recommender.training.fit import fit
from recommender.training.run import train
from recommender.training.tree_fitting import FitSettings, TreeSettings, parameters_of
from tests.support.builders import (
    DEFINITION,
    TAKEN_AT,
    Rows,
    a_practice,
    some_rows,
    tables_of,
    write_rows,
)
from tests.support.registries import empty_registry
from tests.support.simulated_world import a_world, the_practice

NO_TREES = 10**6


def cells_of(rows: Rows) -> pd.DataFrame:
    """The rated pairings as raw cells, oldest first, as `train` has them."""
    people = {
        side: pd.DataFrame(rows[f"{side}s"]).set_index(f"{side}_id").add_prefix(f"{side}.")
        for side in ("client", "clinician")
    }
    rated = {row["pairing_id"] for row in rows["ratings"]}
    pairings = pd.DataFrame(rows["pairings"]).sort_values(["started_on", "pairing_id"])
    pairings = pairings[pairings["pairing_id"].isin(rated)]
    cells = pairings.join(people["client"], on="client_id").join(
        people["clinician"], on="clinician_id"
    )
    seen = [name for name in cells.columns if "." in name]
    kept = [name for name in seen if name not in ("clinician.name", "client.gender")]
    return cells.set_index("pairing_id")[["client_id", "clinician_id", *kept]]


def labels_of(rows: Rows) -> pd.Series:
    """Points of the reference scale by pairing: the sum of twelve items as their mean."""
    return pd.Series({row["pairing_id"]: float(row["score"]) / 12 for row in rows["ratings"]})


def small(**options: int) -> tuple[pd.DataFrame, pd.Series]:
    rows = some_rows(**options)
    cells = cells_of(rows)
    return cells, labels_of(rows)[cells.index]


def rated_only(rows: Rows) -> Rows:
    """The tables without pairings that ended unrated, which a table of labels cannot hold."""
    rated = {row["pairing_id"] for row in rows["ratings"]}
    return {**rows, "pairings": [p for p in rows["pairings"] if p["pairing_id"] in rated]}


def quick(**settings: Any) -> AllianceRegressor:
    """An estimator with both halves of the pairing part, and three folds."""
    return AllianceRegressor(a_practice(), **{"folds": 3, "fewest_for_trees": 100} | settings)


# scikit-learn's own checks

EXPECTED = {
    "check_sample_weight_equivalence_on_dense_data": (
        "a weight says how reliable one label is, not how many there were: two labels of one "
        "client teach more of the residual variance than one label of weight two"
    ),
}


def expected(_: AllianceRegressor) -> dict[str, str]:
    return EXPECTED


@parametrize_with_checks(  # type: ignore[untyped-decorator]
    [AllianceRegressor(), AllianceRegressor(fewest_for_trees=10, pairing_num_trees=20)],
    expected_failed_checks=expected,
    xfail_strict=True,
)
def test_scikit_learn_finds_nothing_wrong(
    estimator: AllianceRegressor, check: Callable[[AllianceRegressor], None]
) -> None:
    check(estimator)


def test_a_row_of_weight_nothing_is_as_if_it_were_not_there() -> None:
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(60, 3))
    label = numbers[:, 0] + rng.normal(size=60)
    weight = (np.arange(60) % 3 > 0).astype(float)

    with_it = AllianceRegressor().fit(numbers, label, sample_weight=weight)
    without = AllianceRegressor().fit(numbers[weight > 0], label[weight > 0])
    assert np.array_equal(with_it.predict(numbers), without.predict(numbers))


# One learner, whoever calls it


def test_predictions_are_those_of_the_model_learned_from_the_tables() -> None:
    rows = rated_only(some_rows())
    cells, label = cells_of(rows), labels_of(rows)
    settings = FitSettings(fewest_for_trees=100, folds=3)
    model = fit(dataset_of(tables_of(rows), a_practice()), settings=settings).model

    said = quick().fit(cells, label[cells.index]).predict(cells)
    told = model.predict_table(cells)["predicted_alliance"].to_numpy()
    assert said == pytest.approx(told, abs=1e-9)
    assert np.ptp(said) > 0.5


@pytest.mark.slow
def test_predictions_are_those_of_the_model_that_train_publishes(tmp_path: Path) -> None:
    rows = rated_only(some_rows())
    (tmp_path / "tables").mkdir()
    write_rows(tmp_path / "tables", rows)
    registry = Registry(empty_registry(tmp_path))
    published = train(
        tmp_path / "tables", a_practice(), registry, now=TAKEN_AT, settings=quick().settings()
    )
    served = load_bundle(registry.fetch(published.version.version, tmp_path / "bundles"))

    cells, label = cells_of(rows), labels_of(rows)
    said = quick().fit(cells, label[cells.index]).predict(cells)
    told = served.predict_table(cells)["predicted_alliance"].to_numpy()
    assert said == pytest.approx(told, abs=1e-9)


@pytest.mark.slow
def test_weights_reach_the_learner_as_the_reliability_of_a_label_does() -> None:
    rows = rated_only(some_rows())
    again = [{**row, "session": "4"} for row in rows["ratings"][::2]]
    rows = {**rows, "ratings": [*rows["ratings"], *again]}
    dataset = dataset_of(tables_of(rows), a_practice())
    labels = labels_for(dataset, np.arange(len(dataset)))
    settings = FitSettings(fewest_for_trees=100, folds=3)
    told = fit(dataset, settings=settings).model.predict_table(cells_of(rows))

    assert len(np.unique(labels.weight)) == 2
    said = quick().fit(cells_of(rows), labels.alliance, sample_weight=labels.weight)
    assert said.predict(cells_of(rows)) == pytest.approx(
        told["predicted_alliance"].to_numpy(), abs=1e-9
    )


def test_what_was_learned_can_be_kept_as_a_bundle(tmp_path: Path) -> None:
    cells, label = small(pairings=120)
    learned = quick().fit(cells, label)
    save_bundle(learned.model_, tmp_path / "bundle")

    again = load_bundle(tmp_path / "bundle").predict_table(cells)["predicted_alliance"]
    assert np.array_equal(again.to_numpy(), learned.predict(cells))
    assert learned.model_.manifest.known_until is None


def test_no_search_starts_from_other_settings_than_training_does() -> None:
    assert AllianceRegressor().settings() == FitSettings()


def test_every_setting_of_a_fit_can_be_searched() -> None:
    settings = {name.replace(".", "_") for name in parameters_of(FitSettings())}

    assert settings | {"practice"} == set(AllianceRegressor().get_params())


def test_a_parameter_reaches_the_setting_of_its_name() -> None:
    usual = asdict(FitSettings().pairing)
    other = {name: 3 if isinstance(value, int) else 0.25 for name, value in usual.items()}
    changed = {f"pairing_{name}": value for name, value in other.items()}
    settings = AllianceRegressor(seed=7, folds=9).set_params(**changed).settings()

    assert settings.pairing == TreeSettings(**other)  # type: ignore[arg-type]
    assert settings == replace(FitSettings(), seed=7, folds=9, pairing=settings.pairing)


# Cross-validation, search, pipelines


@pytest.mark.slow
def test_cross_validation_by_client_finds_what_there_is_to_find() -> None:
    cells, label = small()
    scores = cross_val_score(
        quick(), cells, label, groups=cells["client_id"], cv=GroupKFold(3), scoring="r2"
    )

    assert scores.shape == (3,)
    assert scores.min() > 0.15


@pytest.mark.slow
def test_shuffled_labels_teach_nothing() -> None:
    cells, label = small()
    shuffled = np.random.default_rng(0).permutation(label)
    scores = cross_val_score(quick(), cells, shuffled, groups=cells["client_id"], cv=GroupKFold(3))

    assert scores.max() < 0.05


@pytest.mark.slow
def test_a_search_tries_every_setting_and_keeps_the_one_that_predicts_better() -> None:
    cells, label = small()
    grid = {"client_min_data_in_leaf": [10, 10**6], "fewest_for_trees": [100, NO_TREES]}
    search = GridSearchCV(quick(), grid, cv=GroupKFold(3), scoring="neg_mean_squared_error")
    search.fit(cells, label, groups=cells["client_id"])

    tried = search.cv_results_["mean_test_score"]
    assert len(tried) == 4
    assert search.best_score_ == tried.max()
    assert search.best_estimator_.predict(cells).shape == (len(cells),)
    by_setting = dict(zip(map(str, search.cv_results_["params"]), tried.round(12), strict=True))
    # Leaves that no client fills say nothing of clients; trees so few ratings did not earn weigh 0.
    assert len(set(by_setting.values())) >= 2


@pytest.mark.slow
def test_parallel_jobs_score_as_one_job_does() -> None:
    cells, label = small(pairings=150)
    one, two = (
        cross_val_score(
            quick(), cells, label, groups=cells["client_id"], cv=GroupKFold(2), n_jobs=n
        )
        for n in (1, 2)
    )

    assert np.array_equal(one, two)


@pytest.mark.slow
def test_clients_told_as_groups_reach_the_fit_inside_cross_validation() -> None:
    cells, label = small(pairings=150)
    twice = pd.concat([cells, cells], ignore_index=True)
    labels = np.concatenate([label, label])
    told, nameless = twice["client_id"], twice.drop(columns="client_id")
    with sklearn.config_context(enable_metadata_routing=True):
        routed = cross_val_predict(
            quick().set_fit_request(groups=True),
            nameless,
            labels,
            cv=GroupKFold(2),
            params={"groups": told},
        )
    named = cross_val_predict(quick(), twice, labels, cv=GroupKFold(2), groups=told)
    unknown = cross_val_predict(quick(), nameless, labels, cv=GroupKFold(2), groups=told)

    assert np.array_equal(routed, named)
    assert not np.array_equal(routed, unknown)


def without_fees(cells: pd.DataFrame) -> pd.DataFrame:
    return cells.drop(columns="clinician.fee")


def test_it_stands_at_the_end_of_a_pipeline() -> None:
    cells, label = small(pairings=150)
    pipeline = Pipeline([("cells", FunctionTransformer(without_fees)), ("alliance", quick())])
    pipeline.fit(cells, label, alliance__groups=cells["client_id"])

    alone = quick().fit(without_fees(cells), label)
    assert np.array_equal(pipeline.predict(cells), alone.predict(without_fees(cells)))
    assert pipeline.set_params(alliance__folds=2).named_steps["alliance"].folds == 2


def test_a_matrix_passes_through_a_pipeline_of_numbers() -> None:
    rng = np.random.default_rng(1)
    numbers = rng.normal(size=(300, 4)) * [1, 100, 1, 1]
    label = numbers[:, 0] + numbers[:, 1] / 100 + rng.normal(0, 0.5, 300)
    pipeline = Pipeline([("scale", StandardScaler()), ("alliance", AllianceRegressor())])

    assert cross_val_score(pipeline, numbers, label, cv=3).min() > 0.8


def test_trees_join_a_matrix_of_enough_rows_and_find_a_bend() -> None:
    rng = np.random.default_rng(2)
    numbers = rng.normal(size=(1600, 3))
    label = np.abs(numbers[:, 1]) + rng.normal(0, 0.3, 1600)
    train_rows, test_rows = slice(1200), slice(1200, None)

    bent, straight = (
        AllianceRegressor(fewest_for_trees=few)
        .fit(numbers[train_rows], label[train_rows])
        .score(numbers[test_rows], label[test_rows])
        for few in (1000, NO_TREES)
    )
    assert bent > 0.6 > straight


def test_numbers_that_are_not_known_are_taken_as_average() -> None:
    rng = np.random.default_rng(3)
    numbers = rng.normal(size=(100, 2))
    learned = AllianceRegressor().fit(numbers, numbers[:, 0])
    gap, mean = np.array([[np.nan, 0.0]]), np.array([[numbers[:, 0].mean(), 0.0]])

    assert learned.predict(gap) == pytest.approx(learned.predict(mean))


# Manners


def test_a_clone_has_the_parameters_and_nothing_of_the_fit() -> None:
    cells, label = small(pairings=120)
    learned = quick(seed=5, client_num_trees=30).fit(cells, label)
    copy = clone(learned)

    told, kept = copy.get_params(), learned.get_params()
    assert told.pop("practice").digest == kept.pop("practice").digest
    assert told == kept
    assert not hasattr(copy, "model_")


def test_columns_seen_are_remembered_and_others_refused() -> None:
    cells, label = small(pairings=120)
    learned = quick().fit(cells, label)

    assert learned.n_features_in_ == cells.shape[1]
    assert learned.feature_names_in_.tolist() == list(cells.columns)
    with pytest.raises(ValueError, match="feature names"):
        learned.predict(cells.drop(columns="client.wanted"))


@pytest.mark.parametrize("told", [str(DEFINITION), DEFINITION], ids=["text", "path"])
def test_a_practice_may_be_named_by_its_file(told: str | Path) -> None:
    cells, label = small(pairings=120)
    named = quick().set_params(practice=told).fit(cells, label)

    assert np.array_equal(named.predict(cells), quick().fit(cells, label).predict(cells))


def test_a_practice_that_ships_may_be_named_by_its_name() -> None:
    required: dict[str, Any] = {"client.age_years": 30}
    cells = pd.DataFrame({"clinician_id": ["k1", "k2"] * 30}).assign(**required)
    shipped = AllianceRegressor("psychology").fit(cells, np.tile([3.0, 4.0], 30))

    assert shipped.model_.practice.id == "psychology"
    assert np.diff(shipped.predict(cells)[:2])[0] > 0.5


def test_the_order_of_rows_does_not_matter_beyond_rounding_when_clients_are_named() -> None:
    cells, label = small()
    order = np.random.default_rng(0).permutation(len(cells))
    learned = quick(fewest_for_trees=NO_TREES, client_num_trees=1)
    before = learned.fit(cells, label).predict(cells)
    after = clone(learned).fit(cells.iloc[order], label.iloc[order]).predict(cells)

    assert after == pytest.approx(before, abs=1e-6)


def test_another_seed_gives_another_prediction() -> None:
    cells, label = small(pairings=200)

    first, other = (quick(seed=seed).fit(cells, label).predict(cells) for seed in (0, 1))
    assert not np.array_equal(first, other)


# Few, odd and wrong rows


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_the_declared_sizes_stand_around_the_mean_of_a_handful(rows: int) -> None:
    cells, label = small(pairings=60)
    learned = quick().fit(cells.iloc[:rows], label.iloc[:rows])
    said = learned.predict(cells)

    assert learned.model_.manifest.mode == "evidence_prior"
    assert learned.model_.client_mean == pytest.approx(label.iloc[:rows].mean())
    assert np.ptp(said) > 0.1


@pytest.mark.parametrize("rows", [4, 5, 9, 30])
@pytest.mark.parametrize("folds", [2, 5, 20])
def test_more_folds_than_clients_are_as_many_as_there_are(rows: int, folds: int) -> None:
    cells, label = small(pairings=60)
    learned = quick(folds=folds).fit(cells.iloc[:rows], label.iloc[:rows])

    assert learned.model_.manifest.mode == "model"
    assert np.isfinite(learned.predict(cells)).all()


def test_labels_that_do_not_differ_are_predicted_as_they_are() -> None:
    cells, _ = small(pairings=120)
    said = quick().fit(cells, np.full(len(cells), 4.0)).predict(cells)

    assert said == pytest.approx(np.full(len(cells), 4.0))


def test_a_clinician_whose_facts_changed_keeps_one_record_and_one_effect() -> None:
    cells, label = small(pairings=200)
    later = np.arange(len(cells)) >= len(cells) // 2
    cells["clinician.years"] = cells["clinician.years"].astype(int) + later
    learned = quick().fit(cells, label)

    assert len(learned.model_.clinician_ids) == cells["clinician_id"].nunique()
    assert learned.model_.records.count.sum() == len(cells)


def test_a_client_with_two_intakes_is_refused() -> None:
    cells, label = small(pairings=60)
    with pytest.raises(RecommenderError, match="answers differ between rows"):
        quick().fit(cells, label, groups=["one"] * len(cells))


def test_a_row_without_a_client_is_refused() -> None:
    cells, label = small(pairings=60)
    with pytest.raises(RecommenderError, match="rows without a client"):
        quick().fit(cells.assign(client_id=None), label)


def test_sums_where_means_are_said_are_refused() -> None:
    cells, label = small(pairings=60)
    with pytest.raises(RecommenderError, match="labels far from 1 to 5; give the mean"):
        quick().fit(cells, 12 * label)


def test_a_row_that_does_not_name_its_clinician_is_refused() -> None:
    cells, label = small(pairings=60)
    for wrong in (cells.drop(columns="clinician_id"), cells.assign(clinician_id=None)):
        with pytest.raises(RecommenderError, match=r"clinician_id.*: is (missing|empty)"):
            quick().fit(wrong, label)


def test_numbers_where_a_practice_was_named_are_refused() -> None:
    with pytest.raises(RecommenderError, match="is not a table"):
        quick().fit(np.ones((20, 2)), np.ones(20))


def test_one_fold_is_refused() -> None:
    cells, label = small(pairings=60)
    with pytest.raises(RecommenderError, match="folds: is below 2"):
        quick(folds=1).fit(cells, label)


def test_weights_below_nothing_are_refused() -> None:
    cells, label = small(pairings=60)
    with pytest.raises(ValueError, match="Negative"):
        quick().fit(cells, label, sample_weight=-np.ones(len(label)))


def test_the_importance_of_hours_is_measured_though_permuted_rooms_are_of_another_clinician(
    tmp_path: Path,
) -> None:
    write(a_world(seed=7, clinicians=16, ratings=400), tmp_path)
    X, y, _, weight = regression_data(load_tables(tmp_path, the_practice()))
    sides = {side: the_practice().fields(side, "score", "filter") for side in SIDES}
    needed = {f"{side}.{n}" for side, each in sides.items() for n in each if each[n].required}
    needed |= {"clinician_id", "clinician.hours", "clinician.rooms", "clinician.modes"}
    X = X[[name for name in X if name in needed | {"client.home", "client.hours_free"}]]
    regressor = AllianceRegressor(the_practice()).fit(X, y, sample_weight=weight)

    sizes = permutation_importance(regressor, X, y, n_repeats=1, random_state=0).importances_mean

    assert np.isfinite(sizes).all()
    with pytest.raises(IntakeError, match=r"clinician\.hours"):
        regressor.predict(X.assign(**{"clinician.hours": "some day"}))


def test_somebody_who_forgets_the_practice_is_shown_how_to_give_it() -> None:
    cells, label = small(pairings=20)
    with pytest.raises(RecommenderError, match=r"give practice, such as AllianceRegressor\('"):
        AllianceRegressor().fit(cells, label)
