"""A model text is read whole or not at all."""

import re

import lightgbm as lgb
import numpy as np
import pytest

from recommender.errors import BundleError
from recommender.model.trees.forest import read_forest
from tests.support.builders import a_model


def a_text(*, missing: bool = True, constant: bool = False) -> str:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(300, 4))
    label = np.zeros(300) if constant else rows[:, 0] + rows[:, 1] * (rows[:, 2] > 0)
    rows[rng.random(rows.shape) < (0.2 if missing else 0)] = np.nan
    parameters = {"num_leaves": 4, "num_trees": 5, "verbosity": -1, "num_threads": 1}
    return str(lgb.train(parameters, lgb.Dataset(rows, label)).model_to_string())


def sized(text: str) -> str:
    """The text with the sizes its trees have now, as whoever damages one would mend them."""
    body = text[text.index("Tree=") : text.find("end of trees")]
    sizes = " ".join(str(len(tree.encode())) for tree in re.split(r"(?=Tree=\d+\n)", body)[1:])
    return re.sub(r"tree_sizes=[\d ]+\n", f"tree_sizes={sizes}\n", text)


def test_trees_are_read_as_lightgbm_says_them() -> None:
    text = a_text()
    forest = read_forest(text)
    told = lgb.Booster(model_str=text).dump_model()["tree_info"][0]["tree_structure"]

    assert forest.width == 4
    assert len(forest.trees) == 5
    assert forest.trees[0].feature[0] == told["split_feature"]
    assert forest.trees[0].threshold[0] == told["threshold"]
    assert forest.trees[0].rows[0] == told["internal_count"]


def test_sizes_that_are_not_those_of_the_trees_are_refused() -> None:
    with pytest.raises(BundleError):
        read_forest(a_text().replace("tree_sizes=", "tree_sizes=1", 1))


def test_a_tree_that_never_splits_is_one_leaf() -> None:
    assert [len(tree.leaf) for tree in read_forest(a_text(constant=True)).trees] == [1]


DAMAGE = {
    "a child beyond the leaves": ("left_child=", "left_child=9"),
    "a column the rows do not have": ("split_feature=", "split_feature=9"),
    "a split by category": ("num_cat=0", "num_cat=1"),
    "a linear leaf": ("is_linear=0", "is_linear=1"),
    "one leaf too many": ("leaf_value=", "leaf_value=1 "),
    "a leaf that is no number": ("leaf_value=", "leaf_value=nan"),
    "rows that do not add up": ("internal_count=", "internal_count=9"),
    "a setting given twice": ("shrinkage=", "shrinkage=1\nshrinkage="),
    "a setting nobody knows": ("shrinkage=", "surprise=1\nshrinkage="),
    "several classes": ("num_class=1", "num_class=2"),
    "no header": ("tree\n", ""),
    "no end": ("end of trees", "end of"),
    "more leaves than any tree of ours": ("num_leaves=4", "num_leaves=4000"),
    "a leaf that is endless": ("leaf_value=", "leaf_value=1e999"),
    "a threshold below everything": ("threshold=", "threshold=-inf"),
    "a weight too few": ("leaf_weight=", "leaf_weight=\nleaf_weight="),
    "weights that are not one a leaf": ("leaf_weight=", "leaf_weight=1 "),
    "a gain that is no number": ("split_gain=", "split_gain=x"),
    "a split that takes categories": ("decision_type=", "decision_type=1"),
    "leaves that no row reached, and fewer": ("leaf_count=", "leaf_count=-"),
    "another objective": ("objective=regression", "objective=lambdarank"),
    "a name for a column that is not there": ("feature_names=", "feature_names=more "),
    "a range for a column that is not there": ("feature_infos=", "feature_infos=none "),
    "a column of categories": ("feature_infos=[", "feature_infos=1:2:3 ["),
    "trees counted from elsewhere": ("Tree=1\n", "Tree=3\n"),
    "a number only Python reads": ("leaf_count=", "leaf_count=1_"),
    "a space only Python splits at": ("threshold=", "threshold=1\u00a0"),
    "a line that ends only in Python": ("shrinkage=", "shrinkage=1\x0bshrinkage="),
    "a byte that ends a string in C": ("shrinkage=", "shrinkage=\0"),
    "words after the end": ("parameters:", "surprise\nparameters:"),
    "categories after the end": ("pandas_categorical:null", "pandas_categorical:[[1]]"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_text_that_is_not_whole_never_reaches_the_parser(damage: str) -> None:
    whole = a_text()
    assert DAMAGE[damage][0] in whole

    with pytest.raises(BundleError, match="not a sound LightGBM model text"):
        read_forest(sized(whole.replace(*DAMAGE[damage], 1)))


def test_the_edge_between_the_answered_and_the_missing_may_be_infinite() -> None:
    text = a_text()
    line = next(line for line in text.splitlines() if line.startswith("threshold="))
    edge = "threshold=inf " + line.split(" ", 1)[1]
    moved = text.replace(line, edge, 1)
    first = int(re.findall(r"tree_sizes=(\d+)", text)[0])
    moved = moved.replace(f"tree_sizes={first}", f"tree_sizes={first + len(edge) - len(line)}")

    assert read_forest(moved).trees[0].threshold[0] == np.inf


@pytest.mark.parametrize(("limit", "most"), [("MAX_TREES", 4), ("MAX_BYTES", 1_000)])
def test_a_text_of_more_than_is_ever_needed_is_refused(
    limit: str, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"recommender.model.trees.forest.{limit}", most)

    with pytest.raises(BundleError):
        read_forest(a_text())


def test_a_split_that_leads_back_to_itself_is_refused() -> None:
    text = a_text()
    child = next(line for line in text.splitlines() if line.startswith("left_child=2 "))

    with pytest.raises(BundleError):
        read_forest(text.replace(child, child.replace("=2 ", "=0 "), 1))


@pytest.mark.parametrize("seed", range(40))
def test_a_text_cut_anywhere_before_its_end_is_refused(seed: int) -> None:
    trees = a_model().trees
    assert trees is not None
    cut = int(np.random.default_rng(seed).integers(trees.text.index("end of trees")))

    with pytest.raises(BundleError):
        read_forest(trees.text[:cut])
