"""One training run in mlflow: settings, metrics, tables and figures.

A table with columns about single people is refused. No active run is global, so that two can be
open.
"""

import math
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TypeVar

import pandas as pd
from matplotlib.figure import Figure
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

from recommender.errors import RegistryError
from recommender.registry.registry import Registry

PERSONAL = frozenset(("client", "clinician", "pairing", "name", "date_of_birth", "email", "phone"))
PERSONAL_ENDINGS = ("client_id", "clinician_id", "pairing_id", "client_name", "clinician_name")
PERSONAL_BEGINNINGS = ("client.", "clinician.")

Value = TypeVar("Value")
_REFUSED = re.compile(r"[^A-Za-z0-9_\-. /]")


@dataclass(frozen=True, slots=True)
class TrackedRun:
    """An open training run.

    Attributes
    ----------
    registry
        Where it is stored.
    run_id
        mlflow's id of the run.
    """

    registry: Registry
    run_id: str

    def log_params(self, params: Mapping[str, object]) -> None:
        """Logs settings; each is written as text, and one too long for mlflow is an error."""
        with self.registry.client() as client:
            for name, value in _logged_names(params).items():
                client.log_param(self.run_id, name, str(value))

    def log_metrics(self, metrics: Mapping[str, float]) -> int:
        """Logs figures and returns how many were not numbers.

        Those are skipped, since mlflow would show them as 0, and named in the tag
        `not_measured.<name>`.
        """
        with self.registry.client() as client:
            skipped = 0
            for name, value in _logged_names(metrics).items():
                if math.isfinite(value):
                    client.log_metric(self.run_id, name, float(value))
                else:
                    client.set_tag(self.run_id, f"not_measured.{name}", str(value))
                    skipped += 1
        return skipped

    def log_table(self, name: str, table: pd.DataFrame) -> None:
        """Logs a table as `tables/<name>.csv` and `.json`.

        Raises
        ------
        RegistryError
            When a column, or a level of the index, is about single people.
        """
        refuse_personal(name, table)
        csv = table.to_csv(index=_has_index(table), lineterminator="\n")
        rows = table.reset_index() if _has_index(table) else table
        self.log_text(f"tables/{name}.csv", csv)
        self.log_text(f"tables/{name}.json", rows.to_json(orient="records", indent=1))

    def log_figure(self, name: str, figure: Figure) -> None:
        """Logs a figure as `figures/<name>.svg` and `.png`."""
        with self.registry.client() as client:
            # Without a date the same numbers draw the same file.
            drawn = {"metadata": {"Date": None}}
            client.log_figure(self.run_id, figure, f"figures/{name}.svg", save_kwargs=drawn)
            client.log_figure(self.run_id, figure, f"figures/{name}.png", save_kwargs={"dpi": 150})

    def log_text(self, name: str, text: str) -> None:
        """Logs a text under this file name."""
        with self.registry.client() as client:
            client.log_text(self.run_id, text, name)


@contextmanager
def tracked_run(
    registry: Registry,
    experiment: str,
    run_name: str,
    tags: Mapping[str, str],
    below: str | None = None,
) -> Iterator[TrackedRun]:
    """A run that ends FINISHED, or FAILED when what happens inside raises, or KILLED when stopped.

    Parameters
    ----------
    registry
        Where runs and models are stored.
    experiment
        Created at its first use.
    run_name, tags
        How a person finds the run again.
    below
        The id of a run under which mlflow shows this one.
    """
    number = registry.experiment(experiment)
    tags = dict(tags) | ({MLFLOW_PARENT_RUN_ID: below} if below else {})
    with registry.client() as client:
        run_id = client.create_run(number, tags=tags, run_name=run_name).info.run_id
    try:
        yield TrackedRun(registry, run_id)
    except BaseException as error:
        # What went wrong inside matters more than a registry that has gone away since.
        with suppress(RegistryError):
            _end(registry, run_id, "FAILED" if isinstance(error, Exception) else "KILLED")
        raise
    _end(registry, run_id, "FINISHED")


def refuse_personal(name: str, table: pd.DataFrame) -> None:
    """Raises `RegistryError` when a table has columns that hold single people."""
    named = sorted({str(c) for c in (*table.columns, *table.index.names) if _personal(c)})
    if named:
        problem = f"has columns about single people: {', '.join(named)}"
        raise RegistryError(f"table {name}", problem, "log counts and averages in their place")


def _personal(column: object) -> bool:
    parts = column if isinstance(column, tuple) else (column,)
    names = [str(part).strip().lower() for part in parts]
    return any(
        part in PERSONAL or part.endswith(PERSONAL_ENDINGS) or part.startswith(PERSONAL_BEGINNINGS)
        for part in names
    )


def _end(registry: Registry, run_id: str, status: str) -> None:
    with registry.client() as client:
        client.set_terminated(run_id, status)


def _has_index(table: pd.DataFrame) -> bool:
    return not isinstance(table.index, pd.RangeIndex) or table.index.name is not None


def _logged_names(named: Mapping[str, Value]) -> dict[str, Value]:
    """Values by names mlflow accepts; two names that become one are an error, not a loss."""
    accepted = {_REFUSED.sub("_", name): value for name, value in named.items()}
    if len(accepted) < len(named):
        raise RegistryError(
            "metrics",
            "two names are the same to mlflow",
            f"rename one of {', '.join(sorted(named))}",
        )
    return accepted
