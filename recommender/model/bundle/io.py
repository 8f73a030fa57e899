"""Saves a model as a bundle and loads it: LightGBM text, JSON and arrays under one digest.

Nothing is pickled, and a bundle loads without mlflow and without the code that trained it.
"""

import json
import tomllib
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from recommender.alliance.linking import InstrumentLinker
from recommender.errors import BundleError, DefinitionError, RecommenderError
from recommender.features.history import HistoryRecords
from recommender.features.pipeline import Pipeline
from recommender.model.additive import Additive
from recommender.model.alliance_model import (
    AllianceModel,
    LearnedFrom,
    Manifest,
    PredictionInterval,
)
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
from recommender.model.bundle.integrity import (
    check_arrays,
    check_manifest,
    diff_names,
    diff_practices,
)
from recommender.model.bundle.schema import read_model_json
from recommender.model.evaluation_report import EvaluationReport
from recommender.model.trees.ensemble import Trees
from recommender.practice.columns import Columns
from recommender.practice.definition import Practice, read_learned_practice
from recommender.practice.match_operators import OPERATORS
from recommender.practice.own_operators import is_own_name

_UNREADABLE = (
    *(KeyError, IndexError, TypeError, ValueError, OverflowError, RecursionError),
    *(EOFError, zlib.error, zipfile.BadZipFile),
)
"""What the readers of a bundle's files raise for bytes of another kind."""


def save_bundle(model: AllianceModel, directory: Path) -> str:
    """Writes a model into an empty or new directory and gives its digest.

    Files: `practice.toml`, `manifest.json`, `report.json`, `arrays.npz`, `client_trees.txt` and
    `pairing_trees.txt` where the model has them, and `digest.json` over all of them.

    Raises
    ------
    BundleError
        When the directory is not empty: with another file in it the bundle would be refused.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from recommender.model.evidence_prior import evidence_model
    >>> from recommender.practice.columns import read_rows
    >>> from recommender.practice.definition import shipped_practice
    >>> practice = shipped_practice()
    >>> clinicians = read_rows(practice.clinician, [{"modalities": ["cbt"]}])
    >>> model = evidence_model(practice, clinicians, ["k1"], data_digest="", created_at="")
    >>> with TemporaryDirectory() as directory:
    ...     digest = save_bundle(model, Path(directory) / "bundle")
    ...     load_bundle(Path(directory) / "bundle").clinician_ids
    ('k1',)
    """
    directory.mkdir(parents=True, exist_ok=True)
    if any(directory.iterdir()):
        raise BundleError(directory.name, "is not empty", "name a new directory")
    return write_files(directory, _contents(model), model.manifest.created_at)


def model_digest(model: AllianceModel) -> str:
    """The digest of a bundle of this model."""
    return digest_of(_contents(model))


def load_bundle(directory: Path, expected: Practice | None = None) -> AllianceModel:
    """The model in a bundle.

    Parameters
    ----------
    directory
        Holds the files of the bundle and nothing else.
    expected
        The practice definition it must have learned with; any when None.

    Raises
    ------
    BundleError
        As `read_bundle`; `save_bundle` has an example.
    """
    return read_bundle(directory, expected)[0]


def read_bundle(directory: Path, expected: Practice | None = None) -> tuple[AllianceModel, str]:
    """The model in a bundle and the bundle's digest; parameters as in `load_bundle`.

    Each file is read once, and everything is checked before LightGBM's parser sees a byte: the
    sums of the files, the keys and types of the JSON, the shapes of the arrays, then the trees.

    Raises
    ------
    BundleError
        When a file is missing, added, changed, too large, or of another format; when a part of it
        is damaged; when the model learned other features than this version computes, or with
        another definition than expected, naming what differs.
    """
    archive = read_files(directory)
    try:
        model = _open(archive, expected)
    except BundleError:
        raise
    except DefinitionError as error:
        problem, remedy = "cannot be read by this version", "train again with this version"
        if all(fault.where.endswith(".operator") for fault in error.faults):
            named = ", ".join(_own_operators(archive))
            problem = f"compares by a match operator that is not installed here: {named}"
            remedy = "install the package that declares it, or call recommender.register_operator"
        raise BundleError(directory.name, problem, remedy) from None
    except (RecommenderError, *_UNREADABLE):
        remedy = "train again with this version"
        raise BundleError(directory.name, "cannot be read by this version", remedy) from None
    if model.trees is not None:
        model.trees.prepare()
    return model, archive.digest


def _own_operators(archive: BundleArchive) -> list[str]:
    """Names of the operators of a bundle's definition that are not known here."""
    matches = tomllib.loads(archive.contents[PRACTICE].decode()).get("matches", {})
    named = [each.get("operator") for each in matches.values()]
    return [each for each in dict.fromkeys(named) if is_own_name(each) and each not in OPERATORS]


