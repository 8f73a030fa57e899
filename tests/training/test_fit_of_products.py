"""A declared product from its table in a definition to a stored model that serves it."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from recommender.features.pipeline import Pairs
from recommender.model.additive import DECLARED
from recommender.model.alliance_model import AllianceModel
from recommender.model.bundle.io import load_bundle, save_bundle
from recommender.model.evaluation_report import MATCHES, PRODUCTS
from recommender.plan.compiling import compile_plan
from recommender.practice.definition import read_practice
from recommender.training.baselines import FoldTask
from recommender.training.dataset import Dataset
from recommender.training.fit import FitResult, fit
from recommender.training.part_gains import nested_scores
from recommender.training.tree_fitting import FitSettings
from tests.support.builders import DEFINITION, a_dataset, an_encoding

PRODUCT = """
[products.guided_anxiety]
client = "concern"
client_level = "anxiety"
clinician = "guides"
phrase = "guides more, where anxiety is the concern"
otherwise = "guides less, where anxiety is the concern"
group = "style"
source = "Judgement of supervisors"
"""


def a_dataset_of_products() -> Dataset:
    practice = read_practice(DEFINITION.read_text(encoding="utf-8") + PRODUCT)
    return replace(a_dataset(), practice=practice)


@cache
def a_fit_of_products() -> FitResult:
    return fit(a_dataset_of_products(), settings=FitSettings(folds=3, fewest_for_trees=10_000))


def a_model_of_products() -> AllianceModel:
    return a_fit_of_products().model


def test_a_product_is_learned_with_a_variance_of_its_own_and_is_a_match_afterwards() -> None:
    model, matches = a_model_of_products(), len(a_dataset().practice.matches)

    assert DECLARED in model.additive.fit.variances
    assert DECLARED not in model.additive.fit.coefficients
    assert model.additive.fit.coefficients["matches"].shape == (matches + 1,)
    assert model.additive.match_slopes.shape == (matches + 1,)


def test_a_product_is_scored_from_the_plan_and_from_a_stored_model_as_row_by_row(
    tmp_path: Path,
) -> None:
    model, dataset = a_model_of_products(), a_dataset_of_products()
    encoding, pairs = an_encoding(), Pairs(np.repeat(np.arange(3), 12), np.tile(np.arange(12), 3))
    clients = dataset.clients.take(np.arange(3))
    rows = model.score(clients, encoding, pairs).pairing
    save_bundle(model, tmp_path / "bundle")
    stored = load_bundle(tmp_path / "bundle", dataset.practice)

    assert compile_plan(model, encoding).score(clients, pairs).scores.pairing.tolist() == (
        pytest.approx(rows.tolist(), abs=1e-12)
    )
    assert np.array_equal(stored.score(clients, encoding, pairs).pairing, rows)


def test_what_a_product_adds_is_counted_with_the_products_and_not_with_the_matches() -> None:
    dataset, fitted = a_dataset_of_products(), a_fit_of_products()
    task = FoldTask(dataset, np.arange(len(dataset)), dataset.pairs, fitted, 0)
    nested = nested_scores(task, len(dataset))
    added = nested[PRODUCTS].pairing - nested[MATCHES].pairing
    parts = fitted.model.additive.match_parts(task.prepared.rows.match)
    other = added - parts[:, -1]

    assert parts[:, -1].any()
    interactions = fitted.model.additive.frame.products
    own = fitted.model.additive.fit.coefficients
    rest = sum(each.columns(task.prepared.rows) @ own[n] for n, each in interactions.items())
    index = fitted.model.additive.frame.index_blocks(task.prepared.clinician_index)
    rest = rest + fitted.model.additive.fit.terms(index)["by_level"]
    assert other == pytest.approx(rest, abs=1e-9)
