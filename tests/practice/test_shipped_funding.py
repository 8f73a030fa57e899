import tomllib
from datetime import date
from pathlib import Path

import pytest

from recommender.practice.definition import shipped_practice
from recommender.practice.funding import FundingRow, pays, read_funding, rebate_cents, session_cap

SHIPPED = shipped_practice()
ROWS = SHIPPED.funding
DOCUMENT = Path(__file__).parents[2] / "docs" / "funding.md"
TODAY = date(2026, 11, 25)
CLINICAL, GENERAL, PROVISIONAL = SHIPPED.clinician["registration_type"].levels


def as_told(row: FundingRow) -> tuple[str, ...]:
    """A row as the document's table writes it."""
    amounts = (row.fee_cents, row.rebate_cents)
    return (
        row.scheme,
        row.provider,
        row.item or "-",
        ", ".join(row.modes) or "any",
        str(row.minutes),
        str(row.start),
        str(row.until or "open"),
        *("not known" if cents is None else f"{cents / 100:.2f}" for cents in amounts),
        f"{row.cap} per {row.cap_per}" if row.cap else "no cap stated",
    )


def test_the_document_tells_every_row_that_ships_and_no_other() -> None:
    lines = DOCUMENT.read_text(encoding="utf-8").split("## What ships")[1].split("\n## ")[0]
    table = [line for line in lines.splitlines() if line.startswith("|")][2:]
    told = [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in table]
    assert told == [as_told(row) for row in ROWS]


def test_the_example_of_the_document_is_a_row_that_can_be_read() -> None:
    example = DOCUMENT.read_text(encoding="utf-8").split("```toml\n")[1].split("```")[0]
    (row,), faults = read_funding(tomllib.loads(example)["funding"])
    assert faults == []
    assert as_told(row) in [as_told(shipped) for shipped in ROWS]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.scheme}-{row.item}-{row.start}")
def test_every_source_says_when_it_was_read_or_that_it_was_not(row: FundingRow) -> None:
    marks = "read 25 November 2026", "from memory, check before use"
    assert any(mark in row.source for mark in marks)
    assert (row.rebate_cents is None) == ("amount not known" in row.source)


@pytest.mark.parametrize(
    "row", [row for row in ROWS if row.scheme == "medicare"], ids=lambda row: f"{row.item}"
)
def test_a_medicare_rebate_is_85_percent_up_to_the_next_5_cents(row: FundingRow) -> None:
    assert row.fee_cents is not None
    assert row.rebate_cents == -(-row.fee_cents * 85 // 500) * 5
    assert (row.cap, row.cap_per) == (10, "calendar_year")
    assert row.until in {date(2026, 6, 30), date(2027, 6, 30)}


@pytest.mark.parametrize(
    ("provider", "minutes", "day", "cents"),
    [
        (CLINICAL, 50, date(2026, 6, 30), 14525),
        (CLINICAL, 50, date(2026, 7, 1), 14905),
        (CLINICAL, 49, date(2026, 7, 1), 10155),
        (CLINICAL, 29, date(2026, 7, 1), 0),
        (GENERAL, 60, date(2026, 6, 30), 9895),
        (GENERAL, 60, date(2026, 7, 1), 10155),
        (GENERAL, 20, date(2026, 7, 1), 7200),
        (PROVISIONAL, 50, date(2026, 7, 1), 0),
        (CLINICAL, 50, date(2027, 7, 1), None),
        (CLINICAL, 50, date(2025, 6, 30), None),
    ],
)
def test_medicare_pays_by_registration_length_and_day(
    provider: str, minutes: int, day: date, cents: int | None
) -> None:
    assert rebate_cents(ROWS, "medicare", provider, minutes, day) == cents
    for mode in SHIPPED.client["modes_wanted"].levels:
        assert rebate_cents(ROWS, "medicare", provider, minutes, day, [mode]) == cents


@pytest.mark.parametrize(
    ("scheme", "paid", "cap"),
    [
        ("medicare", (True, True, False), 10),
        ("private", (True, True, True), None),
        ("ndis", (None, None, None), None),
        ("dva", (True, True, False), 12),
        ("workcover", (True, True, False), 8),
        ("ctp", (True, True, False), 8),
        ("eap", (True, True, True), None),
    ],
)
def test_each_scheme_pays_whom_and_how_often(
    scheme: str, paid: tuple[bool | None, ...], cap: int | None
) -> None:
    providers = SHIPPED.clinician["registration_type"].levels
    assert tuple(pays(ROWS, scheme, provider, TODAY) for provider in providers) == paid
    assert session_cap(ROWS, scheme, CLINICAL, TODAY) == cap


def test_every_scheme_a_client_may_name_is_one_of_those_tested_here() -> None:
    schemes = {"medicare", "private", "ndis", "dva", "workcover", "ctp", "eap"}
    assert set(SHIPPED.client["funding"].levels) == schemes
    assert {row.scheme for row in ROWS} == schemes - {"private", "eap"}


@pytest.mark.parametrize("scheme", ["ndis", "dva", "workcover", "ctp"])
def test_an_amount_that_is_not_known_is_unknown_and_not_0(scheme: str) -> None:
    assert rebate_cents(ROWS, scheme, CLINICAL, 60, TODAY) is None


def test_last_years_amounts_still_ship() -> None:
    day = date(2025, 11, 25)
    assert rebate_cents(ROWS, "ndis", PROVISIONAL, 60, day) == 23299
    assert rebate_cents(ROWS, "dva", CLINICAL, 50, day) == 23985
    assert rebate_cents(ROWS, "dva", GENERAL, 50, day, ["in_person"]) == 16340
    assert rebate_cents(ROWS, "dva", GENERAL, 50, day, ["video"]) is None
    assert rebate_cents(ROWS, "dva", GENERAL, 50, day) is None
