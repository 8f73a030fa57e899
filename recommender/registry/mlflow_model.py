"""How a bundle looks as an mlflow model: its files, the columns it reads, what it needs installed.

Imported by `registry` only.
"""

import shutil
from importlib.metadata import version as installed
from pathlib import Path

import mlflow.pyfunc
import pandas as pd
from mlflow.models import Model, ModelSignature
from mlflow.types import ColSpec, Schema, TensorSpec

from recommender.practice.definition import Practice
from recommender.registry.example import invented_row, table_fields

PREDICTED = ("predicted_alliance", "lower", "upper")
REQUIRED = ("lightgbm", "mlflow", "numpy", "pandas", "scikit-learn", "scipy")
"""Pinned with a published model. `recommender` itself is not on a package index, and naming it
here would let whoever claims that name there run code on the machine that loads the model."""


def model_table(practice: Practice) -> tuple[pd.DataFrame, ModelSignature]:
    """One invented row of the table a published model reads, and the signature of its columns."""
    columns: list[ColSpec | TensorSpec] = [
        ColSpec("string", field.label, required=field.required) for field in table_fields(practice)
    ]
    columns.append(ColSpec("string", "clinician_id"))
    said = Schema([ColSpec("double", name) for name in PREDICTED])
    return pd.DataFrame([invented_row(practice)]), ModelSignature(Schema(columns), said)


def write_model(workspace: Path, bundle: Path, practice: Practice, written: Model) -> None:
    """Writes `workspace/model`: the bundle, and the code file that opens it, never a pickle."""
    # Staged under a fixed name, so that `fetch` knows where to look inside the model.
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
