"""Pairings of a practice: which client began with which clinician, and when.

Imported by `ratings` and `tables`.
"""

from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recommender.alliance.instruments import METRICS, TOTAL_METRICS, Instrument
from recommender.practice.fields import Field
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


RATERS = ("client", "clinician")
RATING_COLUMNS = ("pairing_id", "session", "rated_on", "instrument", "rater", "metric")


def read_ratings(
    sheet: RawTable,
    pairings: pd.DataFrame | None,
    instruments: Mapping[str, Instrument],
    today: date | None,
) -> tuple[pd.DataFrame, list[TableFault]]:
    """Ratings in the order of the file, and what is wrong with them.

    Columns: pairing_id, session, rated_on, known_on (rated_on where not given), instrument, rater,
    metric, score, item_1.. as far as the file has them, line. What cannot be read is missing.
    Links are not checked against pairings that are None, as their own file could not be read.
    """
    items = _item_columns(sheet, instruments)
    faults = check_header(sheet, (*RATING_COLUMNS, *([] if items else ["score"])), _optional(items))
    ids, more = read_ids(sheet, "pairing_id")
    fields = _rating_fields(items, instruments)
    read = read_fields(sheet, fields)
    faults += more + read.faults
    values = {name: read.columns[name] for name in fields}
    frame = pd.DataFrame({"pairing_id": pd.Series(ids, dtype="str")})
    for name, field in fields.items():
        frame[name] = _named(values[name], field) if field.levels else values[name]
    faults += whole_numbers(sheet, "session", values["session"])
    faults += _links(sheet, frame, ids, pairings)
    faults += _rating_date_faults(sheet, values["rated_on"], values["known_on"], today)
    faults += _repeated_ratings(sheet, frame)
    for instrument in instruments.values():
        of_form = frame["instrument"].eq(instrument.name).to_numpy(dtype=np.bool_)
        faults += _totals(sheet, frame, instrument, of_form, items)
        faults += _items(sheet, frame, instrument, of_form, items)
    known = np.where(np.isnan(values["known_on"]), values["rated_on"], values["known_on"])
    frame["rated_on"], frame["known_on"] = as_dates(values["rated_on"]), as_dates(known)
    frame["line"] = sheet.lines
    return frame, faults


def _item_columns(sheet: RawTable, instruments: Mapping[str, Instrument]) -> list[str]:
    """The item columns a file has, in the order of their numbers."""
    most = max((instrument.items for instrument in instruments.values()), default=0)
    names = (f"item_{number}" for number in range(1, most + 1))
    return [name for name in names if name in sheet.columns]


def _optional(items: list[str]) -> tuple[str, ...]:
    return ("known_on", "score", *items)


def _rating_fields(items: list[str], instruments: Mapping[str, Instrument]) -> dict[str, Field]:
    fields = (
        plain_field("session", "number", required=True, least=1),
        plain_field("rated_on", "date", required=True),
        plain_field("known_on", "date"),
        plain_field("instrument", "category", required=True, levels=tuple(instruments)),
        plain_field("rater", "category", required=True, levels=RATERS),
        plain_field("metric", "category", required=True, levels=METRICS),
        plain_field("score", "number"),
        *(plain_field(name, "number") for name in items),
    )
    return {field.name: field for field in fields}


def _named(codes: NDArray[np.float64], field: Field) -> "pd.Series[str]":
    known = ~np.isnan(codes)
    names = np.full(len(codes), None, dtype=object)
    names[known] = np.array(field.levels, dtype=object)[codes[known].astype(np.intp)]
    return pd.Series(names, dtype="str")


def _links(
    sheet: RawTable,
    frame: pd.DataFrame,
    ids: NDArray[np.object_],
    pairings: pd.DataFrame | None,
) -> list[TableFault]:
    if pairings is None:
        return []
    known = pairings.dropna(subset=["pairing_id"]).drop_duplicates("pairing_id")
    places, faults = check_references(sheet, "pairing_id", ids, known["pairing_id"].tolist())
    started = known["started_on"].to_numpy(dtype="datetime64[s]")
    rated = as_dates(frame["rated_on"].to_numpy(dtype=np.float64))
    early = np.zeros(len(frame), dtype=np.bool_)
    early[places >= 0] = rated[places >= 0] < started[places[places >= 0]]
    remedy = "check it, and the pairing's started_on"
    return faults + sheet.faults("rated_on", "is before the pairing started", remedy, early)


