"""Checks that the parts of a bundle fit each other, its practice definition, and this version.

A wrong shape would otherwise end a request instead of a load, and a wrong index would read another
clinician's number.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.errors import BundleError
from recommender.features.feature import client_features, clinician_features
from recommender.model.additive import DECLARED
from recommender.model.bundle.archive import ARRAYS, FACTS
from recommender.model.bundle.schema import MAX_NUMBER, REMEDY, ModelJSON
from recommender.model.interactions import COMPONENTS
from recommender.practice.definition import Practice

Arrays = Mapping[str, NDArray[Any]]
_POSITIVE = math.ulp(0.0)


@dataclass(frozen=True, slots=True)
class ArraySpec:
    """What an array must be: its shape (None is any length), and entries from low to below high."""

    shape: tuple[int | None, ...]
    dtype: str = "<f8"
    low: float = -MAX_NUMBER
    high: float = MAX_NUMBER
    has_missing: bool = False
    is_whole: bool = False

    def fits(self, values: NDArray[Any]) -> bool:
        """Whether an array is as specified; compares shapes before it looks at any entry."""
        if values.dtype.str != self.dtype or values.ndim != len(self.shape):
            return False
        if any(n not in (None, m) for n, m in zip(self.shape, values.shape, strict=True)):
            return False
        known = values[~np.isnan(values)] if self.has_missing else values
        return bool(((known >= self.low) & (known < self.high)).all()) and not (
            self.is_whole and (known != np.floor(known)).any()
        )


def check_manifest(facts: ModelJSON, practice: Practice) -> None:
    """Refuses a manifest that contradicts the practice definition beside it.

    Raises
    ------
    BundleError
        Naming the first part that does not fit.
    """
    manifest, linker, settings = facts.manifest, facts.harmoniser, practice.alliance
    ids, learned_levels = facts.clinician_ids, _record_levels(practice)
    learned = (manifest.practice_id, manifest.practice_version, manifest.practice_digest)
    is_sound = {
        "manifest": learned == (practice.id, practice.version, practice.digest),
        "harmoniser": (linker.reference, linker.metric) == (settings.reference, settings.metric)
        and set(linker.links) == set(practice.instruments)
        and linker.low < linker.high,
        "clinician_ids": len(set(ids)) == len(ids),
        "additive.clinicians": facts.additive.clinicians == len(ids),
        "additive.levels": facts.additive.levels in (0, learned_levels),
    }
    for part, sound in is_sound.items():
        _require(sound, f"{FACTS} {part}")


def check_arrays(arrays: Arrays, facts: ModelJSON, practice: Practice) -> None:
    """Refuses arrays other than those that a checked manifest and its definition call for.

    Raises
    ------
    BundleError
        Naming the first array that does not fit.
    """
    specs = _panel_specs(practice, facts.panel_size) | _model_specs(practice, facts)
    specs |= _product_specs(practice, arrays)
    _check(arrays, specs)
    widths = _block_widths(arrays, facts, practice)
    fit = facts.additive.fit
    sound = sorted(fit.names) == sorted(widths) and set(fit.penalised) <= {*widths, DECLARED}
    _require(sound, f"{FACTS} additive.fit.names")
    blocks = _block_specs(arrays, widths)
    _check(arrays, blocks)
    _require(set(arrays) == set(specs | blocks), ARRAYS)


def _check(arrays: Arrays, specs: Mapping[str, ArraySpec]) -> None:
    for name, spec in specs.items():
        _require(name in arrays and spec.fits(arrays[name]), f"{ARRAYS} {name}")


def _require(sound: bool, part: str) -> None:
    if not sound:
        raise BundleError(part, "does not fit its practice definition", REMEDY)


def _panel_specs(practice: Practice, size: int) -> dict[str, ArraySpec]:
    """The fields of the panel, as the kind of each encodes them."""
    specs = {}
    for name, field in practice.clinician.items():
        # One row shows the shape: a claimed size is not to be trusted with memory.
        empty = field.behaviour.encode(field, [None])
        if empty.dtype == object:
            continue
        # A row has room for as many places or windows as the fullest row had.
        middle = (None,) if empty.ndim == 3 else empty.shape[1:2]
        is_coded = field.kind in ("ordinal", "category")
        specs[f"panel.{name}"] = ArraySpec(
            (size, *middle, *empty.shape[2:]),
            empty.dtype.str,
            low=0 if is_coded else -MAX_NUMBER,
            high=len(field.levels) if is_coded else MAX_NUMBER,
            has_missing=True,
            is_whole=is_coded,
        )
    return specs


def _model_specs(practice: Practice, facts: ModelJSON) -> dict[str, ArraySpec]:
    overall = (len(facts.clinician_ids),)
    by_level = (*overall, _record_levels(practice))
    attributes, matches = (len(clinician_features(practice)),), (len(practice.matches),)
    return {
        "records.mean": ArraySpec(overall),
        "records.count": ArraySpec(overall, low=0),
        "records.level_mean": ArraySpec(by_level),
        "records.level_count": ArraySpec(by_level, low=0),
        "additive.clinician.mean": ArraySpec(attributes),
        "additive.clinician.spread": ArraySpec(attributes, low=_POSITIVE),
        "additive.match.mean": ArraySpec(matches),
        "additive.match.spread": ArraySpec(matches, low=_POSITIVE),
        "additive.prior": ArraySpec(matches),
        # The effect of a single client is never stored.
        "additive.fit.client_codes": ArraySpec((0,), "<i8"),
        "additive.fit.client_effects": ArraySpec((0,)),
    }


def _product_specs(practice: Practice, arrays: Arrays) -> dict[str, ArraySpec]:
    """The blocks of interactions, whose widths the arrays state; bundles may lack any of them."""
    specs = {}
    for block in _product_blocks(arrays):
        for side, features in (
            ("client", client_features(practice)),
            ("clinician", clinician_features(practice)),
        ):
            prefix = f"additive.{block}.{side}."
            columns, directions = arrays[f"{prefix}basis"].shape
            _require(1 <= directions <= columns, f"{ARRAYS} {prefix}basis")
            specs[f"{prefix}basis"] = ArraySpec((columns, directions))
            specs[f"{prefix}places"] = ArraySpec((columns,), "<i8", low=0, high=len(features))
            specs[f"{prefix}mean"] = ArraySpec((columns,))
            specs[f"{prefix}spread"] = ArraySpec((columns,), low=_POSITIVE)
    return specs


def _product_blocks(arrays: Arrays) -> list[str]:
    """The blocks of interactions that the arrays have."""
    prefixes = {name.rpartition(".")[0].rpartition(".")[0] for name in arrays}
    return [block for block in COMPONENTS if f"additive.{block}" in prefixes]


def _block_widths(arrays: Arrays, facts: ModelJSON, practice: Practice) -> dict[str, int]:
    """Number of coefficients of each block of the mixed model; see `DesignSpec.blocks`."""
    clinicians, levels = facts.additive.clinicians, facts.additive.levels
    widths = {
        "clinician": len(clinician_features(practice)),
        "matches": len(practice.matches),
        "clinicians": clinicians,
    }
    if levels:
        widths["by_level"] = clinicians * levels
    if arrays["additive.prior"].any():
        widths["evidence"] = 1
    for block in _product_blocks(arrays):
        sides = (arrays[f"additive.{block}.{side}.basis"] for side in ("client", "clinician"))
        widths[block] = math.prod(basis.shape[1] for basis in sides)
    return widths


def _block_specs(arrays: Arrays, widths: Mapping[str, int]) -> dict[str, ArraySpec]:
    """Coefficients and posterior draws of each block; all blocks have as many draws."""
    draws = arrays["additive.draws.clinician"].shape[-1]
    _require(draws >= 1, f"{ARRAYS} additive.draws.clinician")
    specs = {}
    for block, width in widths.items():
        specs[f"additive.fit.coefficients.{block}"] = ArraySpec((width,))
        specs[f"additive.draws.{block}"] = ArraySpec((width, draws), "<f4")
    return specs


def _record_levels(practice: Practice) -> int:
    per = practice.history.per
    return 0 if per is None else len(practice.client[per].levels)


MAX_NAMES = 5
"""Names listed of each kind; more are counted."""
NAMED = ("groups", "instruments", "client", "clinician", "matches", "constraints")
SINGLE = ("id", "title", "timezone", "currency", "consent")
WHOLE = ("card", "alliance", "history", "funding")
_PLAIN = re.compile(r"[A-Za-z0-9_.:=-]{1,120}")


@dataclass(frozen=True, slots=True)
class DeclarationDiff:
    """Names that were added, removed, moved to another position, or changed in their meaning."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    moved: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.moved or self.changed)

    def __str__(self) -> str:
        kinds = ("added", "removed", "moved", "changed")
        return ", ".join(
            _describe(kind, getattr(self, kind)) for kind in kinds if getattr(self, kind)
        )


