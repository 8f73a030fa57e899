"""A bundle as an mlflow model: its files, the signature of its columns, and its requirements."""

import shutil
from importlib.metadata import version as installed
from io import StringIO
from pathlib import Path

import mlflow.pyfunc
import pandas as pd
from mlflow.models import Model, ModelSignature
from mlflow.types import ColSpec, Schema, TensorSpec
from mlflow.types.schema import AnyType

from recommender.practice.definition import Practice
from recommender.practice.fields import Field
from recommender.tables.pairing_frame import CLINICIAN_ID


def table_fields(practice: Practice) -> tuple[Field, ...]:
    """Fields of a table of pairings for the model; those for audits only are left out."""
    asked = practice.fields("client", "score", "filter").values()
    return (*asked, *practice.clinician.values())


def invented_row(practice: Practice) -> dict[str, str]:
    """One pairing: a readable cell for every field, by its label, and a `clinician_id`."""
    row = {field.label: invented_cell(field) for field in table_fields(practice)}
    return row | {"clinician_id": "clinician"}


def invented_cell(field: Field) -> str:
    """The first level of a field, the middle of its bounds, or the example of its kind.

    >>> invented_cell(Field("age", "client", "number", "", "", "", "score", min=0, max=120))
    '60'
    """
    if field.behaviour.has_levels:
        return field.levels[0]
    bounds = [bound for bound in (field.min, field.max) if bound is not None]
    return f"{sum(bounds) / len(bounds):.12g}" if bounds else field.behaviour.example


PREDICTED = ("predicted_alliance", "lower", "upper")
REQUIRED = ("lightgbm", "mlflow", "numpy", "pandas", "scikit-learn", "scipy")
"""Pinned with a published model. `recommender` is not on a package index: naming it here would let
anyone who registers that name there run code on the machine that loads the model."""


def model_table(practice: Practice) -> tuple[pd.DataFrame, ModelSignature]:
    """One invented row of the table a published model reads, and the signature of its columns.

    mlflow checks neither types nor that a column is there: its messages repeat the whole table.
    `read_pairing_frame` checks both, for whatever types `pandas.read_csv` gives, and names columns
    and rows alone.
    """
    names = [*(field.label for field in table_fields(practice)), CLINICIAN_ID]
    anything = AnyType()  # type: ignore[no-untyped-call]
    columns: list[ColSpec | TensorSpec] = [
        ColSpec(anything, name, required=False) for name in names
    ]
    outputs = Schema([ColSpec("double", name) for name in PREDICTED])
    written = pd.DataFrame([invented_row(practice)]).to_csv(index=False)
    return pd.read_csv(StringIO(written)), ModelSignature(Schema(columns), outputs)


def write_model(workspace: Path, bundle: Path, practice: Practice, written: Model) -> None:
    """Writes `workspace/model`: the bundle and the code file that loads it, never a pickle."""
    # Under a fixed name, by which `Registry.fetch` finds it inside the model.
    shutil.copytree(bundle, workspace / "bundle")
    example, signature = model_table(practice)
    mlflow.pyfunc.save_model(
        path=str(workspace / "model"),
        python_model=str(Path(__file__).with_name("pyfunc.py")),
        artifacts={"bundle": str(workspace / "bundle")},
        signature=signature,
        input_example=example,
        pip_requirements=[f"{name}=={installed(name)}" for name in REQUIRED],
        mlflow_model=written,
    )
