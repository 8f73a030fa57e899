"""Match operators of a practice's own: what is refused, and that one works from table to server."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from recommender.errors import BundleError, DefinitionError, RecommenderError
from recommender.features.pipeline import Pairs
from recommender.model.bundle.io import load_bundle, save_bundle
from recommender.plan.compiling import plan_for
from recommender.practice import match_operators, own_operators
from recommender.practice.comparisons import Prepared
from recommender.practice.definition import read_practice
from recommender.practice.match_operators import NUMBERS, OPERATORS, TAGS, Operator
from recommender.practice.own_operators import load_installed_operators, register_operator
from recommender.practice.sums import Array
from recommender.tables.loader import Tables
from recommender.training.dataset import dataset_of
from recommender.training.fit import fit
from tests.support.builders import TAKEN_AT, a_practice, some_rows, tables_of


@pytest.fixture(autouse=True)
def _shipped_operators_alone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whatever a test registers is gone after it."""
    before = dict(match_operators._OPERATORS)
    load_installed_operators.cache_clear()
    yield
    match_operators._OPERATORS.clear()
    match_operators._OPERATORS.update(before)
    load_installed_operators.cache_clear()


def lower(client: Prepared, clinician: Prepared) -> Array:
    """The lower of both, each on 0 to 1 of its bounds."""
    return np.minimum(client[0], clinician[0])


LOWER = Operator("corner.lower", NUMBERS, NUMBERS, lower, ranged=True, bounds=(0.0, 1.0))


def jaccard(client: Prepared, clinician: Prepared) -> Array:
    """Share of all tags named by either side that both have."""
    ours, theirs = np.broadcast_arrays(client[0], clinician[0])
    named = np.maximum(ours, theirs).sum(axis=1)
    return np.asarray(np.minimum(ours, theirs).sum(axis=1) / np.where(named > 0, named, np.nan))


JACCARD = Operator("corner.jaccard", TAGS, TAGS, jaccard, bounds=(0.0, 1.0))


@pytest.mark.parametrize("operator", [LOWER, JACCARD])
def test_a_sound_operator_can_be_named_in_a_definition(operator: Operator) -> None:
    assert register_operator(operator) is operator
    assert OPERATORS[operator.name].meaning.startswith(("the lower", "share"))


def test_every_operator_that_ships_would_pass_the_same_checks() -> None:
    for name, operator in OPERATORS.items():
        if not operator.named:
            own_operators._check_values(replace(operator, name=f"corner.{name}"))


def centred(client: Prepared, clinician: Prepared) -> Array:
    """The clinician's number less the mean of all rows."""
    return np.asarray(client[0] * (clinician[0] - np.nan_to_num(clinician[0]).mean()))


def filled(client: Prepared, clinician: Prepared) -> Array:
    """Missing numbers as 0."""
    return np.nan_to_num(client[0]) * np.nan_to_num(clinician[0])


def writing(client: Prepared, clinician: Prepared) -> Array:
    """Doubles what it reads."""
    clinician[0][...] = 2 * clinician[0]
    return client[0] * clinician[0]


def outside(client: Prepared, clinician: Prepared) -> Array:
    """Ten times the product."""
    return 10 * client[0] * clinician[0]


def squared(client: Prepared, clinician: Prepared) -> Array:
    """A matrix in place of a row."""
    return np.ones((len(clinician[0]), 2))


def of_pandas(client: Prepared, clinician: Prepared) -> Any:
    """A Series in place of an array."""
    return pd.Series(client[0] * clinician[0])


def failing(client: Prepared, clinician: Prepared) -> Array:
    """Reads a field it does not have."""
    return client[1]


