"""What earlier clients reported: never from tomorrow, never from oneself, and the SQL agrees."""

import sqlite3
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.features.history import (
    MAX_RATIO,
    MIN_RATIO,
    ClientReports,
    Shrinkage,
    held_out_rows,
    history_features,
    records_of,
    shrinkage_of,
)
from recommender.practice.sections import HistorySettings
from tests.support.builders import a_practice
from tests.support.client_reports import (
    CLINICIANS,
    LEVELS,
    SOME,
    drawn_reports,
    out_of_fold_rows,
    some_reports,
)


def every_row(reports: ClientReports, shrinkage: Shrinkage) -> np.ndarray:
    clinician, level = np.divmod(np.arange(CLINICIANS * (LEVELS + 1)), LEVELS + 1)
    return records_of(reports, shrinkage).rows(clinician, level - 1)


def test_a_record_is_the_sum_over_n_plus_k() -> None:
    reports = some_reports([(0, 0, 0.5), (0, 1, 0.7), (1, 0, -0.4)])
    records = records_of(reports, Shrinkage(overall=4.0, by_level=8.0))

    assert records.mean.tolist() == pytest.approx([1.2 / 6, -0.4 / 5, 0, 0, 0])
    assert records.count.tolist() == [2, 1, 0, 0, 0]
    assert records.level_mean[0, 1] == pytest.approx((0.7 - 1.2 / 6) / 9)


def test_a_clinician_without_reports_has_no_record_and_a_count_of_none() -> None:
    records = records_of(some_reports([(0, 0, 0.5)]), Shrinkage(4.0, 8.0))

    assert records.rows(np.array([3]), np.array([0])).tolist() == [[0, 0, 0, 0]]


def test_a_clinician_the_model_never_saw_does_not_borrow_the_last_ones_record() -> None:
    records = records_of(some_reports([(CLINICIANS - 1, 0, 0.5)]), Shrinkage(4.0, 8.0))

    assert records.rows(np.array([-1]), np.array([0])).tolist() == [[0, 0, 0, 0]]


def test_a_client_who_did_not_answer_does_not_borrow_the_last_levels_record() -> None:
    records = records_of(some_reports([(0, LEVELS - 1, 0.5)]), Shrinkage(4.0, 8.0))

    assert records.rows(np.array([0]), np.array([-1]))[0, 2:].tolist() == [0, 0]


def test_how_many_reports_there_are_is_carried_beside_the_record() -> None:
    records = records_of(some_reports([(0, 0, 0.5)] * 7 + [(0, 1, 0.1)]), Shrinkage(4.0, 8.0))

    rows = records.rows(np.array([0]), np.array([0]))
    assert np.expm1(rows[0, 1::2]) == pytest.approx([8, 7])


@given(rows=SOME, place=st.integers(0, 39), residual=st.floats(-3, 3))
def test_a_client_s_own_rating_never_enters_that_client_s_row(
    rows: list[tuple[int, int, float]], place: int, residual: float
) -> None:
    reports, place = some_reports(rows), place % len(rows)
    fold = np.arange(len(rows), dtype=np.int64) % 4
    changed = reports.residual.copy()
    changed[place] = residual

    before = out_of_fold_rows(reports, fold, Shrinkage(5, 10))
    after = out_of_fold_rows(replace(reports, residual=changed), fold, Shrinkage(5, 10))
    same = fold == fold[place]
    assert np.array_equal(before[same], after[same])


def test_a_row_of_a_fold_holds_the_records_of_the_other_folds() -> None:
    reports = drawn_reports(60)
    fold = np.arange(60, dtype=np.int64) % 3
    rows = out_of_fold_rows(reports, fold, Shrinkage(5, 10))

    records = records_of(reports.where(fold != 1), Shrinkage(5, 10))
    inside = fold == 1
    assert np.array_equal(
        rows[inside], records.rows(reports.clinician[inside], reports.level[inside])
    )


def test_plain_sql_counts_the_same_records() -> None:
    reports, k = drawn_reports(300, seed=4), Shrinkage(6.5, 13.0)
    records = records_of(reports, k)
    base = sqlite3.connect(":memory:")
    base.execute("create table report (clinician int, level int, residual real)")
    cells = zip(
        *(a.tolist() for a in (reports.clinician, reports.level, reports.residual)), strict=True
    )
    base.executemany("insert into report values (?, ?, ?)", cells)

    overall = {
        clinician: (mean, n)
        for clinician, mean, n in base.execute(
            "select clinician, sum(residual) / (count(*) + 6.5), count(*) from report group by 1"
        )
    }
    by_level = base.execute(
        """
        with overall as
          (select clinician, sum(residual) / (count(*) + 6.5) as mean from report group by 1)
        select r.clinician, r.level, sum(r.residual - o.mean) / (count(*) + 13.0), count(*)
        from report r join overall o using (clinician) where r.level >= 0 group by 1, 2
        """
    ).fetchall()
    for clinician, (mean, n) in overall.items():
        assert records.mean[clinician] == pytest.approx(mean, abs=1e-12)
        assert records.count[clinician] == n
    for clinician, level, mean, n in by_level:
        assert records.level_mean[clinician, level] == pytest.approx(mean, abs=1e-12)
        assert records.level_count[clinician, level] == n
    assert len(by_level) == (records.level_count > 0).sum()


