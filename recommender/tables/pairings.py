"""Pairings of a practice: which client began with which clinician, and when.

Imported by `ratings` and `tables`.
"""

from collections.abc import Sequence
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recommender.tables.cells import check_header, plain_field, read_fields, read_ids
from recommender.tables.raw_table import RawTable, TableFault
from recommender.values.kinds import EPOCH

CHANCE = "propensity"
"""Probability with which a lot put the clinician where they stood when they were chosen."""
FIELDS = {
    field.name: field
    for field in (
        plain_field("started_on", "date", required=True),
        plain_field("sessions", "number", least=0),
        plain_field("ended_on", "date"),
        plain_field(CHANCE, "number", least=0, most=1),
    )
}
IDS = ("pairing_id", "client_id", "clinician_id")
YEARS = (1900, 2199)
"""Dates beside these years are slips of the hand, such as 0206 for 2026."""
BOOKED_AHEAD = 366
"""Days after today by which a pairing may be said to begin."""

Days = NDArray[np.float64]


def read_pairings(
    sheet: RawTable,
    client_ids: Sequence[str] | None,
    clinician_ids: Sequence[str] | None,
    today: date | None,
) -> tuple[pd.DataFrame, list[TableFault]]:
    """Pairings in the order of the file, and what is wrong with them.

    Columns: pairing_id, client and clinician (places among the given ids, -1 when not there),
    started_on, sessions, ended_on, propensity, line. What cannot be read is missing. Links are not
    checked against ids that are None, as their own file could not be read.
    """
    faults = check_header(sheet, (*IDS, "started_on"), ("sessions", "ended_on", CHANCE))
    ids = {}
    for name in IDS:
        ids[name], more = read_ids(sheet, name)
        faults += more
    read = read_fields(sheet, FIELDS)
    days = {name: read.columns[name] for name in ("started_on", "ended_on")}
    faults += read.faults + whole_numbers(sheet, "sessions", read.columns["sessions"])
    faults += sheet.faults(
        CHANCE, "is 0", "leave it out where no lot was drawn", read.columns[CHANCE] == 0
    )
    faults += _dates(sheet, days["started_on"], days["ended_on"], today)
    places = {}
    for name, known in (("client_id", client_ids), ("clinician_id", clinician_ids)):
        places[name], more = check_references(sheet, name, ids[name], known)
        faults += more
    faults += _repeated(sheet, ids, days["started_on"])
    frame = pd.DataFrame(
        {
            "pairing_id": pd.Series(ids["pairing_id"], dtype="str"),
            "client": places["client_id"],
            "clinician": places["clinician_id"],
            "started_on": as_dates(days["started_on"]),
            "sessions": read.columns["sessions"],
            "ended_on": as_dates(days["ended_on"]),
            CHANCE: read.columns[CHANCE],
            "line": sheet.lines,
        }
    )
    return frame, faults


def as_dates(days: Days) -> NDArray[np.datetime64]:
    """Days since 1970-01-01 as dates, NaN as not a time."""
    dates = np.full(len(days), np.datetime64("NaT"), dtype="datetime64[s]")
    known = ~np.isnan(days)
    dates[known] = days[known].astype(np.int64).astype("datetime64[D]")
    return dates


def whole_numbers(sheet: RawTable, column: str, values: NDArray[np.float64]) -> list[TableFault]:
    """Faults of counts that are not whole."""
    broken = np.nan_to_num(values) % 1 != 0
    return sheet.faults(column, "is not a whole number", "write it like 4", broken)


def check_references(
    sheet: RawTable, column: str, ids: NDArray[np.object_], known: Sequence[str] | None
) -> tuple[NDArray[np.intp], list[TableFault]]:
    """Places of ids among those known, -1 when not there, and faults of those not there."""
    listed = pd.Index(np.array(known or (), dtype=object))
    places = listed.get_indexer(pd.Index(ids))
    if known is None:
        return places, []
    table = f"{column.removesuffix('_id')}s"
    lost = (places < 0) & ~pd.isna(ids)
    remedy = f"add it to {table}, or remove the row"
    return places, sheet.faults(column, f"is not among the {table}", remedy, lost)


def check_plausible(sheet: RawTable, column: str, days: Days, latest: float) -> list[TableFault]:
    """Faults of dates in a year nobody means, and of dates after the latest day."""
    first, last = (date(year, 1, 1).toordinal() - EPOCH for year in (YEARS[0], YEARS[1] + 1))
    strange = (days < first) | (days >= last)
    remedy = "check the year"
    faults = sheet.faults(column, f"lies outside {YEARS[0]} to {YEARS[1]}", remedy, strange)
    late = (days > latest) & ~strange
    return faults + sheet.faults(column, "lies in the future", "check the date", late)


def last_day(today: date | None) -> float:
    """Today as a day since 1970-01-01; without end when no day is given."""
    return np.inf if today is None else float(today.toordinal() - EPOCH)


def _dates(sheet: RawTable, started: Days, ended: Days, today: date | None) -> list[TableFault]:
    faults = check_plausible(sheet, "started_on", started, last_day(today) + BOOKED_AHEAD)
    faults += check_plausible(sheet, "ended_on", ended, last_day(today))
    remedy = "check both dates"
    return faults + sheet.faults("ended_on", "is before started_on", remedy, ended < started)


def _repeated(
    sheet: RawTable, ids: dict[str, NDArray[np.object_]], started: Days
) -> list[TableFault]:
    remedy = "keep one row for each pairing"
    keys = pd.DataFrame(ids)
    faults = sheet.repeated("pairing_id", "is there twice", remedy, keys[["pairing_id"]])
    same = keys[["client_id", "clinician_id"]].assign(started_on=started)
    problem = "has the client, clinician and start of an earlier pairing"
    # A row told as a repeated id is not told again.
    same = same.mask(keys["pairing_id"].duplicated())
    return faults + sheet.repeated("pairing_id", problem, remedy, same)
