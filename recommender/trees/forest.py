"""LightGBM's model text as plain trees, its structure checked.

LightGBM's own parser writes out of bounds on a damaged text (its issue 7357), so no text reaches it
unread. Imported by `trees` and `shapley`.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from recommender.errors import BundleError

MOST_TREES = 10_000
NAN, ZERO = 2, 1
"""Missing types of a split, bits 2 and 3 of its decision; 0 takes a missing value as 0."""

_HEADER = frozenset(
    (
        *("version", "num_class", "num_tree_per_iteration", "label_index", "max_feature_idx"),
        *("objective", "feature_names", "feature_infos", "monotone_constraints", "tree_sizes"),
    )
)
_PER_SPLIT = (
    *("split_feature", "split_gain", "threshold", "decision_type", "left_child", "right_child"),
    *("internal_value", "internal_weight", "internal_count"),
)
_PER_LEAF = ("leaf_value", "leaf_weight", "leaf_count")
_TREE = frozenset((*_PER_SPLIT, *_PER_LEAF, "num_leaves", "num_cat", "is_linear", "shrinkage"))
_BLOCK = re.compile(r"^Tree=(\d+)\n(.*?)\n\n\n", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Tree:
    """One tree of m splits and m + 1 leaves.

    Attributes
    ----------
    feature, threshold : m each
        A row goes left where its column's value is at most the threshold.
    missing, missing_left : m each
        How a split takes a missing value, and whether it then goes left.
    left, right : m each
        Next split; a negative number is the complement of a leaf.
    leaf : m + 1
        Values of the leaves.
    rows, leaf_rows : m, m + 1
        Training rows that came through each split and to each leaf.
    """

    feature: tuple[int, ...]
    threshold: tuple[float, ...]
    missing: tuple[int, ...]
    missing_left: tuple[bool, ...]
    left: tuple[int, ...]
    right: tuple[int, ...]
    leaf: tuple[float, ...]
    rows: tuple[int, ...]
    leaf_rows: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Forest:
    """Trees whose values add up, over rows of so many columns."""

    width: int
    trees: tuple[Tree, ...]


def read_forest(text: str) -> Forest:
    """The trees of a model text.

    Raises
    ------
    BundleError
        When the text is anything but numerical trees that are whole.
    """
    head, _, body = text.partition("\n\n")
    body, end, _ = body.partition("end of trees\n")
    try:
        settings = _settings(head.removeprefix("tree\n"), _HEADER)
        blocks = _BLOCK.findall(body)
        sizes = [int(size) for size in settings["tree_sizes"].split()]
        found = [f"Tree={number}\n{block}\n\n\n" for number, block in blocks]
        _require(head.startswith("tree\n") and end != "" and len(found) <= MOST_TREES)
        _require("".join(found) == body and [len(block.encode()) for block in found] == sizes)
        width = int(settings["max_feature_idx"]) + 1
        _require(settings["num_class"] == settings["num_tree_per_iteration"] == "1" and width > 0)
        trees = tuple(_tree(_settings(block, _TREE), width) for _, block in blocks)
    except (ValueError, KeyError):
        remedy = "train again; if it comes from elsewhere, do not use it"
        raise BundleError("trees", "are not a sound LightGBM model text", remedy) from None
    return Forest(width, trees)


def _settings(lines: str, known: frozenset[str]) -> dict[str, str]:
    """Lines of `name=value`; a name that is unknown or given twice is a fault."""
    pairs = [line.split("=", 1) for line in lines.splitlines()]
    settings = {pair[0]: pair[1] for pair in pairs if len(pair) == 2}
    _require(len(settings) == len(pairs) and set(settings) <= known)
    return settings


def _tree(settings: Mapping[str, str], width: int) -> Tree:
    splits = int(settings["num_leaves"]) - 1
    _require(splits >= 0 and settings["num_cat"] == "0" and settings["is_linear"] == "0")
    _require(all(len(settings[name].split()) == splits for name in _PER_SPLIT))
    decision = _whole(settings["decision_type"])
    tree = Tree(
        feature=_whole(settings["split_feature"]),
        threshold=_numbers(settings["threshold"]),
        missing=tuple(code >> 2 for code in decision),
        missing_left=tuple(bool(code & 2) for code in decision),
        left=_whole(settings["left_child"]),
        right=_whole(settings["right_child"]),
        leaf=_numbers(settings["leaf_value"]),
        rows=_whole(settings["internal_count"]),
        leaf_rows=_whole(settings["leaf_count"]),
    )
    # A threshold may be infinite: it parts the answered from the missing.
    _require(all(math.isfinite(value) for value in tree.leaf))
    _require(not any(math.isnan(value) for value in tree.threshold))
    _require(len(tree.leaf) == len(tree.leaf_rows) == splits + 1)
    _require(all(0 <= feature < width for feature in tree.feature))
    _require(all(0 <= code <= 11 and not code & 1 for code in decision))
    _require_whole(tree)
    return tree


def _require_whole(tree: Tree) -> None:
    """Every split but the first, and every leaf, is the child of exactly one earlier split."""
    splits, children = len(tree.feature), (*tree.left, *tree.right)
    below = {*range(1, splits), *(~leaf for leaf in range(len(tree.leaf)))} if splits else set()
    _require(len(children) == len(below) and set(children) == below)
    for split, pair in enumerate(zip(tree.left, tree.right, strict=True)):
        _require(all(child < 0 or child > split for child in pair))
        counted = (tree.rows[c] if c >= 0 else tree.leaf_rows[~c] for c in pair)
        _require(0 < tree.rows[split] == sum(counted))


def _whole(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split())


def _numbers(text: str) -> tuple[float, ...]:
    return tuple(float(part) for part in text.split())


def _require(sound: bool) -> None:
    if not sound:
        raise ValueError
