import re

from recommender.journal.rated_pairings import Exposure
from recommender.monitoring.clinician_records import ClinicianExposure
from recommender.monitoring.early_ratings import WINDOW, calibration_bin, error_windows
from recommender.serving.staff.views.charts import (
    CALIBRATION_SIZE,
    EDGE,
    ERROR_HEIGHT,
    EXPOSURE_BAR,
    HALF,
    MARGIN,
    MIDDLE,
    calibration_chart,
    contribution_bar,
    error_chart,
    exposure_bars,
    longest_line,
)
from recommender.serving.staff.views.explanation import (
    ExplanationGroup,
    ExplanationLine,
    ExplanationView,
)
from tests.support.page_reader import ask
from tests.support.rated_pairings import a_match_rated, in_order
from tests.support.server import RECOMMEND, TestClient, a_request


def test_ratings_as_predicted_are_on_the_diagonal() -> None:
    bins = [
        calibration_bin([a_match_rated(3.0, predicted=3.0)]),
        calibration_bin([a_match_rated(4.0, predicted=3.5)]),
    ]
    picture = calibration_chart(bins, 1, 5)
    assert (picture.low, picture.high) == (3.0, 4.0)
    on, above = picture.points
    assert (on.x, on.y) == (EDGE, CALIBRATION_SIZE - EDGE)
    assert (above.x, above.y) == ((EDGE + CALIBRATION_SIZE - MARGIN) / 2, MARGIN)


def test_a_picture_of_one_value_has_room_around_it() -> None:
    picture = calibration_chart([calibration_bin([a_match_rated(4.0)])], 1, 5)
    assert picture.low < picture.high


def test_a_lower_error_is_drawn_lower_and_no_error_on_the_axis() -> None:
    windows = error_windows(in_order([1.0] * WINDOW + [0.5] * WINDOW + [0.0] * WINDOW))
    picture = error_chart(windows)
    assert picture.highest == 1.0
    assert [point.y for point in picture.points] == [
        MARGIN,
        (MARGIN + ERROR_HEIGHT - EDGE) / 2,
        180.0,
    ]
    assert picture.line.startswith("52.0,12.0 ")


def an_explanation(*hundredths: int) -> ExplanationView:
    groups = tuple(
        ExplanationGroup(ExplanationLine("style", each), (), None) for each in hundredths
    )
    return ExplanationView(groups, ExplanationLine("total", sum(hundredths)))


def test_a_bar_is_as_long_as_its_share_of_the_longest_and_lies_on_its_side() -> None:
    lines = an_explanation(40, -20, 1).lines
    up, down, rest, total = (contribution_bar(line, reach=40) for line in lines)
    assert (up.x, up.width, up.hollow) == (MIDDLE, HALF, False)
    assert (down.x, down.width, down.hollow) == (MIDDLE - HALF / 2, HALF / 2, True)
    assert rest.width == round(HALF / 40, 1)
    assert total.width == round(HALF * 21 / 40, 1)


def test_all_bars_of_a_page_share_one_scale() -> None:
    whys = [an_explanation(10, -5), an_explanation(-30, 4)]
    reach = longest_line(whys)
    assert reach == 30
    assert [contribution_bar(why.lines[0], reach).width for why in whys] == [HALF / 3, HALF]


def test_nothing_at_all_still_has_bars() -> None:
    explanation = an_explanation(0)
    assert longest_line([explanation]) == 1
    assert {contribution_bar(line, 1).width for line in explanation.lines} == {0.0}


def test_bars_stand_in_the_rows_of_their_figures_and_mirror_each_other(
    open_server: TestClient,
) -> None:
    address = ask(open_server).url.path
    shown = open_server.post(RECOMMEND, json=a_request()).json()["shortlist"]
    one, other = shown[0]["clinician_id"], shown[1]["clinician_id"]

    def bars(*pair: str) -> list[str]:
        text = open_server.get(address, params={"compare": pair}).text
        rows = text.split('<table class="reasons">')[1].split("</table>")[0].split("<tr")[2:]
        assert all(row.count('class="bar"') == 1 for row in rows)
        return [row.split("<rect ")[1] for row in rows]

    there, back = bars(one, other), bars(other, one)
    widths = [[re.findall(r'width="([^"]*)"', each) for each in rows] for rows in (there, back)]
    assert widths[0] == widths[1]


def test_bars_of_exposure_share_one_scale_in_each_column() -> None:
    rows = [
        ClinicianExposure("d", "D", True, Exposure(10, 4, 2, 1), 3),
        ClinicianExposure("gone", "gone", False, Exposure(5, 0, 0, 0), None),
    ]
    (shown, places), (half, none) = exposure_bars(rows)
    assert (shown.outline, shown.filled) == (EXPOSURE_BAR, EXPOSURE_BAR * 0.4)
    assert (half.outline, half.filled) == (EXPOSURE_BAR / 2, 0)
    # Three places are open and two are taken.
    assert places is not None
    assert (places.outline, places.filled) == (EXPOSURE_BAR, EXPOSURE_BAR * 0.4)
    assert none is None
