"""No page claims a cause or promises a result, and pages are spelt as in Australia."""

import ast
import re
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

import recommender.serving.staff as pages
from recommender.practice.definition import shipped_practice
from recommender.serving.schemas.card import (
    CardCost,
    CardFact,
    CardMeeting,
    CardTime,
    ClinicianCard,
)
from recommender.serving.schemas.responses import StatedReason
from recommender.serving.staff import wording
from recommender.serving.staff.views.spoken import spoken

FORBIDDEN = (
    r"because",
    r"will (improve|help|work|benefit)",
    r"\bbest\b",
    r"success",
    r"guarantee",
    r"causes?\b(?<!not causes)",
    r"\bideal",
    r"\bproven\b",
    r"leads? to",
    r"results? in",
    r"ensures?",
    r"perfect",
)
FOLDER = Path(str(pages.__file__)).parent
TEXTS = sorted([*FOLDER.glob("templates/*.html"), *FOLDER.rglob("*.py")])


AMERICAN = (
    r"\w*(?:color|behavior|favor|labor|neighbor|honor|rumor)(?!a)\w*",
    r"(?!size|prize|seize|resize|capsize)\w+iz(?:e[ds]?|ing|ations?)",
    r"\w+yz(?:e[ds]?|ing)",
    r"centers?|meters?|theaters?|fibers?",
    r"(?:cancel|travel|label|model|counsel|signal)(?:ed|ing|er|ors?)",
    r"catalog|dialog|gray|enroll?ment|fulfill(?!ed|ing)\w*|skillful|judgment|pediatric\w*",
    r"defense|offense|pretense|practic(?:ed|ing) license",
)
"""Spellings that are not Australian."""


def text_of(path: Path) -> str:
    """The texts of a template and its labels, or the strings of a module without docstrings."""
    if path.suffix == ".html":
        html = path.read_text()
        labels = re.findall(r'aria-label="([^"]*)"', html)
        return " ".join([re.sub(r"<[^>]*>", " ", html), *labels])
    tree = ast.parse(path.read_text())
    docstrings = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    return "\n".join(
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in docstrings
        and (" " in node.value or node.value.istitle())
    )


def spelt_abroad(text: str) -> list[str]:
    found = (re.findall(rf"\b(?:{spelling})\b", text, re.IGNORECASE) for spelling in AMERICAN)
    return [word for words_found in found for word in words_found]


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.stem)
def test_every_page_is_spelt_as_in_australia(path: Path) -> None:
    assert spelt_abroad(text_of(path)) == []


def test_what_ships_with_the_definition_is_spelt_as_in_australia() -> None:
    practice = shipped_practice()
    fields = [*practice.client.values(), *practice.clinician.values()]
    said = [text for each in fields for text in (each.phrase, each.purpose, each.missing)]
    said += [each.say for each in practice.constraints.values()]
    assert spelt_abroad(" ".join(said)) == []


@pytest.mark.parametrize("text", ["We analyzed it", "a labeled color", "organizing", "Center"])
def test_spellings_from_elsewhere_are_found(text: str) -> None:
    assert spelt_abroad(text)


def test_a_text_to_read_aloud_names_what_was_asked_for_a_time_and_the_cost() -> None:
    practice = shipped_practice()
    card = ClinicianCard(
        profession="Psychologist",
        photo=None,
        meeting=(
            CardMeeting(way="in_person", label="In person", place="Newtown", address=None, km=2),
        ),
        cost=CardCost(fee_cents=24500, rebate_cents=14380, gap_cents=10120, currency="AUD"),
        next_times=(),
        asked_and_offered=(
            CardFact(field="concerns_confident", label="", values=("Anxiety or worry",)),
            CardFact(field="modalities", label="", values=("CBT (cognitive therapy)", "ACT")),
            CardFact(field="gender", label="", values=("Woman",)),
            CardFact(field="fee", label="Gap", values=("$101.20, limit $150",)),
        ),
        differs=(),
    )
    at = datetime(2026, 12, 3, 6, 0, tzinfo=UTC).astimezone(ZoneInfo(practice.timezone))
    times = (CardTime(starts_at=at, way="in_person", place="Newtown"),)
    assert spoken("A. Wattle", card, times, practice) == (
        "A. Wattle works a lot with anxiety or worry, offers CBT and ACT, is a woman, has Thursday "
        "3 December at 5 pm free in Newtown, and the gap would be $101.20."
    )
    hidden = card.model_copy(update={"staff_only": ("modalities", "cost", "next_times")})
    assert spoken("A. Wattle", hidden, times, practice) == (
        "A. Wattle works a lot with anxiety or worry, and is a woman."
    )
    nothing = hidden.model_copy(update={"asked_and_offered": ()})
    assert spoken("A. Wattle", nothing, (), practice) == "A. Wattle is a psychologist."


def claims(text: str) -> list[str]:
    return [word for word in FORBIDDEN if re.search(word, text, re.IGNORECASE)]


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.stem)
def test_no_page_claims_or_promises(path: Path) -> None:
    assert claims(text_of(path)) == []


def test_a_rule_judged_for_another_day_than_the_one_asked_says_which() -> None:
    later = StatedReason(
        constraint="wait",
        family="time",
        text="cannot start in time",
        unknown=False,
        judged_on=date(2026, 10, 12),
    )
    text = "Cannot start in time, for a first session on 12 October 2026"
    assert wording.exclusion(later) == wording.reservation(later) == text
    today = later.model_copy(update={"judged_on": None})
    assert wording.exclusion(today) == "Cannot start in time"
