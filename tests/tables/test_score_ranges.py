"""What is advised for scores outside the range of their metric."""

from pathlib import Path

import numpy as np
import pytest

from recommender.alliance.instruments import shipped_instruments
from recommender.errors import TablesError
from recommender.tables.loader import read_clients
from recommender.tables.report import check_tables
from recommender.tables.score_ranges import range_remedy
from tests.support.builders import DAY, a_practice, some_rows, write_rows

WAI_SR = shipped_instruments()["wai_sr"]
POMP = "give 0 to 1; POMP is (score - lowest) / (highest - lowest) of the possible scores"


@pytest.mark.parametrize(
    ("metric", "scores", "remedy"),
    [
        (
            "mean",
            [34, 51, 59, 48, 44],
            "they fit sum (12 to 60): if they are that, set metric to sum; else give 1 to 5",
        ),
        (
            "sum",
            [4.25, 3.9, 2.1, 4.8, 5],
            "they fit mean (1 to 5): if they are that, set metric to mean; else give 12 to 60",
        ),
        (
            "mean",
            [0.73, 0.81, 0.4, 0.9, 0.66],
            "they fit pomp (0 to 1): if they are that, set metric to pomp; else give 1 to 5",
        ),
        (
            "pomp",
            [73, 81, 40, 90.5, 66],
            f"they fit 0 to 100: if they are percentages, divide them by 100; else {POMP}",
        ),
        ("pomp", [-0.1, 1.2, 140], POMP),
        ("mean", [34, 51, 59, 48], "give 1 to 5"),
        ("mean", [34, 51, 59, 480, 440], "give 1 to 5"),
    ],
)
def test_the_metric_that_the_scores_fit_is_proposed(
    metric: str, scores: list[float], remedy: str
) -> None:
    assert range_remedy(WAI_SR, metric, np.array(scores, dtype=np.float64)) == remedy


def test_a_few_typing_errors_among_them_do_not_hide_the_metric() -> None:
    scores = np.r_[np.full(99, 44.0), 440.0]
    assert range_remedy(WAI_SR, "mean", scores).startswith("they fit sum (12 to 60)")


def test_a_bound_that_refuses_many_answers_may_itself_be_wrong(tmp_path: Path) -> None:
    tables = some_rows(pairings=30)
    for client in tables["clients"][:8]:
        client["directive"] = "12"
    tables["clients"][9]["directive"] = "-12"
    write_rows(tmp_path, tables)
    above, below = check_tables(tmp_path, a_practice(), DAY).faults
    assert above.remedy.endswith(
        "; if such values are right, change max of [client.directive] in the practice definition"
    )
    assert "definition" not in below.remedy


def test_who_edits_a_definition_for_a_trained_model_learns_when_the_edit_acts(
    tmp_path: Path,
) -> None:
    tables = some_rows(pairings=30)
    for client in tables["clients"][:8]:
        client["directive"] = "12"
        client["surplus"] = "1"
    write_rows(tmp_path, tables)
    in_check = check_tables(tmp_path, a_practice(), DAY).faults
    assert all("training" not in each.remedy for each in in_check)
    with pytest.raises(TablesError) as refused:
        read_clients(tmp_path / "clients.csv", a_practice())
    about_definition = [each for each in refused.value.faults if "definition" in each.remedy]
    assert [each.where.split(", row")[0] for each in about_definition] == [
        "clients.csv, column surplus",
        "clients.csv, column directive",
    ]
    for each in about_definition:
        assert "acts only after the next `recommender train FOLDER` and `recommender promote`" in (
            each.remedy
        )
