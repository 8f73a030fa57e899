"""A card says who, what, how measured and where it falls short, in words that promise nothing."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from recommender.model.alliance_model import AllianceModel
from recommender.model.card import WRITERS, card_of
from recommender.model.evaluation_report import MIN_RATINGS_SHOWN, EvaluationReport
from recommender.model.evidence_prior import evidence_model
from recommender.practice.definition import read_practice, shipped_practice
from recommender.practice.sections import CardSettings
from tests.support.builders import a_model, a_practice, some_tables
from tests.support.reports import (
    a_report,
    beside,
    group,
    held,
    incumbent,
    report_facts,
    report_from,
)

PEOPLE = ("owner", "contact", "intended_use", "out_of_scope", "review")
PROMISES = re.compile(r"\b(best|will improve|success|successful|guarantee\w*|ideal|compatible)\b")


def measured(**parts: Any) -> AllianceModel:
    return replace(a_model(), report=a_report(**parts))


def written_by(model: AllianceModel, **card: str) -> AllianceModel:
    """The model with these words of people on its card."""
    practice = replace(model.practice, card=replace(model.practice.card, **card))
    return replace(model, pipeline=replace(model.pipeline, practice=practice))


def of_declared_sizes() -> AllianceModel:
    tables = some_tables(pairings=30)
    model = evidence_model(
        a_practice(), tables.clinicians, tables.clinician_ids, data_digest="abc",
        created_at="2026-11-23", seed=0,
    )  # fmt: skip
    return replace(model, report=EvaluationReport(mode="evidence_prior"))


def text_of(model: AllianceModel, name: str) -> str:
    (found,) = [each.markdown for each in card_of(model).sections if each.name == name]
    return found


def test_a_measured_model_of_a_practice_that_filled_its_part_has_every_entry() -> None:
    assert card_of(measured()).empty == ()


def test_the_card_of_declared_sizes_is_whole_and_says_that_nothing_was_learned() -> None:
    card = card_of(of_declared_sizes())
    assert card.empty == ()
    assert "Nothing was learned, so nothing was measured." in card.markdown


@pytest.mark.parametrize("name", PEOPLE)
def test_what_people_left_empty_is_named(name: str) -> None:
    card = card_of(written_by(measured(), **{name: ""}))
    assert card.empty == (f"card.{name}",)
    assert f"*Empty: card.{name}.*" in card.markdown


@pytest.mark.parametrize(
    ("part", "entry"),
    [
        ("folds", "measured"), ("figures", "figures"), ("ours_minus", "differences"),
        ("ranges", "ranges"), ("groups", "groups"), ("exposure", "exposure"),
        ("optimism", "limits"),
    ],
)  # fmt: skip
def test_what_was_not_measured_leaves_its_entry_empty(part: str, entry: str) -> None:
    report = report_facts()
    del report[part]
    assert card_of(replace(a_model(), report=report_from(report))).empty == (entry,)


@pytest.mark.parametrize("made", [measured, of_declared_sizes])
def test_no_card_promises_anything(made: Callable[[], AllianceModel]) -> None:
    said = card_of(written_by(made(), **dict.fromkeys(PEOPLE, "x"))).markdown
    assert PROMISES.findall(said.lower()) == []
    assert "predicted early alliance" in said


def test_the_shipped_words_promise_nothing_and_leave_no_entry_to_write() -> None:
    card = shipped_practice().card
    assert card.empty == ()
    said = " ".join(getattr(card, name) for name in PEOPLE)
    assert PROMISES.findall(said.lower()) == []


def test_figures_stand_beside_the_baselines_with_their_intervals() -> None:
    assert "| ours | 0.200 (0.10 to 0.30) | 0.150 (0.05 to 0.25) |" in text_of(
        measured(), "figures"
    )
    assert "| random | 0.000 (-0.10 to 0.10) | not measured |" in text_of(measured(), "figures")
    assert "| plain LightGBM | composite | +0.050 (+0.00 to +0.10) | 800 |" in text_of(
        measured(), "differences"
    )


def test_a_card_without_dropouts_repeats_no_figure_as_if_dropouts_had_been_counted() -> None:
    gain = {"part": "matches", "metric": "composite", "value": 0.1, "low": 0.0, "high": 0.2}
    rows = [beside("random", (0.1, 0.0, 0.2), metric) for metric in ("composite", "dyad partial")]
    model = measured(left_unrated=0, gains_by_part=[gain], ours_minus=rows)
    for section in ("figures", "parts"):
        assert "composite" not in text_of(model, section)
    later, cross_fitted = text_of(model, "differences").split("Beside the evidence prior")
    assert "composite" not in later
    assert "composite" in cross_fitted
    assert "No pairing held back here ended before a rating" in text_of(model, "measured")
    assert "dropped out had rated" not in text_of(model, "limits")
    assert "dropped out had rated" in text_of(measured(), "limits")


def test_answers_in_short_say_that_they_were_measured_in_training() -> None:
    assert "on no request to a server" in text_of(measured(), "verdict")


def test_differences_say_what_was_trained_and_on_which_ratings() -> None:
    first, second = text_of(measured(), "differences").split("\n\n| ours less")[:2]
    assert first.startswith("A model that was trained on earlier pairings, on the later ratings")
    assert "Beside the evidence prior, cross-fitted: on every rating there is" in second
    assert "served" not in first + second
    later = text_of(measured(champion="abc"), "differences")
    assert "Beside the champion, cross-fitted: on every rating that is new to it" in later
    chance = measured(incumbent=incumbent("random order", agreement=None, learned=0))
    assert "Beside a random order, cross-fitted" in text_of(chance, "differences")
    assert "retain" not in text_of(chance, "differences")


def test_products_name_the_answer_that_separate_records_are_kept_for() -> None:
    assert "and of a clinician and the main concern." in text_of(measured_parts(), "parts")
    none = read_practice(a_practice().text.replace('per = "concern"\n', ""))
    model = measured_parts()
    model = replace(model, pipeline=replace(model.pipeline, practice=none))
    assert "answers of both sides. For RMSE" in text_of(model, "parts")


def measured_parts() -> AllianceModel:
    gain = {"part": "matches", "metric": "composite", "value": 0.1, "low": 0.0, "high": 0.2}
    return measured(gains_by_part=[gain])


def test_no_figure_is_told_of_a_group_so_small_that_it_would_be_about_people() -> None:
    few = held("client.gender=man", 0.4321, rated=MIN_RATINGS_SHOWN - 1)
    told = text_of(measured(ranges=[*report_facts()["ranges"], few]), "ranges")
    assert "43%" not in told
    assert "client.gender=man" in told.splitlines()[-1]
    worse = group(
        "ours", (-0.77, -0.9, -0.5), among="client.gender=man", rated=MIN_RATINGS_SHOWN - 1
    )
    told = text_of(measured(groups=[*report_facts()["groups"], worse]), "groups")
    assert "0.77" not in told


def test_groups_too_small_to_be_looked_at_are_counted() -> None:
    assert "Too small to be looked at: 8 more." in text_of(measured(groups_too_few=8), "groups")


def test_the_data_are_counted_dated_and_named_by_digest() -> None:
    told, facts = text_of(measured(), "data"), a_model().manifest
    for fact in (f"{facts.pairings}", facts.first_day, facts.known_until, facts.data_digest):
        assert str(fact) in told


def test_the_card_says_how_far_predictions_lie_above_all_who_came() -> None:
    assert "+0.20 from what would have been given" in text_of(measured(), "limits")


def test_protected_answers_are_named_as_kept_from_the_model() -> None:
    assert "gender" in text_of(measured(), "caveats")


def test_the_card_says_how_to_go_back() -> None:
    assert "recommender rollback" in text_of(measured(), "back")


def test_a_bar_in_a_level_does_not_break_a_table() -> None:
    told = text_of(measured(ranges=[held("client.a=b|c", 0.9)]), "ranges")
    assert "client.a=b\\|c" in told


def test_every_entry_of_people_is_a_setting_of_the_definition() -> None:
    named = {name.removeprefix("card.") for name in WRITERS if name.startswith("card.")}
    assert named == set(CardSettings.__dataclass_fields__) == set(PEOPLE)


@pytest.mark.parametrize("source", ["later ratings", "out of fold"])
def test_a_card_says_where_the_served_range_comes_from(source: str) -> None:
    said = text_of(measured(ranges_from=source), "ranges")
    assert f"the interval that is served: {source}." in said
    assert "is served" not in text_of(measured(), "ranges")
