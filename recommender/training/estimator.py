"""A scikit-learn estimator around `recommender.training.fit`, for cross-validation and search."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from inspect import Parameter, Signature
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils import Tags, check_array, check_consistent_length
from sklearn.utils.validation import (
    _check_sample_weight,
    check_is_fitted,
    column_or_1d,
    validate_data,
)

from recommender.errors import RecommenderError
from recommender.features.feature import Array
from recommender.features.pipeline import Pairs
from recommender.model.additive import Codes
from recommender.model.alliance_model import AllianceModel, RosterEncoding
from recommender.model.evidence_prior import evidence_model
from recommender.practice.definition import Practice
from recommender.tables.roster import Roster
from recommender.training.dataset import Dataset
from recommender.training.fit import fit
from recommender.training.importances import contribution_sizes
from recommender.training.pairs_dataset import (
    check_scale,
    dataset_of_pairs,
    practice_from,
    sides_of_numbers,
    sides_of_table,
)
from recommender.training.tree_fitting import FitSettings, parameters_of, settings_from

MIN_CLIENTS = 4
"""Clients below which only the mean is learned: with fewer, the rows outside a fold can be a single
one, to which no slope can be fitted."""
DEFAULTS: Mapping[str, Any] = {
    name.replace(".", "_"): value for name, value in parameters_of(FitSettings()).items()
}
"""Every hyperparameter of a fit; those of `FitSettings.client` begin with `client_`."""


class AllianceRegressor(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Predicts the alliance of a client with a clinician; learns as `recommender train` does.

    Parameters
    ----------
    practice
        A practice, the path of its definition or the name of one that ships. None takes every
        column of a numeric matrix as a number of the pairing.
    seed, folds, fewest_for_trees, left_quantile
        As in `FitSettings`; fewer folds are used where fewer clients rated.
    client_*, pairing_*
        Hyperparameters of the trees of the client part and of the pairing part, as in
        `TreeSettings`.

    Attributes
    ----------
    model_ : AllianceModel
        The fitted model; with a practice it can be saved as a bundle.
    n_features_in_, feature_names_in_
        Columns seen in `fit`.
    feature_importances_ : (n_features_in_,)
        How far each column moves predictions, in points; see `recommender.training.importances`.
    group_importances_ : Series
        The same by explanation group of the definition; empty without a practice.

    Notes
    -----
    With a practice, `X` is a DataFrame of raw cells: `recommender.regression_data` makes `X`, `y`
    and the groups of a practice's tables. It works in `cross_val_score`, `GridSearchCV`,
    `permutation_importance` and as the last step of a `Pipeline` whose steps pass DataFrames on;
    not where `X` becomes an array, as in `SelectFromModel` and `RFE`. scikit-learn's
    `check_estimator` feeds arrays of numbers, so it is passed without a practice; exempt is
    `check_sample_weight_equivalence_on_dense_data`, because a weight is the reliability of one
    label and not a number of labels.

    Examples
    --------
    >>> regressor = AllianceRegressor().fit([[1.0], [2.0], [3.0], [4.0]], [1.0, 2.0, 3.0, 4.0])
    >>> bool(regressor.predict([[4.0]])[0] > regressor.predict([[1.0]])[0])
    True
    """

    def __init__(self, practice: Practice | str | Path | None = None, **settings: Any) -> None:
        unknown = ", ".join(sorted(set(settings) - set(DEFAULTS)))
        if unknown:
            raise TypeError(f"AllianceRegressor has no parameter {unknown}")
        self.practice: Any = practice
        for name, value in {**DEFAULTS, **settings}.items():
            setattr(self, name, value)

    def fit(
        self,
        X: pd.DataFrame | ArrayLike,
        y: ArrayLike,
        groups: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Learns from rated pairings, one a row.

        Parameters
        ----------
        X
            With a practice a table of raw cells as `AllianceModel.predict_table` reads: columns
            `client.<field>`, `clinician.<field>` and `clinician_id`. Without one, numbers; NaN is
            missing.
        y : (n,)
            Label, with a practice in points of its reference scale.
        groups : (n,), optional
            The client of each row. Left out, they are the table's column `client_id`, or else
            every row is a client of its own.
        sample_weight : (n,), optional
            Reliability of a label relative to one session's; rows of weight 0 are left out.

        Raises
        ------
        RecommenderError
            For cells that cannot be read or have no practice, and labels that are not of the scale.
        """
        rows, label = self._checked(X, y)
        weight = _check_sample_weight(
            sample_weight, label, dtype=np.float64, ensure_non_negative=True
        )
        if groups is None and isinstance(rows, pd.DataFrame):
            groups = rows.get("client_id")
        client, used = _codes(groups, len(label)), np.flatnonzero(weight > 0)
        if isinstance(rows, pd.DataFrame):
            sides = sides_of_table(rows.iloc[used], practice_from(self.practice))
        else:
            sides = sides_of_numbers(rows[used])
        label, weight = label[used], weight[used]
        dataset = dataset_of_pairs(sides, label, weight, client[used])
        self.model_ = _model(dataset, float(np.average(label, weights=weight)), self.settings())
        names = list(rows.columns) if isinstance(rows, pd.DataFrame) else None
        sizes = contribution_sizes(self.model_, dataset, self.n_features_in_, names)
        self.feature_importances_, self.group_importances_ = sizes
        return self

    def predict(self, X: pd.DataFrame | ArrayLike) -> Array:
        """Predicted alliance of pairings, (n,), in points; with a practice within its scale.

        Columns may be permuted apart, as `permutation_importance` does: an hour in a room that its
        row does not list counts as not known. Other cells that cannot be read are refused.
        """
        check_is_fitted(self)
        if self.practice is not None:
            validate_data(self, X, reset=False, skip_check_array=True)
            table = self.model_.predict_table(_as_table(X))
            return table["predicted_alliance"].to_numpy(dtype=np.float64)
        numbers = validate_data(
            self, X, reset=False, dtype=np.float64, ensure_all_finite="allow-nan"
        )
        sides, places = sides_of_numbers(numbers, self.model_.practice), np.arange(len(numbers))
        roster = Roster(tuple(sides.clinician_id), (), sides.clinician, "", _NEVER)
        encoding = RosterEncoding(roster, np.zeros(len(numbers), dtype=np.int64))
        return self.model_.score(sides.client, encoding, Pairs(places, places)).alliance

    def settings(self) -> FitSettings:
        """The hyperparameters as `fit` takes them."""
        names = parameters_of(FitSettings())
        return settings_from({name: getattr(self, name.replace(".", "_")) for name in names})

    def _checked(
        self, X: pd.DataFrame | ArrayLike, y: ArrayLike
    ) -> tuple[pd.DataFrame | NDArray[np.float64], Array]:
        """Rows and labels: a table with a practice, else a matrix."""
        if self.practice is None:
            _refuse_cells(X)
            numbers, label = validate_data(
                self, X, y, dtype=np.float64, ensure_all_finite="allow-nan", y_numeric=True
            )
            return numbers, label.astype(np.float64)
        table = _as_table(X)
        validate_data(self, table, skip_check_array=True)
        label = column_or_1d(check_array(y, ensure_2d=False, dtype=np.float64), warn=True)
        check_consistent_length(table, label)
        check_scale(practice_from(self.practice), label)
        return table, label

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = self.practice is not None
        return tags


def _signature() -> Signature:
    optional = [("practice", None), *DEFAULTS.items()]
    return Signature(
        [
            Parameter("self", Parameter.POSITIONAL_OR_KEYWORD),
            *(
                Parameter(name, Parameter.POSITIONAL_OR_KEYWORD, default=value)
                for name, value in optional
            ),
        ]
    )


# scikit-learn reads a class's parameters from this signature.
vars(AllianceRegressor.__init__)["__signature__"] = _signature()


def _as_table(rows: pd.DataFrame | ArrayLike) -> pd.DataFrame:
    if isinstance(rows, pd.DataFrame):
        return rows
    remedy = "give a DataFrame of client.<field>, clinician.<field> and clinician_id"
    raise RecommenderError("X", "is not a table of a practice's cells", remedy)


def _refuse_cells(rows: pd.DataFrame | ArrayLike) -> None:
    """Refuses a practice's cells where no practice says how to read them."""
    names = rows.columns if isinstance(rows, pd.DataFrame) else ()
    if any(str(name).startswith(("client.", "clinician.")) for name in names):
        remedy = "give practice, such as AllianceRegressor('psychology')"
        raise RecommenderError("X", "has cells of a practice, and no practice is given", remedy)


def _codes(groups: ArrayLike | None, rows: int) -> Codes:
    """A code for the client of each row, in the order of their ids."""
    if groups is None:
        return np.arange(rows)
    ids = np.asarray(column_or_1d(groups))
    check_consistent_length(ids, np.empty(rows))
    if pd.isna(ids).any():
        raise RecommenderError("groups", "has rows without a client", "name a client in each")
    return pd.factorize(ids, sort=True)[0].astype(np.int64)


def _model(dataset: Dataset, mean: float, settings: FitSettings) -> AllianceModel:
    """The fitted model; with too few clients the sizes the practice declares, around the mean."""
    if settings.folds < 2:
        raise RecommenderError("folds", "is below 2", "hold back in 2 folds or more")
    clients = len(np.unique(dataset.pairs.client))
    if clients < MIN_CLIENTS:
        prior = evidence_model(
            dataset.practice,
            dataset.clinicians,
            dataset.clinician_ids,
            data_digest=dataset.digest,
            created_at="",
            seed=settings.seed,
        )
        return replace(prior, client_mean=mean)
    model = fit(dataset, None, replace(settings, folds=min(settings.folds, clients))).model
    undated = replace(model.manifest, first_day=None, last_day=None, known_until=None)
    return replace(model, manifest=undated)


_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
