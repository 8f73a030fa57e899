"""The owner's pages: marks, days, templates, and figures that are computed here."""

import re
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from recommender.cli.main import app
from recommender.journal.retention import Ages
from recommender.trial.planning import TrialAssumptions, size_of

ROOT = Path(__file__).parents[1]
OWNER = ROOT / "docs" / "owner"
CURVE = ROOT / "experiments" / "bake_off" / "results" / "learning_cap_share.csv"
CHECKED = r"Checked on \d{1,2} [A-Z][a-z]+ 20\d\d\."
OF_LAW = (
    "client-notice",
    "data-breach",
    "first-year",
    "impact-assessment",
    "professional-rules",
    "questions",
    "records",
)
WORDS = r"cures|guarantee[sd]?|will improve|best clinician|success rate"
SIZES = {5: 25, 20: 100, 100: 500}
"""Clinicians, and their new clients in a month."""


def page(name: str) -> str:
    return (OWNER / f"{name}.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", OF_LAW)
def test_a_page_that_touches_law_sends_its_reader_to_a_lawyer(name: str) -> None:
    assert re.search(r"\*\*Have your lawyer read", page(name).strip().splitlines()[-1])


@pytest.mark.parametrize("name", ["before-you-start", "client-notice", "costs", "data-breach",
                                  "first-year", "professional-rules", "records"])  # fmt: skip
def test_a_page_of_facts_has_the_day_on_which_they_were_checked(name: str) -> None:
    assert re.search(CHECKED, page(name))


def test_every_page_is_in_the_list_of_the_index() -> None:
    listed = re.search(r"```\{toctree\}\n.*?\n\n(.*?)```", page("index"), re.DOTALL)
    assert listed is not None
    assert {"index", *listed[1].split()} == {each.stem for each in OWNER.glob("*.md")}


@pytest.mark.parametrize("each", sorted(OWNER.glob("*.md")), ids=lambda each: each.stem)
def test_no_page_promises_what_nobody_has_measured(each: Path) -> None:
    assert re.findall(WORDS, each.read_text(encoding="utf-8")) == []


def test_the_gain_from_ratings_is_that_of_the_bake_off() -> None:
    stored = pd.read_csv(CURVE, index_col="learner").loc["ours"]
    for ratings in ("300", "1,000", "3,000", "8,000"):
        mean = stored[ratings].split()[0].removeprefix("0")
        assert re.search(rf"^\| {ratings} \| .* \| {re.escape(mean)} \|$", page("before-you-start"),
                         re.MULTILINE)  # fmt: skip


@pytest.mark.parametrize("effect", [0.1, 0.2, 0.3])
def test_the_months_of_a_trial_are_those_that_its_plan_prints(effect: float) -> None:
    cells = []
    for clinicians, per_month in SIZES.items():
        assumed = TrialAssumptions(clinicians=clinicians, rated=0.5, follow=0.6)
        months = size_of(effect, assumed, per_month).months
        cells.append("out of reach" if months is None else f"{months:.0f} months")
    row = " | ".join((f"{effect:.1f}".removeprefix("0"), *cells))
    assert f"| {row} |" in page("before-you-start")


def test_the_ages_of_the_records_page_are_the_defaults_of_a_sweep() -> None:
    ages = Ages()
    for setting, age in (
        ("PAYLOAD_MONTHS", f"{ages.payload} months"),
        ("RATING_MONTHS", f"{ages.ratings} months"),
        ("AUDIT_MONTHS", f"{ages.audit} months"),
        ("DRAFT_HOURS", f"{ages.draft_hours} hours"),
    ):
        assert f"| `RECOMMENDER_{setting}` | {age} |" in page("records")


def test_the_records_page_says_how_long_the_privacy_statement_is() -> None:
    statement = CliRunner().invoke(app, ["privacy-statement"], catch_exceptions=False).output
    words = re.search(r"It is about ([\d,]+) words", page("records"))
    assert words is not None
    assert abs(len(statement.split()) - int(words[1].replace(",", ""))) <= 200
