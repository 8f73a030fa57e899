"""The texts for clients stay plain."""

from pathlib import Path

import pytest

from experiments.reading_grade import reading, texts_of

PAGE = Path(__file__).parents[2] / "docs" / "owner" / "client-notice.md"
SCHOOL_YEAR, LONGEST = 7, 25


@pytest.mark.parametrize("name", ["notice", "consent"])
def test_a_text_for_clients_needs_no_more_than_seven_years_of_school(name: str) -> None:
    found = reading(texts_of(PAGE)[name])
    assert found.words > 150
    assert found.grade < SCHOOL_YEAR
    assert found.longest <= LONGEST


def test_longer_words_and_sentences_need_more_years() -> None:
    plain = reading("We ask you some questions. You choose.")
    heavy = reading("Prior notification of individuals necessitates comprehensive documentation.")
    assert heavy.grade > 12 > plain.grade
    assert (plain.words, plain.sentences, plain.longest) == (7, 2, 5)
