"""LightGBM's model text as plain trees, its structure checked.

LightGBM's own parser writes out of bounds on a damaged text (its issue 7357), so every text is
parsed here first. Characters, settings, their number and values are from closed sets, so that two
parsers cannot disagree on where a number ends.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from recommender.errors import BundleError

MAX_BYTES = 64 * 2**20
"""Of a model text: some hundred times what shipped settings write."""
MAX_TREES = 10_000
MAX_LEAVES = 1_024
"""Of one tree: LightGBM recurses through its depth and allocates the square of it."""
MAX_ROWS = 2**31 - 1
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
_LETTERS = re.compile(r"[ -~\n]*")
_INTEGER = r"-?[0-9]{1,10}"
_NUMBER = r"-?[0-9]{1,20}(?:\.[0-9]{1,40})?(?:e[+-]?[0-9]{1,3})?"
# Whole lines at once: a model has ten lists a tree, and a pattern for each word took as long as
# all else that is read of it.
_INTEGERS = re.compile(f"{_INTEGER}(?: {_INTEGER})*")
_NUMBERS = re.compile(f"{_NUMBER}(?: {_NUMBER})*")
_DECISIONS = frozenset((0, 2, 4, 6, 8, 10))
"""Of numerical splits: bit 1 is where missing values go, bits 2 and 3 what counts as missing."""
_NAME = re.compile(r"[A-Za-z0-9_.:-]+")
_RANGE = re.compile(r"none|\[[0-9.e+-]+:[0-9.e+-]+\]")
_ENDING = re.compile(
    r"\nfeature_importances:\n([^\n=]+=[0-9.e+-]+\n)*"
    r"\nparameters:\n(\[[a-z0-9_]+: [^\n\[\]]*\]\n)*\nend of parameters\n"
    r"\npandas_categorical:null\n"
)


@dataclass(frozen=True, slots=True)
class Tree:
    """One tree of m splits and m + 1 leaves.

    A row goes left where its column's value is at most the threshold; `missing` and `missing_left`
    are how a split takes a missing value. `left` and `right` are the next split, a negative number
    the complement of a leaf. `rows` and `leaf_rows` count the training rows of each split and leaf.
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
        When the text is not a sound model of numerical trees.
    """
    try:
        _require(len(text) <= MAX_BYTES and _LETTERS.fullmatch(text) is not None)
        head, _, rest = text.partition("\n\n")
        body, end, ending = rest.partition("end of trees\n")
        _require(head.startswith("tree\n") and end != "" and _ENDING.fullmatch(ending) is not None)
        settings = _settings(head.removeprefix("tree\n"), _HEADER)
        blocks = _blocks(body, _integers(settings["tree_sizes"]))
        width = _width(settings)
        trees = tuple(_tree(_settings(block, _TREE), width) for block in blocks)
    except (ValueError, KeyError):
        remedy = "train again; if it comes from elsewhere, do not use it"
        raise BundleError("trees", "are not a sound LightGBM model text", remedy) from None
    return Forest(width, trees)


def _blocks(body: str, sizes: tuple[int, ...]) -> list[str]:
    """The lines of each tree, whose sizes are those LightGBM will seek by."""
    blocks = _BLOCK.findall(body)
    listed = [f"Tree={number}\n{block}\n\n\n" for number, block in blocks]
    _require("".join(listed) == body and tuple(len(block) for block in listed) == sizes)
    _require([number for number, _ in blocks] == [str(place) for place in range(len(blocks))])
    _require(1 <= len(blocks) <= MAX_TREES)
    return [block for _, block in blocks]


def _width(settings: Mapping[str, str]) -> int:
    """Number of columns, from a header of one output whose settings name every column."""
    (last,) = _integers(settings["max_feature_idx"])
    _require(settings["num_class"] == settings["num_tree_per_iteration"] == "1" and last >= 0)
    _require(settings["objective"] == "regression" and settings["label_index"] == "0")
    _require(settings["version"] == "v4")
    columns = [settings["feature_names"].split(" "), settings["feature_infos"].split(" ")]
    for words, sound in zip(columns, (_NAME, _RANGE), strict=True):
        _require(len(words) == last + 1 and all(sound.fullmatch(word) for word in words))
    if "monotone_constraints" in settings:
        directions = settings["monotone_constraints"].split(" ")
        _require(len(directions) == last + 1 and set(directions) <= {"-1", "0", "1"})
    return last + 1


def _settings(lines: str, known: frozenset[str]) -> dict[str, str]:
    """Lines of `name=value`; a name that is unknown or occurs twice is refused."""
    pairs = [line.split("=", 1) for line in lines.splitlines()]
    settings = {pair[0]: pair[1] for pair in pairs if len(pair) == 2}
    _require(len(settings) == len(pairs) and set(settings) <= known)
    return settings


def _tree(settings: Mapping[str, str], width: int) -> Tree:
    (leaves,) = _integers(settings["num_leaves"])
    _require(1 <= leaves <= MAX_LEAVES)
    _require(settings["num_cat"] == "0" and settings["is_linear"] == "0")
    # A tree that never splits has no weights: LightGBM writes the line and leaves it empty.
    of_leaves = dict.fromkeys(_PER_LEAF, leaves) | ({} if leaves > 1 else {"leaf_weight": 0})
    for name, count in (dict.fromkeys(_PER_SPLIT, leaves - 1) | of_leaves).items():
        line = settings[name]
        _require((line.count(" ") + 1 if line else 0) == count)
    for name in ("split_gain", "internal_value", "internal_weight", "leaf_weight", "shrinkage"):
        _numbers(settings[name])
    decision = _integers(settings["decision_type"])
    tree = Tree(
        feature=_integers(settings["split_feature"]),
        threshold=_thresholds(settings["threshold"]),
        missing=tuple(code >> 2 for code in decision),
        missing_left=tuple(bool(code & 2) for code in decision),
        left=_integers(settings["left_child"]),
        right=_integers(settings["right_child"]),
        leaf=_numbers(settings["leaf_value"]),
        rows=_integers(settings["internal_count"]),
        leaf_rows=_integers(settings["leaf_count"]),
    )
    _require(_all_within(tree.feature, width - 1))
    _require(_DECISIONS.issuperset(decision))
    _require(_all_within(tree.rows, MAX_ROWS) and _all_within(tree.leaf_rows, MAX_ROWS))
    _require_connected(tree)
    return tree


def _all_within(numbers: tuple[int, ...], highest: int) -> bool:
    return not numbers or (min(numbers) >= 0 and max(numbers) <= highest)


def _require_connected(tree: Tree) -> None:
    """Every split but the first, and every leaf, is the child of exactly one earlier split."""
    splits, children = len(tree.feature), (*tree.left, *tree.right)
    below = {*range(1, splits), *(~leaf for leaf in range(len(tree.leaf)))} if splits else set()
    _require(len(children) == len(below) and set(children) == below)
    for split, pair in enumerate(zip(tree.left, tree.right, strict=True)):
        _require(all(child < 0 or child > split for child in pair))
        counted = (tree.rows[c] if c >= 0 else tree.leaf_rows[~c] for c in pair)
        _require(0 < tree.rows[split] == sum(counted))


def _words(text: str) -> list[str]:
    return text.split(" ") if text else []


def _integers(text: str) -> tuple[int, ...]:
    _require(not text or _INTEGERS.fullmatch(text) is not None)
    return tuple(map(int, _words(text)))


def _numbers(text: str) -> tuple[float, ...]:
    _require(not text or _NUMBERS.fullmatch(text) is not None)
    numbers = tuple(map(float, _words(text)))
    _require(all(map(math.isfinite, numbers)))
    return numbers


def _thresholds(text: str) -> tuple[float, ...]:
    # LightGBM writes `inf` where a split parts the answered from the missing.
    if "inf" not in text:
        return _numbers(text)
    words = _words(text)
    finite = iter(_numbers(" ".join(word for word in words if word != "inf")))
    return tuple(math.inf if word == "inf" else next(finite) for word in words)


def _require(sound: bool) -> None:
    if not sound:
        raise ValueError
