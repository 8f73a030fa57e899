from decimal import Decimal
from typing import Any

import pytest

from recommender.importing.cliniko.directory import ClinikoDirectory
from recommender.importing.cliniko.fees import price_of
from recommender.importing.cliniko.records import (
    ClinikoAppointmentType,
    ClinikoBillableItem,
    ClinikoTypeItem,
)


def directory(*parts: dict[str, Any], single: str | None = None, **item: Any) -> ClinikoDirectory:
    items = tuple(
        ClinikoTypeItem.model_validate(
            {"id": "1", "appointment_type": "7", "billable_item": "3", **part}
        )
        for part in parts
    )
    return ClinikoDirectory(
        active={},
        inactive={},
        businesses={},
        types={"7": ClinikoAppointmentType(id="7", billable_item=single)},
        hours={},
        blocks={},
        offers={},
        items={"3": ClinikoBillableItem.model_validate({"id": "3", "price": "210.0", **item})},
        type_items={"7": items} if items else {},
    )


@pytest.mark.parametrize(
    ("part", "price"),
    [
        ({}, "210.00"),
        ({"quantity": "2.0"}, "420.00"),
        ({"discount_percentage": "10.0"}, "189.00"),
        ({"discounted_amount": "15.5"}, "194.50"),
        ({"quantity": "1.0", "discount_percentage": "33.333"}, "140.00"),
    ],
)
def test_a_price_is_that_of_its_item_with_number_and_discount(
    part: dict[str, Any], price: str
) -> None:
    assert price_of(directory(part), "7") == (Decimal(price), "")


def test_items_of_one_type_add_up() -> None:
    assert price_of(directory({}, {"quantity": "0.5"}), "7")[0] == Decimal("315.00")


def test_the_single_item_of_earlier_answers_is_read() -> None:
    assert price_of(directory(single="3"), "7")[0] == Decimal("210.00")


@pytest.mark.parametrize(
    ("found", "problem"),
    [
        (directory(), "no billable item"),
        (directory({}, tax="9"), "without the tax"),
        (directory({}, price=None), "without a price"),
        (directory({"billable_item": "4"}), "without a price"),
    ],
)
def test_a_price_that_is_not_known_is_none_and_never_0(
    found: ClinikoDirectory, problem: str
) -> None:
    price, why = price_of(found, "7")
    assert price is None
    assert problem in why