def test_the_order_of_reports_does_not_matter_beyond_rounding() -> None:
    reports = drawn_reports(200)
    order = np.random.default_rng(1).permutation(200)
    turned = ClientReports(
        reports.clinician[order],
        reports.level[order],
        reports.residual[order],
        CLINICIANS,
        LEVELS,
    )

    shrinkage = Shrinkage(5, 10)
    assert every_row(turned, shrinkage) == pytest.approx(every_row(reports, shrinkage), abs=1e-12)


def test_clinicians_who_differ_much_are_shrunken_little() -> None:
    # Two clinicians, four ratings each: MSW = 1/3, MSB = 8, n0 = 4, so k = (1/3) / (23/12) = 4/23.
    rows = [(c, 0, c * 2 + e) for c in (0, 1) for e in (-0.5, 0.5, -0.5, 0.5)]

    assert shrinkage_of(some_reports(rows)).overall == max(4 / 23, MIN_RATIO)


def test_shrinkage_is_the_ratio_of_the_two_variances() -> None:
    # Means -.5 and .5 of four ratings that are 1 away: MSW = 4/3, MSB = 2, between = (2/3) / 4.
    rows = [(c, 0, c - 0.5 + e) for c in (0, 1) for e in (-1.0, 1.0, -1.0, 1.0)]

    assert shrinkage_of(some_reports(rows)).overall == pytest.approx((4 / 3) / (1 / 6))


@pytest.mark.parametrize(
    "rows",
    [
        [(0, 0, 0.3)],
        [(0, 0, 0.3), (0, 0, 0.1)],
        [(0, 0, 0.3), (1, 0, 0.1)],
        [(0, 0, 0.0), (0, 1, 0.0), (1, 0, 0.0), (1, 1, 0.0)],
    ],
    ids=["one rating", "one clinician", "one rating each", "constant ratings"],
)
def test_where_clinicians_cannot_be_told_apart_records_are_shrunken_most(
    rows: list[tuple[int, int, float]],
) -> None:
    assert shrinkage_of(some_reports(rows)).overall == MAX_RATIO


def test_a_practice_that_keeps_no_record_by_level_has_two_columns() -> None:
    practice = replace(a_practice(), history=HistorySettings(group="record"))
    reports = replace(drawn_reports(20), level=np.full(20, -1), levels=0)
    rows = records_of(reports, Shrinkage(5, 10)).rows(reports.clinician, reports.level)

    assert rows.shape == (20, 2) == (20, len(history_features(practice)))


def test_columns_by_level_are_told_as_such() -> None:
    names = [feature.name for feature in history_features(a_practice())]

    assert names == [
        "history.record",
        "history.ratings",
        "history.record_by_level",
        "history.ratings_by_level",
    ]


# Of pairings that are no reports


@given(rows=SOME, asked=SOME)
def test_the_number_of_ratings_gave_away_who_had_left(
    rows: list[tuple[int, int, float]], asked: list[tuple[int, int, float]]
) -> None:
    """Beside a clinician in one fold, who rated and who left must see the same record."""
    reports, others = some_reports(rows), some_reports(asked)
    fold = np.arange(len(rows), dtype=np.int64) % 3
    of_others = np.arange(len(asked), dtype=np.int64) % 3
    clinician = np.concatenate([reports.clinician, others.clinician])
    level = np.concatenate([reports.level, others.level])
    folds = np.concatenate([fold, of_others])
    found = held_out_rows(reports, fold, clinician, level, folds, Shrinkage(5, 10))

    assert np.array_equal(found[: len(rows)], out_of_fold_rows(reports, fold, Shrinkage(5, 10)))
    seen: dict[tuple[int, int, int], list[float]] = {}
    for key, row in zip(
        zip(folds.tolist(), clinician.tolist(), level.tolist(), strict=True), found, strict=True
    ):
        assert seen.setdefault(key, row.tolist()) == row.tolist()


def test_a_pairing_that_is_no_report_sees_the_reports_of_the_other_folds() -> None:
    # Clinician 0 has reports in folds 0, 0 and 1: one who left in fold 0 sees the last alone.
    reports = some_reports([(0, 0, 0.5), (0, 1, 0.7), (0, 0, 1.0)])
    fold, shrinkage = np.array([0, 0, 1]), Shrinkage(overall=4.0, by_level=8.0)
    clinician, level, asked = np.array([[0, 0, 0, 3], [0, 1, -1, 0], [0, 1, 7, 0]])
    found = held_out_rows(reports, fold, clinician, level, asked, shrinkage)

    assert np.expm1(found[:, 1]) == pytest.approx([1, 2, 3, 0])
    assert found[:, 0] == pytest.approx([1 / 5, 1.2 / 6, 2.2 / 7, 0])
    assert np.expm1(found[:, 3]) == pytest.approx([1, 1, 0, 0])


def test_where_all_reports_are_held_out_no_record_is_left() -> None:
    reports = drawn_reports(20)
    found = held_out_rows(
        reports,
        np.zeros(20, dtype=np.int64),
        reports.clinician,
        reports.level,
        np.zeros(20, dtype=np.int64),
        Shrinkage(5, 10),
    )

    assert not found.any()
