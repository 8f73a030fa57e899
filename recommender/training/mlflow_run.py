"""One training run in mlflow: settings, metrics, tables and figures.

A table with columns about single people is refused. No active run is global, so that two can be
open.
"""

import json
import math
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TypeVar

import pandas as pd
from matplotlib.figure import Figure
from mlflow import MlflowClient
from mlflow.data.code_dataset_source import CodeDatasetSource
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param
from mlflow.utils.mlflow_tags import (
    MLFLOW_DATASET_CONTEXT,
    MLFLOW_PARENT_RUN_ID,
    MLFLOW_RUN_NOTE,
    MLFLOW_SOURCE_NAME,
    MLFLOW_SOURCE_TYPE,
)
from mlflow.utils.validation import (
    MAX_DATASET_DIGEST_SIZE,
    MAX_METRICS_PER_BATCH,
    MAX_PARAMS_TAGS_PER_BATCH,
)

from recommender.errors import RegistryError
from recommender.registry.registry import Registry
from recommender.training.drawing import placed

PERSONAL = frozenset(("client", "clinician", "pairing", "name", "date_of_birth", "email", "phone"))
PERSONAL_ENDINGS = ("client_id", "clinician_id", "pairing_id", "client_name", "clinician_name")
PERSONAL_BEGINNINGS = ("client.", "clinician.")

Value = TypeVar("Value")
_REFUSED = re.compile(r"[^A-Za-z0-9_\-. /]")


@dataclass(frozen=True, slots=True)
class LoggedDataset:
    """A table that a run read, as mlflow shows it; holds no row and no path.

    Attributes
    ----------
    name, digest
        `digest` is hexadecimal; mlflow stores its first 36 characters.
    columns
        mlflow's type of each column by name.
    rows
        How many there are.
    context
        What the run does with it, such as `training`.
    """

    name: str
    digest: str
    columns: Mapping[str, str]
    rows: int
    context: str

    def to_input(self) -> DatasetInput:
        """The entity that mlflow stores."""
        columns = [{"name": name, "type": kind} for name, kind in self.columns.items()]
        sizes = {"num_rows": self.rows, "num_elements": self.rows * len(columns)}
        source = CodeDatasetSource(tags={MLFLOW_SOURCE_NAME: f"recommender, {self.context}"})
        dataset = Dataset(
            name=self.name,
            digest=self.digest[:MAX_DATASET_DIGEST_SIZE],
            source_type="code",
            source=source.to_json(),
            schema=json.dumps({"mlflow_colspec": columns}),
            profile=json.dumps(sizes),
        )
        return DatasetInput(dataset, [InputTag(MLFLOW_DATASET_CONTEXT, self.context)])


@dataclass(frozen=True, slots=True)
class ChildRun:
    """A run below another one, such as a fold or a trial.

    Attributes
    ----------
    name, kind
        How a person finds it, and the tag `kind`.
    params, metrics
        As for `TrackedRun`; figures that are not numbers are left out.
    tags
        Further tags.
    seconds
        How long it took.
    """

    name: str
    kind: str
    metrics: Mapping[str, float]
    params: Mapping[str, object] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0


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
            _log_batches(client, self.run_id, {}, params)

    def log_metrics(self, metrics: Mapping[str, float]) -> tuple[str, ...]:
        """Logs figures and returns the names of those that are not numbers, in their order.

        Those are skipped, since mlflow would show them as 0.
        """
        with self.registry.client() as client:
            return _log_batches(client, self.run_id, metrics, {})

    def log_children(self, children: Sequence[ChildRun]) -> None:
        """Logs finished runs that mlflow shows below this one."""
        if not children:
            return
        with self.registry.client() as client:
            experiment, now = client.get_run(self.run_id).info.experiment_id, _now()
            # A millisecond apart, so that a list by time has them in their order.
            for end, child in enumerate(children, start=now):
                tags = {**child.tags, "kind": child.kind, MLFLOW_PARENT_RUN_ID: self.run_id}
                start = end - round(1000 * child.seconds)
                run = client.create_run(experiment, start, tags, child.name)
                _log_batches(client, run.info.run_id, child.metrics, child.params)
                client.set_terminated(run.info.run_id, "FINISHED", end)

    def log_datasets(self, datasets: Sequence[LoggedDataset]) -> None:
        """Logs which tables were read: names, digests, columns and numbers of rows."""
        with self.registry.client() as client:
            client.log_inputs(self.run_id, [each.to_input() for each in datasets])

    def rename(self, name: str) -> None:
        """Gives the run another name."""
        with self.registry.client() as client:
            client.update_run(self.run_id, name=name)

    def describe(self, markdown: str) -> None:
        """Sets the description that mlflow shows on the page of the run."""
        self.tag(MLFLOW_RUN_NOTE, markdown)

    def tag(self, name: str, text: str) -> None:
        """Sets a tag."""
        with self.registry.client() as client:
            client.set_tag(self.run_id, name, text)

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
        with self.registry.client() as client, placed(figure):
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
    """
    number = registry.experiment(experiment)
    tags = {MLFLOW_SOURCE_NAME: "recommender", MLFLOW_SOURCE_TYPE: "LOCAL", **tags}
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


def _log_batches(
    client: MlflowClient, run_id: str, metrics: Mapping[str, float], params: Mapping[str, object]
) -> tuple[str, ...]:
    """Logs both in as few requests as mlflow takes; the names of figures that are not numbers."""
    named = _logged_names(metrics)
    at = _now()
    figures = [Metric(n, float(v), at, 0) for n, v in named.items() if math.isfinite(v)]
    settings = [Param(name, str(value)) for name, value in _logged_names(params).items()]
    for start in range(0, len(figures), MAX_METRICS_PER_BATCH):
        client.log_batch(run_id, metrics=figures[start : start + MAX_METRICS_PER_BATCH])
    for start in range(0, len(settings), MAX_PARAMS_TAGS_PER_BATCH):
        client.log_batch(run_id, params=settings[start : start + MAX_PARAMS_TAGS_PER_BATCH])
    return tuple(name for name, value in named.items() if not math.isfinite(value))


def _now() -> int:
    """Milliseconds since 1970-01-01, as mlflow counts."""
    return time.time_ns() // 1_000_000


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
