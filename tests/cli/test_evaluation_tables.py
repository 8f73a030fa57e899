"""What was measured, in a terminal: words where there is no figure, and a line on reading each."""

from typing import Any

import pytest
from rich.console import Console, RenderableType

from recommender.cli.evaluation_tables import (
    HOW_TO_READ,
    concentration_note,
    differences_table,
    dropout_table,
    evaluation_view,
    exposure_table,
    figure_cell,
    findings_view,
    groups_table,
    optimism_note,
    ranges_table,
    training_view,
)
from recommender.model.evaluation_report import (
    MIN_RATINGS_SHOWN,
    BaselineDifference,
    DropoutSensitivity,
    EvaluationReport,
    GroupFigure,
    LearnerExposure,
    LearnerFigure,
    RangeCoverage,
)
from recommender.training.figures import METRICS
from tests.support.reports import a_report, beside, exposed, group, held, report_facts, report_from

WIDTH = 80


def lines(shown: RenderableType) -> list[str]:
    console = Console(width=WIDTH)
    with console.capture() as capture:
        console.print(shown)
    return capture.get().splitlines()


def said(shown: RenderableType) -> str:
    """What is shown, without the frames of tables."""
    words = " ".join(lines(shown)).replace("│", " ").replace("┃", " ")
    return " ".join(words.split())


def a_whole_report(**parts: Any) -> EvaluationReport:
    at = {"quantile": 0.15, "learner": "ours", "composite": None}
    return a_report(dropout_sensitivity=[at], groups_too_few=2, **parts)


def test_every_figure_has_a_line_on_how_to_read_it_that_fits_a_terminal() -> None:
    assert HOW_TO_READ.keys() == METRICS.keys()
    for name, how in HOW_TO_READ.items():
        assert len(f"{name}: {how}.") <= WIDTH


@pytest.mark.parametrize(
    ("figure", "cell"),
    [
        ((0.5, 0.25, 0.75), "0.500\n0.25, 0.75"),
        ((0.5, None, None), "0.500\nno interval"),
        ((0.5, None, 0.75), "0.500\nno interval"),
        ((None, None, None), "not measured"),
        ((None, 0.25, 0.75), "not measured"),
        ((-63194.0, -1e6, 1e6), "under -100\nunder -100, over 100"),
    ],
)
def test_what_could_not_be_measured_is_said_in_words(
    figure: tuple[float | None, float | None, float | None], cell: str
) -> None:
    value, low, high = figure
    measured = LearnerFigure(learner="ours", metric="RMSE", value=value, low=low, high=high)
    assert figure_cell(measured).plain == cell


def test_nothing_unsaid_is_printed_as_nan_or_none() -> None:
    report = a_whole_report(
        apart={"random": (None, None, None)},
        ranges=[held("all rated", None, rated=MIN_RATINGS_SHOWN)],
        groups=[group("ours", (None, None, None))],
        optimism={"rated": None, "with_left": None, "dropouts_low_at": 0.15},
    )
    words = said(evaluation_view(report)).lower()
    assert "not measured" in words
    assert "nan" not in words.split()
    assert "none" not in words.split()


def test_every_part_of_an_evaluation_is_shown_in_eighty_columns() -> None:
    shown = evaluation_view(a_whole_report(champion="abc"))
    titles = (
        "800 held-out rated pairings", "Ours minus each baseline", "Interval coverage",
        "Client-adjusted partial by group of clients", "First ranks", "Dropout sensitivity",
        "Predicted minus rated",
    )  # fmt: skip
    for title in titles:
        assert title in said(shown)
    assert max(map(len, lines(shown))) <= WIDTH
    assert "…" not in said(shown)


def test_pairings_that_the_composite_counts_besides_ratings_are_in_the_title() -> None:
    for view in (training_view, evaluation_view):
        assert "rated pairings, and 100 dropouts in the composite" in said(view(a_report()))


def test_where_nobody_dropped_out_no_equal_figures_read_as_proof_of_robustness() -> None:
    at = [{"quantile": q, "learner": "ours", "composite": 0.2} for q in (0.05, 0.15, 0.3)]
    gains = [{"part": "matches", "metric": "composite", "value": 0.1, "low": 0.0, "high": 0.2}]
    facts = report_facts(dropout_sensitivity=at, gains_by_part=gains)
    report = report_from(facts | {"left_unrated": 0})
    for view in (training_view, evaluation_view):
        words = said(view(report))
        assert "No pairing held back here ended before a rating" in words
        assert words.count("composite") == 1
        assert "Dropout sensitivity" not in words
        assert "No pairing held back here" not in said(view(report_from(facts)))


