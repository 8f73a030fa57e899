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
    UNFIT_PROMISE,
    Allocation,
    AssignedClient,
    Unplaced,
)
from recommender.allocation.terms import MAX_WEIGHT, PROMISED_COLUMN, WaitingClient
from recommender.practice.fields import Field
from recommender.tables.cells import fractions, implausible_dates, last_day, plain_field
from recommender.tables.raw_table import Warn, ignore_warning
from recommender.tables.side_files import read_side_file, several_named, unknown_ids
from recommender.values.kinds import EPOCH
from recommender.values.table_format import STANDARD, TableFormat

CLIENT, CLINICIAN = "client_id", "clinician_id"
LIST_FIELDS: Mapping[str, Field] = {
    "priority": plain_field("priority", "scale", minimum=1),
    "weight": plain_field("weight", "number", minimum=0, maximum=MAX_WEIGHT),
    "waiting_since": plain_field("waiting_since", "date"),
    PROMISED_COLUMN: plain_field(PROMISED_COLUMN, "ids"),
}
PLACES_FIELDS: Mapping[str, Field] = {
    "places": plain_field("places", "scale", required=True, minimum=0)
}
FORMER_FIELDS: Mapping[str, Field] = {CLINICIAN: plain_field(CLINICIAN, "ids")}
UNRESOLVED = "unresolved_ids"
RESULT_COLUMNS = (
    *(CLIENT, "state", CLINICIAN, "predicted_alliance", "first_choice", "points_below_first"),
    *("stands", "among", "reservations", "why", UNRESOLVED),
)
"""Columns of the allocation that `write_tables` writes."""


def read_list(
    path: Path,
    client_ids: Sequence[str],
    clinician_ids: Sequence[str],
    day: date,
    written: TableFormat = STANDARD,
    warn: Warn = ignore_warning,
) -> list[WaitingClient]:
    """The list: `client_id`, and optionally `priority`, `weight`, `waiting_since` and `told`.

    Parameters
    ----------
    path
        The file.
    client_ids, clinician_ids
        Clients whose answers are known, and the roster.
    day
        Today in the practice's time zone: nobody has waited since a later day.
    written
        How dates and numbers are written.
    warn
        Called with each warning.

    Raises
    ------
    TablesError
        With every fault of the file.
    """
    side = read_side_file(path, CLIENT, LIST_FIELDS, written)
    values, table = side.values, side.table
    faults = side.faults
    faults += fractions(table, "priority", values["priority"])
    faults += table.faults("weight", "is 0", "give a weight above 0", values["weight"] == 0)
    faults += implausible_dates(table, "waiting_since", values["waiting_since"], last_day(day))
    faults += several_named(side, PROMISED_COLUMN, "name the one who was promised, like k012")
    remedy = "fix it, or leave it empty so that another clinician is assigned"
    faults += unknown_ids(
        table,
        PROMISED_COLUMN,
        values[PROMISED_COLUMN],
        clinician_ids,
        "is not on the roster",
        remedy,
    )
    remedy = "add the answers, or take the client off the list"
    problem = "has no answers in the clients table"
    faults += unknown_ids(table, CLIENT, side.ids, client_ids, problem, remedy)
    return [
        WaitingClient(
            client_id,
            priority=int(_or(values["priority"][row], 1.0)),
            weight=_or(values["weight"][row], 1.0),
            waiting_since=_day(values["waiting_since"][row]),
            promised_clinician_id=_named(values[PROMISED_COLUMN][row]),
        )
        for row, client_id in enumerate(side.accept(warn))
    ]


def read_places(
    path: Path,
    clinician_ids: Sequence[str],
    written: TableFormat = STANDARD,
    warn: Warn = ignore_warning,
) -> dict[str, int]:
    """Places by clinician, from columns `clinician_id` and `places`; parameters as `read_list`.

    Raises
    ------
    TablesError
        With every fault of the file.
    """
    side = read_side_file(path, CLINICIAN, PLACES_FIELDS, written)
    side.faults.extend(fractions(side.table, "places", side.values["places"]))
    remedy = "fix the id, or remove the row"
    side.faults.extend(
        unknown_ids(side.table, CLINICIAN, side.ids, clinician_ids, "is not on the roster", remedy)
    )
    ids = side.accept(warn)
    return {clinician_id: int(side.values["places"][row]) for row, clinician_id in enumerate(ids)}


def with_former_clinicians(
    waiting: list[WaitingClient],
    path: Path,
    written: TableFormat = STANDARD,
    warn: Warn = ignore_warning,
) -> list[WaitingClient]:
    """The list with the clinicians of an earlier allocation, a file of `write_tables`.

    Raises
    ------
    TablesError
        With every fault of the file.
    """
    side = read_side_file(
        path, CLIENT, FORMER_FIELDS, written, may_be_empty=(CLINICIAN,), ignored=RESULT_COLUMNS
    )
    side.faults.extend(several_named(side, CLINICIAN, "name the one who was assigned"))
    named = map(_named, side.values[CLINICIAN])
    former = dict(zip(side.accept(warn), named, strict=True))
    return [replace(each, former_clinician_id=former.get(each.client_id)) for each in waiting]


def _or(value: float, otherwise: float) -> float:
    return otherwise if np.isnan(value) else float(value)


def _day(value: float) -> date | None:
    return None if np.isnan(value) else date.fromordinal(EPOCH + int(value))


def _named(one: tuple[str, ...] | None) -> str | None:
    """The one named; a file in which several are named is not accepted."""
    return one[0] if one else None


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
    table = pd.DataFrame(rows, columns=list(RESULT_COLUMNS)).sort_values(CLIENT, ignore_index=True)
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
        "why": None if each.eligible else UNFIT_PROMISE,
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
            "left": used.left,
            "one_more_places": worth.placed if worth else None,
            "one_more_points": worth.points if worth else None,
        }
        for used in allocation.places_used
        for worth in (more.get(used.clinician_id),)
    ]
    types = {"places": "Int64", "left": "Int64"}
    types |= {"one_more_places": "Int64", "one_more_points": "float64"}
    return pd.DataFrame(rows).astype(types)


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
