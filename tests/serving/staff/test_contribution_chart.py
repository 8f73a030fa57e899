from recommender.serving.staff.views.contribution_chart import (
    HALF,
    MIDDLE,
    ROW,
    THICK,
    contribution_chart,
    reach_of,
)
from recommender.serving.staff.views.explanation import (
    ExplanationGroup,
    ExplanationLine,
    ExplanationView,
)
from tests.support.page_reader import Reader, ask
from tests.support.server import RECOMMEND, TestClient, a_request


def a_why(*hundredths: int, remainder: int = 0, phrase: str = "style") -> ExplanationView:
    groups = tuple(ExplanationGroup(ExplanationLine(phrase, each), (), None) for each in hundredths)
    total = sum(hundredths) + remainder
    return ExplanationView(
        "k01",
        None,
        groups,
        ExplanationLine("remainder", remainder),
        ExplanationLine("total", total),
    )


def test_a_bar_is_as_long_as_its_share_of_the_longest_and_lies_on_its_side() -> None:
    up, down, rest, total = contribution_chart(a_why(40, -20, remainder=1), reach=40).rows
    assert (up.x, up.width, up.hollow) == (MIDDLE, HALF, False)
    assert (down.x, down.width, down.hollow) == (MIDDLE - HALF / 2, HALF / 2, True)
    assert (rest.width, rest.said) == (round(HALF / 40, 1), "+0.01")
    assert (total.width, total.height, total.y) == (79.8, THICK, 3 * ROW + 20)


def test_all_pictures_of_a_page_share_one_scale() -> None:
    whys = [a_why(10, -5), a_why(-30, 4)]
    reach = reach_of(whys)
    assert reach == 30
    assert [contribution_chart(why, reach).rows[0].width for why in whys] == [
        round(HALF / 3, 1),
        HALF,
    ]


def test_nothing_at_all_still_has_a_picture() -> None:
    assert reach_of([a_why(0)]) == 1
    assert {bar.width for bar in contribution_chart(a_why(0), 1).rows} == {0.0}


def test_a_long_phrase_is_cut_in_the_picture_alone() -> None:
    (bar, *_) = contribution_chart(a_why(1, phrase="x" * 60), 1).rows
    assert bar.phrase == "x" * 39 + "…"


def test_each_explanation_has_its_picture_and_two_compared_mirror_each_other(
    open_server: TestClient,
) -> None:
    address = ask(open_server).url.path
    shown = open_server.post(RECOMMEND, json=a_request()).json()["shortlist"]
    one, other = shown[0]["clinician_id"], shown[1]["clinician_id"]
    text = open_server.get(f"{address}?one={one}&other={other}").text
    there, back = text.split('class="bars"')[-2:]
    widths = [
        [value for name, value in Reader(f"<svg {part.split('</svg>')[0]}").attributes
         if name == "width"]
        for part in (there, back)
    ]  # fmt: skip
    assert widths[0] == widths[1]
    assert text.count('class="bars"') == min(len(shown), 5) + 2
