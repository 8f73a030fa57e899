"""Clinician records beside plain SQL, at their bounds, and through the model that learns them."""

import sqlite3
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.features.history import (
    ClientReports,
    Shrinkage,
    records_of,
)
from recommender.features.pipeline import Pairs
from recommender.model.alliance_model import AllianceModel
from recommender.model.bundle.io import load_bundle, save_bundle
from recommender.training.dataset import Dataset, dataset_of
from recommender.training.fit import fit
from recommender.training.folds import forward
from tests.support.builders import QUICK, TAKEN_AT, Row, Rows, a_practice, some_rows, tables_of
from tests.support.client_reports import (
    CLINICIANS,
    LEVELS,
    SOME,
    drawn_reports,
    out_of_fold_rows,
    some_reports,
)

FOLDS = 4
SHRINKAGE = Shrinkage(overall=6.5, by_level=13.0)
SQL = """
with rated as (select * from report where fold != :fold),
overall as (
  select clinician, sum(residual) / (count(*) + :k) as record, count(*) as n
  from rated group by clinician
),
by_level as (
  select r.clinician, r.level,
         sum(r.residual - o.record) / (count(*) + :k_level) as record, count(*) as n
  from rated r join overall o using (clinician)
  where r.level >= 0 group by r.clinician, r.level
)
select asked.clinician, asked.level,
       coalesce(o.record, 0.0), coalesce(o.n, 0), coalesce(l.record, 0.0), coalesce(l.n, 0)
from report asked
left join overall o on o.clinician = asked.clinician
left join by_level l on l.clinician = asked.clinician and l.level = asked.level
where :fold = -1 or asked.fold = :fold
order by asked.place
"""
"""The history of each report: shrunken means of the others' residuals, and of what they leave."""


def fold_of(reports: ClientReports) -> np.ndarray:
    return np.arange(len(reports.residual), dtype=np.int64) % FOLDS


def by_sql(reports: ClientReports, fold: np.ndarray, asked: int) -> np.ndarray:
    """Rows (clinician, level, record, n, record by level, n) of one fold, or of all for -1."""
    base = sqlite3.connect(":memory:")
    base.execute("create table report (place int, clinician int, level int, residual real, fold)")
    parts = (reports.clinician, reports.level, reports.residual, fold)
    cells = zip(*(part.tolist() for part in parts), strict=True)
    rows = [(place, *row) for place, row in enumerate(cells)]
    base.executemany("insert into report values (?, ?, ?, ?, ?)", rows)
    told = {"fold": asked, "k": SHRINKAGE.overall, "k_level": SHRINKAGE.by_level}
    found = np.array(base.execute(SQL, told).fetchall(), dtype=np.float64)
    base.close()
    return found.reshape(-1, 6)


def said(rows: np.ndarray) -> np.ndarray:
    """Rows with the number of ratings as a count again."""
    told = rows.copy()
    told[:, 1::2] = np.expm1(told[:, 1::2])
    return told


# Beside SQL


@given(rows=SOME)
def test_every_record_and_its_number_of_ratings_are_those_sql_counts(
    rows: list[tuple[int, int, float]],
) -> None:
    reports = some_reports(rows)
    found = by_sql(reports, fold_of(reports), asked=-1)
    ours = records_of(reports, SHRINKAGE).rows(reports.clinician, reports.level)

    assert said(ours) == pytest.approx(found[:, 2:], abs=1e-12)


@given(rows=SOME)
def test_out_of_fold_rows_are_those_sql_counts_from_the_other_folds(
    rows: list[tuple[int, int, float]],
) -> None:
    reports = some_reports(rows)
    fold = fold_of(reports)
    ours = said(out_of_fold_rows(reports, fold, SHRINKAGE))

    for number in np.unique(fold):
        found = by_sql(reports, fold, asked=int(number))
        assert found[:, 0].tolist() == reports.clinician[fold == number].tolist()
        assert ours[fold == number] == pytest.approx(found[:, 2:], abs=1e-12)


