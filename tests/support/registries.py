"""A registry in a SQLite file with two published models, to be copied and moved."""

import json
import os
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from recommender.model.alliance_model import AllianceModel
from recommender.model.bundle.io import save_bundle
from recommender.registry.registry import Registry
from recommender.registry.versions import CHALLENGER, Version
from recommender.training.mlflow_run import tracked_run
from tests.support.builders import a_model
from tests.support.reports import a_report

CARD = "# The card\n"


def address(folder: Path) -> str:
    """What `--registry` is given for the registry in a folder."""
    return f"sqlite:///{folder}/mlflow.db"


@cache
def _tables() -> TemporaryDirectory[str]:
    """Deleted with the process."""
    folder = TemporaryDirectory()
    Registry(address(Path(folder.name))).versions()
    return folder


def empty_registry(folder: Path) -> str:
    """The address of a new registry without models, copied: mlflow creates one in two seconds."""
    shutil.copy(Path(_tables().name) / "mlflow.db", folder)
    return address(folder)


def publish(registry: Registry, workspace: Path, model: AllianceModel) -> Version:
    """A model and its card as the newest version and challenger."""
    bundle = workspace / f"bundle{len(list(workspace.iterdir()))}"
    digest = save_bundle(model, bundle)
    with tracked_run(registry, "early alliance", "a run", {}) as run:
        run.log_text("card.md", CARD)
        version = registry.publish(run.run_id, bundle, model.practice, digest, {})
    registry.set_alias(CHALLENGER, version.version)
    return version


def fill_registry(folder: Path, workspace: Path) -> None:
    """Version 1 was champion, version 2 is; version 3 is the challenger."""
    registry = Registry(empty_registry(folder))
    for hour in (1, 2, 3):
        model = replace(a_model(), report=a_report().model_copy(update={"rated": 600 + hour}))
        version = publish(registry, workspace, model)
        if hour < 3:
            at = datetime(2026, 11, 23, hour, tzinfo=UTC)
            registry.promote(version.version, by="j.lee", at=at, reason="a test")


def datasets_of_run(run: Any) -> dict[str, dict[str, Any]]:
    """Digest, source, columns with their types and sizes of each table a run read, by name."""
    found = [each.dataset for each in run.inputs.dataset_inputs]
    return {
        each.name: {
            "digest": each.digest,
            "source": each.source,
            "columns": {c["name"]: c["type"] for c in json.loads(each.schema)["mlflow_colspec"]},
            "sizes": json.loads(each.profile),
        }
        for each in found
    }


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {
        str((Path(directory) / name).relative_to(folder)): (Path(directory) / name).read_bytes()
        for directory, _, names in os.walk(folder)
        for name in names
    }
