"""Reads the pairings table and the ratings table.

A pairing is one client with one clinician from a start date. A rating is one score, or one set of
item answers, of one form at one session of a pairing.
"""

from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recommender.alliance.instruments import ITEM_METRICS, METRICS, TOTAL_METRICS, Instrument
from recommender.alliance.scores import is_response
from recommender.practice.fields import Field
from recommender.tables.cells import (
    fractions,
    implausible_dates,
    last_day,
    plain_field,
    read_fields,
    read_ids,
)
from recommender.tables.header import ExpectedColumns, check_header
from recommender.tables.raw_table import RawTable, TableFault
from recommender.tables.score_ranges import range_remedy
from recommender.values.ids import (
    ZEROS_IN_FRONT,
    differ_by_zeros,
    near_misses,
    suggestions_for,
    with_question,
)
from recommender.values.table_format import STANDARD, TableFormat
from recommender.values.toml_settings import Codes

PROPENSITY = "propensity"
"""Probability with which a random draw put the clinician at the rank where they were chosen."""
ID_COLUMNS = ("pairing_id", "client_id", "clinician_id")
PAIRING_COLUMNS = ExpectedColumns(
    (*ID_COLUMNS, "started_on"), optional=("sessions", "ended_on", PROPENSITY)
)
PAIRING_FIELDS = {
    field.name: field
    for field in (
        plain_field("started_on", "date", required=True),
        plain_field("sessions", "scale", minimum=0),
        plain_field("ended_on", "date"),
        plain_field(PROPENSITY, "number", minimum=0, maximum=1),
    )
}
RATERS = ("client", "clinician")
RATING_COLUMNS = ("pairing_id", "session", "rated_on", "instrument", "rater", "metric")
RATING_KEY = ("pairing_id", "session", "instrument", "rater")
"""What identifies a rating, in the order of a checked table."""
MAX_DAYS_AHEAD = 366
"""Days after today on which a pairing may start at the latest."""

Days = NDArray[np.float64]
Flags = NDArray[np.bool_]
Ids = NDArray[np.object_]


def read_pairings(
    table: RawTable,
    client_ids: Sequence[str] | None,
    clinician_ids: Sequence[str] | None,
    today: date | None,
    written: TableFormat = STANDARD,
) -> tuple[pd.DataFrame, list[TableFault]]:
    """Pairings in the order of the file, and the faults in them.

    Parameters
    ----------
    table
        The raw table.
    client_ids, clinician_ids
        Known ids; None where their own table could not be read: then references are not checked.
    today
        The practice's day; None to accept any date.
    written
        How dates and numbers are written.

    Returns
    -------
    DataFrame
        pairing_id, client and clinician (places among the known ids, -1 for none), started_on,
        sessions, ended_on, propensity, line. A cell that cannot be read is missing.
    list of TableFault
    """
    table, faults = check_header(table, PAIRING_COLUMNS)
    ids = {}
    for name in ID_COLUMNS:
        ids[name], more = read_ids(table, name)
        faults += more
    read = read_fields(table, PAIRING_FIELDS, written)
    values = read.columns.values
    started, ended, drawn = values["started_on"], values["ended_on"], values[PROPENSITY]
    faults += read.faults + fractions(table, "sessions", values["sessions"])
    remedy = "leave it out where nothing was drawn"
    faults += table.faults(PROPENSITY, "is 0", remedy, drawn == 0)
    faults += implausible_dates(table, "started_on", started, last_day(today) + MAX_DAYS_AHEAD)
    faults += implausible_dates(table, "ended_on", ended, last_day(today))
    problem, remedy = "is before started_on", "check both dates"
    faults += table.faults("ended_on", problem, remedy, ended < started)
    client, lost_clients = _references(
        table, "client_id", ids["client_id"], client_ids, ("clinician_id", clinician_ids)
    )
    clinician, lost = _references(
        table, "clinician_id", ids["clinician_id"], clinician_ids, ("client_id", client_ids)
    )
    faults += lost_clients + lost + _repeated_pairings(table, ids, started)
    frame = pd.DataFrame(
        {
            "pairing_id": pd.Series(ids["pairing_id"], dtype="str"),
            "client": client,
            "clinician": clinician,
            "started_on": _as_dates(started),
            "sessions": values["sessions"],
            "ended_on": _as_dates(ended),
            PROPENSITY: drawn,
            "line": table.lines,
        }
    )
    return frame, faults


def _repeated_pairings(table: RawTable, ids: Mapping[str, Ids], started: Days) -> list[TableFault]:
    remedy = "keep one row for each pairing"
    keys = pd.DataFrame(ids)
    faults = table.repeated("pairing_id", "is there twice", remedy, keys[["pairing_id"]])
    same = keys[["client_id", "clinician_id"]].assign(started_on=started)
    problem = "has the client, clinician and start of an earlier pairing"
    # A row reported for its repeated id is not reported again.
    same = same.mask(keys["pairing_id"].duplicated())
    return faults + table.repeated("pairing_id", problem, remedy, same)


