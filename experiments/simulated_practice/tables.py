"""The four tables a practice would export, cell by cell as its definition says."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from experiments.simulated_practice.city import WINDOWS, window_text
from experiments.simulated_practice.draws import Array, Random, Table
from experiments.simulated_practice.paperwork import PAPERWORK
from experiments.simulated_practice.world import World
from recommender.practice.fields import Field
from recommender.values.kinds import EPOCH

Cells = NDArray[np.object_]
"""Text of one column; None where the cell is empty."""

BLOCKED = 0.004
"""Share of clients and of clinicians with somebody they are not to be offered."""
NAMED: Mapping[str, float] = {"refused_clinicians": 0.01, "clinicians_wished": 0.02}
"""Shares of clients who name a clinician for another reason."""


def clients_table(world: World, clients: Table, ids: Sequence[str], stream: int) -> pd.DataFrame:
    """One row a client; `stream` seeds who is blocked."""
    size = len(ids)
    others = world.staff.ids
    lists = {"blocked_clinicians": _blocked(world, stream, size, others)}
    rng = np.random.default_rng([world.settings.seed, PAPERWORK, stream])
    lists |= {name: _listed(rng, size, others, share) for name, share in NAMED.items()}
    return _entity_table("client_id", ids, world.practice.client, clients, lists)


def clinicians_table(world: World, clients: Sequence[str]) -> pd.DataFrame:
    """One row a clinician, with an invented display name."""
    ids = world.staff.ids
    staff, fields = world.staff.table, world.practice.clinician
    lists = {"blocked_clients": _blocked(world, 12, len(ids), clients)}
    lists["hours"] = _by_room(cells(fields["hours"], staff["hours"]), staff["rooms"])
    lists["absences"] = _absences(staff["next_available"])
    table = _entity_table("clinician_id", ids, world.practice.clinician, world.staff.table, lists)
    table.insert(1, "name", world.staff.names)
    return table


def pairings_table(world: World, clients: Sequence[str]) -> pd.DataFrame:
    """One row a pairing, in order of the day it started."""
    pairings, course = world.history.pairings, world.history.course
    order = np.argsort(pairings.start, kind="stable")
    clinicians = np.array(world.staff.ids, dtype=object)
    days = _day_text(world)
    return pd.DataFrame(
        {
            "pairing_id": np.array(pairing_ids(world), dtype=object)[order],
            "client_id": np.array(clients, dtype=object)[pairings.client[order]],
            "clinician_id": clinicians[pairings.clinician[order]],
            "started_on": days(pairings.start[order]),
            "sessions": course.sessions[order],
            "ended_on": days(course.ended[order]),
        }
    )


def ratings_table(world: World) -> pd.DataFrame:
    """One row a form that came back, in order of the day it was filled in."""
    forms = world.history.ratings
    order = np.lexsort((forms.session, forms.pairing, forms.day))
    names = np.array([name for name, _ in world.settings.instruments], dtype=object)
    ids = np.array(pairing_ids(world), dtype=object)
    days = _day_text(world)
    return pd.DataFrame(
        {
            "pairing_id": ids[forms.pairing[order]],
            "session": forms.session[order],
            "rated_on": days(forms.day[order].astype(np.float64)),
            "known_on": days(forms.known[order].astype(np.float64)),
            "instrument": names[forms.instrument[order]],
            "rater": np.where(forms.by_client[order], "client", "clinician"),
            "metric": "sum",
            "score": forms.score[order],
        }
    )


def client_ids(first: int, size: int) -> list[str]:
    """Pseudonyms `c000001` and on."""
    return [f"c{number:06d}" for number in range(first, first + size)]


def pairing_ids(world: World) -> list[str]:
    """Pseudonyms `p000001` and on, numbered by the day the pairing started."""
    start = world.history.pairings.start
    numbers = np.empty(len(start), dtype=np.int64)
    numbers[np.argsort(start, kind="stable")] = np.arange(1, len(start) + 1)
    return [f"p{number:06d}" for number in numbers]


def cells(field: Field, values: NDArray[Any]) -> Cells:
    """A field's column as text, from its encoding; None where it is missing."""
    if field.kind == "place":
        return _each(values, _place)
    if field.kind == "tags":
        return _named(values, field.levels, ";")
    if field.kind in ("weekly_hours", "availability"):
        return _named(values, tuple(window_text(window) for window in WINDOWS), "; ")
    distinct, where = np.unique(values, return_inverse=True)
    text = TEXT[field.kind]
    words = [None if np.isnan(value) else text(field, float(value)) for value in distinct]
    return np.array(words, dtype=object)[where]


