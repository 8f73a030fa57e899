"""One mutation of a bundle's files, drawn by its number: the same number breaks the same byte."""

import hashlib
import io
import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from recommender.model.bundle.archive import ARRAYS, CLIENT, FACTS, LISTING, PAIRING, listing

Rng = np.random.Generator
Files = dict[str, bytes]

WORDS = (
    *("-1", "-2", "-3", "0", "1", "2", "3", "7", "99", "1000000", "2147483647", "-2147483648"),
    *(
        "4294967296",
        "nan",
        "inf",
        "-inf",
        "1e999",
        "1e308",
        "-1e308",
        "",
        "x",
        "1_0",
        "1 2",
        "0x7f",
    ),
)
"""What an index or a number is replaced by: near misses, ends of integers, what is no number."""
LINES = (
    *("left_child", "right_child", "split_feature", "num_leaves", "num_cat", "decision_type"),
    *("leaf_value", "leaf_count", "leaf_weight", "threshold", "internal_count", "is_linear"),
    *("max_feature_idx", "num_class", "feature_infos", "tree_sizes", "split_gain", "shrinkage"),
)
ODD: tuple[Any, ...] = (None, True, -1, 0, 10**12, 1e300, -1.5, "", "x", [], {}, [1], {"a": 1})


@dataclass(frozen=True, slots=True)
class Mutation:
    """One way to break a bundle.

    Attributes
    ----------
    kind
        A byte `flipped`, or one `edited` thing by its place; `flipped` alone leaves the sums of the
        listing as they were.
    files
        All files of the bundle, broken.
    is_listed
        Whether the listing says the sums of the broken files, as whoever has the code could.
    """

    kind: str
    files: Mapping[str, bytes]
    is_listed: bool


def mutation(whole: Mapping[str, bytes], number: int) -> Mutation:
    """The mutation of this number."""
    rng = np.random.default_rng(number)
    kind = KINDS[number % len(KINDS)]
    files = dict(whole)
    changed = _CHANGES[kind](files, rng)
    is_listed = kind != "flipped"
    if is_listed:
        files[LISTING] = _listed(files, changed)
    return Mutation(kind, files, is_listed)


def write(mutated: Mutation, original: Path, directory: Path) -> None:
    """Writes the files into an empty directory; those that are whole are the original's own."""
    for name, content in mutated.files.items():
        if content == (original / name).read_bytes():
            os.link(original / name, directory / name)
        else:
            (directory / name).write_bytes(content)


def _flip_any(files: Files, rng: Rng) -> str:
    return _flip_in(files, rng, sorted(files))


def _flip(files: Files, rng: Rng) -> str:
    return _flip_in(files, rng, sorted(set(files) - {LISTING}))


def _flip_in(files: Files, rng: Rng, names: list[str]) -> str:
    """Flips one bit of one of these files."""
    name = str(rng.choice(names))
    content = bytearray(files[name])
    content[int(rng.integers(len(content)))] ^= 1 << int(rng.integers(8))
    files[name] = bytes(content)
    return name


def _edit_tree(files: Files, rng: Rng) -> str:
    """Replaces one word of one line of a model text, and mends the sizes around it."""
    name = str(rng.choice([CLIENT, PAIRING]))
    text, line = files[name].decode(), str(rng.choice(LINES))
    places = list(re.finditer(rf"^{line}=(.*)$", text, re.MULTILINE))
    place = places[int(rng.integers(len(places)))]
    words = place[1].split(" ")
    words[int(rng.integers(len(words)))] = str(rng.choice(WORDS))
    text = text[: place.start(1)] + " ".join(words) + text[place.end(1) :]
    files[name] = (text if line == "tree_sizes" else _sized(text)).encode()
    return name


def _swap_tree(files: Files, rng: Rng) -> str:
    """Exchanges two words of one line of one tree: often sound, sometimes a ring."""
    name = str(rng.choice([CLIENT, PAIRING]))
    text, line = files[name].decode(), str(rng.choice(["left_child", "right_child"]))
    places = [p for p in re.finditer(rf"^{line}=(.*)$", text, re.MULTILINE) if " " in p[1]]
    place = places[int(rng.integers(len(places)))]
    words = place[1].split(" ")
    one, other = rng.choice(len(words), 2, replace=False)
    words[one], words[other] = words[other], words[one]
    files[name] = _sized(text[: place.start(1)] + " ".join(words) + text[place.end(1) :]).encode()
    return name


def _edit_array(files: Files, rng: Rng) -> str:
    """Changes one array: an entry, a length, a kind."""
    with np.load(io.BytesIO(files[ARRAYS])) as stored:
        arrays = {name: stored[name] for name in stored.files}
    name = str(rng.choice(sorted(arrays)))
    array = arrays[name]
    odd = (np.nan, np.inf, -np.inf, 1e300, -1e300, 1e9, -1.0)
    value, what = odd[int(rng.integers(len(odd)))], int(rng.integers(4))
    if what == 0 and array.size:
        entry = array.astype(np.float64).ravel()
        entry[int(rng.integers(entry.size))] = value
        with np.errstate(all="ignore"):
            arrays[name] = entry.reshape(array.shape).astype(array.dtype)
    elif what == 1:
        arrays[name] = array[:-1] if len(array) else np.zeros(3)
    elif what == 2:
        arrays[name] = np.repeat(array, 2, axis=0)
    else:
        arrays[name] = array.astype(rng.choice(["<f4", ">f8", "<i2", "<U8", "<c16"]))
    packed = io.BytesIO()
    np.savez(packed, **arrays)
    files[ARRAYS] = packed.getvalue()
    return ARRAYS


def _edit_fact(files: Files, rng: Rng) -> str:
    """Replaces one value of the facts, at any depth."""
    facts = json.loads(files[FACTS])
    inside = facts
    while True:
        keys = list(inside) if isinstance(inside, dict) else list(range(len(inside)))
        key = keys[int(rng.integers(len(keys)))]
        if not isinstance(inside[key], dict | list) or not inside[key] or rng.random() < 0.2:
            break
        inside = inside[key]
    inside[key] = ODD[int(rng.integers(len(ODD)))]
    files[FACTS] = json.dumps(facts).encode()
    return FACTS


def _sized(text: str) -> str:
    body = text[text.index("Tree=") : text.index("end of trees")]
    sizes = " ".join(str(len(tree)) for tree in re.split(r"(?=Tree=\d+\n)", body)[1:])
    return re.sub(r"tree_sizes=[\d ]+\n", f"tree_sizes={sizes}\n", text, count=1)


def _listed(files: Mapping[str, bytes], changed: str) -> bytes:
    told = json.loads(files[LISTING])
    sums = told["files"] | {changed: hashlib.sha256(files[changed]).hexdigest()}
    return listing(sums, told["created_at"])


_CHANGES: Mapping[str, Callable[[Files, Rng], str]] = {
    "flipped": _flip_any,
    "flipped and listed": _flip,
    "tree edited": _edit_tree,
    "tree rewired": _swap_tree,
    "array edited": _edit_array,
    "fact edited": _edit_fact,
}
KINDS = (
    *("flipped", "flipped and listed", "tree edited", "tree edited", "flipped"),
    *("flipped and listed", "tree edited", "tree rewired", "array edited", "fact edited"),
)
"""Kinds in turn: of ten mutations two leave the listing alone and four go for the trees."""