def read_ratings(
    table: RawTable,
    pairings: pd.DataFrame | None,
    instruments: Mapping[str, Instrument],
    today: date | None,
    missing_codes: Codes = (),
    written: TableFormat = STANDARD,
) -> tuple[pd.DataFrame, list[TableFault]]:
    """Ratings in the order of the file, and the faults in them.

    Parameters
    ----------
    table
        The raw table.
    pairings
        As `read_pairings` gives them; None where their own table could not be read: then
        references are not checked.
    instruments
        The accepted instruments by name.
    today
        The practice's day; None to accept any date.
    missing_codes
        Item answers that mean: not answered.
    written
        How dates and numbers are written.

    Returns
    -------
    DataFrame
        pairing_id, session, rated_on, known_on (rated_on where empty), instrument, rater, metric,
        score, item_1.. as far as the file has them, line. A cell that cannot be read is missing.
    list of TableFault
    """
    max_items = max((instrument.items for instrument in instruments.values()), default=0)
    names = [f"item_{number}" for number in range(1, max_items + 1)]
    items = [name for name in names if name in table.columns]
    answered = _answered(table, instruments, items)
    expected = ExpectedColumns(RATING_COLUMNS, answered, ("known_on", "score", *names))
    table, faults = check_header(table, expected)
    ids, more = read_ids(table, "pairing_id")
    fields = _rating_fields(items, instruments, missing_codes)
    read = read_fields(table, fields, written)
    faults += more + read.faults
    values = read.columns.values
    frame = pd.DataFrame({"pairing_id": pd.Series(ids, dtype="str")})
    for name, field in fields.items():
        frame[name] = _level_names(values[name], field) if field.levels else values[name]
    rated, known = values["rated_on"], values["known_on"]
    faults += fractions(table, "session", values["session"])
    faults += _pairing_faults(table, ids, rated, pairings)
    faults += implausible_dates(table, "rated_on", rated, last_day(today))
    faults += implausible_dates(table, "known_on", known, last_day(today))
    faults += table.faults("known_on", "is before rated_on", "check both dates", known < rated)
    problem = "was rated before by the same rater on the same instrument"
    remedy = "keep one rating of each session"
    faults += table.repeated("session", problem, remedy, frame[list(RATING_KEY)])
    given = {name: ~table.column(name).rows_where(fields[name].is_missing) for name in items}
    for instrument in instruments.values():
        of_form = frame["instrument"].eq(instrument.name).to_numpy(dtype=np.bool_)
        faults += _total_faults(table, frame, instrument, of_form, given)
        faults += _item_faults(table, frame, instrument, of_form, given)
    frame["rated_on"] = _as_dates(rated)
    frame["known_on"] = _as_dates(np.where(np.isnan(known), rated, known))
    frame["line"] = table.lines
    return frame, faults


def _answered(
    table: RawTable, instruments: Mapping[str, Instrument], items: Sequence[str]
) -> tuple[str, ...]:
    """Columns of answers that the rows of a file need: the score for totals, items for items."""
    metrics, forms = table.column("metric"), table.column("instrument")
    rows = zip(metrics.places.tolist(), forms.places.tolist(), strict=True)
    used = {(metrics.distinct[metric], forms.distinct[form]) for metric, form in set(rows)}
    needed = set()
    for metric, form in used:
        instrument = instruments.get(form) if isinstance(form, str) else None
        if metric in ITEM_METRICS and instrument is not None and instrument.accepts_items:
            needed |= {f"item_{number}" for number in range(1, instrument.items + 1)}
        elif metric in TOTAL_METRICS:
            needed.add("score")
    if not items and not needed:
        return ("score",)
    return tuple(sorted(needed))


def _rating_fields(
    items: list[str], instruments: Mapping[str, Instrument], missing_codes: Codes
) -> dict[str, Field]:
    fields = (
        plain_field("session", "scale", required=True, minimum=1),
        plain_field("rated_on", "date", required=True),
        plain_field("known_on", "date"),
        plain_field("instrument", "category", required=True, levels=tuple(instruments)),
        plain_field("rater", "category", required=True, levels=RATERS),
        plain_field("metric", "category", required=True, levels=METRICS),
        plain_field("score", "number"),
        *(plain_field(name, "scale", missing_codes=missing_codes) for name in items),
    )
    return {field.name: field for field in fields}


def _level_names(codes: NDArray[np.float64], field: Field) -> "pd.Series[str]":
    # NaN, a cell that cannot be read, takes the last place, which has no name.
    names = np.array([*field.levels, None], dtype=object)
    return pd.Series(names[np.nan_to_num(codes, nan=-1).astype(np.intp)], dtype="str")


def _pairing_faults(
    table: RawTable, ids: Ids, rated: Days, pairings: pd.DataFrame | None
) -> list[TableFault]:
    """Faults of ratings of unknown pairings, and of ratings dated before their pairing began."""
    if pairings is None:
        return []
    known = pairings.dropna(subset=["pairing_id"]).drop_duplicates("pairing_id")
    places, faults = _references(table, "pairing_id", ids, known["pairing_id"].tolist())
    # An unknown pairing is at place -1, which has no date.
    started = np.append(known["started_on"].to_numpy(dtype="datetime64[D]"), np.datetime64("NaT"))
    early = _as_dates(rated) < started[places]
    remedy = "check it, and the pairing's started_on"
    return faults + table.faults("rated_on", "is before the pairing started", remedy, early)


