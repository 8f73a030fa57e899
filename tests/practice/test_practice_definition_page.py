"""docs/practice-definition.md: its example is a definition, and its tables name every setting."""

import re
from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path

import pytest

from recommender.alliance.instruments import AllianceSettings, Instrument
from recommender.practice.declared_products import ProductSettings
from recommender.practice.definition import Practice, read_practice
from recommender.practice.fields import USES, Field
from recommender.practice.forms import FormSection
from recommender.practice.funding import CAP_PERIODS, FundingRow
from recommender.practice.locations import NamedPlace
from recommender.practice.match_operators import OPERATORS
from recommender.practice.matches import MatchSettings
from recommender.practice.matching_page import MatchingPage
from recommender.practice.rules.catalogue import FIELD_SETTINGS, RULES, Kinds
from recommender.practice.rules.constraint import FAMILIES, Constraint
from recommender.practice.rules.first_session import FirstSession
from recommender.practice.sections import (
    CardSettings,
    Heading,
    HistorySettings,
    MeetingModes,
    RankingSettings,
)
from recommender.values.kinds import KINDS

PAGE = (Path(__file__).parents[2] / "docs" / "practice-definition.md").read_text(encoding="utf-8")
SECTIONS = {
    "practice": Heading,
    "card": CardSettings,
    "alliance": AllianceSettings,
    "instruments": Instrument,
    "history": HistorySettings,
    "ranking": RankingSettings,
    "ways": MeetingModes,
    "first_session": FirstSession,
    "client": Field,
    "forms": FormSection,
    "places": NamedPlace,
    "matching_page": MatchingPage,
    "matches": MatchSettings,
    "products": ProductSettings,
    "constraints": Constraint,
    "funding": FundingRow,
}
GIVEN = {"instruments": {"name"}, "client": {"name", "side", "postcodes", "ways"}}
GIVEN["constraints"] = {"name", "settings"}


def example() -> Practice:
    return read_practice("\n".join(re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)))


def part_about(section: str) -> str:
    """The page from the heading of a section to the next heading of that level."""
    parts = re.split(r"^## ", PAGE, flags=re.MULTILINE)
    return next(part for part in parts if f"[{section}" in part.splitlines()[0])


def listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "-"


def kind_rows() -> list[str]:
    return [
        f"| `{kind.name}` | {listed(sorted(kind.needs))} | {listed(sorted(kind.allows))} "
        f"| `{kind.example}` | {'yes' if kind.scorable else 'no'} |"
        for kind in KINDS.values()
    ]


def operator_rows() -> list[str]:
    return [
        f"| `{each.name}` | {', '.join(sorted(each.client))} | {', '.join(sorted(each.clinician))} "
        f"| {each.meaning} |"
        for each in OPERATORS.values()
    ]


def _side(kinds: Kinds, optional: bool) -> str:
    text = ", then ".join(" or ".join(sorted(each)) for each in kinds) or "-"
    return f"{text} (optional)" if optional else text


def rule_rows() -> list[str]:
    return [
        f"| `{rule.name}` | {_side(rule.client, 'client' in rule.optional)} "
        f"| {_side(rule.clinician, 'clinician' in rule.optional)} | {rule.meaning} | {rule.day} "
        f"| {listed(sorted(rule.needs))} | {listed(sorted(rule.allows))} |"
        for rule in RULES.values()
    ]


def test_the_examples_of_the_page_are_one_definition_with_every_section() -> None:
    practice = example()
    assert practice.ways is not None
    assert practice.ranking.shuffle_ties
    assert practice.client["home"].postcodes
    assert practice.funding
    assert practice.locations.places
    assert practice.clinician["photo"].shown_to == "client"
    assert "one_question" in practice.instruments


@pytest.mark.parametrize("section", SECTIONS)
def test_the_page_explains_every_setting_of_a_section(section: str) -> None:
    names = {each.name for each in fields(SECTIONS[section])} - GIVEN.get(section, set())
    names = {"from" if name == "start" else name for name in names}
    explained = set(re.findall(r"`(\w+)`", part_about(section)))
    assert names <= explained


@pytest.mark.parametrize("row", [*kind_rows(), *operator_rows(), *rule_rows()])
def test_the_tables_of_the_page_are_those_of_the_code(row: str) -> None:
    assert row in PAGE.splitlines()


def test_the_page_names_every_choice() -> None:
    settings = {key for rule in RULES.values() for key in rule.needs | rule.allows}
    for name in (*USES, *FAMILIES, *CAP_PERIODS, *FIELD_SETTINGS, *settings):
        assert f"`{name}`" in PAGE
