"""A practice's tables as a scikit-learn user has them: X, y, groups and weights."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recommender.notebook.frames import people_frame
from recommender.notebook.tables import PracticeTables, check_loaded
from recommender.training.dataset import dataset_of, labels_for


class RegressionData(NamedTuple):
    """n rated pairings, oldest first.

    Attributes
    ----------
    X : DataFrame (n, columns)
        `client_id`, `clinician_id`, then the raw cells `client.<field>` and `clinician.<field>` of
        every field that a model may read; the index is `pairing_id`. Fields for audit only are left
        out.
    y : (n,)
        The label: early alliance in points of the reference scale, such as the mean of the items,
        1 to 5.
    groups : (n,)
        The client of each row: nobody should be on both sides of a split.
    sample_weight : (n,)
        Reliability of the label relative to that of one session.
    """

    X: pd.DataFrame
    y: NDArray[np.float64]
    groups: NDArray[np.str_]
    sample_weight: NDArray[np.float64]


def regression_data(tables: PracticeTables) -> RegressionData:
    """The rated pairings as `AllianceRegressor` and other regressors take them.

    Several instruments are linked to the reference scale on all ratings; `recommender.evaluate`
    links on the training fold alone. Pairings that ended unrated have no label and are left out,
    while `recommender.fit` also learns from them.

    Parameters
    ----------
    tables
        Of `load_tables`.

    Raises
    ------
    TablesError
        When no rating counts as an early one.

    Examples
    --------
    >>> X, y, groups, weight = regression_data(load_tables(folder, practice))
    >>> X.shape, y.shape, X.columns[:3].tolist()
    ((95, 19), (95,), ['client_id', 'clinician_id', 'client.concern'])
    >>> from recommender.training.estimator import AllianceRegressor
    >>> regressor = AllianceRegressor(practice).fit(X, y, sample_weight=weight)
    >>> regressor.group_importances_.index[0]
    'approach'
    """
    check_loaded(tables)
    practice, checked = tables.practice, tables.checked
    dataset = dataset_of(checked, practice)
    labels = labels_for(dataset, np.arange(len(dataset)))
    clients = people_frame(
        "client_id",
        checked.client_ids,
        checked.clients,
        practice.fields("client", "score", "filter"),
    )
    clinicians = people_frame(
        "clinician_id",
        checked.clinician_ids,
        checked.clinicians,
        practice.fields("clinician", "score", "filter"),
    )
    ids, cells = [], []
    for side, frame, rows in (
        ("client", clients, dataset.pairs.client),
        ("clinician", clinicians, dataset.pairs.clinician),
    ):
        own = frame.iloc[rows].reset_index(drop=True)
        ids.append(own[[f"{side}_id"]])
        cells.append(own.drop(columns=f"{side}_id").add_prefix(f"{side}."))
    X = pd.concat([*ids, *cells], axis=1)
    X.index = pd.Index(dataset.pairing_ids, name="pairing_id", dtype="str")
    groups = X["client_id"].to_numpy(dtype=np.str_)
    return RegressionData(X, labels.alliance, groups, labels.weight)
