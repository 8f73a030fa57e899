"""What Cliniko holds about the practice, as read from the state: people, places, hours, prices."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from pydantic import BaseModel

from recommender.importing.cliniko.records import (
    ClinikoAppointmentType,
    ClinikoBillableItem,
    ClinikoBlock,
    ClinikoBusiness,
    ClinikoDailyAvailability,
    ClinikoPractitioner,
    ClinikoTypeItem,
)
from recommender.importing.cliniko.sources import (
    BLOCKS,
    BUSINESSES,
    HOURS,
    INACTIVE,
    ITEMS,
    OFFERS,
    PRACTITIONERS,
    TYPE_ITEMS,
    TYPES,
)
from recommender.importing.cliniko.state_file import SyncState

Kind = TypeVar("Kind", bound=BaseModel)
Interval = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class ClinikoDirectory:
    """Records by Cliniko's ids.

    Attributes
    ----------
    active, inactive
        Practitioners.
    businesses, types
        Businesses and appointment types in use.
    hours
        Daily availabilities of each practitioner.
    blocks
        Unavailable times of each practitioner by business, in UTC.
    offers
        Practitioners that offer each appointment type which is asked about.
    items
        What appointments cost.
    type_items
        The billable items of each appointment type.
    """

    active: Mapping[str, ClinikoPractitioner]
    inactive: Mapping[str, ClinikoPractitioner]
    businesses: Mapping[str, ClinikoBusiness]
    types: Mapping[str, ClinikoAppointmentType]
    hours: Mapping[str, tuple[ClinikoDailyAvailability, ...]]
    blocks: Mapping[str, Mapping[str, tuple[Interval, ...]]]
    offers: Mapping[str, frozenset[str]]
    items: Mapping[str, ClinikoBillableItem]
    type_items: Mapping[str, tuple[ClinikoTypeItem, ...]]

    def works_at(self, practitioner: str) -> tuple[str, ...]:
        """The businesses at which a practitioner has hours, by id."""
        return tuple(sorted({each.business for each in self.hours.get(practitioner, ())}))


def read_directory_of(state: SyncState) -> ClinikoDirectory:
    """The directory in a state."""
    listed = {**_records(state, PRACTITIONERS, ClinikoPractitioner)}
    inactive = _records(state, INACTIVE, ClinikoPractitioner)
    active = {
        each: one
        for each, one in listed.items()
        if one.active is not False and each not in inactive
    }
    inactive |= {each: one for each, one in listed.items() if each not in active}
    hours: dict[str, list[ClinikoDailyAvailability]] = defaultdict(list)
    for one in _records(state, HOURS, ClinikoDailyAvailability).values():
        hours[one.practitioner].append(one)
    blocks: dict[str, dict[str, list[Interval]]] = defaultdict(lambda: defaultdict(list))
    for block in _records(state, BLOCKS, ClinikoBlock).values():
        if block.practitioner is not None and block.business is not None:
            blocks[block.practitioner][block.business].append((block.starts_at, block.ends_at))
    parts: dict[str, list[ClinikoTypeItem]] = defaultdict(list)
    for item in _records(state, TYPE_ITEMS, ClinikoTypeItem).values():
        parts[item.appointment_type].append(item)
    return ClinikoDirectory(
        active=active,
        inactive=inactive,
        businesses=_records(state, BUSINESSES, ClinikoBusiness),
        types=_records(state, TYPES, ClinikoAppointmentType),
        hours={each: tuple(some) for each, some in hours.items()},
        blocks={
            each: {business: tuple(sorted(some)) for business, some in at.items()}
            for each, at in blocks.items()
        },
        offers={
            name.partition("/")[2]: frozenset(each for each, _ in state.records(name))
            for name in state.lists()
            if name.startswith(f"{OFFERS}/")
        },
        items=_records(state, ITEMS, ClinikoBillableItem),
        type_items={each: tuple(some) for each, some in parts.items()},
    )


def _records(state: SyncState, name: str, kind: type[Kind]) -> dict[str, Kind]:
    found: dict[str, Kind] = {}
    for each, body in state.records(name):
        record: dict[str, Any] = {**body, "id": each}
        found[each] = kind.model_validate(record)
    return found
