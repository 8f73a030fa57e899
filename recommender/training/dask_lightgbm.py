"""Trees grown by the workers of a Dask cluster, with LightGBM's own estimator for one.

Rows are cut into as many blocks as there are workers; LightGBM's workers share what they count of
the blocks. It cannot go on without one of them: where a worker is lost an ensemble is begun again
on those that are left. Imported by `commands`.
"""

import logging
import queue
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from recommender.compute.runner import addresses_of, connected, runner_on, workers_of
from recommender.errors import RecommenderError
from recommender.training.tree_fitting import FitSettings, Parameters, Rows, TreeFitter, TreeInput

if TYPE_CHECKING:
    from distributed import Client

ATTEMPTS = 5
"""How often an ensemble is begun again before the cluster is given up."""
LOOK_SECONDS = 0.5
SILENT_MINUTES = 2
"""After which LightGBM's workers give up one that says nothing."""
CALLED: Parameters = {
    "num_trees": "n_estimators",
    "min_data_in_leaf": "min_child_samples",
    "feature_fraction": "colsample_bytree",
    "bagging_fraction": "subsample",
    "bagging_freq": "subsample_freq",
    "lambda_l2": "reg_lambda",
    "seed": "random_state",
}
"""LightGBM's names for settings, and those of its estimators; each is a setting of the other."""
_MACHINES = re.compile(r"^\[machines: .*\]$", re.MULTILINE)


def settings_on(address: str, settings: FitSettings) -> FitSettings:
    """The same settings, with the cluster of this scheduler to make the table and grow trees."""
    return replace(settings, grower=tree_fitter_on(address), runner=runner_on(address))


def tree_fitter_on(address: str) -> TreeFitter:
    """Grows on the cluster of this scheduler.

    Raises
    ------
    RecommenderError
        Of the grower, when there are no workers, or too many were lost one after another.
    """

    def grow(ground: TreeInput, some: Sequence[Rows]) -> Iterator[str]:
        cells = np.asarray(ground.cells, dtype=np.float32)
        for rows in some:
            here = slice(None) if rows is None else rows
            part = TreeInput(
                cells[here], ground.label[here], ground.weight[here], ground.parameters
            )
            yield _grown(address, part)

    return grow


def _grown(address: str, ground: TreeInput) -> str:
    for _ in range(ATTEMPTS):
        with connected(address) as client:
            workers_of(client)
            text = _attempt(client, ground)
        if text is not None:
            return text
    problem = f"lost a worker {ATTEMPTS} times in a row"
    raise RecommenderError("cluster", problem, "see why its workers end, or train here")


def _attempt(client: "Client", ground: TreeInput) -> str | None:
    """One ensemble; None where a worker was lost over it."""
    # LightGBM waits for a lost worker for ever: it is waited for in a thread that can be left.
    told: queue.Queue[str | Exception] = queue.Queue()
    begun = addresses_of(client)

    def run() -> None:
        try:
            told.put(_fitted(client, ground))
        except Exception as error:
            told.put(error)

    threading.Thread(target=run, daemon=True).start()
    found: str | Exception | None = None
    while found is None and begun <= addresses_of(client):
        with suppress(queue.Empty):
            found = told.get(timeout=LOOK_SECONDS)
    if isinstance(found, str):
        return found
    if found is not None and begun <= addresses_of(client):
        raise found
    return None


def _quiet() -> logging.Logger:
    logger = logging.getLogger("lightgbm")
    logger.setLevel(logging.ERROR)
    return logger


def _fitted(client: "Client", ground: TreeInput) -> str:
    from dask import array
    from dask.delayed import delayed
    from lightgbm import register_logger
    from lightgbm.dask import DaskLGBMRegressor

    # It tells of ports, and of settings it makes itself.
    register_logger(_quiet())
    parts = (ground.cells, ground.label, ground.weight)
    blocks: list[list[object]] = [[] for _ in parts]
    workers = sorted(addresses_of(client))
    rows_of = np.array_split(np.arange(len(ground.label)), len(workers))
    for worker, rows in zip(workers, rows_of, strict=True):
        for part, laid in zip(parts, blocks, strict=True):
            block = part[rows]
            there = delayed(client.scatter(block, workers=[worker], hash=False))
            laid.append(array.from_delayed(there, block.shape, block.dtype))
    cells, label, weight = (array.concatenate(laid) for laid in blocks)
    settings = {CALLED.get(name, name): value for name, value in ground.parameters.items()}
    del settings["num_threads"]
    learner = DaskLGBMRegressor(client=client, time_out=SILENT_MINUTES, **settings)
    text: str = learner.fit(cells, label, sample_weight=weight).booster_.model_to_string()
    # Where it was grown is nobody's business who reads the model.
    return _MACHINES.sub("[machines: ]", text)