def _total_faults(
    table: RawTable,
    frame: pd.DataFrame,
    instrument: Instrument,
    of_form: Flags,
    given: Mapping[str, Flags],
) -> list[TableFault]:
    """Faults of totals that are missing, off the scale, or given together with item answers."""
    faults = []
    empty = table.column("score").empty()
    score = frame["score"].to_numpy(dtype=np.float64)
    for metric in TOTAL_METRICS:
        rows = of_form & frame["metric"].eq(metric).to_numpy(dtype=np.bool_)
        low, high = instrument.bounds(metric)
        outside = rows & ((score < low) | (score > high))
        problem = f"lies outside the range of {instrument.name} as {metric}"
        remedy = range_remedy(instrument, metric, score[outside])
        faults += table.faults("score", problem, remedy, outside)
        if "score" in table.columns:
            remedy = f"give the {metric}, or remove the row"
            faults += table.faults("score", "is empty", remedy, rows & empty)
        for name, answered in given.items():
            lost = rows & answered
            problem = "is given together with a total and would be lost"
            remedy = "set metric to items and leave score empty, or leave the items empty"
            faults += table.faults(name, problem, remedy, lost)
    return faults


def _item_faults(
    table: RawTable,
    frame: pd.DataFrame,
    instrument: Instrument,
    of_form: Flags,
    given: Mapping[str, Flags],
) -> list[TableFault]:
    """Faults of item answers that the instrument does not accept, or that are off its scale."""
    rows = of_form & frame["metric"].isin(ITEM_METRICS).to_numpy(dtype=np.bool_)
    if not rows.any():
        return []
    problem = "is given together with item answers and would be lost"
    remedy = "leave it empty; the score is computed from the items"
    faults = table.faults("score", problem, remedy, rows & ~table.column("score").empty())
    if not instrument.accepts_items:
        problem = f"is for items, but {instrument.name} takes totals only"
        faults += table.faults("metric", problem, "give its sum or mean", rows)
    for number in range(1, instrument.items + 1):
        name = f"item_{number}"
        if name not in given:
            continue
        answers = frame[name].to_numpy(dtype=np.float64)
        wrong = rows & ~np.isnan(answers) & ~is_response(instrument, answers)
        problem = f"is not a response of {instrument.name}"
        remedy = f"give {instrument.min:g} to {instrument.max:g} in steps of {instrument.step:g}"
        faults += table.faults(name, problem, remedy, wrong)
    for name in (n for n in given if int(n.removeprefix("item_")) > instrument.items):
        lost = rows & given[name]
        problem = f"is not an item of {instrument.name} and would be lost"
        faults += table.faults(name, problem, "leave it empty", lost)
    return faults


def _as_dates(days: Days) -> NDArray[np.datetime64]:
    """Days since 1970-01-01 as dates; NaN as NaT."""
    return days.astype("datetime64[D]")


def _references(
    table: RawTable,
    column: str,
    ids: Ids,
    known: Sequence[str] | None,
    exchanged_with: tuple[str, Sequence[str] | None] | None = None,
) -> tuple[NDArray[np.intp], list[TableFault]]:
    """Places of ids among the known ones, -1 for none, and faults of unknown ids.

    `exchanged_with` names a column that may have been exchanged with this one, and its known ids.
    """
    places = pd.Index(np.array(known or (), dtype=object)).get_indexer(pd.Index(ids))
    if known is None:
        return places, []
    other = f"{column.removesuffix('_id')}s"
    remedy = f"add it to {other}, or remove the row"
    lost = (places < 0) & ~pd.isna(ids)
    problem, known = f"is not among the {other}", known or ()
    faults = []
    if exchanged_with is not None:
        other_column, other_known = exchanged_with
        exchanged = lost & pd.Series(ids).isin(other_known or ()).to_numpy(dtype=np.bool_)
        whose = other_column.removesuffix("_id")
        swap = f"if {column} and {other_column} are exchanged, exchange their names in the header"
        faults += table.faults(column, f"{problem}, but is the id of a {whose}", swap, exchanged)
        lost &= ~exchanged
    near = near_misses(set(ids[lost].tolist()), known)
    padded = {each for each, found in near.items() if any(differ_by_zeros(each, o) for o in found)}
    only_zeros = lost & np.array([each in padded for each in ids], dtype=np.bool_)
    alike = f"write {column} alike in both tables, as text, so that no zero is lost"
    proposed = suggestions_for(near, dict.fromkeys(ids[only_zeros]))
    differs = f"{problem}, {ZEROS_IN_FRONT}"
    faults += table.faults(column, differs, with_question(proposed, alike), only_zeros)
    lost &= ~only_zeros
    has_near = lost & np.array([each in near for each in ids], dtype=np.bool_)
    proposed = suggestions_for(near, dict.fromkeys(ids[has_near]))
    faults += table.faults(column, problem, with_question(proposed, remedy), has_near)
    return places, faults + table.faults(column, problem, remedy, lost & ~has_near)
