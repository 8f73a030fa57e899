"""Tables with hardly anything in them: what is checked, learned, stored, read back and ranked."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest

from recommender.errors import BundleError, RecommenderError, TablesError
from recommender.model.bundle.io import load_bundle, save_bundle
from recommender.recommendation.recommend import recommend
from recommender.registry.registry import Registry
from recommender.tables.loader import Tables
from recommender.tables.report import check_tables
from recommender.training.dataset import dataset_of
from recommender.training.enough_ratings import refuse_unlearnable
from recommender.training.fit import fit
from recommender.training.run import TableFindings, check_bundle, train
from recommender.training.tree_fitting import FitSettings
from tests.support.builders import (
    DAY,
    TAKEN_AT,
    a_dataset,
    a_model,
    a_practice,
    an_intake,
    some_rows,
    some_tables,
    tables_of,
    write_rows,
)
from tests.support.registries import empty_registry

QUICK = FitSettings(fewest_for_trees=60, folds=2)
NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
BASE = some_rows(pairings=90)
Rows = dict[str, list[dict[str, str]]]
Change = Callable[[Rows], None]


def changed(change: Change) -> Rows:
    tables = deepcopy({name: list(table) for name, table in BASE.items()})
    change(tables)
    return tables


def one_client(tables: Rows) -> None:
    tables["clients"] = tables["clients"][:1]
    for pairing in tables["pairings"]:
        pairing["client_id"] = "c0000"


def one_clinician(tables: Rows) -> None:
    tables["clinicians"] = tables["clinicians"][:1]
    for pairing in tables["pairings"]:
        pairing["clinician_id"] = "k00"


def a_constant_label(tables: Rows) -> None:
    for rating in tables["ratings"]:
        rating["score"] = "40"


def one_other_label(tables: Rows) -> None:
    a_constant_label(tables)
    tables["ratings"][-1]["score"] = "41"


def one_day(tables: Rows) -> None:
    for pairing in tables["pairings"]:
        pairing["started_on"] = "2025-03-03"
        pairing["ended_on"] = pairing["ended_on"] and "2025-03-10"
    for rating in tables["ratings"]:
        rating["rated_on"] = rating["known_on"] = "2025-03-17"


def nobody_twice(tables: Rows) -> None:
    """Every clinician has one pairing, so that each is new to the model that tests them."""
    several = len(tables["clinicians"])
    tables["clinicians"] = [
        {**tables["clinicians"][place % several], "clinician_id": f"x{place:03d}"}
        for place in range(len(tables["pairings"]))
    ]
    for place, pairing in enumerate(tables["pairings"]):
        pairing["clinician_id"] = f"x{place:03d}"


def constant_columns(tables: Rows) -> None:
    for client in tables["clients"]:
        client |= {"concern": "anxiety", "wanted": "cbt", "directive": "3", "gender": "woman"}
    for clinician in tables["clinicians"]:
        clinician |= {"offers": "cbt", "guides": "2", "years": "4"}


def nothing_answered(tables: Rows) -> None:
    for people, own in (("clients", "client_id"), ("clinicians", "clinician_id")):
        tables[people] = [dict.fromkeys(row, "") | {own: row[own]} for row in tables[people]]


def a_single_level(tables: Rows) -> None:
    for client in tables["clients"]:
        client["concern"] = "sleep"


def no_dropouts(tables: Rows) -> None:
    for pairing in tables["pairings"]:
        pairing |= {"sessions": "8", "ended_on": ""}


LEARNABLE = (
    one_other_label,
    one_day,
    nobody_twice,
    constant_columns,
    nothing_answered,
    a_single_level,
    no_dropouts,
)


@pytest.mark.parametrize("change", LEARNABLE, ids=lambda change: change.__name__)
def test_what_is_learned_from_hardly_anything_can_be_stored_read_and_ranked_with(
    change: Change, tmp_path: Path
) -> None:
    rows = changed(change)
    (tmp_path / "tables").mkdir()
    write_rows(tmp_path / "tables", rows)
    assert check_tables(tmp_path / "tables", a_practice(), DAY).sound
    tables = tables_of(rows)
    dataset = dataset_of(tables, a_practice())
    refuse_unlearnable(dataset)
    model = fit(dataset, settings=QUICK).model
    save_bundle(model, tmp_path / "bundle")
    check_bundle(tmp_path / "bundle", model, tables)

    stored = load_bundle(tmp_path / "bundle", a_practice())
    encoding = stored.encode_roster(tables.roster(TAKEN_AT))
    shown = recommend(an_intake(agrees=True), encoding, stored, day=DAY)
    assert shown.shortlist or change is nothing_answered
    assert all(each.predicted is not None and 1 <= each.predicted <= 5 for each in shown.shortlist)


@pytest.mark.parametrize(
    ("change", "problem", "remedy"),
    [
        (a_constant_label, "rated pairings the same label: nothing can be learned", "`score`"),
        (one_client, "come from 1 client, and a model learns from many", "column client_id"),
        (one_clinician, "are all of one clinician", "column clinician_id"),
    ],
    ids=lambda each: getattr(each, "__name__", ""),
)
def test_a_practice_whose_ratings_teach_nothing_is_told_so_and_what_to_check(
    change: Change, problem: str, remedy: str
) -> None:
    with pytest.raises(RecommenderError) as refused:
        refuse_unlearnable(dataset_of(tables_of(changed(change)), a_practice()))
    assert refused.value.field == "ratings"
    assert problem in refused.value.problem
    assert remedy in refused.value.remedy
    refuse_unlearnable(a_dataset())


@cache
def the_tables() -> Tables:
    return some_tables()


def test_a_model_that_scores_otherwise_once_it_is_stored_is_not_published(tmp_path: Path) -> None:
    save_bundle(a_model(), tmp_path / "bundle")
    check_bundle(tmp_path / "bundle", a_model(), the_tables())
    other = replace(a_model(), survivor_offset=a_model().survivor_offset + 1e-9)
    with pytest.raises(BundleError, match="gives other scores once it is stored; nothing is pub"):
        check_bundle(tmp_path / "bundle", other, the_tables())


def test_a_model_that_cannot_be_read_back_is_no_matter_of_tampering(tmp_path: Path) -> None:
    save_bundle(replace(a_model(), tree_weight=1.5), tmp_path / "bundle")
    with pytest.raises(BundleError) as refused:
        check_bundle(tmp_path / "bundle", a_model(), the_tables())
    assert "cannot be read back (manifest.json share is out of range)" in str(refused.value)
    assert "nothing is published" in refused.value.remedy
    assert "elsewhere" not in str(refused.value)


@pytest.mark.slow
def test_a_refused_training_says_what_it_found_and_publishes_nothing(tmp_path: Path) -> None:
    registry = Registry(empty_registry(tmp_path), "alliance", tmp_path / "artifacts")
    tables = tmp_path / "tables"
    tables.mkdir()
    write_rows(tables, changed(a_constant_label))
    said: list[TableFindings] = []
    with pytest.raises(RecommenderError, match="the same label"):
        train(tables, a_practice(), registry, now=NOW, found=said.append)
    assert [warning.kind for warning in said[0].implausible] == ["constant"]

    # A rating of tomorrow is refused as by `check`; at 11 am in Sydney its day has come.
    late = changed(lambda rows: rows["ratings"][-1].update(rated_on="2026-11-24", known_on=""))
    write_rows(tables, late)
    with pytest.raises(TablesError, match=r"column rated_on, row .*: lies in the future"):
        train(tables, a_practice(), registry, now=NOW)
    with registry.client() as client:
        assert client.search_registered_models() == []

    # One client more who answered otherwise, among the last: something can be learned, if little.
    write_rows(tables, changed(one_other_label))
    trained = train(tables, a_practice(), registry, now=NOW, settings=QUICK)
    assert (trained.version.version, trained.model.manifest.mode) == (1, "model")
    assert [warning.kind for warning in trained.findings.implausible] == ["constant"]
