"""The owner's pages: marks, days, templates, and figures that are computed here."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner

from recommender.cli.main import app
from recommender.journal.retention import Ages
from recommender.pooling.practice_contribution import LEAST_RATINGS
from recommender.practice.definition import shipped_practice
from recommender.training.enough_ratings import MIN_RATED
from recommender.training.promotion_case import ENOUGH_RATED
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
    linked = re.findall(r"^\| \[.*?\]\(([a-z-]+)\.md\) \|", page("index"), re.MULTILINE)
    assert linked == listed[1].split()


def test_what_happens_at_how_many_ratings_is_what_the_program_does() -> None:
    for number, what in (
        (f"from {MIN_RATED}", "`recommender train` learns"),
        (f"from {LEAST_RATINGS}", "a pool of practices takes"),
        (f"from {ENOUGH_RATED} new ones", "counts as measured"),
    ):
        assert re.search(rf"^\| {number} \| .*{what}", page("before-you-start"), re.MULTILINE)


def test_standard_deviations_are_the_points_of_the_reference_questionnaire() -> None:
    practice = shipped_practice()
    used = practice.instruments[practice.alliance.reference]
    assert used.reference_sd is not None
    sd = used.reference_sd * (used.max - used.min)
    points = [f"{effect * sd:.2f}".removeprefix("0") for effect in (0.1, 0.2, 0.3)]
    assert f"differ by {sd:.2f} points".replace("0.", ".") in page("before-you-start")
    assert f"{points[0]}, {points[1]} and {points[2]} points" in page("before-you-start")
    assert f"about {points[1]} points" in page("index")


def test_the_fees_that_have_ended_are_those_of_the_shipped_definition() -> None:
    text = page("first-year")
    path = ROOT / "recommender" / "practice" / "shipped" / "psychology.toml"
    rows = tomllib.loads(path.read_text(encoding="utf-8"))["funding"]
    latest: dict[tuple[str | None, ...], dict[str, Any]] = {}
    for row in rows:
        key = (row["scheme"], row["provider"], row.get("item"))
        latest[key] = max(
            latest.get(key, row), row, key=lambda each: str(each.get("until", "9999"))
        )
    ended = [row for row in latest.values() if str(row.get("until", "9999")) == "2026-06-30"]
    assert len(ended) == 5
    for row in ended:
        assert f"${row['fee_cents'] / 100:.2f}" in text
        assert row.get("item", row["scheme"].upper()) in text


@pytest.mark.parametrize("name", ["impact-assessment", "client-notice", "../staff-guide"])
def test_pages_agree_on_the_four_answers_that_are_needed(name: str) -> None:
    text = " ".join(page(name).split())
    for word in (r"\bage\b", r"level of care|how much care", r"paid for|will pay", "referral"):
        assert re.search(word, text)
    assert "only age must" not in text


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