def _rating_date_faults(
    sheet: RawTable, rated: NDArray[np.float64], known: NDArray[np.float64], today: date | None
) -> list[TableFault]:
    faults = check_plausible(sheet, "rated_on", rated, last_day(today))
    faults += check_plausible(sheet, "known_on", known, last_day(today))
    return faults + sheet.faults(
        "known_on", "is before rated_on", "check both dates", known < rated
    )


def _repeated_ratings(sheet: RawTable, frame: pd.DataFrame) -> list[TableFault]:
    keys = frame[["pairing_id", "session", "rater", "instrument"]]
    problem = "was rated before by the same rater on the same instrument"
    return sheet.repeated("session", problem, "keep one rating of each session", keys)


def _totals(
    sheet: RawTable,
    frame: pd.DataFrame,
    instrument: Instrument,
    of_form: NDArray[np.bool_],
    items: list[str],
) -> list[TableFault]:
    """Totals that are not there, lie beside the scale, or stand beside item answers."""
    faults = []
    empty = sheet.column("score").empty()
    score = frame["score"].to_numpy(dtype=np.float64)
    for metric in TOTAL_METRICS:
        rows = of_form & frame["metric"].eq(metric).to_numpy(dtype=np.bool_)
        low, high = instrument.bounds(metric)
        beside = rows & ((score < low) | (score > high))
        problem = f"lies outside the range of {instrument.name} as {metric}"
        faults += sheet.faults("score", problem, f"give {low:g} to {high:g}", beside)
        remedy = f"give the {metric}, or remove the row"
        faults += sheet.faults("score", "is empty", remedy, rows & empty)
        for name in items:
            lost = rows & ~sheet.column(name).empty()
            remedy = "set metric to items and leave score empty, or leave the items empty"
            faults += sheet.faults(name, "stands beside a total and would be lost", remedy, lost)
    return faults


def _items(
    sheet: RawTable,
    frame: pd.DataFrame,
    instrument: Instrument,
    of_form: NDArray[np.bool_],
    items: list[str],
) -> list[TableFault]:
    """Item answers that the instrument does not take, or that lie beside its responses."""
    rows = of_form & frame["metric"].eq("items").to_numpy(dtype=np.bool_)
    if not rows.any():
        return []
    beside = rows & ~sheet.column("score").empty()
    remedy = "leave it empty; the score is worked out from the items"
    faults = sheet.faults("score", "stands beside item answers and would be lost", remedy, beside)
    if not instrument.accepts_items:
        problem = f"is items, but {instrument.name} takes totals only"
        faults += sheet.faults("metric", problem, "give its sum or mean", rows)
    for number in range(1, instrument.items + 1):
        name = f"item_{number}"
        if name not in items:
            remedy = f"{instrument.name} needs item_1 to item_{instrument.items}"
            faults.append(TableFault(sheet.file, name, "is missing", remedy))
            continue
        answers = frame[name].to_numpy(dtype=np.float64)
        wrong = rows & _off_scale(instrument, answers)
        problem = f"is not a response of {instrument.name}"
        remedy = f"give {instrument.min:g} to {instrument.max:g} in steps of {instrument.step:g}"
        faults += sheet.faults(name, problem, remedy, wrong)
    for name in (n for n in items if int(n.removeprefix("item_")) > instrument.items):
        lost = rows & ~sheet.column(name).empty()
        problem = f"is not an item of {instrument.name} and would be lost"
        faults += sheet.faults(name, problem, "leave it empty", lost)
    return faults


def _off_scale(instrument: Instrument, answers: NDArray[np.float64]) -> NDArray[np.bool_]:
    beside = (answers < instrument.min) | (answers > instrument.max)
    steps = np.nan_to_num(answers - instrument.min) / instrument.step
    # Tenths have no exact binary form, so a step counts when it is one to six decimals.
    return beside | (np.abs(steps - np.round(steps)) >= 1e-6)
