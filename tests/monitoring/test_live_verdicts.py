import pytest

from recommender.journal.rated_pairings import Exposure
from recommender.model.evaluation_report import EvaluationReport
from recommender.model.verdicts import Answer, Verdict
from recommender.monitoring.early_ratings import Coverage, GroupCoverage
from recommender.monitoring.live_verdicts import live_verdicts
from tests.support.builders import a_practice
from tests.support.rated_pairings import a_match_rated
from tests.support.reports import a_report, concentrated

IDS = tuple(f"k{number:02d}" for number in range(1, 11))
UNMEASURED = EvaluationReport()


def answers(verdicts: tuple[Verdict, ...]) -> list[Answer]:
    return [each.answer for each in verdicts]


def test_nothing_recorded_and_nothing_measured_is_not_yet_known() -> None:
    verdicts = live_verdicts([], {}, None, IDS, UNMEASURED, 0.9, requests=100)
    unknown, unshown = Answer.OPEN, Answer.NOT_SHOWN
    assert answers(verdicts) == [unknown, unshown, unshown, unknown, unknown]
    assert "shown to nobody" not in verdicts[4].figure


def test_what_matches_in_use_leave_open_is_as_the_report_has_it() -> None:
    report = a_report(rated=2000, coverage=0.9, concentration=concentrated(0.9))
    few = [a_match_rated(4.0)] * 10
    in_use = live_verdicts(few, {}, {}, IDS, report, 0.9, requests=0)
    assert in_use[0].answer is Answer.YES
    assert "held back from training" in in_use[0].figure
    assert in_use[1].answer is in_use[2].answer is Answer.SHOWN
    assert in_use[4].answer is Answer.NO


def test_many_ratings_all_within_the_range_say_that_it_is_too_wide() -> None:
    matches = [a_match_rated(4.0)] * 150
    range_, *_ = live_verdicts(matches, {}, {}, IDS, UNMEASURED, 0.9, requests=100)
    assert range_.answer is Answer.NO
    assert "wider than it need be" in range_.figure


def test_clients_in_use_are_not_worse_off_where_all_have_as_narrow_a_range() -> None:
    matches = [*[a_match_rated(1.0)] * 100, *[a_match_rated(4.0)] * 20]
    groups = {
        name: GroupCoverage(a_practice().client["concern"], name, Coverage(80, 15))
        for name in ("anxiety", "grief")
    }
    worse = live_verdicts(matches, groups, {}, IDS, UNMEASURED, 0.9, requests=0)[3]
    assert worse.answer is Answer.OPEN
    assert "too narrow for everybody: 17% of 120 ratings" in worse.figure


def test_first_places_of_one_in_ten_are_not_spread_and_the_unseen_are_counted() -> None:
    counted = {"k01": Exposure(90, 90), "k02": Exposure(20, 10)}
    spread = live_verdicts([], {}, counted, IDS, UNMEASURED, 0.9, requests=100)[4]
    assert spread.answer is Answer.NO
    assert "8 of 10 clinicians were shown to nobody" in spread.figure
    assert "the most-recommended clinician of 10 came first" in spread.figure


@pytest.mark.parametrize(
    ("requests", "counted", "figure"),
    [
        (476, {}, "None of the 476 requests of the last 90 days had an eligible clinician."),
        (1, {}, "The one request of the last 90 days had no eligible clinician."),
        (0, {}, "No request of the last 90 days has been counted; closed ones are not."),
        (
            9,
            {"left": Exposure(9, 9)},
            "In the 9 requests of the last 90 days nobody came first who is on the roster now.",
        ),
    ],
)
def test_requests_that_fitted_nobody_are_not_denied(
    requests: int, counted: dict[str, Exposure], figure: str
) -> None:
    spread = live_verdicts([], {}, counted, IDS, UNMEASURED, 0.9, requests=requests)[4]
    assert spread.figure.startswith(figure)
    assert "requests with an eligible clinician would settle it" in spread.needs


def test_one_clinician_is_first_in_any_order() -> None:
    counted = {"k01": Exposure(5, 5)}
    spread = live_verdicts([], {}, counted, IDS[:1], UNMEASURED, 0.9, requests=5)[4]
    assert spread.figure.startswith("Any order would have the same clinicians first.")
