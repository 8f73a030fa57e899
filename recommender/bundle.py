"""A model on disk: LightGBM text, JSON and arrays under one digest; never a pickle.

Imported by `registry`, `training.run` and `serving`; a bundle opens without mlflow and without
the code that trained it.
"""

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.additive import Additive
from recommender.columns import Columns
from recommender.errors import BundleError
from recommender.features.history import Records
from recommender.features.pipeline import Pipeline
from recommender.harmoniser import Harmoniser
from recommender.model import AllianceModel, Manifest, Spread
from recommender.practice import Practice, read_practice
from recommender.trees import Trees

FORMAT = 1
CLIENT, PAIRING = "client_trees.txt", "pairing_trees.txt"
LARGEST = 64 * 2**20
"""Bytes a model text may have: some hundred times what the shipped settings write."""


def save_bundle(model: AllianceModel, directory: Path) -> str:
    """Writes a model into an empty or new directory and gives its digest.

    Files: `practice.toml`, `manifest.json`, `report.json`, `arrays.npz`, `client_trees.txt` and
    `pairing_trees.txt` where the model has them, and `digest.json` over all of them.
    """
    directory.mkdir(parents=True, exist_ok=True)
    arrays, facts = _taken_apart(model)
    contents = {
        "practice.toml": model.practice.text.encode(),
        "manifest.json": _json(facts),
        "report.json": _json(model.report),
        "arrays.npz": _packed(arrays),
    }
    for name, trees in ((CLIENT, model.client_trees), (PAIRING, model.trees)):
        if trees is not None:
            contents[name] = trees.text.encode()
    sums = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    for name, content in contents.items():
        (directory / name).write_bytes(content)
    # The day it was made is told beside the digest, so that equal learning gives equal digests.
    listed = {"format": FORMAT, "files": sums, "created_at": model.manifest.created_at}
    (directory / "digest.json").write_bytes(_json(listed))
    return _digest(sums)


def load_bundle(directory: Path) -> AllianceModel:
    """The model in a bundle.

    Raises
    ------
    BundleError
        When a file is missing, added or changed, too large, or of another format.
    """
    contents, created_at = _verified(directory)
    facts = json.loads(contents["manifest.json"])
    facts["manifest"]["created_at"] = created_at
    with np.load(io.BytesIO(contents["arrays.npz"]), allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    practice = read_practice(contents["practice.toml"].decode())
    trees = {
        name: Trees(contents[name].decode()) if name in contents else None
        for name in (CLIENT, PAIRING)
    }
    model = _put_together(practice, facts, arrays, trees)
    model = replace(model, report=json.loads(contents["report.json"]))
    _check_features(model)
    return model


def bundle_digest(directory: Path) -> str:
    """The digest of a bundle whose files are what it says they are."""
    contents, _ = _verified(directory)
    return _digest(
        {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    )


def _taken_apart(model: AllianceModel) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    additive, additive_facts = model.additive.to_arrays()
    arrays = {f"additive.{name}": array for name, array in additive.items()}
    arrays |= {f"panel.{name}": array for name, array in _plain(model.pipeline.panel).items()}
    arrays |= {f"records.{name}": array for name, array in _asdict(model.records).items()}
    facts = {
        "manifest": asdict(replace(model.manifest, created_at="")),
        "harmoniser": model.harmoniser.to_dict(),
        "additive": additive_facts,
        "client_mean": model.client_mean,
        "share": model.share,
        "spread": asdict(model.spread),
        "panel_size": model.pipeline.panel.size,
        "clinician_ids": list(model.clinician_ids),
    }
    return arrays, facts


def _put_together(
    practice: Practice,
    facts: Mapping[str, Any],
    arrays: Mapping[str, NDArray[Any]],
    trees: Mapping[str, Trees | None],
) -> AllianceModel:
    manifest = Manifest(**facts["manifest"])
    panel = Columns(facts["panel_size"], _under("panel.", arrays))
    return AllianceModel(
        manifest=replace(manifest, features=tuple(manifest.features)),
        pipeline=Pipeline(practice, panel),
        harmoniser=Harmoniser.from_dict(facts["harmoniser"]),
        client_trees=trees[CLIENT],
        client_mean=facts["client_mean"],
        additive=Additive.from_arrays(_under("additive.", arrays), facts["additive"]),
        trees=trees[PAIRING],
        share=facts["share"],
        records=Records(**_under("records.", arrays)),
        clinician_ids=tuple(facts["clinician_ids"]),
        spread=Spread(**facts["spread"]),
    )


def _verified(directory: Path) -> tuple[dict[str, bytes], str]:
    """Content of every file, checked against the digest before anything parses it, and its day."""
    where = directory.name
    try:
        listed = json.loads((directory / "digest.json").read_bytes())
    except (OSError, ValueError):
        remedy = "fetch the bundle again from the registry"
        raise BundleError(where, "has no readable digest.json", remedy) from None
    if listed.get("format") != FORMAT:
        raise BundleError(where, "is of another format", "train again with this version")
    found = {path.name for path in directory.iterdir()} - {"digest.json"}
    if found != set(listed["files"]):
        raise BundleError(where, "has files its digest does not list, or lacks some", "fetch again")
    contents = {}
    for name, expected in listed["files"].items():
        content = (directory / name).read_bytes()
        if len(content) > LARGEST or hashlib.sha256(content).hexdigest() != expected:
            raise BundleError(f"{where}/{name}", "does not match its digest", "fetch again")
        contents[name] = content
    return contents, str(listed["created_at"])


def _check_features(model: AllianceModel) -> None:
    """LightGBM reads columns by position: another list of features would be silently wrong."""
    ours = tuple(feature.name for feature in model.pipeline.features)
    learned = model.manifest.features
    if ours == learned:
        return
    changed = sorted(set(ours) ^ set(learned)) or ["their order"]
    problem = f"learned other features than this version makes: {', '.join(changed[:5])}"
    raise BundleError("features", problem, "train again with this version")


def _plain(columns: Columns) -> dict[str, NDArray[Any]]:
    # Ids are who-may-not-meet-whom lists: no match compares them, so a bundle never holds one.
    return {name: array for name, array in columns.values.items() if array.dtype != object}


def _under(prefix: str, arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    return {n.removeprefix(prefix): array for n, array in arrays.items() if n.startswith(prefix)}


def _asdict(records: Records) -> dict[str, NDArray[Any]]:
    return {name: getattr(records, name) for name in Records.__dataclass_fields__}


def _packed(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **{name: arrays[name] for name in sorted(arrays)})  # type: ignore[arg-type]
    return buffer.getvalue()


def _json(facts: Mapping[str, Any]) -> bytes:
    return json.dumps(facts, indent=1, sort_keys=True, allow_nan=False).encode()


def _digest(sums: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(sums, sort_keys=True).encode()).hexdigest()
