"""Lecture ratings as tables, on invented lectures: never on a row of the real file."""

from datetime import date
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments.insteval.load import COLUMNS, FILE, insteval, load
from experiments.real_ratings import (
    SHOWN,
    RealRatings,
    folds_of,
    markdown,
    measure,
    open_dataset,
    write_tables,
)
from recommender.errors import RecommenderError
from recommender.tables.report import check_tables
from recommender.training.tree_fitting import FitSettings


def some_lectures(students: int = 60, lecturers: int = 20, seed: int = 5) -> pd.DataFrame:
    """A file in which every student heard ten lecturers of two departments."""
    rng = np.random.default_rng(seed)
    rows = [
        (student, 1000 + lecturer)
        for student in range(1, students + 1)
        for lecturer in rng.permutation(lecturers)[:10]
    ]
    file = pd.DataFrame(rows, columns=["s", "d"])
    file["studage"] = file["s"] % 4 * 2 + 2
    file["lectage"] = rng.integers(1, 7, len(file))
    file["dept"] = np.where(file["d"] % 2 == 0, 14, 6)
    own = np.where(file["s"] % 3 == 0, 14, 6)
    file["service"] = (file["dept"] != own).astype(int)
    quality = rng.normal(size=lecturers)[file["d"] - 1000]
    file["y"] = np.clip(np.round(3 + quality + rng.normal(size=len(file))), 1, 5).astype(int)
    return file


@cache
def the_ratings() -> RealRatings:
    """The tables of the lectures, unchanged."""
    return insteval(some_lectures())


def test_the_tables_have_no_faults(tmp_path: Path) -> None:
    write_tables(the_ratings().tables, tmp_path)
    report = check_tables(tmp_path, the_ratings().practice)
    assert report.grouped() == ()
    assert report.summary.pairings_rated == len(some_lectures())


def test_no_column_but_those_named_is_read(tmp_path: Path) -> None:
    some_lectures().assign(later="told").to_csv(tmp_path / FILE, index=False)
    tables = load(tmp_path).tables
    assert "later" not in COLUMNS
    assert not any((table == "told").any(axis=None) for table in tables.values())


def test_no_trait_of_anybody_comes_from_a_rating() -> None:
    lectures = some_lectures()
    other = insteval(lectures.assign(y=6 - lectures["y"])).tables
    for name in ("clients", "clinicians", "pairings"):
        pd.testing.assert_frame_equal(the_ratings().tables[name], other[name])


def test_a_student_belongs_to_the_department_of_lectures_that_are_not_service() -> None:
    clients = the_ratings().tables["clients"].set_index("client_id")["department"]
    assert clients["s3"] == "14"
    assert clients["s4"] == "6"


def test_a_student_of_service_lectures_alone_has_no_known_department() -> None:
    lectures = some_lectures()
    lectures.loc[lectures["s"] == 7, "service"] = 1
    ratings = insteval(lectures)
    clients = ratings.tables["clients"].set_index("client_id")["department"]
    assert pd.isna(clients["s7"])
    assert ratings.notes[1].startswith("1 students")


def test_the_service_share_of_a_lecturer_counts_lectures() -> None:
    lectures = some_lectures()
    of_one = lectures.index[lectures["d"] == 1003]
    lectures.loc[of_one, "service"] = [1, *([0] * (len(of_one) - 1))]
    clinicians = insteval(lectures).tables["clinicians"].set_index("clinician_id")
    assert clinicians.loc["d1003", "service_share"] == pytest.approx(1 / len(of_one))


def test_an_older_lecture_began_earlier() -> None:
    lectures = some_lectures()
    lectures.loc[0, "lectage"], lectures.loc[1, "lectage"] = 1, 3
    started = insteval(lectures).tables["pairings"]["started_on"]
    assert started[0] == date(2010, 2, 22)
    assert (started[0] - started[1]).days == 2 * 26 * 7


def test_about_a_fifth_of_the_ratings_is_hidden() -> None:
    [fold] = folds_of(open_dataset(the_ratings()), the_ratings().chosen("warm")[0])
    assert 0.15 < len(fold.test) / len(some_lectures()) < 0.25
    assert len(fold.test) + len(fold.train) == len(some_lectures())


def test_the_last_semester_is_tested_by_what_came_before_it() -> None:
    lectures = some_lectures()
    lectures.loc[lectures["s"] == 5, "lectage"] = 1
    ratings = insteval(lectures)
    dataset = open_dataset(ratings)
    [fold] = folds_of(dataset, ratings.chosen("forward")[0])
    recent = lectures["lectage"] == 1
    assert len(fold.test) == (recent & (lectures["s"] != 5)).sum()
    assert len(fold.train) == (~recent).sum()
    assert dataset.known[fold.train].max() < dataset.started[fold.test].min()


def test_a_hidden_lecturer_was_never_learned_from() -> None:
    dataset = open_dataset(the_ratings())
    [fold] = folds_of(dataset, the_ratings().chosen("cold")[0])
    assert len(fold.test) > 0
    clinicians = dataset.pairs.clinician
    assert not set(clinicians[fold.train]) & set(clinicians[fold.test])


def test_an_unknown_protocol_is_refused_with_the_known_ones() -> None:
    with pytest.raises(RecommenderError, match="choose from warm, forward, cold"):
        the_ratings().chosen("lukewarm")


def test_the_page_of_results_has_one_table_a_protocol_with_ours_last() -> None:
    ratings = the_ratings()
    protocol = ratings.chosen("warm")[0]
    result = measure(open_dataset(ratings), protocol, FitSettings(folds=2), draws=2)
    page = markdown(ratings, [result], "python -m experiments.insteval", date(2026, 11, 23))
    rows = [line for line in page.splitlines() if line.startswith("| ")]
    assert rows[0] == "| learner | " + " | ".join(SHOWN) + " |"
    assert [row.split(" | ")[0] for row in rows[1:]] == [
        "| random",
        "| clinician average",
        "| shrunken popularity",
        "| additive",
        "| plain LightGBM",
        "| ours",
    ]
    assert "2026-11-23" in page
