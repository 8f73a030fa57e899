"""Reads the files of a waiting list, and writes an allocation as tables."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from recommender.allocation.outcome import (
    PROMISED,
    REASON_TEXTS,
    Allocation,
    AssignedClient,
    Unplaced,
)
from recommender.allocation.terms import PROMISED_COLUMN, WaitingClient
from recommender.errors import TablesError
from recommender.practice.fields import Field
from recommender.tables.cells import check_header, plain_field, read_fields, read_ids
from recommender.tables.raw_table import read_raw_table
from recommender.values.kinds import EPOCH

LIST_FIELDS: Mapping[str, Field] = {
    "priority": plain_field("priority", "number", minimum=1),
    "weight": plain_field("weight", "number", minimum=0),
    "waiting_since": plain_field("waiting_since", "date"),
    PROMISED_COLUMN: plain_field(PROMISED_COLUMN, "ids"),
}
PLACES_FIELDS: Mapping[str, Field] = {
    "places": plain_field("places", "number", required=True, minimum=0)
}
FORMER_FIELDS: Mapping[str, Field] = {"clinician_id": plain_field("clinician_id", "ids")}
CLIENT, CLINICIAN = "client_id", "clinician_id"
UNRESOLVED = "unresolved_ids"


def read_list(path: Path) -> list[WaitingClient]:
    """The list: `client_id`, and optionally `priority`, `weight`, `waiting_since` and `told`.

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
            promised_clinician_id=_first(values[PROMISED_COLUMN][row]),
        )
        for row, client_id in enumerate(ids)
    ]


def read_places(path: Path) -> dict[str, int]:
    """Places by clinician, from columns `clinician_id` and `places`.

    Raises
    ------
    TablesError
        With every fault of the file.
    """
    ids, values = _read(path, CLINICIAN, PLACES_FIELDS)
    return {clinician_id: int(values["places"][row]) for row, clinician_id in enumerate(ids)}


def with_former_clinicians(waiting: list[WaitingClient], path: Path) -> list[WaitingClient]:
    """The list with the clinicians of an earlier allocation, a file of `write_tables`.

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
    table, faults = read_raw_table(path)
    if table is None:
        raise TablesError([fault.to_fault() for fault in faults])
    required = [name for name, field in fields.items() if field.required or others]
    known = set(table.columns) if others else set(fields)
    faults += check_header(table, (key, *required), tuple(known))
    ids, wrong = read_ids(table, key)
    read = read_fields(table, fields)
    keys = pd.DataFrame({"id": ids})
    faults += wrong + read.faults
    faults += table.repeated(key, "is there twice", "keep one row for each", keys)
    if faults:
        raise TablesError([fault.to_fault() for fault in faults])
    return ids.tolist(), read.columns.values


def _or(value: float, otherwise: float) -> float:
    return otherwise if np.isnan(value) else float(value)


def _day(value: float) -> date | None:
    return None if np.isnan(value) else date.fromordinal(EPOCH + int(value))


def _first(named: tuple[str, ...] | None) -> str | None:
    return named[0] if named else None


def clients_table(
    allocation: Allocation,
    constraint_texts: Mapping[str, str],
    unresolved: Mapping[str, Sequence[str]],
) -> pd.DataFrame:
    """Every client on the list by id: the clinician and the cost, or why there is none.

    `unresolved` has the ids in a client's answers that name nobody, by client.
    """
    rows = [_given(each) for each in allocation.assigned]
    rows += [_unplaced(each, constraint_texts) for each in allocation.unplaced]
    for row in rows:
        row[UNRESOLVED] = "; ".join(unresolved.get(row[CLIENT], ())) or None
    columns = [
        *(CLIENT, "state", CLINICIAN, "predicted_alliance", "first_choice", "points_below_first"),
        *("stands", "among", "reservations", "why", UNRESOLVED),
    ]
    table = pd.DataFrame(rows, columns=columns).sort_values(CLIENT, ignore_index=True)
    return table.astype(dict.fromkeys(("stands", "among", "reservations"), "Int64"))


def _given(each: AssignedClient) -> dict[str, Any]:
    return {
        CLIENT: each.client_id,
        "state": PROMISED if each.fixed_by == PROMISED else "given",
        CLINICIAN: each.clinician_id,
        "predicted_alliance": each.predicted,
        "first_choice": each.first_choice,
        "points_below_first": each.cost,
        "stands": each.rank,
        "among": each.choices,
        "reservations": each.reservations,
    }


def _unplaced(each: Unplaced, constraint_texts: Mapping[str, str]) -> dict[str, Any]:
    return {
        CLIENT: each.client_id,
        "state": each.reason,
        "why": reason_text(each, constraint_texts),
    }


def reason_text(each: Unplaced, constraint_texts: Mapping[str, str]) -> str:
    """Why a client has no clinician; `constraint_texts` has the text of each constraint."""
    details = [f"{r.removed} {constraint_texts[r.constraint]} ({r.removed_only_by_it} only that)"
            for r in each.removals[:3]]  # fmt: skip
    for one in each.full:
        before = ", ".join(holder.client_id for holder in one.holders)
        details.append(f"{one.clinician_id}: {'the mix is full' if one.limit_reached else before}")
    return ": ".join([REASON_TEXTS[each.reason], *(["; ".join(details)] if details else [])])


def places_table(allocation: Allocation) -> pd.DataFrame:
    """Every clinician: places, promised, assigned, left, and the value of one more if computed."""
    more = {each.clinician_id: each for each in allocation.marginal_places}
    rows = [
        {
            CLINICIAN: used.clinician_id,
            "places": used.places,
            PROMISED_COLUMN: used.promised,
            "given": used.assigned,
            "left": max(used.places - used.promised - used.assigned, 0),
            "one_more_places": worth.placed if worth else None,
            "one_more_points": worth.points if worth else None,
        }
        for used in allocation.places_used
        for worth in (more.get(used.clinician_id),)
    ]
    return pd.DataFrame(rows).astype({"one_more_places": "Int64", "one_more_points": "float64"})


def write_tables(
    allocation: Allocation,
    constraint_texts: Mapping[str, str],
    unresolved: Mapping[str, Sequence[str]],
    out: Path,
    form: str,
) -> list[Path]:
    """Writes both tables to a folder as CSV or Parquet; the paths written."""
    out.mkdir(parents=True, exist_ok=True)
    tables = {
        "allocation": clients_table(allocation, constraint_texts, unresolved),
        "places": places_table(allocation),
    }
    paths = []
    for name, table in tables.items():
        path = out / f"{name}.{form}"
        table.to_csv(path, index=False) if form == "csv" else table.to_parquet(path, index=False)
        paths.append(path)
    return paths
