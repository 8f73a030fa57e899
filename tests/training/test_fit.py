"""Learning: same data, same bytes; tests teach nothing; odd data stop nobody."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from scipy.stats import spearmanr

from recommender.errors import RecommenderError
from recommender.features.pipeline import Pairs
from recommender.practice.definition import Practice, read_practice
from recommender.recommendation.recommend import read_intake, recommend
from recommender.training.baselines import encode_clinicians
from recommender.training.dataset import Dataset, dataset_of
from recommender.training.fit import FitResult, fit
from recommender.training.tree_fitting import FitSettings, parameters_of
from tests.support.builders import (
    DAY,
    DEFINITION,
    QUICK,
    TAKEN_AT,
    Rows,
    a_dataset,
    a_fit,
    a_practice,
    digest_of,
    some_rows,
    tables_of,
    true_alliance,
)

TWO_FIELDS = """
[practice]
id = "two"
version = "1"
title = "Two fields"
timezone = "Australia/Sydney"
currency = "AUD"
[alliance]
instruments = ["wai_sr"]
reference = "wai_sr"
early_sessions = [2, 5]
[groups]
record = "Earlier reports"
[client.not_with]
kind = "ids"
phrase = "clinicians the client cannot see"
purpose = "so that they are never offered"
missing = "nobody"
use = "filter"
[clinician.not_with]
kind = "ids"
phrase = "clients they cannot see"
purpose = "conflicts of interest"
missing = "nobody"
use = "filter"
[constraints.do_not_match]
rule = "not_listed"
client = "not_with"
clinician = "not_with"
family = "conflict"
mode = "hard"
say = "must not be matched with this client"
"""


def fitted_on(rows: Rows, practice: Practice | None = None, *, trees_from: int = 100) -> FitResult:
    practice = practice or a_practice()
    settings = replace(QUICK, fewest_for_trees=trees_from)
    return fit(dataset_of(tables_of(rows, practice), practice), settings=settings)


def edited(text: str, *changes: tuple[str, str]) -> Practice:
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    return read_practice(text)


def without_sections(*names: str) -> Practice:
    """The corner practice without some sections."""
    kept, skipping = [], False
    for line in DEFINITION.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            skipping = line.startswith(names)
        if not skipping:
            kept.append(line)
    return read_practice("\n".join(kept))


def check_serves(fitted: FitResult, rows: Rows, practice: Practice) -> None:
    """A model of odd data scores, explains and survives being saved."""
    model, tables = fitted.model, tables_of(rows, practice)
    encoding = model.encode_roster(tables.roster(TAKEN_AT))
    found = recommend(read_intake(practice, {}), encoding, model, day=DAY)
    assert found.shortlist or found.exclusions or found.mode == "constraints_only"
    client = tables.clients.take(np.array([0]))
    scores = model.score(client, encoding)
    assert np.isfinite(scores.alliance).all()
    parts = model.contributions(client, encoding, Pairs.of_one(len(encoding.roster)))
    assert parts.start + parts.values.sum(axis=1) == pytest.approx(scores.alliance, abs=1e-9)
    assert np.isfinite([model.interval.low, model.interval.high]).all()
    assert digest_of(model)


# Reproducible


def test_the_same_data_and_seed_give_the_same_bytes() -> None:
    assert digest_of(fit(a_dataset(), settings=QUICK).model) == digest_of(a_fit().model)


def test_the_order_of_rows_in_the_files_does_not_matter() -> None:
    rng = np.random.default_rng(0)
    turned = {n: [rows[p] for p in rng.permutation(len(rows))] for n, rows in some_rows().items()}

    assert digest_of(fitted_on(turned).model) == digest_of(a_fit().model)


def test_another_seed_gives_another_model() -> None:
    assert digest_of(fit(a_dataset(), settings=replace(QUICK, seed=1)).model) != digest_of(
        a_fit().model
    )


def test_the_day_of_training_is_written_down_and_changes_nothing() -> None:
    model = fit(a_dataset(), settings=QUICK, now=datetime(2026, 11, 23, tzinfo=UTC)).model

    assert model.manifest.created_at == "2026-11-23T00:00:00+00:00"
    assert digest_of(model) == digest_of(a_fit().model)


# What is learned from


def test_ratings_of_test_pairings_change_nothing_that_is_learned() -> None:
    dataset = a_dataset()
    train, test = np.arange(200), np.arange(200, len(dataset))
    rows = dataset.early.rows.copy()
    rows.loc[dataset.rated_rows(test), "pomp"] = 0.0
    moved = replace(dataset, early=replace(dataset.early, rows=rows))

    before, after = (fit(data, train, QUICK) for data in (dataset, moved))
    assert digest_of(before.model) == digest_of(after.model)
    assert np.array_equal(before.out_of_fold, after.out_of_fold)


def test_the_manifest_counts_only_what_was_learned_from() -> None:
    manifest = fit(a_dataset(), np.arange(150), QUICK).model.manifest

    assert (manifest.ratings, manifest.pairings) == (150, 150)
    assert manifest.last_day == str(np.datetime64(int(a_dataset().started[149]), "D"))


def test_records_are_those_of_training_rows_alone() -> None:
    dataset = a_dataset()
    model = fit(dataset, np.arange(150), QUICK).model

    assert model.records.count.sum() == 150
    assert (
        model.records.count.tolist()
        == np.bincount(dataset.pairs.clinician[:150], minlength=12).tolist()
    )


def test_no_client_effect_stays_in_the_model() -> None:
    assert a_fit().model.additive.fit.client_codes.size == 0
    assert a_fit().model.additive.fit.client_effects.size == 0


# What it learns


def a_large_dataset() -> tuple[Rows, Dataset]:
    rows = some_rows(pairings=1500, seed=11)
    return rows, dataset_of(tables_of(rows), a_practice())


def mean_order(scores: np.ndarray, truth: np.ndarray) -> float:
    return float(np.mean([spearmanr(s, t).statistic for s, t in zip(scores, truth, strict=True)]))


@pytest.mark.slow
def test_new_clients_clinicians_are_ordered_better_than_by_their_average() -> None:
    rows, dataset = a_large_dataset()
    model = fit(dataset, settings=QUICK).model
    asked = [
        row
        for row in some_rows(pairings=80, seed=99)["clients"]
        if row["wanted"] and row["directive"]
    ]
    truth = np.array([[true_alliance(c, k) for k in rows["clinicians"]] for c in asked])
    fresh = tables_of(
        {**rows, "clients": asked, "pairings": [], "ratings": []} | _no_pairings(asked)
    )
    pairs = Pairs(np.repeat(np.arange(len(asked)), 12), np.tile(np.arange(12), len(asked)))
    scores = model.score(fresh.clients, encode_clinicians(dataset), pairs).pairing.reshape(-1, 12)
    average = np.tile(model.records.mean, (len(asked), 1))

    learned, popular = mean_order(scores, truth), mean_order(average, truth)
    assert learned > 0.7
    assert learned > popular + 0.2


def _no_pairings(clients: list[dict[str, str]]) -> dict[str, list[dict[str, str]]]:
    """One pairing and rating, as tables cannot be empty; nobody learns from them."""
    rows = some_rows(pairings=4)
    pairing = next(row for row in rows["pairings"] if not row["ended_on"])
    rating = next(row for row in rows["ratings"] if row["pairing_id"] == pairing["pairing_id"])
    met = pairing | {"client_id": clients[0]["client_id"]}
    return {"pairings": [met], "ratings": [rating]}


def test_the_stated_range_holds_about_as_often_as_it_says() -> None:
    _, dataset = a_large_dataset()
    train, test = np.arange(800), np.arange(800, len(dataset))
    fitted = fit(dataset, train, QUICK)
    scores = fitted.model.score(
        dataset.clients, encode_clinicians(dataset), dataset.pairs.take(test)
    )
    low, high = fitted.model.interval_of(scores)
    label = fitted.labels.alliance[test]

    assert np.mean((low <= label) & (label <= high)) == pytest.approx(0.9, abs=0.06)


def test_below_the_number_of_ratings_for_trees_there_are_none() -> None:
    model = fit(a_dataset(), settings=replace(QUICK, fewest_for_trees=10_000)).model

    assert model.trees is None
    assert model.tree_weight == 0


def test_settings_are_told_flat() -> None:
    told = parameters_of(FitSettings())

    assert told["pairing.num_leaves"] == 4
    assert told["seed"] == 0


# Odd data


def test_a_practice_that_declares_no_match_learns() -> None:
    practice, rows = without_sections("[matches."), some_rows()

    check_serves(fitted_on(rows, practice), rows, practice)


def test_a_practice_that_scores_no_client_field_learns_one_level_for_all() -> None:
    text = DEFINITION.read_text(encoding="utf-8")
    client, rest = text.split("[clinician.offers]")
    client = client.replace('use = "score"', 'use = "filter"').replace('per = "concern"', "")
    practice, rows = read_practice(f"{client}[clinician.offers]{rest}"), some_rows()
    fitted = fitted_on(rows, practice)

    assert fitted.model.client_trees is None
    check_serves(fitted, rows, practice)


def test_a_practice_that_keeps_only_who_may_not_meet_learns_records() -> None:
    practice = read_practice(TWO_FIELDS)
    rows = some_rows()
    ids = {
        "clients": [{k: row[k] for k in ("client_id", "not_with")} for row in rows["clients"]],
        "clinicians": [
            {k: row[k] for k in ("clinician_id", "not_with")} for row in rows["clinicians"]
        ],
    }
    narrow = {**rows, **ids}
    fitted = fitted_on(narrow, practice)

    assert [feature.name for feature in fitted.model.pipeline.features] == [
        "history.record",
        "history.ratings",
    ]
    check_serves(fitted, narrow, practice)


def test_a_practice_without_levels_of_record_learns() -> None:
    practice = edited(DEFINITION.read_text(encoding="utf-8"), ('per = "concern"\n', ""))
    rows = some_rows()
    fitted = fitted_on(rows, practice)

    assert fitted.model.records.level_mean.shape == (12, 0)
    check_serves(fitted, rows, practice)


def test_a_practice_of_one_clinician_learns() -> None:
    rows = some_rows(clinicians=1)

    check_serves(fitted_on(rows), rows, a_practice())


def test_a_clinician_nobody_rated_has_no_record_and_is_scored() -> None:
    rows = some_rows()
    unrated = {p["pairing_id"] for p in rows["pairings"] if p["clinician_id"] == "k04"}
    kept = [row for row in rows["ratings"] if row["pairing_id"] not in unrated]
    fitted = fitted_on({**rows, "ratings": kept})

    assert fitted.model.records.count[4] == 0
    assert fitted.model.records.mean[4] == 0
    check_serves(fitted, rows, a_practice())


def test_clients_who_rated_several_clinicians_are_never_held_out_in_part() -> None:
    rows = some_rows()
    again = [
        row | {"client_id": f"c{place // 3:04d}"} for place, row in enumerate(rows["pairings"])
    ]
    fitted = fitted_on({**rows, "pairings": again})

    seen = np.isfinite(fitted.known_client)
    assert 0 < seen.sum() < len(seen)
    check_serves(fitted, rows, a_practice())


def test_thirty_ratings_are_enough_to_learn_and_to_say_how_little_is_known() -> None:
    rows = some_rows(pairings=60)
    rows = {**rows, "ratings": rows["ratings"][:30]}
    fitted = fitted_on(rows, trees_from=1000)

    assert fitted.model.client_trees is None
    assert fitted.model.manifest.ratings == 30
    check_serves(fitted, rows, a_practice())


@pytest.mark.parametrize("trees", [100, 10_000])
def test_ratings_that_never_differ_put_nobody_before_anybody(trees: int) -> None:
    rows = some_rows()
    same = {**rows, "ratings": [row | {"score": "48"} for row in rows["ratings"]]}
    fitted = fitted_on(same, trees_from=trees)
    scores = fitted.model.score(
        a_dataset().clients, encode_clinicians(a_dataset()), a_dataset().pairs
    )

    assert scores.alliance == pytest.approx(np.full(len(a_dataset()), 4.0), abs=1e-6)
    check_serves(fitted, rows, a_practice())


def _emptied(rows: Rows, table: str, *kept: str) -> Rows:
    return {
        **rows,
        table: [{n: c if n in kept else "" for n, c in row.items()} for row in rows[table]],
    }


def test_a_practice_where_nobody_answered_anything_learns() -> None:
    rows = _emptied(some_rows(), "clients", "client_id", "agrees")
    rows = _emptied(rows, "clinicians", "clinician_id", "places")

    check_serves(fitted_on(rows), rows, a_practice())


def test_a_practice_that_always_gave_the_therapy_asked_for_learns() -> None:
    # Every centred match is then one value, which the intercept already says.
    rows = some_rows()
    offers = [row | {"offers": "act;cbt;emdr", "guides": "0"} for row in rows["clinicians"]]
    wants = [row | {"wanted": "cbt", "directive": "0"} for row in rows["clients"]]
    alike = {**rows, "clinicians": offers, "clients": wants}

    check_serves(fitted_on(alike), alike, a_practice())


@pytest.mark.parametrize("ratings", [1, 2])
def test_fewer_clients_than_folds_are_refused_with_the_way_out(ratings: int) -> None:
    rows = some_rows(pairings=40)
    dataset = dataset_of(tables_of({**rows, "ratings": rows["ratings"][:ratings]}), a_practice())

    with pytest.raises(RecommenderError, match="wait until more clients have rated"):
        fit(dataset, settings=QUICK)


def test_one_client_who_rated_everyone_is_refused_with_the_way_out() -> None:
    rows = some_rows(pairings=60)
    same = [row | {"client_id": "c0001"} for row in rows["pairings"]]
    dataset = dataset_of(tables_of({**rows, "pairings": same}), a_practice())

    with pytest.raises(RecommenderError, match="come from 1 clients"):
        fit(dataset, settings=QUICK)


def test_no_training_rows_at_all_are_refused_with_the_way_out() -> None:
    with pytest.raises(RecommenderError, match="come from 0 clients"):
        fit(a_dataset(), np.zeros(0, dtype=np.intp), QUICK)


def test_progress_runs_from_start_to_done() -> None:
    told: list[tuple[str, float]] = []
    note: Callable[[str, float], None] = lambda step, done: told.append((step, done))  # noqa: E731
    fit(a_dataset(), settings=replace(QUICK, fewest_for_trees=10_000), progress=note)

    assert told[0][1] == 0
    assert told[-1] == ("done", 1.0)
    assert [done for _, done in told] == sorted(done for _, done in told)
