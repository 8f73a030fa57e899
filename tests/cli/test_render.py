"""What a person reads in a terminal of a shortlist with and without ties."""

from typing import Any

from rich.console import Console

from recommender.cli import render


def an_entry(rank: int, tie: int | None) -> dict[str, Any]:
    """One clinician of an answer."""
    return {
        "rank": rank,
        "clinician_id": f"k{rank:02d}",
        "name": f"Clinician {rank}",
        "predicted_alliance": None if tie is None else 4.0,
        "range": None if tie is None else {"lower": 3.0, "upper": 4.9, "level": 0.9},
        "reasons": [],
        "in_favour": [],
        "against": [],
        "groups": [],
        "reservations": [],
        "tie": tie,
        "tie_text": None,
    }


def printed(*ties: int | None) -> str:
    """What is printed for clinicians of these ties, as one line."""
    return told([an_entry(rank, tie) for rank, tie in enumerate(ties, 1)])


def an_answer(shortlist: list[dict[str, Any]], *relaxations: dict[str, Any]) -> dict[str, Any]:
    """The response with a shortlist and relaxations."""
    return {
        "relaxations": relaxations,
        "mode": "model",
        "model": {"digest": "0" * 64, "created_at": "2026-11-23"},
        "scale": {"instrument": "wai_sr", "metric": "mean", "low": 1.0, "high": 5.0},
        "order": "By predicted alliance, `tie` by tie.",
        "shortlist": shortlist,
        "eligible": len(shortlist),
        "excluded": [],
        "exclusion_counts": [],
        "unanswered": [],
        "warnings": [],
        "notice": "",
    }


def told(shortlist: list[dict[str, Any]], *relaxations: dict[str, Any]) -> str:
    """What is printed of a shortlist, as one line."""
    console = Console(width=100)
    with console.capture() as said:
        console.print(render.recommendation_view(an_answer(shortlist, *relaxations)))
    return " ".join(said.get().replace("│", " ").split())


def test_those_who_tie_stand_below_a_line_that_says_so() -> None:
    said = printed(1, 1, 2, 3, 3)

    assert said.count("cannot be told apart") == 2
    assert said.index("1 to 2 cannot") < said.index("1. Clinician 1")
    assert said.index("3. Clinician 3") < said.index("4 to 5 cannot") < said.index("4. Clinician 4")


def test_a_line_of_a_pipe_is_not_filled_with_spaces_where_nobody_fits() -> None:
    console = Console(width=10_000)
    with console.capture() as captured:
        console.print(render.recommendation_view(an_answer([])))
    found = next(line for line in captured.get().splitlines() if "Nobody fits" in line)
    assert len(found) < 100


def test_a_clear_order_is_shown_without_a_word_of_ties() -> None:
    assert "cannot be told apart" not in printed(1, 2, 3)


def test_without_a_prediction_nobody_is_said_to_tie() -> None:
    said = printed(None, None)

    assert "cannot be told apart" not in said
    assert "2. Clinician 2" in said


def test_the_rule_of_the_order_is_told_where_there_is_an_order() -> None:
    assert "Order: By predicted alliance, tie by tie." in printed(1)
    assert "Order:" not in printed()


def test_a_clinician_of_whom_nothing_was_on_file_was_said_not_to_meet_the_wish() -> None:
    reservations = [
        {"text": "has no room without stairs", "unknown": False},
        {"text": "does not speak the language asked for", "unknown": True},
    ]
    said = told([an_entry(1, 1) | {"reservations": reservations}])

    assert "Not met: has no room without stairs." in said
    assert "Perhaps not met, ask: does not speak the language asked for." in said


def test_what_would_open_more_is_told_with_whom_and_by_how_much() -> None:
    offer = {
        "text": "Saturday too",
        "answers": [{"field": "free", "answer": []}],
        "admits": 3,
        "clinician_id": "k09",
        "name": "Clinician 9",
        "predicted_alliance": 4.31,
        "gain": 0.42,
    }
    said = told([an_entry(1, 1)], offer)
    for part in ("Changes that admit more", "Saturday too", "3", "Clinician 9", "4.3 (+0.4)"):
        assert part in said


def test_a_wish_that_may_only_be_asked_about_names_nobody() -> None:
    asks = {
        "text": "you could ask whether the gender of the clinician matters",
        "answers": [],
        "admits": 2,
        "clinician_id": "k09",
        "name": "Clinician 9",
        "predicted_alliance": 4.31,
        "gain": None,
    }
    said = told([an_entry(1, 1)], asks)
    assert "you could ask whether" in said
    assert "Clinician 9" not in said


def test_a_key_of_a_matching_tool_ended_in_a_traceback_instead_of_the_relaxations() -> None:
    # A tool's response leaves out `gain`, which is for staff alone.
    relaxation = {
        "text": "Saturday too",
        "answers": [{"field": "free", "answer": []}],
        "admits": 3,
        "clinician_id": "k09",
        "name": "Clinician 9",
        "predicted_alliance": 4.31,
    }
    printed_text = told([an_entry(1, 1)], relaxation)
    assert "Clinician 9 4.3" in printed_text
