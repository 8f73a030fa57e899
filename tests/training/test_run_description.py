"""What mlflow's pages say of a model and of an evaluation."""

from dataclasses import replace

from recommender.model.card import CardSection, card_of
from recommender.model.card_blocks import CardParagraph
from recommender.training.run_description import (
    MOST_CHARACTERS,
    evaluation_description,
    model_description,
)
from tests.support.builders import a_model, a_practice
from tests.support.reports import a_report


def test_a_model_is_described_by_the_first_sections_of_its_card() -> None:
    card = card_of(replace(a_model(), report=a_report()))
    text = model_description(card)

    for heading in ("What it is", "In short", "What it learned from", "What is predicted"):
        assert f"## {heading}" in text
    assert "Is matching shown?" in text
    assert "`card.md`" in text


def test_a_description_is_never_longer_than_mlflow_stores() -> None:
    card = card_of(a_model())
    long = tuple(
        CardSection(each.name, each.heading, (CardParagraph("word " * 400),))
        for each in card.sections
    )
    text = model_description(replace(card, sections=long))

    assert len(text) <= MOST_CHARACTERS
    assert "`card.md`" in text


def test_an_evaluation_without_dropouts_is_described_without_a_composite() -> None:
    text = evaluation_description(a_report(left_unrated=0), a_practice(), "clinicians")

    assert "- composite: " not in text
    assert "No pairing held back here ended before a rating" in text


def test_an_evaluation_is_described_by_what_was_held_out_and_its_answers() -> None:
    text = evaluation_description(a_report(), a_practice(), "rolling")

    assert "rated pairings held out** (split: rolling)" in text
    assert "nothing was published" in text
    assert "- Is matching shown? " in text
    assert "- composite: " in text
