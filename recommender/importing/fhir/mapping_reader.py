"""Reads a mapping from its TOML file and checks it against a practice definition."""

import tomllib
from collections.abc import Iterable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from recommender.alliance.instruments import ITEM_METRICS
from recommender.errors import DefinitionError, Fault
from recommender.importing.fhir.clinician_cells import CELLS
from recommender.importing.fhir.clinician_codes import CODED, EXTENSIONS, is_coded
from recommender.importing.fhir.concepts import SEPARATOR
from recommender.importing.fhir.mapping import (
    SCHEMAS,
    ClientSettings,
    ClinicianColumn,
    FhirMapping,
    IntakeItem,
    RatingForm,
    RosterSettings,
)
from recommender.practice.definition import Practice
from recommender.practice.fields import Field
from recommender.values.near_names import with_near_name
from recommender.values.toml_problem import toml_problem
from recommender.values.toml_settings import read_settings

SHIPPED = "au_base"
SECTIONS = (
    *("mapping", "systems", "ids", "roster", "clinicians", "clients", "intake", "ratings"),
    "pairing",
)
CODED_KINDS = frozenset({"category", "ordinal", "tags", "flag"})
"""Kinds of field that codes fill."""


def load_mapping(path: Path | None, practice: Practice) -> FhirMapping:
    """The mapping in a file, checked against a practice; the shipped one without a file.

    What the shipped mapping reads and the practice does not declare is dropped; of a file of the
    practice's own it is a fault.

    Raises
    ------
    DefinitionError
        With every fault: path in the file, what is wrong, how to fix it.
    """
    if path is None:
        return read_mapping(shipped_mapping(), practice, lenient=True)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        remedy = "check the path, or leave --mapping out"
        raise DefinitionError([Fault(str(path), "does not exist", remedy)]) from None
    except (OSError, UnicodeDecodeError):
        remedy = "name a readable UTF-8 TOML file, or leave --mapping out"
        raise DefinitionError([Fault(str(path), "cannot be read", remedy)]) from None
    return read_mapping(text, practice)


def shipped_mapping() -> str:
    """The text of the mapping that ships, to be copied and edited."""
    return (files("recommender") / f"importing/fhir/shipped/{SHIPPED}.toml").read_text("utf-8")


def read_mapping(text: str, practice: Practice, *, lenient: bool = False) -> FhirMapping:
    """A checked mapping from its text; see `load_mapping`."""
    try:
        declared = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise DefinitionError([Fault("mapping", *toml_problem(text, error))]) from None
    tables, faults = _tables_of(declared)
    systems = {k: v for k, v in tables["systems"].items() if isinstance(v, str) and v.strip()}
    if len(systems) != len(tables["systems"]):
        remedy = 'write each as name = "http://…"'
        faults.append(Fault("systems", "has an address that is not text", remedy))
    sections: dict[str, Any] = {}
    for name, schema in SCHEMAS.items():
        read, _, wrong = read_settings(schema, name, f"the section {name}", tables[name])
        sections[name] = read or schema()
        faults += wrong
    faults += _wrong_age_field(sections["clients"], practice, lenient=lenient)
    clinicians, clinician_faults, dropped = _clinician_columns(
        tables["clinicians"], practice, systems, lenient=lenient
    )
    intake, intake_faults = _intake_forms(tables["intake"], practice, systems)
    ratings, rating_faults = _rating_forms(tables["ratings"], practice, systems)
    faults += clinician_faults + intake_faults + rating_faults
    if faults:
        raise DefinitionError(sorted(set(faults)))
    roster: RosterSettings = sections["roster"]
    codes = tuple(_spelled_out(code, systems) for code in roster.codes)
    return FhirMapping(
        title=sections["mapping"].title,
        forms=sections["mapping"].forms,
        ids=sections["ids"],
        roster=RosterSettings(roster.professions, codes, roster.registration_system),
        pairing=sections["pairing"],
        clients=sections["clients"],
        clinicians=clinicians,
        intake=intake,
        ratings=ratings,
        dropped=tuple(dropped),
    )


def _wrong_age_field(
    clients: ClientSettings, practice: Practice, *, lenient: bool
) -> Iterable[Fault]:
    known = practice.client.get(clients.age_field)
    if clients.age_field and not lenient and (known is None or known.kind != "number"):
        remedy = 'name a number of clients, or write ""'
        yield Fault("clients.age_field", "is not a number of clients", remedy)


def _tables_of(declared: Mapping[str, Any]) -> tuple[dict[str, Mapping[str, Any]], list[Fault]]:
    """The sections, each a table, and the faults of others."""
    remedy = f"use one of {', '.join(SECTIONS)}"
    faults = [
        Fault(name, "is not a section of a mapping", with_near_name(name, SECTIONS, remedy))
        for name in declared
        if name not in SECTIONS
    ]
    tables: dict[str, Mapping[str, Any]] = {}
    for name in SECTIONS:
        table = declared.get(name, {})
        if not isinstance(table, Mapping):
            faults.append(Fault(name, "is not a table", f"write it as [{name}]"))
            table = {}
        tables[name] = table
    return tables, faults


def _named_tables(
    where: str, table: Mapping[str, Any]
) -> tuple[dict[str, Mapping[str, Any]], list[Fault]]:
    found = {name: each for name, each in table.items() if isinstance(each, Mapping)}
    faults = [
        Fault(f"{where}.{name}", "is not a table", f'write it as [{where}."{name}"]')
        for name in table
        if name not in found
    ]
    return found, faults


def _spelled_out(code: str, systems: Mapping[str, str]) -> str:
    """A code with the address of its system in place of the short name.

    >>> _spelled_out("sct|310191001", {"sct": "http://snomed.info/sct"})
    'http://snomed.info/sct|310191001'
    """
    system, separator, rest = code.partition(SEPARATOR)
    return f"{systems.get(system, system)}{separator}{rest}"


