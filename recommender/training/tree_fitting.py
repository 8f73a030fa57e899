"""Fits LightGBM ensembles, and every setting of a fit."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from numbers import Integral, Real
from typing import Any

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray

from recommender.compute.runner import TaskRunner
from recommender.compute.threads import run_in_threads, side_by_side
from recommender.errors import RecommenderError
from recommender.features.feature import Array
from recommender.model.trees.ensemble import Trees
from recommender.pooling.pool import Pool

Parameters = dict[str, Any]
Rows = NDArray[np.intp] | None
"""Some rows of a matrix; None for all."""
CELLS_FOR_THREADS = 50_000_000
"""Cells of a matrix below which one thread grows the trees: threads on small trees mostly wait for
each other, and where the machine has other work to do they wait for that."""


@dataclass(frozen=True, slots=True)
class TreeSettings:
    """Hyperparameters of an ensemble, under LightGBM's names."""

    num_leaves: int
    num_trees: int
    learning_rate: float = 0.04
    min_data_in_leaf: int = 60
    feature_fraction: float = 0.4
    bagging_fraction: float = 1.0
    lambda_l2: float = 0.0

    def parameters(self, seed: int, cells: int) -> Parameters:
        """LightGBM parameters that give the same bytes for the same rows and seed.

        `cells` is the size of the matrix: on a small one threads wait longer than they work.
        """
        return asdict(self) | {
            "num_threads": 1 if cells < CELLS_FOR_THREADS else 0,
            "objective": "regression",
            "bagging_freq": 1 if self.bagging_fraction < 1 else 0,
            "seed": seed,
            "deterministic": True,
            # Of the ways of counting that give the same bytes, the fastest for narrow matrices of
            # which each tree sees a share of the columns.
            "force_col_wise": True,
            "enable_bundle": False,
            "verbosity": -1,
        }


@dataclass(frozen=True, slots=True, eq=False)
class TreeInput:
    """What ensembles are fitted to.

    Attributes
    ----------
    cells : (n, columns)
        By position, NaN for what is missing.
    label, weight : (n,)
    parameters
        LightGBM's.
    """

    cells: NDArray[np.floating[Any]]
    label: Array
    weight: Array
    parameters: Parameters


TreeFitter = Callable[[TreeInput, Sequence[Rows]], Iterator[str]]
"""Fits an ensemble to each of several sets of rows, and gives their model texts in order."""


def fit_trees_locally(tree_input: TreeInput, row_sets: Sequence[Rows]) -> Iterator[str]:
    """Fits in this process; the rows are sorted into bins once.

    Ensembles that grow on one thread each grow side by side, one a core.
    """
    parameters = tree_input.parameters
    data = lgb.Dataset(
        np.asarray(tree_input.cells, dtype=np.float32),
        tree_input.label,
        weight=tree_input.weight,
        params=parameters | {"feature_pre_filter": False},
    ).construct()

    def fitted(rows: Rows) -> str:
        part = data if rows is None else data.subset(rows.tolist())
        return lgb.train(parameters, part).model_to_string()

    run = side_by_side if parameters["num_threads"] == 1 else map
    yield from run(fitted, row_sets)


def fit_trees(
    tree_input: TreeInput, fold: NDArray[np.intp], held_out: Sequence[int], fitter: TreeFitter
) -> tuple[Trees, Array]:
    """Trees of all rows, and each row's score by trees that saw no row of its fold.

    Parameters
    ----------
    tree_input
    fold : (n,) int
    held_out
        Folds to hold out; rows of others have no score, NaN.
    fitter
        Fits the ensembles.
    """
    scores = np.full(len(tree_input.cells), np.nan)
    others: list[Rows] = [np.flatnonzero(fold != number) for number in held_out]
    texts = fitter(tree_input, [*others, None])
    for number in held_out:
        inside = fold == number
        cells = np.ascontiguousarray(tree_input.cells[inside], dtype=np.float32)
        # Fitted a moment ago and not stored: the checks of `Trees` are for texts from a file.
        scores[inside] = lgb.Booster(model_str=next(texts)).predict(cells, num_threads=1)
    return Trees(next(texts)), scores


@dataclass(frozen=True, slots=True)
class FitSettings:
    """Settings of a fit; the defaults were chosen on simulated practices (`experiments/bake_off`).

    Attributes
    ----------
    seed
        Of folds, panel and ensembles.
    folds
        Client-grouped folds for everything that must be out of fold.
    client, pairing
        Hyperparameters of the client part and of the trees of the pairing part.
    fewest_for_trees
        Ratings below which the pairing part is the additive model alone.
    left_quantile
        Quantile of the rated clients' residuals at which dropouts are imputed in the pairing part;
        None leaves them out.
    pool
        Other practices' contributions to start from; None to start from the literature alone.
    tree_fitter, runner
        Fit the trees and build the feature table: in this process, or on a cluster.
    """

    seed: int = 0
    folds: int = 5
    client: TreeSettings = field(
        default_factory=lambda: TreeSettings(num_leaves=6, num_trees=150, feature_fraction=0.5)
    )
    pairing: TreeSettings = field(
        default_factory=lambda: TreeSettings(
            num_leaves=4, num_trees=400, bagging_fraction=0.7, lambda_l2=5.0
        )
    )
    fewest_for_trees: int = 1000
    left_quantile: float | None = 0.15
    pool: Pool | None = field(default=None, compare=False, repr=False)
    tree_fitter: TreeFitter = field(default=fit_trees_locally, compare=False, repr=False)
    runner: TaskRunner = field(default=run_in_threads, compare=False, repr=False)


def parameters_of(settings: FitSettings) -> Mapping[str, object]:
    """The settings as flat names and values, for a run's parameters."""
    flat: dict[str, object] = {}
    for each in fields(settings):
        if not each.compare:
            continue
        value = getattr(settings, each.name)
        if is_dataclass(value) and not isinstance(value, type):
            flat |= {f"{each.name}.{key}": part for key, part in asdict(value).items()}
        else:
            flat[each.name] = value
    return flat


def settings_from(flat: Mapping[str, Any]) -> FitSettings:
    """The settings that `parameters_of` gives these names and values for.

    Raises
    ------
    RecommenderError
        When a value is of another type than its default.

    Examples
    --------
    >>> settings_from(parameters_of(FitSettings(folds=3))) == FitSettings(folds=3)
    True
    """
    defaults = parameters_of(FitSettings())
    for name, value in flat.items():
        _check_value(name, value, defaults.get(name))
    parts: dict[str, Any] = {name: value for name, value in flat.items() if "." not in name}
    for part in ("client", "pairing"):
        names = [name for name in flat if name.startswith(f"{part}.")]
        parts[part] = TreeSettings(**{n.removeprefix(f"{part}."): flat[n] for n in names})
    return FitSettings(**parts)


def _check_value(name: str, value: object, default: object) -> None:
    """Refuses a value of another type than the default; a whole number is a number."""
    shown = name.replace(".", "_")
    whole = isinstance(default, int)
    known = isinstance(value, Integral if whole else Real) and not isinstance(value, bool)
    optional = name == "left_quantile"
    if default is not None and not known and not (optional and value is None):
        remedy = "give a whole number" if whole else "give a number"
        remedy += " or None" if optional else ""
        raise RecommenderError(shown, f"is of type {type(value).__name__}", remedy)
    if optional and isinstance(value, Real) and not 0 <= float(value) <= 1:
        raise RecommenderError(shown, "is not between 0 and 1", "give a quantile, such as 0.15")
