"""Reads the mapping file: which practitioner, business and type of Cliniko is which of ours.

A TOML file, checked against the practice definition; every fault is reported at once.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from recommender.errors import Fault, FaultsError, RecommenderError
from recommender.importing.cliniko.mapping_sections import (
    FEE_KIND,
    FIELD_KINDS,
    SECTIONS,
    ClinikoMapping,
    MappedBusiness,
    MappedFacts,
    MappedType,
    SyncSettings,
    zone_of,
)
from recommender.practice.definition import Practice
from recommender.practice.fields import Field
from recommender.values.ids import is_id
from recommender.values.near_names import with_near_name
from recommender.values.parsers import place
from recommender.values.toml_problem import toml_problem
from recommender.values.toml_settings import read_settings


def load_mapping(path: Path, practice: Practice) -> ClinikoMapping:
    """The mapping in a file.

    Raises
    ------
    RecommenderError
        When the file cannot be read; `FaultsError` with every fault in it.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        remedy = "check the path; `--init` writes a first mapping"
        raise RecommenderError(str(path), "cannot be read", remedy) from None
    return read_mapping(text, practice)


def read_mapping(text: str, practice: Practice) -> ClinikoMapping:
    """The mapping in a text.

    Raises
    ------
    RecommenderError
        When it is not TOML; `FaultsError` with every fault in it.
    """
    try:
        declared = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RecommenderError("mapping", *toml_problem(text, error)) from None
    remedy = f"use {', '.join(SECTIONS)}"
    faults = [
        Fault(name, "is not a section of a mapping", with_near_name(name, SECTIONS, remedy))
        for name in declared
        if name not in SECTIONS
    ]
    tables: dict[str, Mapping[str, Any]] = {}
    for name in SECTIONS:
        table = declared.get(name, {})
        if not isinstance(table, dict):
            faults.append(Fault(name, "is not a section", f"write [{name}] on a line of its own"))
            table = {}
        tables[name] = table
    settings, _, more = read_settings(SyncSettings, "cliniko", "this section", tables["cliniko"])
    facts, _, wrong = read_settings(MappedFacts, "fields", "this section", tables["fields"])
    faults += more + wrong
    practitioners, more = _practitioners(tables["practitioners"])
    businesses, wrong = _tables(MappedBusiness, "businesses", "a business", tables["businesses"])
    types, also = _tables(
        MappedType, "appointment_types", "an appointment type", tables["appointment_types"]
    )
    faults += more + wrong + also
    if settings is None or facts is None:
        raise FaultsError(faults)
    mapping = ClinikoMapping(settings, facts, practitioners, businesses, types)
    faults += [
        *_settings_faults(settings),
        *_field_faults(mapping, practice),
        *_business_faults(mapping, practice),
    ]
    if faults:
        raise FaultsError(faults)
    return mapping


def _practitioners(table: Mapping[str, Any]) -> tuple[dict[str, str], list[Fault]]:
    mapped: dict[str, str] = {}
    faults = []
    if not table:
        remedy = 'write "CLINIKO ID" = "clinician id" for each; `--init` lists them'
        faults.append(Fault("practitioners", "names nobody", remedy))
    for each, name in table.items():
        where = f"practitioners.{each}"
        if not each.isdecimal():
            faults.append(Fault(where, "is not an id of Cliniko", "write its digits in quotes"))
        elif not isinstance(name, str) or not is_id(name):
            remedy = "write the clinician_id of our table in quotes"
            faults.append(Fault(where, "does not name a clinician id", remedy))
        elif name in mapped.values():
            remedy = "map one practitioner to each clinician"
            faults.append(Fault(where, "names the clinician of another practitioner", remedy))
        else:
            mapped[each] = name
    return mapped, faults