def _codes_of(codes: Mapping[str, str], systems: Mapping[str, str]) -> dict[str, str]:
    return {_spelled_out(code, systems): level for code, level in codes.items()}


def _clinician_columns(
    table: Mapping[str, Any], practice: Practice, systems: Mapping[str, str], *, lenient: bool
) -> tuple[dict[str, ClinicianColumn], list[Fault], list[str]]:
    tables, faults = _named_tables("clinicians", table)
    columns: dict[str, ClinicianColumn] = {}
    dropped: list[str] = []
    for name, settings in tables.items():
        where = f"clinicians.{name}"
        column, _, wrong = read_settings(ClinicianColumn, where, "a column", settings)
        known = practice.clinician.get(name)
        if known is None and lenient:
            dropped.append(where)
            continue
        faults += wrong
        if known is None:
            remedy = "declare it in the practice definition, or fix the name"
            remedy = with_near_name(name, practice.clinician, remedy)
            faults.append(Fault(where, "is not a field of clinicians", remedy))
        elif column is not None:
            codes = _codes_of(column.codes, systems)
            if lenient:
                lost = sorted({v for v in codes.values() if not _is_level(known, v)})
                dropped += [f"{where}: {level}" for level in lost]
                codes = {code: level for code, level in codes.items() if level not in lost}
            column = ClinicianColumn(column.sources, codes, column.value)
            faults += list(_wrong_column(where, column, known))
            columns[name] = column
    return columns, faults, dropped


def _wrong_column(where: str, column: ClinicianColumn, known: Field) -> Iterable[Fault]:
    if bool(column.sources) == (column.value is not None):
        yield Fault(where, "has neither or both of sources and value", "write one of the two")
    for source in column.sources:
        kinds = CODED_KINDS if is_coded(source) else CELLS.get(source, (None, None))[0]
        if kinds is None:
            known_sources = ", ".join((*CODED, *CELLS, *(f"{each}URL" for each in EXTENSIONS)))
            yield Fault(f"{where}.sources", "names an unknown source", f"use {known_sources}")
        elif known.kind not in kinds:
            remedy = f"read it into a field of kind {' or '.join(sorted(kinds))}"
            problem = f"cannot fill a field of kind {known.kind} from {source}"
            yield Fault(f"{where}.sources", problem, remedy)
    yield from _wrong_levels(where, column.codes, known)


def _wrong_levels(where: str, codes: Mapping[str, str], known: Field) -> Iterable[Fault]:
    lost = sorted({level for level in codes.values() if not _is_level(known, level)})
    if lost:
        levels = known.levels or ("true", "false")
        remedy = f"choose from {', '.join(levels)}"
        yield Fault(f"{where}.codes", f"has no level called {', '.join(lost)}", remedy)


def _is_level(known: Field, level: str) -> bool:
    return level in known.levels or (known.kind == "flag" and level in ("true", "false"))


def _intake_forms(
    table: Mapping[str, Any], practice: Practice, systems: Mapping[str, str]
) -> tuple[dict[str, dict[str, IntakeItem]], list[Fault]]:
    forms, faults = _named_tables("intake", table)
    found: dict[str, dict[str, IntakeItem]] = {}
    asked = practice.fields("client", "score", "filter")
    for url, form in forms.items():
        tables, wrong = _named_tables(f'intake."{url}"', form)
        faults += wrong
        found[url] = {}
        for name, settings in tables.items():
            where = f'intake."{url}".{name}'
            item, _, wrong = read_settings(IntakeItem, where, "an item", settings)
            faults += wrong
            known = asked.get(name)
            if known is None:
                remedy = "name a field of clients; fields for audit are not imported"
                remedy = with_near_name(name, asked, remedy)
                faults.append(Fault(where, "is not a field that clients are asked for", remedy))
            elif item is not None:
                codes = _codes_of(item.codes, systems)
                faults += list(_wrong_levels(where, codes, known)) if codes else []
                found[url][name] = IntakeItem(item.link, codes)
    return found, faults


def _rating_forms(
    table: Mapping[str, Any], practice: Practice, systems: Mapping[str, str]
) -> tuple[dict[str, RatingForm], list[Fault]]:
    tables, faults = _named_tables("ratings", table)
    forms: dict[str, RatingForm] = {}
    for url, settings in tables.items():
        where = f'ratings."{url}"'
        form, _, wrong = read_settings(RatingForm, where, "a form", settings)
        faults += wrong
        if form is None:
            continue
        faults += list(_wrong_form(where, form, practice))
        values = {_spelled_out(code, systems): value for code, value in form.values.items()}
        forms[url] = RatingForm(
            form.instrument, form.metric, form.rater, form.score, form.items, form.session, values
        )
    return forms, faults


def _wrong_form(where: str, form: RatingForm, practice: Practice) -> Iterable[Fault]:
    instrument = practice.instruments.get(form.instrument)
    if instrument is None:
        remedy = f"use one of {', '.join(practice.instruments)}"
        yield Fault(f"{where}.instrument", "is not an accepted instrument", remedy)
        return
    if form.metric not in ITEM_METRICS:
        if not form.score or form.items:
            remedy = "name the link id of the total in score, and no items"
            yield Fault(f"{where}.score", f"does not fit the metric {form.metric}", remedy)
    elif form.score or len(set(form.items)) != instrument.items:
        remedy = f"name {instrument.items} different link ids in items, and no score"
        yield Fault(f"{where}.items", f"do not fit {form.instrument}", remedy)
    elif not instrument.accepts_items:
        remedy = "import its totals"
        yield Fault(f"{where}.metric", f"{form.instrument} is not read by items", remedy)