def test_after_a_training_it_is_said_why_no_champion_stands_beside() -> None:
    facts = {"champion": {"not_compared": "it learned with another definition"}}
    report = report_from(report_facts() | facts)
    assert "The champion was not measured: it learned with another" in said(training_view(report))
    assert "champion" not in said(training_view(a_report()))


def test_a_champion_on_fewer_ratings_is_marked_and_its_difference_is_shown() -> None:
    report = a_report(rated=157, champion="abc")
    rows = [row.model_copy(update={"rated": 120}) if row.baseline == "champion" else row
            for row in report.differences]  # fmt: skip
    figures = (*report.figures, LearnerFigure(learner="champion", metric="composite", value=0.1))
    report = report.model_copy(update={"differences": tuple(rows), "figures": figures})
    assert max(map(len, lines(training_view(report)))) <= WIDTH
    words = said(training_view(report))
    assert "champion, 0.100 on 120 new to it" in words
    assert "Ours minus the champion, both on these 120" in words
    assert "champion, +0.030" in words.partition("both on these 120")[2]
    assert "champion, +0.030" in said(evaluation_view(report))


def test_where_no_rating_is_new_to_the_champion_a_line_says_so() -> None:
    facts = {"champion": {"version": 3, "digest": "a", "known_until": "2026-03-01"}}
    line = (
        "The champion, version 3, has no row: of these ratings too few, or none, are new to it, "
        "which knew ratings until 2026-03-01."
    )
    for view in (training_view, evaluation_view):
        assert line in said(view(report_from(report_facts() | facts)))


def test_every_rule_is_listed_with_the_ratings_its_figures_rest_on() -> None:
    words = said(findings_view((), "The other rules"))
    assert "cross-fitted: on every rating new to what serves now" in words
    assert "trained on earlier pairings, on later ones" in words


def test_a_range_on_few_ratings_is_named_without_a_figure() -> None:
    rows = [
        RangeCoverage(**held("all rated", 0.9)),
        RangeCoverage(**held("first-ranked", 0.77, rated=MIN_RATINGS_SHOWN - 1)),
    ]
    words = said(ranges_table(rows))
    assert "no figures: first-ranked." in words
    assert "0.77" not in words


def test_bias_and_coverage_stand_beside_what_was_promised() -> None:
    words = said(ranges_table([RangeCoverage(**held("all rated", 0.87, rated=200))]))
    assert "all rated 200 0.87 1.60 +0.05" in words
    assert "Stated: 90%." in words


def test_a_difference_carries_its_sign_and_an_interval() -> None:
    words = said(differences_table([BaselineDifference(**beside("random", (0.2, -0.01, 0.3)))]))
    assert "random +0.200 -0.01, +0.30" in words


def test_a_champion_stands_beside_ours_in_each_group() -> None:
    rows = [group(name, (0.1, 0.0, 0.2)) for name in ("ours", "champion")]
    rows.append(
        group("ours", (0.7, 0.6, 0.8), among="client.gender=man", rated=MIN_RATINGS_SHOWN - 1)
    )
    words = said(groups_table([GroupFigure(**row) for row in rows], 3))
    assert "ours champion" in words
    assert "man 0.700" not in words
    assert "3 more groups have too few people" in words


def test_first_ranks_are_told_as_shares() -> None:
    assert "ours 60% 0.60" in said(exposure_table([LearnerExposure(**exposed("ours", 0.6))]))


def test_concentration_is_beside_what_kinds_of_client_force() -> None:
    (note,) = concentration_note(a_report())
    assert note.plain == (
        "The 4 most-named of 40 clinicians are first for 60% of 200 clients; in random orders for "
        "each of 150 kinds of client for 15%."
    )
    assert concentration_note(EvaluationReport()) == ()


def test_the_composite_is_told_for_every_place_of_those_who_left() -> None:
    rows = [
        DropoutSensitivity(quantile=q, learner="ours", composite=c)
        for q, c in ((0.05, 0.2), (0.3, 0.1))
    ]
    words = said(dropout_table(rows))
    assert "at 5% at 30%" in words
    assert "ours 0.200 0.100" in words


def test_who_left_is_spoken_of_only_where_somebody_was_held_back_who_left() -> None:
    optimism = {"rated": 0.05, "with_left": 0.2, "dropouts_low_at": 0.15}
    facts = {"optimism": optimism, "left_unrated": 1200}
    (note,) = optimism_note(report_from(facts))
    assert "+0.05 points; with the 1,200 dropouts imputed" in note.plain
    assert "lowest 15% of ratings: +0.20 points." in note.plain
    (note,) = optimism_note(report_from(facts | {"left_unrated": 0}))
    assert "dropouts" not in note.plain