def test_many_reports_out_of_fold_are_those_sql_counts() -> None:
    reports = drawn_reports(2000, seed=8)
    fold = np.random.default_rng(1).integers(0, FOLDS, 2000)
    ours = said(out_of_fold_rows(reports, fold, SHRINKAGE))

    for number in range(FOLDS):
        found = by_sql(reports, fold, asked=number)
        # Counts come back through a logarithm: what is compared to 1e-12 is their ratio.
        assert ours[fold == number] == pytest.approx(found[:, 2:], rel=1e-12, abs=1e-12)


# Never from oneself


@given(rows=SOME, place=st.integers(0, 39))
def test_an_absurd_label_changes_no_row_of_its_own_fold(
    rows: list[tuple[int, int, float]], place: int
) -> None:
    reports, place = some_reports(rows), place % len(rows)
    fold = fold_of(reports)
    absurd = reports.residual.copy()
    absurd[place] = 1e6

    before = out_of_fold_rows(reports, fold, SHRINKAGE)
    after = out_of_fold_rows(replace(reports, residual=absurd), fold, SHRINKAGE)
    own = fold == fold[place]
    assert np.array_equal(before[own], after[own])
    others = ~own & (reports.clinician == reports.clinician[place])
    assert np.all(before[others, 0] != after[others, 0])


# Shrunken toward the average


def raw_means(reports: ClientReports) -> np.ndarray:
    total = np.bincount(reports.clinician, reports.residual, minlength=CLINICIANS)
    return total / np.maximum(np.bincount(reports.clinician, minlength=CLINICIANS), 1)


@given(rows=SOME, k=st.floats(2, 200))
def test_a_record_lies_between_the_average_and_the_raw_mean(
    rows: list[tuple[int, int, float]], k: float
) -> None:
    reports = some_reports(rows)
    record, raw = records_of(reports, Shrinkage(k, 2 * k)).mean, raw_means(reports)

    assert np.all(np.abs(record) <= np.abs(raw))
    assert np.all(record * raw >= 0)


@given(rows=SOME, k=st.floats(2, 100))
def test_more_shrinkage_brings_every_record_nearer_to_the_average(
    rows: list[tuple[int, int, float]], k: float
) -> None:
    reports = some_reports(rows)
    less, more = (records_of(reports, Shrinkage(ratio, ratio)).mean for ratio in (k, 2 * k))

    assert np.all(np.abs(more) <= np.abs(less))


@given(times=st.integers(1, 200))
def test_the_same_mean_counts_for_more_the_more_ratings_it_rests_on(times: int) -> None:
    once, again = (
        records_of(some_reports([(0, 0, 0.5)] * n), SHRINKAGE) for n in (times, times + 1)
    )

    assert 0 < once.mean[0] < again.mean[0] < 0.5
    # n x 0.5 / (n + 6.5), written out.
    assert once.mean[0] == pytest.approx(times * 0.5 / (times + 6.5))
    assert (once.count[0], again.count[0]) == (times, times + 1)


# Through the model


LATE = "2027-06-30"


def dataset_from(rows: Rows) -> Dataset:
    return dataset_of(tables_of(rows), a_practice())


def digest_of(model: AllianceModel) -> str:
    with TemporaryDirectory() as directory:
        return save_bundle(model, Path(directory) / "bundle")


def first_day_tested(dataset: Dataset) -> str:
    [fold] = forward(dataset)
    return str(np.datetime64(int(dataset.started[fold.test].min()), "D"))


def learned(rows: Rows) -> AllianceModel:
    """What a practice knew on the day its last pairings began."""
    dataset = dataset_from(rows)
    [fold] = forward(dataset)
    model = fit(dataset, fold.train, QUICK).model
    # The digest of the tables is about files, not about what was learned from them.
    return replace(model, manifest=replace(model.manifest, data_digest=""))


def with_ratings(rows: Rows, ratings: list[Row]) -> Rows:
    return {**rows, "ratings": ratings}


