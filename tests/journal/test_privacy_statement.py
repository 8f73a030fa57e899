import re

import pytest

from recommender.journal.privacy_statement import USES, privacy_statement
from recommender.journal.retention import Ages
from recommender.practice.definition import Practice, read_practice, shipped_practice
from tests.support.builders import DEFINITION, a_practice

PRACTICES = [
    pytest.param(practice, id=practice.id) for practice in (shipped_practice(), a_practice())
]
PROMISES = re.compile(
    r"\b(best|ideal|compatible|guarantee\w*|perfect|optimal|proven|cures?|will improve)\b",
    re.IGNORECASE,
)


@pytest.mark.parametrize("practice", PRACTICES)
def test_every_field_of_a_client_stands_once_under_its_use(practice: Practice) -> None:
    said = privacy_statement(practice, Ages())
    for name, field in practice.client.items():
        assert said.count(f"`{name}`") == 1, name
        heading = said.index(USES[field.use][0])
        later = [said.index(h) for h, _ in USES.values() if h in said and said.index(h) > heading]
        assert heading < said.index(f"`{name}`") < min(later, default=len(said)), name
        (line,) = [line for line in said.splitlines() if f"`{name}`" in line]
        assert " ".join(field.purpose.split()) in line
        assert field.missing in line


@pytest.mark.parametrize("practice", PRACTICES)
def test_every_fact_of_a_clinician_stands_once(practice: Practice) -> None:
    said = privacy_statement(practice, Ages())
    assert all(said.count(f"`clinician.{name}`") == 1 for name in practice.clinician)


def test_a_new_question_changes_the_text() -> None:
    text = DEFINITION.read_text(encoding="utf-8")
    asked = """
[client.pets]
kind = "flag"
phrase = "lives with animals"
purpose = "some rooms have a dog"
missing = "not asked"
use = "filter"
"""
    before, after = (
        privacy_statement(a_practice(), Ages()),
        privacy_statement(read_practice(text + asked), Ages()),
    )
    assert "lives with animals" not in before
    assert "| lives with animals | `pets` | some rooms have a dog | not asked | none |" in after


@pytest.mark.parametrize("practice", PRACTICES)
def test_it_says_who_decides_and_promises_nothing(practice: Practice) -> None:
    said = privacy_statement(practice, Ages())
    assert "staff" in said
    assert "10 December 2026" in said
    assert not PROMISES.findall(said)


def test_what_a_rule_reads_is_said_beside_the_answer() -> None:
    said = privacy_statement(a_practice(), Ages())
    (line,) = [line for line in said.splitlines() if "`max_fee`" in line]
    assert line.endswith("| wish |")


def test_ages_are_those_the_sweep_uses() -> None:
    said = privacy_statement(a_practice(), Ages(payload=3, ratings=None, audit=12))
    assert "| answers and recommendations as shown | 3 months |" in said
    assert "under the pseudonym | until erased |" in said