@pytest.mark.parametrize(
    ("compare", "problem"),
    [
        (centred, "depends on other pairings"),
        (filled, "has a value where a side did not answer"),
        (writing, "changes the answers it reads"),
        (outside, "leaves its bounds 0 to 1"),
        (squared, "gives float64 of shape"),
        (failing, "cannot be computed"),
        (of_pandas, "gives a Series, not an array of numpy"),
    ],
)
def test_an_operator_that_breaks_a_rule_is_refused(
    compare: Callable[[Prepared, Prepared], Array], problem: str
) -> None:
    bounds = (-np.inf, np.inf) if compare is not outside else (0.0, 1.0)
    operator = Operator("corner.wrong", NUMBERS, NUMBERS, compare, ranged=True, bounds=bounds)
    with pytest.raises(RecommenderError, match=problem):
        register_operator(operator)
    assert "corner.wrong" not in OPERATORS


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"name": "lower"}, "has a name without a dot"),
        ({"name": "corner."}, "has a name without a dot"),
        ({"name": "Corner.Lower"}, "use small letters, digits and _"),
        ({"name": None}, "has a name that is no text"),
        ({"client": "number"}, "has client of type str, not a set of kinds"),
        ({"clinician": frozenset({"numbers"})}, "has a kind of clinician that is not known"),
        ({"client": frozenset()}, "has no kinds of client"),
        ({"phrase_side": "clinician"}, "has a phrase_side other than 1 or -1"),
        ({"phrase_side": 0}, "has a phrase_side other than 1 or -1"),
        ({"named": True, "ranged": False}, "compares levels by name alone"),
        ({"compare": lambda client, clinician: client[0]}, "does not say what it computes"),
    ],
)
def test_a_declaration_that_could_mislead_is_refused(changes: Any, problem: str) -> None:
    with pytest.raises(RecommenderError, match=problem):
        register_operator(replace(LOWER, **changes))


def test_one_that_ships_is_never_replaced() -> None:
    with pytest.raises(RecommenderError, match="ships; choose another name"):
        match_operators.add_own_operator(replace(LOWER, name="product"))


OWN_MATCH = """
[matches.shared_therapies]
operator = "corner.jaccard"
client = "wanted"
clinician = "offers"
phrase = "works with much the same therapies"
otherwise = "works with other therapies too"
group = "approach"

[matches.both_guided]
operator = "corner.lower"
client = "directive"
clinician = "guides"
phrase = "guides as the client would like"
otherwise = "guides otherwise"
group = "style"
"""


def definition() -> str:
    return a_practice().text + OWN_MATCH


def test_an_operator_nobody_registered_is_a_fault_of_the_definition() -> None:
    with pytest.raises(DefinitionError, match="operator; install the package that declares it"):
        read_practice(definition())


def own_tables() -> Tables:
    return tables_of(some_rows(pairings=150), read_practice(definition()))


def test_training_and_serving_compute_the_same_match(tmp_path: Path) -> None:
    register_operator(LOWER)
    register_operator(JACCARD)
    practice, tables = read_practice(definition()), own_tables()
    model = fit(dataset_of(tables, practice)).model
    roster = tables.roster(TAKEN_AT)
    encoding = model.encode_roster(roster)
    clients = tables.clients.only(practice.asked.fields).take(np.arange(20))
    pairs = Pairs(np.repeat(np.arange(20), len(roster)), np.tile(np.arange(len(roster)), 20))

    served = plan_for(model, encoding).score(clients, pairs)
    assert served.scores.pairing == pytest.approx(
        model.score(clients, encoding, pairs).pairing, abs=1e-9
    )
    save_bundle(model, tmp_path / "bundle")
    assert load_bundle(tmp_path / "bundle").manifest == model.manifest


def test_a_bundle_says_which_kind_of_package_is_missing(tmp_path: Path) -> None:
    register_operator(LOWER)
    register_operator(JACCARD)
    tables = own_tables()
    save_bundle(fit(dataset_of(tables, read_practice(definition()))).model, tmp_path / "bundle")
    for name in ("corner.lower", "corner.jaccard"):
        del match_operators._OPERATORS[name]

    with pytest.raises(BundleError, match=r"here: corner\.jaccard, corner\.lower; inst"):
        load_bundle(tmp_path / "bundle")


def installed(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    point = EntryPoint("corner", value, own_operators.ENTRY_POINTS)
    monkeypatch.setattr(own_operators, "entry_points", lambda group: [point])


def test_an_installed_package_is_looked_at_when_a_name_is_not_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    register_operator(JACCARD)
    installed(monkeypatch, f"{__name__}:LOWER")

    practice = read_practice(definition())
    assert practice.matches["both_guided"].comparison.name == "corner.lower"


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("no_such_package_here:LOWER", "cannot be imported from no_such_package_here:LOWER"),
        (f"{__name__}:OWN_MATCH", "is no Operator"),
    ],
)
def test_a_package_that_cannot_be_used_is_named(
    value: str, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed(monkeypatch, value)
    with pytest.raises(RecommenderError, match=problem):
        read_practice(definition())
