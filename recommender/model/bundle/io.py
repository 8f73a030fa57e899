"""A model on disk: LightGBM text, JSON and arrays under one digest; never a pickle.

Imported by `registry`, `training.run` and `serving`; a bundle opens without mlflow and without
the code that trained it.
"""

import json
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from recommender.alliance.linking import InstrumentLinker
from recommender.errors import BundleError, RecommenderError
from recommender.features.history import HistoryRecords
from recommender.features.pipeline import Pipeline
from recommender.model.additive import Additive
from recommender.model.alliance_model import AllianceModel, PredictionInterval
from recommender.model.bundle import compatibility
from recommender.model.bundle.archive import (
    ARRAYS,
    CLIENT,
    FACTS,
    PAIRING,
    PRACTICE,
    REPORT,
    BundleArchive,
    digest_of,
    packed,
    read_files,
    unpacked,
    write_files,
)
from recommender.model.bundle.facts import read_facts
from recommender.model.bundle.integrity import check_shapes
from recommender.model.evaluation_report import EvaluationReport
from recommender.model.manifest import Manifest
from recommender.model.trees.ensemble import Trees
from recommender.practice.columns import Columns
from recommender.practice.definition import Practice, read_practice

_UNREADABLE = (
    *(KeyError, IndexError, TypeError, ValueError, OverflowError, RecursionError),
    *(EOFError, zlib.error, zipfile.BadZipFile),
)
"""What bytes that are no bundle make their readers raise."""


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
    return write_files(directory, _contents(model), model.manifest.created_at)


def model_digest(model: AllianceModel) -> str:
    """The digest that a bundle of this model has or would have."""
    return digest_of(_contents(model))


def _contents(model: AllianceModel) -> dict[str, bytes]:
    """The files of a model's bundle but for their listing."""
    arrays, facts = _taken_apart(model)
    contents = {
        PRACTICE: model.practice.text.encode(),
        FACTS: _json(facts),
        REPORT: model.report.to_json().encode(),
        ARRAYS: packed(arrays),
    }
    for name, trees in ((CLIENT, model.client_trees), (PAIRING, model.trees)):
        if trees is not None:
            contents[name] = trees.text.encode()
    return contents


def load_bundle(directory: Path, expected: Practice | None = None) -> AllianceModel:
    """The model in a bundle; see `read_bundle`."""
    return read_bundle(directory, expected)[0]


def read_bundle(directory: Path, expected: Practice | None = None) -> tuple[AllianceModel, str]:
    """The model in a bundle and the bundle's digest, of bytes that were read once.

    Everything is checked before LightGBM's parser sees a byte: the sums of the files, then the
    trees, the names and kinds of facts, the arrays and their shapes.

    Parameters
    ----------
    directory
        Holds the files of the bundle and nothing else.
    expected
        The definition it must have learned with; any when not given.

    Raises
    ------
    BundleError
        When a file is missing, added, changed, too large, or of another format, when a part of it
        is damaged, or when the model learned other features than this version makes, or with
        another definition; both are told name by name.
    """
    sealed = read_files(directory)
    try:
        model = _opened(sealed, expected)
    except BundleError:
        raise
    except (RecommenderError, *_UNREADABLE):
        remedy = "train again with this version"
        raise BundleError(directory.name, "cannot be read by this version", remedy) from None
    if model.trees is not None:
        model.trees.prepare()
    return model, sealed.digest


def bundle_digest(directory: Path) -> str:
    """The digest of a bundle whose files are what it says they are."""
    return read_files(directory).digest


def _opened(sealed: BundleArchive, expected: Practice | None) -> AllianceModel:
    contents = sealed.contents
    facts = read_facts(contents[FACTS])
    facts["manifest"]["created_at"] = sealed.created_at
    practice = read_practice(contents[PRACTICE].decode())
    if expected is not None:
        _check_definition(practice, expected)
    report = EvaluationReport.from_json(contents[REPORT])
    model = _put_together(practice, facts, unpacked(contents[ARRAYS]), report)
    _check_features(model)
    check_shapes(model)
    # Last of all: here bytes reach LightGBM.
    trees = {name: Trees(contents[name].decode()) for name in (CLIENT, PAIRING) if name in contents}
    model = replace(model, client_trees=trees.get(CLIENT), trees=trees.get(PAIRING))
    _check_widths(model)
    return model


