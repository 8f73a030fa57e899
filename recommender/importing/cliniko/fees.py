"""The price of an appointment type: its billable items, with number and discount."""

from decimal import ROUND_HALF_UP, Decimal

from recommender.importing.cliniko.directory import ClinikoDirectory
from recommender.importing.cliniko.records import ClinikoTypeItem

CENT = Decimal("0.01")


def price_of(directory: ClinikoDirectory, appointment_type: str) -> tuple[Decimal | None, str]:
    """The price in the account's currency, or None and why there is none.

    Cliniko's prices are without tax, so that a taxed item has no price here.
    """
    parts = directory.type_items.get(appointment_type, ())
    if not parts:
        kind = directory.types.get(appointment_type)
        single = None if kind is None else kind.billable_item
        if single is None:
            return None, "has no billable item"
        parts = (_alone(appointment_type, single),)
    total = Decimal(0)
    for part in parts:
        item = directory.items.get(part.billable_item)
        if item is None or item.price is None:
            return None, "has a billable item without a price"
        if item.tax is not None:
            return None, "has a taxed billable item, whose price is without the tax"
        total += _discounted(item.price, part)
    return total.quantize(CENT, ROUND_HALF_UP), ""


def _alone(appointment_type: str, item: str) -> ClinikoTypeItem:
    return ClinikoTypeItem(id="0", appointment_type=appointment_type, billable_item=item)


def _discounted(price: Decimal, part: ClinikoTypeItem) -> Decimal:
    full = price * (Decimal(1) if part.quantity is None else part.quantity)
    if part.discounted_amount:
        return full - part.discounted_amount
    return full * (1 - (part.discount_percentage or Decimal(0)) / 100)
