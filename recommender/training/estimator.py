"""The learner with scikit-learn's manners, for cross-validation and search.

Nothing learns here: rows of a table become a data set, and `training.fit` does the rest. Data
scientists and experiments import it; serving and the registry never do.
"""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
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
from recommender.training.pairs_dataset import (
    PairsDataset,
    check_scale,
    dataset_of_sample,
    practice_named,
    sample_of_numbers,
    sample_of_table,
)
from recommender.training.tree_fitting import FitSettings, TreeSettings

FEWEST_CLIENTS = 4
"""Clients below which nothing is learned but the mean: with fewer, what is left while one fold is
held back can be a single row, which no slope goes through."""
USUAL = FitSettings()


class AllianceRegressor(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Predicted alliance of a client with a clinician, learned as `recommender train` learns it.

    Parameters
    ----------
    practice
        A practice, the path of its definition or the name of one that ships. None takes every
        column of a numeric matrix as a number of the pairing.
    seed, folds, fewest_for_trees, left_quantile
        As in `FitSettings`; fewer folds are made where fewer clients rated.
    client_*, pairing_*
        How the trees of the client part and of the pairing part are grown, as in `Growth`.

    Attributes
    ----------
    model_ : AllianceModel
        What was learned; with a practice it can be saved as a bundle.
    n_features_in_, feature_names_in_
        Columns seen in `fit`.

    Examples
    --------
    >>> regressor = AllianceRegressor().fit([[1.0], [2.0], [3.0], [4.0]], [1.0, 2.0, 3.0, 4.0])
    >>> bool(regressor.predict([[4.0]])[0] > regressor.predict([[1.0]])[0])
    True
    """

    def __init__(
        self,
        practice: Practice | str | Path | None = None,
        *,
        seed: int = USUAL.seed,
        folds: int = USUAL.folds,
        fewest_for_trees: int = USUAL.fewest_for_trees,
        left_quantile: float | None = USUAL.left_quantile,
        client_num_leaves: int = USUAL.client.num_leaves,
        client_num_trees: int = USUAL.client.num_trees,
        client_learning_rate: float = USUAL.client.learning_rate,
        client_min_data_in_leaf: int = USUAL.client.min_data_in_leaf,
        client_feature_fraction: float = USUAL.client.feature_fraction,
        client_bagging_fraction: float = USUAL.client.bagging_fraction,
        client_lambda_l2: float = USUAL.client.lambda_l2,
        pairing_num_leaves: int = USUAL.pairing.num_leaves,
        pairing_num_trees: int = USUAL.pairing.num_trees,
        pairing_learning_rate: float = USUAL.pairing.learning_rate,
        pairing_min_data_in_leaf: int = USUAL.pairing.min_data_in_leaf,
        pairing_feature_fraction: float = USUAL.pairing.feature_fraction,
        pairing_bagging_fraction: float = USUAL.pairing.bagging_fraction,
        pairing_lambda_l2: float = USUAL.pairing.lambda_l2,
    ) -> None:
        self.practice = practice
        self.seed = seed
        self.folds = folds
        self.fewest_for_trees = fewest_for_trees
        self.left_quantile = left_quantile
        self.client_num_leaves = client_num_leaves
        self.client_num_trees = client_num_trees
        self.client_learning_rate = client_learning_rate
        self.client_min_data_in_leaf = client_min_data_in_leaf
        self.client_feature_fraction = client_feature_fraction
        self.client_bagging_fraction = client_bagging_fraction
        self.client_lambda_l2 = client_lambda_l2
        self.pairing_num_leaves = pairing_num_leaves
        self.pairing_num_trees = pairing_num_trees
        self.pairing_learning_rate = pairing_learning_rate
        self.pairing_min_data_in_leaf = pairing_min_data_in_leaf
        self.pairing_feature_fraction = pairing_feature_fraction
        self.pairing_bagging_fraction = pairing_bagging_fraction
        self.pairing_lambda_l2 = pairing_lambda_l2

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
            not known.
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
            For cells that cannot be read and labels that are not of the scale.
        """
        sample, label = self._read(X, y)
        weight = _check_sample_weight(
            sample_weight, label, dtype=np.float64, ensure_non_negative=True
        )
        if groups is None and self.practice is not None:
            groups = _as_table(X).get("client_id")
        client = _codes(groups, len(label))
        kept = np.flatnonzero(weight > 0)
        label, weight = label[kept], weight[kept]
        dataset = dataset_of_sample(sample.take(kept), label, weight, client[kept])
        self.model_ = _model(dataset, float(np.average(label, weights=weight)), self.settings())
        return self

    def predict(self, X: pd.DataFrame | ArrayLike) -> Array:
        """Predicted alliance of pairings, (n,), in points; with a practice within its scale."""
        check_is_fitted(self)
        if self.practice is not None:
            validate_data(self, X, reset=False, skip_check_array=True)
            table = self.model_.predict_table(_as_table(X))
            return table["predicted_alliance"].to_numpy(dtype=np.float64)
        numbers = validate_data(
            self, X, reset=False, dtype=np.float64, ensure_all_finite="allow-nan"
        )
        sample, places = sample_of_numbers(numbers, self.model_.practice), np.arange(len(numbers))
        roster = Roster(tuple(sample.clinician_id), (), sample.clinician, "", _NEVER)
        encoding = RosterEncoding(roster, np.zeros(len(numbers), dtype=np.int64))
        return self.model_.score(sample.client, encoding, Pairs(places, places)).alliance

    def settings(self) -> FitSettings:
        """The parameters as `fit` takes them."""
        return FitSettings(
            seed=self.seed,
            folds=self.folds,
            client=self._growth("client_"),
            pairing=self._growth("pairing_"),
            fewest_for_trees=self.fewest_for_trees,
            left_quantile=self.left_quantile,
        )

    def _growth(self, part: str) -> TreeSettings:
        own = self.get_params(deep=False).items()
        return TreeSettings(
            **{n.removeprefix(part): value for n, value in own if n.startswith(part)}
        )

    def _read(self, X: pd.DataFrame | ArrayLike, y: ArrayLike) -> tuple[PairsDataset, Array]:
        """Pairings and their labels, checked."""
        if self.practice is None:
            numbers, told = validate_data(
                self, X, y, dtype=np.float64, ensure_all_finite="allow-nan", y_numeric=True
            )
            return sample_of_numbers(numbers), told.astype(np.float64)
        practice, table = practice_named(self.practice), _as_table(X)
        validate_data(self, table, skip_check_array=True)
        label = column_or_1d(check_array(y, ensure_2d=False, dtype=np.float64), warn=True)
        check_consistent_length(table, label)
        check_scale(practice, label)
        return sample_of_table(table, practice), label

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = self.practice is not None
        return tags


def _as_table(rows: pd.DataFrame | ArrayLike) -> pd.DataFrame:
    if isinstance(rows, pd.DataFrame):
        return rows
    remedy = "give a DataFrame of client.<field>, clinician.<field> and clinician_id"
    raise RecommenderError("X", "is not a table of a practice's cells", remedy)


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
    """Learned in at most as many folds as there are clients; the mean of a handful of them."""
    if settings.folds < 2:
        raise RecommenderError("folds", "is below 2", "hold back in 2 folds or more")
    clients = len(np.unique(dataset.pairs.client))
    if clients < FEWEST_CLIENTS:
        return _mean_model(dataset, mean, settings.seed)
    model = fit(dataset, None, replace(settings, folds=min(settings.folds, clients))).model
    undated = replace(model.manifest, first_day=None, last_day=None, known_until=None)
    return replace(model, manifest=undated)


def _mean_model(dataset: Dataset, mean: float, seed: int) -> AllianceModel:
    """The sizes the practice declares, around the mean label."""
    model = evidence_model(
        dataset.practice,
        dataset.clinicians,
        dataset.clinician_ids,
        data_digest=dataset.digest,
        created_at="",
        seed=seed,
    )
    return replace(model, client_mean=mean)


_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
