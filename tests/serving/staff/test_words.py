"""No page claims a cause or promises a result, and every text stands in one place."""

import re
from datetime import date
from pathlib import Path

import pytest

import recommender.serving.staff as pages
from recommender.serving.staff import words

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


def said(text: str) -> list[str]:
    return [word for word in FORBIDDEN if re.search(word, text, re.IGNORECASE)]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_no_template_claims_or_promises(path: Path) -> None:
    assert said(path.read_text()) == []


def test_no_text_claims_or_promises() -> None:
    source = Path(str(words.__file__)).read_text()
    texts = re.sub(r'""".*?"""', "", source, flags=re.DOTALL)
    assert said(texts.replace("causes", "", 1) if "no causes" in texts else texts) == []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_a_template_holds_no_text_of_its_own(path: Path) -> None:
    bare = re.sub(r"\{%.*?%\}|\{\{.*?\}\}", "", path.read_text(), flags=re.DOTALL)
    outside = re.sub(r"<[^>]*>|[a-z-]+=\"[^\"]*\"", "", bare, flags=re.DOTALL)
    assert re.findall(r"[A-Za-z]{2,}", outside) == []


def test_a_day_that_is_past_is_said_to_mean_now() -> None:
    today = date(2026, 11, 25)
    assert words.free(date(2026, 12, 1), today) == "1 December 2026"
    assert words.free(date(2026, 11, 20), today).startswith("Now; the day on record")
