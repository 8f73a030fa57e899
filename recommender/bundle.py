"""A model on disk: LightGBM text, JSON and arrays under one digest; never a pickle.

Imported by `registry`, `training.run` and `serving`; a bundle opens without mlflow and without
the code that trained it.
"""

import hashlib
import io
import json
import math
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.additive import Additive
from recommender.alliance.harmoniser import Harmoniser
from recommender.definition.columns import Columns
from recommender.errors import BundleError, DefinitionError
from recommender.features.history import Records
from recommender.features.pipeline import Pipeline
from recommender.manifest import Manifest
from recommender.model import AllianceModel, Spread
from recommender.practice import Practice, read_practice
from recommender.trees.ensemble import Trees

FORMAT = 2
CLIENT, PAIRING = "client_trees.txt", "pairing_trees.txt"
LISTING = "digest.json"
LARGEST = 64 * 2**20
"""Bytes a file may have, the arrays unpacked: some hundred times what shipped settings write."""


def save_bundle(model: AllianceModel, directory: Path) -> str:
    """Writes a model into an empty or new directory and gives its digest.

    Files: `practice.toml`, `manifest.json`, `report.json`, `arrays.npz`, `client_trees.txt` and
    `pairing_trees.txt` where the model has them, and `digest.json` over all of them.

    Raises
    ------
    BundleError
        When the directory holds anything: with a file left over it could not be loaded again.
    """
    directory.mkdir(parents=True, exist_ok=True)
    if any(directory.iterdir()):
        raise BundleError(directory.name, "is not empty", "name a new directory")
    arrays, facts = _taken_apart(model)
    contents = {
        "practice.toml": model.practice.text.encode(),
        "manifest.json": _json(facts),
        "report.json": _json(_without_nan(model.report)),
        "arrays.npz": _packed(arrays),
    }
    for name, trees in ((CLIENT, model.client_trees), (PAIRING, model.trees)):
        if trees is not None:
            contents[name] = trees.text.encode()
    sums = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    for name, content in contents.items():
        (directory / name).write_bytes(content)
    (directory / LISTING).write_bytes(listing(sums, model.manifest.created_at))
    return _digest(sums)


def listing(sums: Mapping[str, str], created_at: str) -> bytes:
    """What `digest.json` holds: the SHA-256 of every file, and one of itself.

    The day the model was made is told here, so that equal learning gives equal digests.
    """
    listed = {"format": FORMAT, "files": dict(sums), "created_at": created_at}
    return _json(listed | {"itself": hashlib.sha256(_json(listed)).hexdigest()})


def load_bundle(directory: Path) -> AllianceModel:
    """The model in a bundle.

    Raises
    ------
    BundleError
        When a file is missing, added or changed, too large, or of another format, or when the model
        learned other features than this version makes.
    """
    contents, created_at = _verified(directory)
    try:
        model = _opened(contents, created_at)
    except (DefinitionError, KeyError, TypeError, ValueError, zipfile.BadZipFile):
        remedy = "train again with this version"
        raise BundleError(directory.name, "cannot be read by this version", remedy) from None
    _check_features(model)
    if model.trees is not None:
        model.trees.prepare()
    return model


def bundle_digest(directory: Path) -> str:
    """The digest of a bundle whose files are what it says they are."""
    contents, _ = _verified(directory)
    return _digest(
        {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    )


def _opened(contents: Mapping[str, bytes], created_at: str) -> AllianceModel:
    facts = json.loads(contents["manifest.json"])
    facts["manifest"]["created_at"] = created_at
    trees = {
        name: Trees(contents[name].decode()) if name in contents else None
        for name in (CLIENT, PAIRING)
    }
    practice = read_practice(contents["practice.toml"].decode())
    model = _put_together(practice, facts, _unpacked(contents["arrays.npz"]), trees)
    report = json.loads(contents["report.json"], object_hook=_with_nan)
    return replace(model, report=report)


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
        "client_share": model.client_share,
        "share": model.share,
        "stays": model.stays,
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
        client_share=facts["client_share"],
        additive=Additive.from_arrays(_under("additive.", arrays), facts["additive"]),
        trees=trees[PAIRING],
        share=facts["share"],
        stays=facts["stays"],
        records=Records(**_under("records.", arrays)),
        clinician_ids=tuple(facts["clinician_ids"]),
        spread=Spread(**facts["spread"]),
    )


def _verified(directory: Path) -> tuple[dict[str, bytes], str]:
    """Content of every file, checked against the digest before anything parses it, and its day."""
    where = directory.name
    sums, created_at = _listed(directory)
    if {path.name for path in directory.iterdir()} - {LISTING} != set(sums):
        raise BundleError(where, "has files its digest does not list, or lacks some", "fetch again")
    contents = {}
    for name, expected in sums.items():
        path = directory / name
        if not path.is_file() or path.stat().st_size > LARGEST:
            raise BundleError(f"{where}/{name}", "is too large or no file", "fetch again")
        contents[name] = path.read_bytes()
        if hashlib.sha256(contents[name]).hexdigest() != expected:
            raise BundleError(f"{where}/{name}", "does not match its digest", "fetch again")
    return contents, created_at


def _listed(directory: Path) -> tuple[dict[str, str], str]:
    """The files of a bundle with their sums, and the day it was made."""
    where = directory.name
    try:
        content = (directory / LISTING).read_bytes()
        listed = json.loads(content)
        of_format, sums, made = listed["format"], listed["files"], listed["created_at"]
    except (OSError, ValueError, KeyError, TypeError):
        remedy = "fetch the bundle again from the registry"
        raise BundleError(where, "has no readable digest.json", remedy) from None
    if of_format != FORMAT:
        raise BundleError(where, "is of another format", "train again with this version")
    if not isinstance(sums, dict) or listing(sums, made) != content:
        raise BundleError(f"{where}/{LISTING}", "does not match its own sum", "fetch again")
    return sums, str(made)


def _check_features(model: AllianceModel) -> None:
    """LightGBM reads columns by position: another list of features would be silently wrong."""
    ours = tuple(feature.name for feature in model.pipeline.features)
    learned = model.manifest.features
    if ours != learned:
        changed = sorted(set(ours) ^ set(learned)) or ["their order"]
        problem = f"learned other features than this version makes: {', '.join(changed[:5])}"
        raise BundleError("features", problem, "train again with this version")
    of_client = sum(name.startswith("client.") for name in ours)
    for trees, width in ((model.client_trees, of_client), (model.trees, len(ours))):
        if trees is not None and trees.width != width:
            problem = f"has trees of {trees.width} columns where rows have {width}"
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


def _unpacked(packed: bytes) -> dict[str, NDArray[Any]]:
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        if sum(entry.file_size for entry in archive.infolist()) > LARGEST:
            raise ValueError
    with np.load(io.BytesIO(packed), allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


def _without_nan(told: Any) -> Any:
    """A report with null for each figure that could not be measured: JSON knows no NaN."""
    if isinstance(told, Mapping):
        return {name: _without_nan(part) for name, part in told.items()}
    if isinstance(told, list | tuple):
        return [_without_nan(part) for part in told]
    return None if isinstance(told, float) and math.isnan(told) else told


def _with_nan(told: dict[str, Any]) -> dict[str, Any]:
    return {name: math.nan if part is None else part for name, part in told.items()}


def _json(facts: Mapping[str, Any]) -> bytes:
    return json.dumps(facts, indent=1, sort_keys=True, allow_nan=False).encode()


def _digest(sums: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(sums, sort_keys=True).encode()).hexdigest()