def _tables(
    schema: Any, section: str, noun: str, tables: Mapping[str, Any]
) -> tuple[dict[str, Any], list[Fault]]:
    mapped = {}
    faults = []
    for each, table in tables.items():
        where = f"{section}.{each}"
        if not each.isdecimal():
            faults.append(Fault(where, "is not an id of Cliniko", "write its digits in quotes"))
        elif not isinstance(table, dict):
            faults.append(Fault(where, "is not a section", f'write [{section}."{each}"]'))
        else:
            instance, _, wrong = read_settings(schema, where, noun, table)
            faults += wrong
            if instance is not None:
                mapped[each] = instance
    return mapped, faults


def _settings_faults(settings: SyncSettings) -> list[Fault]:
    bounds = (
        ("caseload_days", settings.caseload_days, 1, 730),
        ("full_pass_days", settings.full_pass_days, 1, 90),
    )
    faults = [
        Fault(f"cliniko.{name}", "is out of range", f"write {low} to {high} days")
        for name, value, low, high in bounds
        if not low <= value <= high
    ]
    if settings.timezone and zone_of(settings.timezone) is None:
        remedy = "write a name such as Australia/Melbourne"
        faults.append(Fault("cliniko.timezone", "is not a time zone", remedy))
    return faults


def _field_faults(mapping: ClinikoMapping, practice: Practice) -> list[Fault]:
    facts = {
        f"fields.{fact}": (getattr(mapping.facts, fact), kinds)
        for fact, kinds in FIELD_KINDS.items()
        if getattr(mapping.facts, fact) is not None
    }
    fees = {
        f"appointment_types.{each}.fee_field": (name, FEE_KIND)
        for each, name in mapping.fee_fields.items()
    }
    faults = []
    used: dict[str, str] = {}
    for where, (name, kinds) in {**facts, **fees}.items():
        field = practice.clinician.get(name)
        if field is None or field.kind not in kinds:
            fitting = [n for n, f in practice.clinician.items() if f.kind in kinds]
            problem = (
                f"names {name}, which is no clinician's field of kind {', '.join(sorted(kinds))}"
            )
            remedy = f"use {' or '.join(fitting)}" if fitting else "leave it out"
            faults.append(Fault(where, problem, remedy))
        elif where in facts and name in used:
            faults.append(Fault(where, f"names the field of {used[name]}", "use another field"))
        used.setdefault(name, where)
    faults += _rooms_faults(mapping, practice)
    if (mapping.facts.next_available or mapping.facts.weeks_free) and not mapping.first_types:
        remedy = "write first_session = true for the types that first sessions are booked as"
        faults.append(Fault("appointment_types", "has no first session", remedy))
    return faults


def _rooms_faults(mapping: ClinikoMapping, practice: Practice) -> list[Fault]:
    hours = practice.clinician.get(mapping.facts.hours or "")
    if hours is None or hours.rooms is None or hours.rooms == mapping.facts.rooms:
        return []
    problem = f"does not name {hours.rooms}, whose rooms the hours number"
    return [Fault("fields.rooms", problem, f'write rooms = "{hours.rooms}"')]


def _business_faults(mapping: ClinikoMapping, practice: Practice) -> list[Fault]:
    rooms = practice.clinician.get(mapping.facts.rooms or "")
    hours = practice.clinician.get(mapping.facts.hours or "")
    faults = []
    for each, business in mapping.businesses.items():
        where = f"businesses.{each}"
        if business.room and rooms is not None and rooms.kind == "place":
            faults += _room_faults(f"{where}.room", business.room, rooms)
        levels = hours.levels if hours is not None else ()
        unknown = [way for way in business.ways if way not in levels]
        if unknown and hours is not None:
            remedy = f"use {', '.join(levels)}" if levels else "leave it out"
            faults.append(Fault(f"{where}.ways", "names an undeclared way of meeting", remedy))
    return faults


def _room_faults(where: str, room: str, rooms: Field) -> list[Fault]:
    try:
        one = len(place(rooms, room)) == 1
    except ValueError:
        one = False
    if one:
        return []
    remedy = "write a postcode of the definition, or latitude,longitude such as -37.81,144.96"
    return [Fault(where, "is not one place", remedy)]
