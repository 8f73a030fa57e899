"""X, y, groups and weights of a practice's tables, as scikit-learn takes them."""

import numpy as np
import pytest
from sklearn.inspection import permutation_importance
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_score

from recommender.notebook.regression import regression_data
from recommender.training.dataset import dataset_of, labels_for
from recommender.training.estimator import AllianceRegressor
from tests.support.builders import a_dataset, a_practice, some_tables
from tests.support.frames import loaded_tables


def test_rows_are_the_rated_pairings_with_their_labels() -> None:
    X, y, groups, weight = regression_data(loaded_tables())
    labels = labels_for(a_dataset(), np.arange(len(a_dataset())))

    assert X.index.tolist() == a_dataset().pairing_ids.tolist()
    assert np.array_equal(y, labels.alliance)
    assert np.array_equal(weight, labels.weight)
    assert groups.tolist() == X["client_id"].tolist()


def test_no_column_is_for_audit_alone() -> None:
    X = regression_data(loaded_tables()).X

    assert "client.gender" not in X
    assert "client.agrees" in X


def test_cells_are_read_as_the_tables_are() -> None:
    X, y, _, weight = regression_data(loaded_tables(pairings=120))
    learned = AllianceRegressor(a_practice(), folds=3).fit(X, y, sample_weight=weight)
    dataset = dataset_of(some_tables(pairings=120), a_practice())

    clinicians = dataset.clinician_ids
    assert learned.model_.clinician_ids == clinicians
    assert np.isfinite(learned.predict(X)).all()


@pytest.mark.slow
def test_it_goes_through_the_tools_of_scikit_learn() -> None:
    X, y, groups, _ = regression_data(loaded_tables(pairings=160))
    folds = GroupKFold(2)
    scores = cross_val_score(AllianceRegressor(a_practice()), X, y, groups=groups, cv=folds)
    search = GridSearchCV(AllianceRegressor(a_practice()), {"client_num_trees": [2, 50]}, cv=folds)
    best = search.fit(X, y, groups=groups).best_estimator_
    shuffled = permutation_importance(best, X, y, n_repeats=2, random_state=0)

    assert scores.shape == (2,)
    by_column = dict(zip(X.columns, shuffled.importances_mean, strict=True))
    assert by_column["client_id"] == by_column["clinician.fee"] == 0
    assert by_column["client.wanted"] > 0.02
    sizes = dict(zip(best.feature_names_in_, best.feature_importances_, strict=True))
    assert sizes["client.wanted"] > sizes["clinician.years"]
