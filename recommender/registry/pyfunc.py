"""The code that mlflow runs to load a published bundle; mlflow copies this file into the model."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel

if TYPE_CHECKING:
    from recommender.model.alliance_model import AllianceModel


class AlliancePyfunc(PythonModel):
    """A bundle as an mlflow Python model, for batch scoring and for `mlflow models serve`.

    Needs the package `recommender` installed.
    """

    model: "AllianceModel"

    def load_context(self, context: Any) -> None:
        """Loads the bundle, which validates its digest and structure."""
        # Late, because mlflow also runs this file when it only wants to copy it.
        from recommender.model.bundle.io import load_bundle

        self.model = load_bundle(Path(context.artifacts["bundle"]))

    def predict(
        self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """The predicted alliance of each row, with its interval.

        Parameters
        ----------
        context, params
            Given by mlflow; unused.
        model_input
            Columns `client.<field>` and `clinician.<field>` with cells as in the practice's own
            tables, of any type that `pandas.read_csv` gives, and `clinician_id`. Optional fields
            may lack their column.

        Returns
        -------
        pandas.DataFrame
            `predicted_alliance`, `lower`, `upper`; one row a row, in the same order.

        Raises
        ------
        recommender.errors.IntakeError
            With every column and row that cannot be read. No `MlflowException`: to those
            `mlflow models serve` adds the whole table.
        """
        return self.model.predict_table(model_input)


set_model(AlliancePyfunc())
