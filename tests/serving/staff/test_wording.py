"""No page claims a cause or promises a result, and every text stands in one place."""

import ast
import re
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

import recommender.serving.staff as pages
from recommender.practice.definition import shipped_practice
from recommender.serving.staff import wording

FORBIDDEN = (
    r"because",
    r"will (improve|help|work|benefit)",
    r"\bbest\b",
    r"success",
    r"guarantee",
    r"causes?\b(?<!no causes)",
    r"\bideal",
    r"\bproven\b",
    r"leads? to",
    r"results? in",
    r"ensures?",
    r"perfect",
)
ROOM = Path(str(pages.__file__)).parent
TEMPLATES = sorted((ROOM / "templates").glob("*.html"))


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


def spelt_abroad(text: str) -> list[str]:
    found = (re.findall(rf"\b(?:{spelling})\b", text, re.IGNORECASE) for spelling in AMERICAN)
    return [word for words_found in found for word in words_found]


@pytest.mark.parametrize("path", [*TEMPLATES, ROOM / "wording.py"], ids=lambda path: path.stem)
def test_every_page_is_spelt_as_in_australia(path: Path) -> None:
    bare = re.sub(r"<style.*?</style>|<[^>]*>", " ", path.read_text(), flags=re.DOTALL)
    assert spelt_abroad(bare) == []


def test_what_ships_with_the_definition_is_spelt_as_in_australia() -> None:
    practice = shipped_practice()
    fields = [*practice.client.values(), *practice.clinician.values()]
    said = [text for each in fields for text in (each.phrase, each.purpose, each.missing)]
    said += [each.say for each in practice.constraints.values()]
    assert spelt_abroad(" ".join(said)) == []


@pytest.mark.parametrize("text", ["We analyzed it", "a labeled color", "organizing", "Center"])
def test_spellings_from_elsewhere_are_found(text: str) -> None:
    assert spelt_abroad(text)


def test_a_text_to_read_aloud_speaks_to_the_client() -> None:
    reasons = ["works closer to the client's wishes", "meets in a way the client would like"]
    said = wording.aloud("A. Wattle", reasons)
    assert "works closer to your wishes and meets in a way you would like." in said
    assert wording.listed(["one", "two", "three"]) == "one, two and three"


def said(text: str) -> list[str]:
    return [word for word in FORBIDDEN if re.search(word, text, re.IGNORECASE)]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_no_template_claims_or_promises(path: Path) -> None:
    assert said(path.read_text()) == []


def test_no_text_claims_or_promises() -> None:
    source = Path(str(wording.__file__)).read_text()
    texts = re.sub(r'""".*?"""', "", source, flags=re.DOTALL)
    assert said(texts.replace("causes", "", 1) if "no causes" in texts else texts) == []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_a_template_holds_no_text_of_its_own(path: Path) -> None:
    bare = re.sub(r"\{%.*?%\}|\{\{.*?\}\}", "", path.read_text(), flags=re.DOTALL)
    outside = re.sub(r"<[^>]*>|[a-z-]+=\"[^\"]*\"", "", bare, flags=re.DOTALL)
    assert re.findall(r"[A-Za-z]{2,}", outside) == []


def test_no_name_is_assigned_twice() -> None:
    """Once the second of two constants of one name was shown in the place of the first."""
    names: list[str] = []
    for node in ast.parse(Path(str(wording.__file__)).read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.append(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            parts = (each for target in targets for each in ast.walk(target))
            names += [each.id for each in parts if isinstance(each, ast.Name)]
    assert [name for name, times in Counter(names).items() if times > 1] == []


def test_a_day_that_is_past_is_said_to_mean_now() -> None:
    today = date(2026, 11, 25)
    assert wording.free(date(2026, 12, 1), today) == "1 December 2026"
    assert wording.free(date(2026, 11, 20), today).startswith("Now; the day on record")
