"""Sizes and gains in a terminal: an interval is a picture, and no line is wider than 80 columns."""

from rich.console import Console

from recommender.cli.size_tables import gains_table, interval_picture, matches_view
from recommender.model.evaluation_report import (
    Estimate,
    EvaluationReport,
    MatchEstimate,
    MatchEstimates,
    PartGain,
)
from recommender.model.match_sizes import match_sizes
from tests.support.builders import a_practice


def printed(what: object) -> str:
    console = Console(width=80, file=None, record=True, quiet=False)
    with console.capture() as captured:
        console.print(what)
    return captured.get()


def test_the_picture_of_an_interval_has_zero_in_the_middle() -> None:
    assert interval_picture(Estimate(), 1.0) == "·" * 15 + "│" + "·" * 15
    assert interval_picture(Estimate(value=-0.5, low=-1.0, high=0.2), 1.0).startswith("├")
    assert "┼" in interval_picture(Estimate(value=-0.5, low=-1.0, high=0.2), 1.0)


def test_each_match_has_its_words_its_picture_and_its_figures() -> None:
    practice = a_practice()
    name, match = next(iter(practice.matches.items()))
    size, own = Estimate(value=0.2, low=0.1, high=0.3), Estimate(value=0.1, low=-0.1, high=0.3)
    estimate = MatchEstimate(match=name, expected=size, own=own, size=size)
    report = EvaluationReport(matches=MatchEstimates(alliance_sd=0.5, by_match=(estimate,)))
    text = printed(matches_view(match_sizes(report, practice), "Matches"))
    assert f"{match.phrase}: not shown yet" in text
    assert "+0.40 SD (+0.20 to +0.60)" in text
    assert "+0.20 points" in text
    assert "own +0.20 SD (-0.20 to +0.60); expected +0.40" in text


def test_who_sees_a_drawn_interval_beside_0_is_not_puzzled_by_a_match_not_shown_yet() -> None:
    practice = a_practice()
    size, own = Estimate(value=0.2, low=0.1, high=0.3), Estimate(value=0.1, low=-0.1, high=0.3)
    estimate = MatchEstimate(match=next(iter(practice.matches)), expected=size, own=own, size=size)
    report = EvaluationReport(matches=MatchEstimates(alliance_sd=0.5, by_match=(estimate,)))
    text = " ".join(printed(matches_view(match_sizes(report, practice), "Matches")).split())
    assert "where the interval of own ratings, not that of the size, covers 0" in text
    assert "The line drawn is the interval of the size." in text


def test_what_changes_no_order_is_said_in_words() -> None:
    gains = (
        PartGain(part="client part", metric="composite", value=0.0, low=0.0, high=0.0),
        PartGain(part="matches", metric="composite", value=0.1, low=0.05, high=0.15),
    )
    text = printed(gains_table(gains))
    assert "no change" in text
    assert "+0.100" in text