def _level(field: Field, value: float) -> str:
    return field.levels[int(value)]


def _number(_: Field, value: float) -> str:
    return f"{value:g}"


def _flag(_: Field, value: float) -> str:
    return "true" if value else "false"


def _date(_: Field, value: float) -> str:
    return date.fromordinal(EPOCH + int(value)).isoformat()


def _money(_: Field, value: float) -> str:
    dollars, cents = divmod(int(value), 100)
    return f"{dollars}.{cents:02d}" if cents else str(dollars)


TEXT: Mapping[str, Callable[[Field, float], str]] = {
    "number": _number,
    "scale": _number,
    "ordinal": _level,
    "category": _level,
    "flag": _flag,
    "date": _date,
    "money": _money,
}
"""How one value of each scalar kind is written."""


def _named(values: Array, names: Sequence[str], between: str) -> Cells:
    """Names of the ones in each row; each distinct row is put into words once."""
    missing = np.isnan(values[:, 0])
    codes = np.nan_to_num(values) @ (2.0 ** np.arange(values.shape[1]))
    distinct, where = np.unique(codes, return_inverse=True)
    words = [
        between.join(name for place, name in enumerate(names) if int(code) >> place & 1) or "none"
        for code in distinct
    ]
    named = np.array(words, dtype=object)[where]
    named[missing] = None
    return np.asarray(named)


def _place(points: Array) -> str | None:
    known = points[~np.isnan(points[:, 0])]
    return ";".join(f"{lat:.3f},{lon:.3f}" for lat, lon in known) or None


def _each(values: NDArray[Any], text: Callable[[Any], str | None]) -> Cells:
    column = np.empty(len(values), dtype=object)
    column[:] = [text(value) for value in values]
    return column


def _by_room(hours: Cells, rooms: Array) -> Cells:
    """Every other clinician with two rooms is in the second on Tuesdays and Thursdays."""
    divided = hours.copy()
    for row in np.flatnonzero(~np.isnan(rooms[:, 1, 0])).tolist():
        if row % 2 == 0 and hours[row] not in (None, "none"):
            parts = (
                f"{part} room {2 if part[:3] in ('tue', 'thu') else 1}"
                for part in hours[row].split("; ")
            )
            divided[row] = "; ".join(parts)
    return divided


def _absences(free_days: Array) -> Cells:
    """Every tenth clinician is away for the twelve days from their next free day."""
    away = np.full(len(free_days), None, dtype=object)
    for row in range(3, len(away), 10):
        if not np.isnan(free_days[row]):
            first = date.fromordinal(EPOCH + int(free_days[row]))
            away[row] = f"{first.isoformat()} to {(first + timedelta(days=11)).isoformat()}"
    return away


def _blocked(world: World, stream: int, size: int, others: Sequence[str]) -> Cells:
    return _listed(np.random.default_rng([world.settings.seed, stream]), size, others, BLOCKED)


def _listed(rng: Random, size: int, others: Sequence[str], share: float) -> Cells:
    """One other named by a share of rows; a third of the rest say that there is none."""
    column = np.full(size, None, dtype=object)
    column[rng.random(size) < 0.3] = "none"
    rows = np.flatnonzero(rng.random(size) < share)
    column[rows] = np.array(others, dtype=object)[rng.integers(len(others), size=len(rows))]
    return column


def _entity_table(
    key: str,
    ids: Sequence[str],
    declared: Mapping[str, Field],
    table: Table,
    lists: Mapping[str, Cells],
) -> pd.DataFrame:
    columns: dict[str, Any] = {key: list(ids)}
    for name, field in declared.items():
        if field.kind == "link":
            # Simulated people have no photographs.
            columns[name] = np.full(len(ids), None, dtype=object)
        else:
            columns[name] = lists[name] if name in lists else cells(field, table[name])
    return pd.DataFrame(columns)


def _day_text(world: World) -> Callable[[Array], Cells]:
    """Writes days of the history as dates, each distinct day once."""
    first = world.settings.first_day

    def text(days: Array) -> Cells:
        distinct, where = np.unique(days, return_inverse=True)
        words = [
            None if np.isnan(day) else (first + timedelta(days=int(day))).isoformat()
            for day in distinct
        ]
        return np.array(words, dtype=object)[where]

    return text
