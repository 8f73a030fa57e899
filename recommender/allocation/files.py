"""A list as a practice keeps it in files, and an allocation as tables to work from.

Imported by the command.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from recommender.allocation.outcome import REASON_TEXTS, Allocation, AssignedClient, Unplaced
from recommender.allocation.terms import WaitingClient
from recommender.errors import TablesError
from recommender.practice.fields import Field
from recommender.tables.cells import check_header, plain_field, read_fields, read_ids
from recommender.tables.raw_table import RawTable, read_raw_table
from recommender.values.kinds import EPOCH

LIST_FIELDS: Mapping[str, Field] = {
    "priority": plain_field("priority", "number", minimum=1),
    "weight": plain_field("weight", "number", minimum=0),
    "waiting_since": plain_field("waiting_since", "date"),
    "told": plain_field("told", "ids"),
}
PLACES_FIELDS: Mapping[str, Field] = {
    "places": plain_field("places", "number", required=True, minimum=0)
}
FORMER_FIELDS: Mapping[str, Field] = {"clinician_id": plain_field("clinician_id", "ids")}
CLIENT, CLINICIAN = "client_id", "clinician_id"


def read_list(path: Path) -> list[WaitingClient]:
    """The list: `client_id`, and where there are any `priority`, `weight`, `waiting_since`, `told`.

    Raises
    ------
    TablesError
        With every fault of the file.
    """
    ids, values = _read(path, CLIENT, LIST_FIELDS)
    return [
        WaitingClient(
            client_id,
            priority=int(_or(values["priority"][row], 1.0)),
            weight=_or(values["weight"][row], 1.0),
            waiting_since=_day(values["waiting_since"][row]),
            promised_clinician_id=_first(values["told"][row]),
        )
        for row, client_id in enumerate(ids)
    ]


def read_places(path: Path) -> dict[str, int]:
    """Places by clinician: `clinician_id`, `places`.

    Raises
    ------
    TablesError
        With every fault of the file.
    """
    ids, values = _read(path, CLINICIAN, PLACES_FIELDS)
    return {clinician_id: int(values["places"][row]) for row, clinician_id in enumerate(ids)}


def with_former_clinicians(waiting: list[WaitingClient], path: Path) -> list[WaitingClient]:
    """The list with whom each was given in an earlier allocation: its file, as written here.

    Raises
    ------
    TablesError
        With every fault of the file.
    """
    ids, values = _read(path, CLIENT, FORMER_FIELDS, others=True)
    former = {client_id: _first(values[CLINICIAN][row]) for row, client_id in enumerate(ids)}
    return [replace(each, former_clinician_id=former.get(each.client_id)) for each in waiting]


def _read(
    path: Path, key: str, fields: Mapping[str, Field], *, others: bool = False
) -> tuple[list[str], Mapping[str, Any]]:
    sheet, faults = read_raw_table(path)
    if sheet is None:
        raise TablesError([fault.to_fault() for fault in faults])
    required = [name for name, field in fields.items() if field.required or others]
    known = set(sheet.columns) if others else set(fields)
    faults += check_header(sheet, (key, *required), tuple(known))
    ids, wrong = read_ids(sheet, key)
    read = read_fields(sheet, fields)
    faults += wrong + read.faults + _twice(sheet, key, ids)
    if faults:
        raise TablesError([fault.to_fault() for fault in faults])
    return ids.tolist(), read.columns.values


def _twice(sheet: RawTable, key: str, ids: Any) -> list[Any]:
    remedy = "keep one row for each"
    return sheet.repeated(key, "is there twice", remedy, pd.DataFrame({"id": ids}))


def _or(value: float, otherwise: float) -> float:
    return otherwise if np.isnan(value) else float(value)


def _day(value: float) -> date | None:
    return None if np.isnan(value) else date.fromordinal(EPOCH + int(value))


def _first(named: tuple[str, ...] | None) -> str | None:
    return named[0] if named else None


def clients_table(found: Allocation, says: Mapping[str, str]) -> pd.DataFrame:
    """Everyone on the list, by client id: whom they are given and at what cost, or why nobody."""
    rows = [_given(each) for each in found.assigned]
    rows += [_unplaced(each, says) for each in found.unplaced]
    columns = [
        *(CLIENT, "state", CLINICIAN, "predicted_alliance", "first_choice", "points_below_first"),
        *("stands", "among", "reservations", "why"),
    ]
    table = pd.DataFrame(rows, columns=columns).sort_values(CLIENT, ignore_index=True)
    return table.astype(dict.fromkeys(("stands", "among", "reservations"), "Int64"))


def _given(each: AssignedClient) -> dict[str, Any]:
    return {
        CLIENT: each.client_id,
        "state": "told" if each.fixed_by == "told" else "given",
        CLINICIAN: each.clinician_id,
        "predicted_alliance": each.predicted,
        "first_choice": each.first_choice,
        "points_below_first": each.cost,
        "stands": each.rank,
        "among": each.choices,
        "reservations": each.reservations,
    }


def _unplaced(each: Unplaced, says: Mapping[str, str]) -> dict[str, Any]:
    return {CLIENT: each.client_id, "state": each.reason, "why": reason_text(each, says)}


def reason_text(each: Unplaced, says: Mapping[str, str]) -> str:
    """Why a client is given nobody, in words; `says` is what staff say of each constraint."""
    details = [f"{r.removed} {says[r.constraint]} ({r.removed_only_by_it} only that)"
            for r in each.removals[:3]]  # fmt: skip
    for one in each.full:
        before = ", ".join(holder.client_id for holder in one.holders)
        details.append(f"{one.clinician_id}: {'the mix is full' if one.limit_reached else before}")
    return ": ".join([REASON_TEXTS[each.reason], *(["; ".join(details)] if details else [])])


def places_table(found: Allocation) -> pd.DataFrame:
    """Every clinician: places, promised, given, left, and what one more would be worth if asked."""
    more = {each.clinician_id: each for each in found.marginal_places}
    rows = [
        {
            CLINICIAN: seat.clinician_id,
            "places": seat.places,
            "told": seat.promised,
            "given": seat.assigned,
            "left": max(seat.places - seat.promised - seat.assigned, 0),
            "one_more_places": worth.placed if worth else None,
            "one_more_points": worth.points if worth else None,
        }
        for seat in found.places_used
        for worth in (more.get(seat.clinician_id),)
    ]
    return pd.DataFrame(rows).astype({"one_more_places": "Int64", "one_more_points": "float64"})


def write_tables(found: Allocation, says: Mapping[str, str], out: Path, form: str) -> list[Path]:
    """Writes both tables as CSV or Parquet and gives their files."""
    out.mkdir(parents=True, exist_ok=True)
    tables = {"allocation": clients_table(found, says), "places": places_table(found)}
    paths = []
    for name, table in tables.items():
        path = out / f"{name}.{form}"
        table.to_csv(path, index=False) if form == "csv" else table.to_parquet(path, index=False)
        paths.append(path)
    return paths