def bundle_digest(directory: Path) -> str:
    """The digest of a bundle, its files checked against it."""
    return read_files(directory).digest


def _contents(model: AllianceModel) -> dict[str, bytes]:
    """The files of a model's bundle but for their listing."""
    additive, additive_facts = model.additive.to_arrays()
    # No match compares ids or links, and lists of who may not meet whom are never written.
    panel = {n: a for n, a in model.pipeline.panel.values.items() if a.dtype != object}
    records = {name: getattr(model.records, name) for name in HistoryRecords.__dataclass_fields__}
    manifest = asdict(replace(model.manifest, created_at=""))
    if not model.manifest.learned_from:
        # Earlier programs read a bundle that owes nothing to others.
        del manifest["learned_from"]
    facts = {
        "manifest": manifest,
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
    contents = {
        PRACTICE: model.practice.text.encode(),
        FACTS: json.dumps(facts, indent=1, sort_keys=True, allow_nan=False).encode(),
        REPORT: model.report.to_json().encode(),
        ARRAYS: packed(
            {f"additive.{name}": array for name, array in additive.items()}
            | {f"panel.{name}": array for name, array in panel.items()}
            | {f"records.{name}": array for name, array in records.items()}
        ),
    }
    for name, trees in ((CLIENT, model.client_trees), (PAIRING, model.trees)):
        if trees is not None:
            contents[name] = trees.text.encode()
    return contents


def _open(archive: BundleArchive, expected: Practice | None) -> AllianceModel:
    contents = archive.contents
    facts = read_model_json(contents[FACTS], FACTS)
    practice = read_learned_practice(contents[PRACTICE].decode(), expected)
    if expected is not None:
        _check_definition(practice, expected)
    check_manifest(facts, practice)
    if expected is not None:
        # Texts and forms may be newer. The digest stays that of the definition learned with, and
        # so does the order within a tie, to which the report's figures belong.
        learned = {name: getattr(practice, name) for name in ("ranking", "text", "digest")}
        practice = replace(expected, **learned)
    report, arrays = EvaluationReport.from_json(contents[REPORT]), unpacked(contents[ARRAYS])
    pipeline = Pipeline(practice, Columns(facts.panel_size, _under("panel.", arrays)))
    features = tuple(feature.name for feature in pipeline.features)
    _check_features(tuple(facts.manifest.features), features)
    check_arrays(arrays, facts, practice)
    # Last: from here on bytes reach LightGBM.
    trees = {name: Trees(contents[name].decode()) for name in (CLIENT, PAIRING) if name in contents}
    client_width = sum(name.startswith("client.") for name in features)
    for file, width in ((CLIENT, client_width), (PAIRING, len(features))):
        if file in trees and trees[file].width != width:
            problem = f"has trees of {trees[file].width} columns where rows have {width}"
            raise BundleError("features", problem, "train again with this version")
    manifest = facts.manifest.model_dump() | {
        "created_at": archive.created_at,
        "features": features,
        "learned_from": tuple(
            LearnedFrom(**each.model_dump()) for each in facts.manifest.learned_from
        ),
    }
    return AllianceModel(
        manifest=Manifest(**manifest),
        pipeline=pipeline,
        linker=InstrumentLinker.from_dict(facts.harmoniser.model_dump()),
        client_trees=trees.get(CLIENT),
        client_mean=facts.client_mean,
        client_tree_weight=facts.client_share,
        additive=Additive.from_arrays(_under("additive.", arrays), facts.additive.model_dump()),
        trees=trees.get(PAIRING),
        tree_weight=facts.share,
        survivor_offset=facts.stays,
        records=HistoryRecords(**_under("records.", arrays)),
        clinician_ids=tuple(facts.clinician_ids),
        interval=PredictionInterval(facts.spread.low, facts.spread.high),
        report=report,
    )


def _check_definition(learned: Practice, expected: Practice) -> None:
    """Without this a changed constraint or question would silently not apply."""
    differs = diff_practices(learned, expected)
    if differs:
        problem = f"is not the one this bundle learned with: {differs}"
        remedy = "train with this definition, or serve without naming one"
        raise BundleError("practice definition", problem, remedy)


def _check_features(learned: tuple[str, ...], computed: tuple[str, ...]) -> None:
    """LightGBM reads columns by position: another list of features would be silently wrong."""
    if learned != computed:
        differs = diff_names(learned, computed)
        problem = f"are not those this bundle learned: {differs or 'some occur twice'}"
        raise BundleError("features", problem, "train again with this version")


def _under(prefix: str, arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    return {n.removeprefix(prefix): array for n, array in arrays.items() if n.startswith(prefix)}