def _taken_apart(model: AllianceModel) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    additive, additive_facts = model.additive.to_arrays()
    arrays = {f"additive.{name}": array for name, array in additive.items()}
    arrays |= {f"panel.{name}": array for name, array in _plain(model.pipeline.panel).items()}
    arrays |= {f"records.{name}": array for name, array in _asdict(model.records).items()}
    facts = {
        "manifest": asdict(replace(model.manifest, created_at="")),
        "harmoniser": model.linker.to_dict(),
        "additive": additive_facts,
        "client_mean": model.client_mean,
        "client_share": model.client_tree_weight,
        "share": model.tree_weight,
        "stays": model.survivor_offset,
        "spread": asdict(model.interval),
        "panel_size": model.pipeline.panel.size,
        "clinician_ids": list(model.clinician_ids),
    }
    return arrays, facts


def _put_together(
    practice: Practice,
    facts: Mapping[str, Any],
    arrays: Mapping[str, NDArray[Any]],
    report: EvaluationReport,
) -> AllianceModel:
    """The model but for its trees."""
    manifest = Manifest(**facts["manifest"])
    panel = Columns(facts["panel_size"], _under("panel.", arrays))
    model = AllianceModel(
        manifest=replace(manifest, features=tuple(manifest.features)),
        pipeline=Pipeline(practice, panel),
        linker=InstrumentLinker.from_dict(facts["harmoniser"]),
        client_trees=None,
        client_mean=facts["client_mean"],
        client_tree_weight=facts["client_share"],
        additive=Additive.from_arrays(_under("additive.", arrays), facts["additive"]),
        trees=None,
        tree_weight=facts["share"],
        survivor_offset=facts["stays"],
        records=HistoryRecords(**_under("records.", arrays)),
        clinician_ids=tuple(facts["clinician_ids"]),
        interval=PredictionInterval(**facts["spread"]),
        report=report,
    )
    # What is read is what would be written: no array stands there that nothing reads.
    if set(_taken_apart(model)[0]) != set(arrays):
        raise ValueError
    return model


def _check_definition(learned: Practice, expected: Practice) -> None:
    """A changed constraint or question would otherwise be asked of nobody, and silently."""
    differs = compatibility.diff_practices(learned, expected)
    if differs:
        problem = f"is not the one this bundle learned with: {differs}"
        remedy = "train with this definition, or serve without naming one"
        raise BundleError("practice definition", problem, remedy)


def _check_features(model: AllianceModel) -> None:
    """LightGBM reads columns by position: another list of features would be silently wrong."""
    ours = tuple(feature.name for feature in model.pipeline.features)
    differs = compatibility.diff_names(model.manifest.features, ours)
    if ours != model.manifest.features:
        problem = f"are not those this bundle learned: {differs or 'some stand twice'}"
        raise BundleError("features", problem, "train again with this version")


def _check_widths(model: AllianceModel) -> None:
    names = model.manifest.features
    of_client = sum(name.startswith("client.") for name in names)
    for trees, width in ((model.client_trees, of_client), (model.trees, len(names))):
        if trees is not None and trees.width != width:
            problem = f"has trees of {trees.width} columns where rows have {width}"
            raise BundleError("features", problem, "train again with this version")


def _plain(columns: Columns) -> dict[str, NDArray[Any]]:
    # Ids are who-may-not-meet-whom lists: no match compares them, so a bundle never holds one.
    return {name: array for name, array in columns.values.items() if array.dtype != object}


def _under(prefix: str, arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    return {n.removeprefix(prefix): array for n, array in arrays.items() if n.startswith(prefix)}


def _asdict(records: HistoryRecords) -> dict[str, NDArray[Any]]:
    return {name: getattr(records, name) for name in HistoryRecords.__dataclass_fields__}


def _json(facts: Mapping[str, Any]) -> bytes:
    return json.dumps(facts, indent=1, sort_keys=True, allow_nan=False).encode()
