"""Which lists of Cliniko are read for a mapping, and what is stored of each record."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from recommender.importing.cliniko.mapping_sections import ClinikoMapping
from recommender.importing.cliniko.reading import ReadRecord, SourceList, utc_text
from recommender.importing.cliniko.records import (
    ClinikoAppointment,
    ClinikoAppointmentType,
    ClinikoBillableItem,
    ClinikoBlock,
    ClinikoBusiness,
    ClinikoDailyAvailability,
    ClinikoPractitioner,
    ClinikoTypeItem,
    read_record,
)
from recommender.importing.pseudonyms import Pseudonyms

BUSINESSES = "businesses"
PRACTITIONERS, INACTIVE = "practitioners", "inactive_practitioners"
TYPES, OFFERS = "appointment_types", "offers"
HOURS, BLOCKS, APPOINTMENTS = "daily_availabilities", "unavailable_blocks", "appointments"
ITEMS, TYPE_ITEMS = "billable_items", "appointment_type_billable_items"
WITH_ARCHIVED = "archived_at:*"
WITH_CANCELLED = "cancelled_at:*"


def directory_lists() -> tuple[SourceList, ...]:
    """Businesses, practitioners and appointment types: what a mapping is about."""
    return (
        _whole(BUSINESSES, "/businesses", BUSINESSES, ClinikoBusiness),
        _whole(PRACTITIONERS, "/practitioners", PRACTITIONERS, ClinikoPractitioner),
        _whole(INACTIVE, "/practitioners/inactive", PRACTITIONERS, ClinikoPractitioner),
        _whole(TYPES, "/appointment_types", TYPES, ClinikoAppointmentType),
    )


def lists_for(
    mapping: ClinikoMapping, pseudonyms: Pseudonyms, now: datetime, *, sessions: bool
) -> tuple[SourceList, ...]:
    """The lists that the facts of a mapping need.

    Parameters
    ----------
    now
        Unavailable blocks that ended before are not read.
    sessions
        Whether appointments are read.
    """
    facts = mapping.facts
    lists = [*directory_lists()]
    if facts.hours or facts.absences or mapping.first_types:
        lists.append(_whole(HOURS, "/daily_availabilities", HOURS, ClinikoDailyAvailability))
    priced = mapping.fee_fields
    for each in dict.fromkeys((*mapping.first_types, *priced)):
        path = f"/appointment_types/{each}/practitioners"
        lists.append(SourceList(f"{OFFERS}/{each}", path, PRACTITIONERS, _offer, may_lack=True))
    if priced:
        lists.append(_whole(ITEMS, "/billable_items", ITEMS, ClinikoBillableItem))
        path = "/appointment_type_billable_items"
        lists.append(_whole(TYPE_ITEMS, path, TYPE_ITEMS, ClinikoTypeItem))
    if facts.absences:
        lists.append(
            SourceList(
                BLOCKS,
                "/unavailable_blocks",
                BLOCKS,
                _block,
                filters=(WITH_ARCHIVED,),
                full_filters=(f"ends_at:>={utc_text(now)}",),
                incremental=True,
            )
        )
    if sessions:
        first = mapping.settings.first_day
        lists.append(
            SourceList(
                APPOINTMENTS,
                "/individual_appointments",
                "individual_appointments",
                _appointment_reader(mapping, pseudonyms),
                filters=(WITH_ARCHIVED, WITH_CANCELLED),
                full_filters=() if first is None else (f"starts_at:>={first}T00:00:00Z",),
                incremental=True,
            )
        )
    return tuple(lists)


def _whole(name: str, path: str, key: str, kind: Any) -> SourceList:
    def read(record: Any) -> tuple[str, Mapping[str, Any]]:
        parsed = read_record(kind, record, key)
        return parsed.id, parsed.model_dump(mode="json", exclude={"id"})

    return SourceList(name, path, key, read)


def _offer(record: Any) -> tuple[str, Mapping[str, Any]]:
    """That a practitioner offers a type of appointment."""
    return read_record(ClinikoPractitioner, record, PRACTITIONERS).id, {}


def _block(record: Any) -> tuple[str, Mapping[str, Any] | None]:
    block = read_record(ClinikoBlock, record, BLOCKS)
    fields = {"starts_at", "ends_at", "business", "practitioner"}
    return block.id, None if block.is_gone else block.model_dump(mode="json", include=fields)


def _appointment_reader(mapping: ClinikoMapping, pseudonyms: Pseudonyms) -> ReadRecord:
    """Reads an appointment; the client's id is a pseudonym before anything is stored."""
    first = mapping.settings.first_day

    def read(record: Any) -> tuple[str, Mapping[str, Any] | None]:
        appointment = read_record(ClinikoAppointment, record, APPOINTMENTS)
        ours = mapping.practitioners.get(appointment.practitioner or "")
        early = first is not None and appointment.starts_at.date() < first
        if appointment.is_gone or appointment.patient is None or ours is None or early:
            return appointment.id, None
        body = appointment.model_dump(
            mode="json",
            include={
                *("starts_at", "practitioner", "appointment_type"),
                *("patient_arrived", "did_not_arrive"),
            },
        )
        return appointment.id, {**body, "client": pseudonyms.of("client", appointment.patient)}

    return read