def test_a_rating_that_is_known_tomorrow_changes_nothing_learned_today() -> None:
    rows = some_rows(pairings=300)
    day = first_day_tested(dataset_from(rows))
    later = [row for row in rows["ratings"] if row["known_on"] >= day]
    changed = [{**row, "score": "12"} if row in later else row for row in rows["ratings"]]

    assert len(later) > 40
    assert digest_of(learned(with_ratings(rows, changed))) == digest_of(learned(rows))


def test_a_fold_learns_the_same_where_the_rows_of_its_future_do_not_exist_yet() -> None:
    rows = some_rows(pairings=300)
    dataset = dataset_from(rows)
    [fold] = forward(dataset)
    day = first_day_tested(dataset)
    past = {
        **rows,
        "pairings": [row for row in rows["pairings"] if row["started_on"] < day],
        "ratings": [row for row in rows["ratings"] if row["known_on"] < day],
    }
    then = fit(dataset_from(past), settings=QUICK).model
    then = replace(then, manifest=replace(then.manifest, data_digest=""))

    assert len(fold.train) == len(dataset_from(past)) < len(dataset)
    assert digest_of(then) == digest_of(learned(rows))


def test_a_rating_that_is_known_a_day_before_is_learned_from_and_one_of_that_day_is_not() -> None:
    rows = some_rows(pairings=300)
    day = np.datetime64(first_day_tested(dataset_from(rows)), "D")
    [moved] = [row for row in rows["ratings"] if row["known_on"] < str(day)][-1:]

    def counted(known_on: np.datetime64) -> float:
        again = [{**r, "known_on": str(known_on)} if r is moved else r for r in rows["ratings"]]
        return float(learned(with_ratings(rows, again)).records.count.sum())

    assert counted(day - 1) == counted(day) + 1 == counted(day + 1) + 1


def test_what_is_learned_today_has_the_records_of_what_was_known_yesterday() -> None:
    rows = some_rows(pairings=300)
    day = first_day_tested(dataset_from(rows))
    whose = {row["pairing_id"]: row["clinician_id"] for row in rows["pairings"]}
    known = [whose[row["pairing_id"]] for row in rows["ratings"] if row["known_on"] < day]
    model = learned(rows)

    counted = [known.count(clinician) for clinician in model.clinician_ids]
    assert model.records.count.tolist() == counted


def test_ratings_that_arrive_after_training_change_no_served_prediction_until_the_next_one() -> (
    None
):
    """Neither of a new client, nor of one whose own first rating is among them."""
    rows = some_rows(pairings=300)
    day = first_day_tested(dataset_from(rows))
    known = with_ratings(rows, [row for row in rows["ratings"] if row["known_on"] < day])
    with TemporaryDirectory() as directory:
        save_bundle(learned(rows), Path(directory) / "bundle")
        model = load_bundle(Path(directory) / "bundle")

    then, now = (served(model, each) for each in (known, rows))
    assert np.array_equal(then, now)
    again = fit(dataset_from(rows), settings=QUICK).model
    assert not np.array_equal(served(again, rows), now)


def served(model: AllianceModel, rows: Rows) -> np.ndarray:
    """Contributions of every clinician for the first client, as the request path computes them."""
    tables = tables_of(rows)
    encoding = model.encode_roster(tables.roster(TAKEN_AT))
    client = tables.clients.take(np.array([0]))
    return model.contributions(client, encoding, Pairs.of_one(len(encoding.roster))).values


def test_the_number_of_ratings_stands_beside_the_record_in_every_row_served() -> None:
    rows = some_rows(pairings=300)
    model, tables = learned(rows), tables_of(rows)
    encoding = model.encode_roster(tables.roster(TAKEN_AT))
    names = [feature.name for feature in model.pipeline.features]
    of_one = model.contributions(
        tables.clients.take(np.array([0])), encoding, Pairs.of_one(len(encoding.roster))
    )

    told = np.expm1(of_one.raw[:, names.index("history.ratings")])
    assert told == pytest.approx(model.records.count)
    record = of_one.raw[:, names.index("history.record")]
    assert record.tolist() == model.records.mean.tolist()
    assert model.records.level_count.shape[1] == LEVELS
