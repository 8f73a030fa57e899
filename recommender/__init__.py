"""Predicts the early working alliance of a new client with each clinician of a practice.

What notebooks and scripts call is imported on first use, so that `import recommender` is cheap:

>>> import recommender
>>> recommender.load_practice("psychology")
<Practice psychology 2026.1: 67 client fields, 59 clinician fields, 28 matches, 57 constraints>
"""

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from recommender.errors import RecommenderError
    from recommender.notebook.evaluation import ModelEvaluation, evaluate
    from recommender.notebook.explanation import MatchExplanation
    from recommender.notebook.fitting import fit
    from recommender.notebook.loading import load_model
    from recommender.notebook.practice_model import PracticeModel
    from recommender.notebook.recommending import RequestResult, recommend
    from recommender.notebook.regression import RegressionData, regression_data
    from recommender.notebook.tables import (
        CheckReport,
        PracticeTables,
        check,
        load_practice,
        load_tables,
    )
    from recommender.practice.definition import Practice
    from recommender.practice.match_operators import Operator
    from recommender.practice.own_operators import register_operator
    from recommender.training.estimator import AllianceRegressor

_PLACES: Mapping[str, str] = MappingProxyType(
    {
        "AllianceRegressor": "training.estimator",
        "CheckReport": "notebook.tables",
        "MatchExplanation": "notebook.explanation",
        "ModelEvaluation": "notebook.evaluation",
        "Operator": "practice.match_operators",
        "Practice": "practice.definition",
        "PracticeModel": "notebook.practice_model",
        "PracticeTables": "notebook.tables",
        "RecommenderError": "errors",
        "RegressionData": "notebook.regression",
        "RequestResult": "notebook.recommending",
        "check": "notebook.tables",
        "evaluate": "notebook.evaluation",
        "fit": "notebook.fitting",
        "load_model": "notebook.loading",
        "load_practice": "notebook.tables",
        "load_tables": "notebook.tables",
        "recommend": "notebook.recommending",
        "register_operator": "practice.own_operators",
        "regression_data": "notebook.regression",
    }
)
"""Where each public name is defined, below this package."""

__all__ = [
    "AllianceRegressor",
    "CheckReport",
    "MatchExplanation",
    "ModelEvaluation",
    "Operator",
    "Practice",
    "PracticeModel",
    "PracticeTables",
    "RecommenderError",
    "RegressionData",
    "RequestResult",
    "check",
    "evaluate",
    "fit",
    "load_model",
    "load_practice",
    "load_tables",
    "recommend",
    "register_operator",
    "regression_data",
]

if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        """Imports a public name when it is first used."""
        if name not in _PLACES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        module = f"{__name__}.{_PLACES[name]}"
        try:
            found = getattr(import_module(module), name)
        except ModuleNotFoundError as error:
            from recommender.errors import RecommenderError

            missing = (error.name or "").partition(".")[0]
            if missing in ("", __name__):
                raise
            remedy = "run `pip install -e '.[train]'` in a clone of the project"
            problem = f"needs {missing}, which is not installed"
            raise RecommenderError(f"recommender.{name}", problem, remedy) from None
        globals()[name] = found
        return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
