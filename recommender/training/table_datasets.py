"""What mlflow is given of a practice's tables: columns, digests and numbers of rows, no row."""

from collections.abc import Mapping

import pandas as pd

from recommender.practice.definition import Practice
from recommender.practice.fields import Field
from recommender.tables.loader import Tables
from recommender.tables.pairing_frame import SIDES
from recommender.training.dataset import Dataset
from recommender.training.mlflow_run import LoggedDataset

TYPES = {
    "number": "double",
    "scale": "double",
    "money": "double",
    "flag": "boolean",
    "date": "datetime",
}
"""mlflow's type of a column by the kind of its field; all others are text."""
_DTYPES = {"i": "long", "f": "double", "b": "boolean", "M": "datetime"}
_ROWS_OF_PEOPLE = {"client": "client_id", "clinician": "clinician_id"}
"""In checked tables pairings name both by their rows; in files by their ids."""


def datasets_of(
    tables: Tables, practice: Practice, dataset: Dataset | None, context: str
) -> tuple[LoggedDataset, ...]:
    """The rated pairings, where there are any, then each table.

    The digest of the rated pairings begins as the `data_digest` of a model does.

    Parameters
    ----------
    tables, practice
        Checked tables, and the definition that declares their fields.
    dataset
        The rated pairings among them.
    context
        What a run does with them, such as `training`.
    """
    pairings, ratings = tables.pairings, tables.ratings
    described: Mapping[str, tuple[dict[str, str], int]] = {
        "clients": ({"client_id": "string"} | _typed(practice.client), len(tables.client_ids)),
        "clinicians": (
            {"clinician_id": "string"} | _typed(practice.clinician),
            len(tables.clinician_ids),
        ),
        "pairings": (_columns_of(pairings), len(pairings)),
        "ratings": (_columns_of(ratings), len(ratings)),
    }
    whole = () if dataset is None else (_rated(dataset, context),)
    return whole + tuple(
        LoggedDataset(table, digest, *described[table], context)
        for table, digest in tables.table_digests.items()
    )


def _rated(dataset: Dataset, context: str) -> LoggedDataset:
    """What is learned from: both sides of each pairing with a rating, and the label."""
    columns = {"client_id": "string", "clinician_id": "string"}
    for side in SIDES:
        fields = dataset.practice.fields(side, "score", "filter")
        columns |= {f"{side}.{name}": kind for name, kind in _typed(fields).items()}
    columns |= {"alliance": "double"}
    return LoggedDataset("rated pairings", dataset.digest, columns, len(dataset), context)


def _typed(fields: Mapping[str, Field]) -> dict[str, str]:
    return {name: TYPES.get(field.kind, "string") for name, field in fields.items()}


def _columns_of(table: pd.DataFrame) -> dict[str, str]:
    return {
        _ROWS_OF_PEOPLE.get(str(name), str(name)): (
            "string" if name in _ROWS_OF_PEOPLE else _DTYPES.get(values.dtype.kind, "string")
        )
        for name, values in table.items()
    }
