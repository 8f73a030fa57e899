from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from experiments.cliniko_sync.invented_account import (
    CARLTON,
    FIRST,
    FITZROY,
    STANDARD,
    VIDEO,
    mapping_text,
)
from recommender.importing.cliniko.directory import ClinikoDirectory
from recommender.importing.cliniko.mapping import read_mapping
from recommender.importing.cliniko.records import (
    ClinikoAppointmentType,
    ClinikoBillableItem,
    ClinikoBusiness,
    ClinikoDailyAvailability,
    ClinikoPractitioner,
    ClinikoTypeItem,
)
from recommender.importing.cliniko.roster_facts import RosterFacts, TimeFacts
from recommender.practice.definition import Practice, read_practice, shipped_practice, shipped_text

NOW = datetime(2026, 9, 24, tzinfo=UTC)
NO_TIMES = TimeFacts({}, {}, None)
SOMEONE = "5000"
MELBOURNE, PERTH = "Australia/Melbourne", "Australia/Perth"


def directory(zones: Mapping[str, str | None], **changes: Any) -> ClinikoDirectory:
    """One practitioner with hours at every business of `zones`."""
    hours = tuple(
        ClinikoDailyAvailability.model_validate(
            {
                "id": str(number),
                "day_of_week": number,
                "availabilities": [{"starts_at": "09:00", "ends_at": "12:00"}],
                "business": business,
                "practitioner": SOMEONE,
            }
        )
        for number, business in enumerate(zones, start=1)
    )
    found = ClinikoDirectory(
        active={SOMEONE: ClinikoPractitioner(id=SOMEONE, label="Ines Wattle")},
        inactive={},
        businesses={
            each: ClinikoBusiness(id=each, time_zone_identifier=zone)
            for each, zone in zones.items()
        },
        types={each: ClinikoAppointmentType(id=each) for each in (FIRST, STANDARD)},
        hours={SOMEONE: hours},
        blocks={},
        offers={FIRST: frozenset({SOMEONE}), STANDARD: frozenset({SOMEONE})},
        items={
            each: ClinikoBillableItem.model_validate({"id": each, "price": price})
            for each, price in (("1", "210"), ("2", "250"))
        },
        type_items={
            kind: (ClinikoTypeItem(id=item, appointment_type=kind, billable_item=item),)
            for kind, item in ((STANDARD, "1"), (FIRST, "2"))
        },
    )
    return replace(found, **changes)


def facts_and_warnings(
    found: ClinikoDirectory, text: str | None = None, practice: Practice | None = None
) -> tuple[Mapping[str, Any], str]:
    practice = practice or shipped_practice()
    mapping = read_mapping(text or mapping_text(1), practice)
    roster = RosterFacts(mapping, practice, found, NOW)
    facts = roster.collect(NO_TIMES)["psy000"].facts
    return facts, "\n".join(str(each) for each in roster.warnings)


def test_hours_are_on_the_clock_that_the_timezone_field_names() -> None:
    facts, _ = facts_and_warnings(directory({FITZROY: MELBOURNE, VIDEO: "Australia/Sydney"}))
    assert facts["timezone"] == MELBOURNE
    assert facts["hours"] == ["mon 09:00-12:00 room 1", "tue 09:00-12:00 by video,phone"]


def test_hours_on_two_clocks_are_left_as_they_are_and_named() -> None:
    facts, warnings = facts_and_warnings(directory({FITZROY: MELBOURNE, CARLTON: PERTH}))
    assert not {"hours", "rooms", "timezone", "absences"} & set(facts)
    assert "psy000: works on two clocks" in warnings


def test_a_zone_that_nobody_knows_is_named() -> None:
    facts, warnings = facts_and_warnings(directory({FITZROY: "Somewhere/Else"}))
    assert "hours" not in facts
    assert "psy000: works at a business of an unknown zone" in warnings


def test_a_zone_that_is_no_level_of_the_field_is_named() -> None:
    facts, warnings = facts_and_warnings(directory({FITZROY: "Asia/Tokyo"}))
    assert "hours" not in facts
    assert "add Asia/Tokyo to the levels of timezone" in warnings


@pytest.mark.parametrize(("zone", "read"), [("Australia/Sydney", True), (PERTH, False)])
def test_without_a_timezone_field_only_the_practices_own_clock_is_read(
    zone: str, read: bool
) -> None:
    text = mapping_text(1).replace('timezone = "timezone"\n', "")
    facts, warnings = facts_and_warnings(directory({FITZROY: zone}), text)
    assert ("hours" in facts) is read
    assert ("map `timezone`" in warnings) is not read


def test_where_cliniko_gives_no_zone_that_of_the_mapping_counts() -> None:
    facts, _ = facts_and_warnings(directory({FITZROY: None}))
    assert facts["timezone"] == MELBOURNE


def test_hours_of_an_earlier_kind_of_field_have_no_rooms() -> None:
    plain = shipped_text("psychology").replace(
        'kind = "availability"\nrooms = "rooms"\n', 'kind = "weekly_hours"\n'
    )
    found = directory({FITZROY: MELBOURNE, VIDEO: MELBOURNE})
    text = mapping_text(1).replace('ways = ["video", "phone"]', "")
    facts, _ = facts_and_warnings(found, text, read_practice(plain))
    assert facts["hours"] == ["mon 09:00-12:00", "tue 09:00-12:00"]


def test_a_business_that_is_not_mapped_or_no_longer_there_is_named() -> None:
    _, warnings = facts_and_warnings(directory({FITZROY: MELBOURNE, "99": MELBOURNE}))
    assert 'businesses 99: is not in the mapping; add [businesses."99"]' in warnings
    assert f"businesses {CARLTON}, {VIDEO}: is not, or no longer, in Cliniko" in warnings


def test_two_prices_for_one_field_are_no_price() -> None:
    found = directory({FITZROY: MELBOURNE})
    assert facts_and_warnings(found)[0]["fee"] == "210.00"
    both = mapping_text(1).replace(
        "first_session = true", 'first_session = true\nfee_field = "fee"'
    )
    facts, warnings = facts_and_warnings(found, both)
    assert "fee" not in facts
    assert "psy000: has several prices for fee" in warnings


def test_a_taxed_price_is_left_as_it_is_and_named() -> None:
    taxed = ClinikoBillableItem.model_validate({"id": "1", "price": "210", "tax": "3"})
    facts, warnings = facts_and_warnings(directory({FITZROY: MELBOURNE}, items={"1": taxed}))
    assert "fee" not in facts
    assert f"appointment_types {STANDARD}: has a taxed billable item" in warnings


def test_somebody_inactive_is_named_where_no_field_says_so() -> None:
    someone = ClinikoPractitioner(id=SOMEONE, label="Ines Wattle")
    gone = directory({FITZROY: MELBOURNE}, active={}, inactive={SOMEONE: someone})
    assert facts_and_warnings(gone)[0] == {"active": False}
    facts, warnings = facts_and_warnings(gone, mapping_text(1).replace('active = "active"\n', ""))
    assert facts == {}
    assert "psy000: is inactive in Cliniko" in warnings


def test_names_come_from_cliniko_where_the_mapping_says_so() -> None:
    practice, found = shipped_practice(), directory({FITZROY: MELBOURNE})
    for extra, name in (("names = true", "Ines Wattle"), ("", None)):
        mapping = read_mapping(mapping_text(1, extra=extra), practice)
        assert RosterFacts(mapping, practice, found, NOW).collect(NO_TIMES)["psy000"].name == name
