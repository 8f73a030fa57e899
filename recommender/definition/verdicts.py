"""How each rule judges a whole roster at once: 1 pass, 0 fail, NaN unknown.

Plain array work that knows nothing of families, modes or reasons. Imported by `rulebook` and
`constraint`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.definition.fields import Field
from recommender.definition.funding import FundingRow, rebate_cents
from recommender.definition.kinds import EPOCH
from recommender.definition.operators import nearest_km, shared_minutes

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

EVENING = 17 * 60
"""Minute from which a weekday session is after hours (Cliniko's "evening" begins at 17:00)."""
MORNING = 9 * 60
"""Minute until which a weekday session is after hours; decided with the practice brief."""
SATURDAY = 5.0


@dataclass(frozen=True, slots=True)
class Asking:
    """The circumstances in which one client asks.

    Attributes
    ----------
    day
        The day asked, on the practice's calendar.
    client_id
        None for a person the practice has no id for yet.
    clinician_ids
        Ids in the order of the roster's rows.
    funding
        Funding rows of the practice.
    client, clinician
        Declared fields by name.
    """

    day: date
    client_id: str | None
    clinician_ids: tuple[str, ...]
    funding: tuple[FundingRow, ...]
    client: Mapping[str, Field]
    clinician: Mapping[str, Field]


@dataclass(frozen=True, slots=True)
class Question:
    """One constraint put to one roster.

    Attributes
    ----------
    client, clinician
        One encoded array a field: one row for the client, n for the clinicians. Where a rule
        compares levels, the client's already stand in the clinician's order.
    client_fields, clinician_fields
        Their declarations; the client's are empty where the definition gives a constant.
    session
        Minutes of one session; NaN where the client was to say it and did not.
    settings
        The constraint's own settings.
    unasked
        Whether a silent client passes (`pass`) or leaves the verdict open (`unknown`).
    asking
        The circumstances.
    """

    client: tuple[NDArray[Any], ...]
    clinician: tuple[NDArray[Any], ...]
    client_fields: tuple[Field, ...]
    clinician_fields: tuple[Field, ...]
    session: float
    settings: Mapping[str, Any]
    unasked: str
    asking: Asking


def both(one: Array, other: Array) -> Array:
    """Passes where both pass, fails where either fails, else unknown (Kleene's strong logic)."""
    return np.where((one == 0) | (other == 0), 0.0, one * other)


def _settled(passes: Flags, *needed: Array) -> Array:
    """The verdict where everything needed is known, NaN elsewhere."""
    unknown = reduce(np.logical_or, [np.isnan(part) for part in needed])
    return np.where(unknown, np.nan, passes.astype(float))


def _at_most(low: Array, high: Array) -> Array:
    return _settled(low <= high, low, high)


def has_all(question: Question) -> Array:
    """The clinician has every tag the client named; naming none passes."""
    return _of_tags(question, lambda asked, held: ~(asked & ~held).any(axis=1))


def has_any(question: Question) -> Array:
    """The clinician has a tag the client named; naming none passes."""
    return _of_tags(question, lambda asked, held: (asked & held).any(axis=1))


def has_none(question: Question) -> Array:
    """The clinician has no tag the client named; naming none passes."""
    return _of_tags(question, lambda asked, held: ~(asked & held).any(axis=1))


def _of_tags(question: Question, passes: Callable[[Flags, Flags], Any]) -> Array:
    """The verdict on tags; whoever asks for nothing needs no answer of the clinician's."""
    asked, held = question.client[0] > 0, question.clinician[0]
    if not asked.any():
        return np.ones(len(held))
    return _settled(passes(asked, held > 0), held.sum(axis=1))


def member(question: Question) -> Array:
    """The client's level is among the clinician's tags."""
    return np.asarray(question.clinician[0][:, int(question.client[0][0])])


def one_of(question: Question) -> Array:
    """The clinician's level is the one, or among those, that the client named."""
    wished, level = question.client[0], question.clinician[0]
    if wished.ndim == 1:
        return _settled(level == wished, level)
    if not (wished > 0).any():
        return np.ones(len(level))
    row = np.append(wished[0], np.nan)
    return np.asarray(row[np.where(np.isnan(level), len(row) - 1, level).astype(int)])


def equal(question: Question) -> Array:
    """Both are the same."""
    return _settled(question.client[0] == question.clinician[0], question.clinician[0])


def at_most(question: Question) -> Array:
    """The clinician's value is at most the client's."""
    return _at_most(question.clinician[0], question.client[0])


def at_least(question: Question) -> Array:
    """The clinician's value is at least the client's."""
    return _at_most(question.client[0], question.clinician[0])


def within(question: Question) -> Array:
    """The client's value lies between the clinician's two; either alone can fail it."""
    low, high = question.clinician
    return both(_at_most(low, question.client[0]), _at_most(question.client[0], high))


def is_true(question: Question) -> Array:
    """The clinician's flag is true."""
    return np.asarray(question.clinician[0])


def if_asked(question: Question) -> Array:
    """The clinician's flag is true, or the client did not ask for it."""
    flag = question.clinician[0]
    return np.asarray(flag) if question.client[0][0] else np.ones(len(flag))


def within_km(question: Question) -> Array:
    """The nearest of the clinician's places is within the client's kilometres by road.

    Roads are longer than the great circle by the factor `detour`.
    """
    place, most = question.client
    detour = float(question.settings.get("detour", 1.0))
    return _at_most(nearest_km(place, question.clinician[0]) * detour, most)


def joined_windows(windows: Array) -> Array:
    """Weekly windows (n, windows, 3) in order, each reaching back over those it touches.

    The last window of a touching run spans the whole run, so a session may cross the seam between
    two windows written apart. Windows never join over midnight.
    """
    order = np.lexsort((windows[..., 1], windows[..., 0]))
    joined = np.take_along_axis(windows, order[..., None], axis=1)
    for place in range(1, joined.shape[1]):
        before, now = joined[:, place - 1], joined[:, place]
        touching = (before[:, 0] == now[:, 0]) & (now[:, 1] <= before[:, 2])
        now[:, 1] = np.where(touching, before[:, 1], now[:, 1])
        now[:, 2] = np.where(touching, np.maximum(before[:, 2], now[:, 2]), now[:, 2])
    return joined


def _room_for_session(question: Question, longest: Array) -> Array:
    known = ~np.isnan(question.clinician[0]).all(axis=(1, 2))
    return _at_most(np.full(len(longest), question.session), np.where(known, longest, np.nan))


def shares_hours(question: Question) -> Array:
    """Some stretch of the week that suits both is long enough for one session."""
    client, clinician = question.client[0], question.clinician[0]
    shared = shared_minutes(joined_windows(client), joined_windows(clinician))
    return _room_for_session(question, shared.max(axis=1))


def after_hours(question: Question) -> Array:
    """One session fits after 17:00 or before 9:00 on a weekday, or at a weekend, where asked."""
    windows = joined_windows(question.clinician[0])
    if not question.client[0][0]:
        return np.ones(len(windows))
    day, start, end = np.moveaxis(windows, -1, 0)
    weekday = np.maximum(end - np.maximum(start, EVENING), np.minimum(end, MORNING) - start)
    room = np.where(day >= SATURDAY, end - start, weekday)
    return _room_for_session(question, np.where(np.isnan(room), -np.inf, room).max(axis=1))


def available_within(question: Question) -> Array:
    """The clinician's first free day is no later than the client is able to wait for."""
    today = question.asking.day.toordinal() - EPOCH
    return _at_most(question.clinician[0], today + question.client[0])


def valid_on(question: Question) -> Array:
    """The clinician's date is not past on the start day: the client's, or else the day asked."""
    today = np.array([float(question.asking.day.toordinal() - EPOCH)])
    start = question.client[0] if question.client else today
    return _at_most(np.where(np.isnan(start), today, start), question.clinician[0])


def gap_at_most(question: Question) -> Array:
    """The clinician's fee less the rebate of the client's scheme is at most the client's gap."""
    (most, scheme), (fee, provider) = question.client, question.clinician
    if np.isnan(scheme[0]) or np.isnan(question.session):
        return np.full(len(fee), np.nan)
    name = question.client_fields[1].levels[int(scheme[0])]
    asking, session = question.asking, question.session
    rebates = [
        rebate_cents(asking.funding, name, level, session, asking.day)
        for level in question.clinician_fields[1].levels
    ]
    lookup = np.array([np.nan if paid is None else paid for paid in [*rebates, None]])
    paid = lookup[np.where(np.isnan(provider), len(rebates), provider).astype(int)]
    return _at_most(fee - paid, most)


def not_listed(question: Question) -> Array:
    """Neither the client's list names the clinician nor the clinician's list the client."""
    ids = question.asking.clinician_ids
    by_client = by_clinician = np.ones(len(ids))
    if question.client:
        named = question.client[0][0]
        silent = 1.0 if question.unasked == "pass" else np.nan
        by_client = np.array([silent if named is None else float(i not in named) for i in ids])
    if question.clinician:
        me = question.asking.client_id
        by_clinician = np.array([_spared(named, me) for named in question.clinician[0]])
    return both(by_client, by_clinician)


def _spared(named: tuple[str, ...] | None, client_id: str | None) -> float:
    """Whether a list does not name this client; a client without an id may be anyone on it.

    A list left empty names nobody: most clinicians have none, and that is what it means.
    """
    if named and client_id is None:
        return np.nan
    return float(named is None or client_id not in named)
