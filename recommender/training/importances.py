"""How far each column and each explanation group moves the predictions of a fitted model.

A prediction is a sum of contributions. The size of one column is the mean absolute deviation of
its contributions from their mean, in points of the reference scale, over the pairings learned from,
or over `MAX_ROWS` of them. Nothing is permuted, and no label is read: a large size is no evidence
that a column predicts (`sklearn.inspection.permutation_importance` on held-out pairings is).
"""

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
import pandas as pd

from recommender.features.feature import Array
from recommender.features.pipeline import Pairs
from recommender.model.alliance_model import AllianceModel, RosterEncoding
from recommender.tables.roster import Roster
from recommender.training.dataset import Dataset

HISTORY = "history."
"""Features of a clinician's earlier ratings begin so; they come from knowing who it is."""
CLINICIAN = "clinician_id"
MAX_ROWS = 5_000
"""Pairings of a large data set that are looked at: a mean over so many is known to about 1 % of the
spread, and their contributions take some ten megabytes."""


def contribution_sizes(
    model: AllianceModel, dataset: Dataset, width: int, names: Sequence[str] | None
) -> "tuple[Array, pd.Series[float]]":
    """The size of each column of a table of pairings, and of each explanation group.

    The contributions of a match are divided equally among the columns it compares; those of a
    clinician's earlier ratings count for `clinician_id`. A column that is compared with nothing and
    not scored, such as `client_id`, has size 0.

    Parameters
    ----------
    model
        The fitted model.
    dataset
        The pairings learned from.
    width, names
        Number of columns; and their names, None for a matrix of numbers.

    Returns
    -------
    (width,)
        Points of the reference scale.
    Series
        Points by group, largest first; empty for a matrix of numbers.
    """
    values = _contributions(model, dataset)
    features = model.pipeline.features
    if names is None:
        place = {f"clinician.x{number}": number for number in range(width)}
    else:
        place = {str(name): number for number, name in enumerate(names)}
    shares = np.zeros((len(features), width))
    for row, feature in enumerate(features):
        found = [place[name] for name in _columns_of(model, feature.name) if name in place]
        for column in found:
            shares[row, column] = 1 / len(found)
    by_column = _deviation(values @ shares)
    groups = list(model.practice.groups) if names is not None else []
    of_group = np.array([[f.group == group for group in groups] for f in features], dtype=float)
    sizes = _deviation(values @ of_group.reshape(len(features), len(groups)))
    by_group = pd.Series(sizes, index=pd.Index(groups, name="group", dtype="str"), name="points")
    return by_column, by_group.sort_values(ascending=False, kind="stable")


def _contributions(model: AllianceModel, dataset: Dataset) -> Array:
    """Contributions to predictions, (rows, features), with the client part.

    Of all rated pairings, or of `MAX_ROWS` at equal distances.
    """
    rated = len(dataset)
    rows = np.unique(np.linspace(0, rated - 1, min(rated, MAX_ROWS)).astype(np.intp))
    clients = dataset.clients.take(dataset.pairs.client[rows])
    pairs = Pairs(np.arange(len(rows)), dataset.pairs.clinician[rows])
    clinicians, places = dataset.clinicians, dataset.clinician_of_row
    codes = np.arange(clinicians.size) if places is None else places
    roster = Roster(tuple(map(str, range(clinicians.size))), (), clinicians, "", _NEVER)
    encoding = RosterEncoding(roster, codes.astype(np.int64))
    values = model.contributions(clients, encoding, pairs).values.copy()
    if model.client_trees is not None:
        cells = model.pipeline.client_rows(clients)
        own = model.client_tree_weight * model.client_trees.contributions(cells)[:, :-1]
        values[:, : own.shape[1]] += own
    return values


def _columns_of(model: AllianceModel, feature: str) -> Sequence[str]:
    """The columns of a table of pairings that a feature is computed from."""
    if feature.startswith(HISTORY):
        return (CLINICIAN,)
    if feature.startswith("match."):
        match = model.practice.matches[feature.removeprefix("match.")]
        return tuple(field.label for field in (*match.client, *match.clinician))
    return (feature.partition("=")[0],)


def _deviation(values: Array) -> Array:
    return np.asarray(np.abs(values - values.mean(axis=0)).mean(axis=0))


_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
