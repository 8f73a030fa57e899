"""Bundles broken as someone with the code could break them: listed anew, so every sum is right."""

import hashlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from recommender.model.bundle.archive import ARRAYS, FACTS, LISTING, listing

Arrays = dict[str, np.ndarray[Any, Any]]


def sealed(bundle: Path) -> Path:
    """Lists the files anew."""
    told = json.loads((bundle / LISTING).read_text())
    sums = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in bundle.iterdir()
        if path.name != LISTING
    }
    (bundle / LISTING).write_bytes(listing(sums, told["created_at"]))
    return bundle


def with_facts(bundle: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    """The bundle with its facts changed in place."""
    facts = json.loads((bundle / FACTS).read_text())
    change(facts)
    (bundle / FACTS).write_text(json.dumps(facts))
    return sealed(bundle)


def with_arrays(bundle: Path, change: Callable[[Arrays], object]) -> Path:
    """The bundle with its arrays changed in place."""
    with np.load(bundle / ARRAYS) as stored:
        arrays = {name: stored[name] for name in stored.files}
    change(arrays)
    packed = io.BytesIO()
    np.savez_compressed(packed, allow_pickle=True, **arrays)
    (bundle / ARRAYS).write_bytes(packed.getvalue())
    return sealed(bundle)