def diff_names(learned: Sequence[str], now: Sequence[str]) -> DeclarationDiff:
    """How a list of names differs from the one a model learned with."""
    ours, theirs = set(now), set(learned)
    both = [name for name in learned if name in ours]
    here = [name for name in now if name in theirs]
    in_place = {
        name
        for block in SequenceMatcher(None, both, here, autojunk=False).get_matching_blocks()
        for name in both[block.a : block.a + block.size]
    }
    return DeclarationDiff(
        added=tuple(name for name in now if name not in theirs),
        removed=tuple(name for name in learned if name not in ours),
        moved=tuple(name for name in here if name not in in_place),
    )


def diff_practices(learned: Practice, now: Practice) -> DeclarationDiff:
    """How a definition differs from the one a model learned with.

    Comments, labels, questions, forms, cards, places and links do not count, nor does the version
    alone: no feature, rule or reason depends on them.
    """
    before, after = _declared(learned), _declared(now)
    names = diff_names(tuple(before), tuple(after))
    changed = (name for name in after if name in before and before[name] != after[name])
    return DeclarationDiff(names.added, names.removed, names.moved, tuple(changed))


def _declared(practice: Practice) -> dict[str, object]:
    """Every declaration, by the name it has in the file."""
    declared = {f"practice.{name}": getattr(practice, name) for name in SINGLE}
    declared |= {name: getattr(practice, name) for name in WHOLE}
    for section in NAMED:
        each = getattr(practice, section)
        declared |= {
            f"{section}.{name}": value
            for name, value in each.items()
            if getattr(value, "kind", None) != "link"
        }
    return declared


def _describe(kind: str, names: tuple[str, ...]) -> str:
    # A foreign bundle chooses its names, and they are printed and logged.
    shown = [
        name if _PLAIN.fullmatch(name) else "an unprintable name" for name in names[:MAX_NAMES]
    ]
    more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    return f"{kind} {' '.join(shown)}{more}"
