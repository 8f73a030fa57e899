"""Ratings of a spreadsheet: one a row or several, with a session, a day, or one from the other."""

from pathlib import Path

import pytest

from tests.support.exports import (
    MAPPING,
    a_person,
    a_score,
    a_visit,
    columns_of,
    imported,
    reasons,
    write_exports,
)

VISITS = [a_visit(When=day) for day in ("07/09/2026", "14/09/2026", "21/09/2026")]
WIDE = MAPPING.replace(
    """session = { column = "Session", optional = true }
date = { column = "Rated", optional = true }
score = { column = "Total" }""",
    """score = { column = "WAI {session}" }
date = { column = "Day {session}", optional = true }""",
)
ITEMS = MAPPING.replace(
    'score = { column = "Total" }', 'items = ["Q{item}"]\nmetric = { value = "items" }'
)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"Session": 2, "Rated": "15/09/2026"}, (2, "2026-09-15")),
        ({"Session": 3, "Rated": ""}, (3, "2026-09-21")),
        ({"Session": "", "Rated": "20/09/2026"}, (2, "2026-09-20")),
        ({"Session": "", "Rated": "21/09/2026 5 pm"}, (3, "2026-09-21")),
        ({"Session": "2", "With": ""}, (2, "2026-09-14")),
    ],
)
def test_session_and_day_are_each_found_from_the_other(
    tmp_path: Path, changes: dict[str, object], expected: tuple[int, str]
) -> None:
    found = imported(write_exports(tmp_path, [a_person()], VISITS, [a_score(**changes)]))
    assert columns_of(found, "ratings", "session", "rated_on") == [expected]


def test_ratings_that_cannot_be_used_are_left_out_with_their_reasons(tmp_path: Path) -> None:
    wrong: dict[str, dict[str, object]] = {
        "Total has neither session nor day": {"Session": "", "Rated": ""},
        "Total is before the first attended appointment": {"Session": "", "Rated": "1/9/2026"},
        "Total has no day, and so many appointments were not attended": {"Session": 4},
        "Rated is not a date written dd/mm/yyyy": {"Session": 1, "Rated": "soon"},
        "Session is not a whole number": {"Session": 1.5},
        "Total is in the future": {"Rated": "01/01/2027"},
        "names no client": {"Number": ""},
        "its client is in no file of clients, or was left out": {"Number": 9},
        "its client has no attended appointment with its clinician": {"With": "Bo Fern"},
        "has no score": {"Total": ""},
        "score lies outside the range of wai_sr as sum": {"Session": 3, "Total": 75},
        "session was rated before by the same rater on the same instrument": {"Session": 2},
    }
    scores = [a_score(Session=2), *(a_score(**changes) for changes in wrong.values())]
    report = imported(write_exports(tmp_path, [a_person()], VISITS, scores)).report
    found = {why: rows for (file, _, why), rows in reasons(report).items() if file == "scores.csv"}
    assert found == {why: (place,) for place, why in enumerate(wrong, start=3)}


def test_a_rating_without_a_clinician_is_ambiguous_where_the_client_has_two(tmp_path: Path) -> None:
    visits = [*VISITS, a_visit(With="Bo Fern")]
    report = imported(write_exports(tmp_path, [a_person()], visits, [a_score(With="")])).report
    reason = "names no clinician, and its client has several"
    assert reasons(report) == {("scores.csv", None, reason): (2,)}


def test_several_ratings_of_a_row_are_in_columns_named_by_session(tmp_path: Path) -> None:
    row = {"Number": 1, "With": "Ann Wattle", "WAI 1": 48, "wai  3": 52, "Day 3": "22/09/2026"}
    scores = [row | {"WAI 12": "", "Notes": "x"}]
    found = imported(write_exports(tmp_path, [a_person()], VISITS, scores), WIDE)
    assert sorted(columns_of(found, "ratings", "session", "rated_on", "score")) == [
        (1, "2026-09-07", "48"),
        (3, "2026-09-22", "52"),
    ]
    left = [each.column for each in found.report.left_out_columns if each.source == "scores.csv"]
    assert left == ["Notes"]


def test_one_wrong_cell_of_a_wide_row_is_left_out_and_the_row_is_used(tmp_path: Path) -> None:
    scores = [{"Number": 1, "With": "", "WAI 1": 48, "WAI 2": 99, "WAI 3": "many", "WAI 9": 30}]
    found = imported(write_exports(tmp_path, [a_person()], VISITS, scores), WIDE)
    assert columns_of(found, "ratings", "session") == [(1,)]
    places = {(column, why) for _, column, why in reasons(found.report)}
    assert places == {
        ("WAI 2", "score lies outside the range of wai_sr as sum"),
        ("WAI 3", "is not a number"),
        ("WAI 9", "has no day, and so many appointments were not attended"),
    }
    (account,) = [each for each in found.report.sources if each.source == "scores.csv"]
    assert (account.read, account.used) == (1, 1)


def test_answers_are_read_item_by_item(tmp_path: Path) -> None:
    row = {"Number": 1, "With": "", "Session": 2, "Rated": ""}
    scores = [row | {f"Q{n}": 3 + n % 2 for n in range(1, 13)}]
    found = imported(write_exports(tmp_path, [a_person()], VISITS, scores), ITEMS)
    assert columns_of(found, "ratings", "metric", "score", "item_1", "item_12") == [
        ("items", None, "4", "3")
    ]


def test_instruments_of_a_column_are_mapped_and_unknown_ones_left_out(tmp_path: Path) -> None:
    text = MAPPING.replace(
        '{ value = "wai_sr" }', '{ column = "Form", values = { "Short form" = "wai_sr" } }'
    )
    scores = [a_score(Form="short FORM"), a_score(Form="WAI-SR", Session=2), a_score(Form="X")]
    found = imported(write_exports(tmp_path, [a_person()], VISITS, scores), text)
    assert columns_of(found, "ratings", "instrument") == [("wai_sr",), ("wai_sr",)]
    reason = "Total has no instrument that is known"
    assert reasons(found.report) == {("scores.csv", None, reason): (4,)}
