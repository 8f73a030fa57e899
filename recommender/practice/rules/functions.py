"""Rules about levels, sizes, flags, places, lists and fees, for a whole roster at once.

Verdicts are 1 pass, 0 fail, NaN unknown; amounts are in cents. Families, modes
and reasons are applied elsewhere.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from recommender.practice.funding import FundingRow, pays, session_cap
from recommender.practice.match_operators import by_level
from recommender.practice.rules.first_session import MAX_DAYS, first_sessions
from recommender.practice.rules.rule_input import (
    Array,
    Flags,
    RuleInput,
    Words,
    bitsets_in,
    both,
    id_index_in,
    nearest_km_in,
    no_more_than,
    room_km_at,
    room_km_in,
    rows_of,
    settled,
    words_of,
)
from recommender.values.bounded_store import store_bounded
from recommender.values.kinds import EPOCH

MAX_VALUES = 64
"""Values by scheme and period that are stored with a roster."""


def has_all(inputs: RuleInput) -> Array:
    """The clinician has every tag the client named; naming none passes."""
    return _of_tags(inputs, lambda held, wanted: (held & wanted) == wanted, np.logical_and)


def has_any(inputs: RuleInput) -> Array:
    """The clinician has a tag the client named; naming none passes."""
    return _of_tags(inputs, lambda held, wanted: (held & wanted) != 0, np.logical_or)


def has_none(inputs: RuleInput) -> Array:
    """The clinician has no tag the client named; naming none passes."""
    return _of_tags(inputs, lambda held, wanted: (held & wanted) == 0, np.logical_and)


def _of_tags(
    inputs: RuleInput, passes: Callable[[Words, np.uint64], Flags], join: np.ufunc
) -> Array:
    """The verdict on tags; a client who named none passes, whatever the clinician's tags are."""
    wanted = inputs.client[0][0] > 0
    if not wanted.any():
        return np.ones(inputs.roster.size)
    bits = bitsets_in(inputs.roster, inputs.clinician_fields[0].name)
    parts = [passes(*words) for words in zip(bits.words, words_of(wanted), strict=True)]
    return bits.settled(parts[0] if len(parts) == 1 else join.reduce(parts))


def member(inputs: RuleInput) -> Array:
    """The client's level is among the clinician's tags."""
    bits = bitsets_in(inputs.roster, inputs.clinician_fields[0].name)
    return bits.settled(bits.has(int(inputs.client[0][0])))


def one_of(inputs: RuleInput) -> Array:
    """The clinician's level is the one, or among those, that the client named."""
    wished, level = inputs.client[0], inputs.clinician[0]
    if wished.ndim == 1:
        return settled(level == wished, level)
    if not (wished > 0).any():
        return np.ones(len(level))
    return by_level(wished[0], level)


def equal(inputs: RuleInput) -> Array:
    """Both are the same."""
    return settled(inputs.client[0] == inputs.clinician[0], inputs.clinician[0])


def at_most(inputs: RuleInput) -> Array:
    """The clinician's value is at most the client's."""
    return no_more_than(inputs.clinician[0], inputs.client[0])


def at_least(inputs: RuleInput) -> Array:
    """The clinician's value is at least the client's."""
    return no_more_than(inputs.client[0], inputs.clinician[0])


def within(inputs: RuleInput) -> Array:
    """The client's value is between the clinician's two.

    One known value is enough to fail.
    """
    low, high = inputs.clinician
    return both(no_more_than(low, inputs.client[0]), no_more_than(inputs.client[0], high))


def below(inputs: RuleInput) -> Array:
    """The first of the clinician's two numbers is below the second."""
    one, other = inputs.clinician
    return settled(one < other, one, other)


def is_true(inputs: RuleInput) -> Array:
    """The clinician's flag is true."""
    return np.asarray(inputs.clinician[0])


def if_asked(inputs: RuleInput) -> Array:
    """The clinician's flag is true if the client's is."""
    return np.asarray(inputs.clinician[0])


def client_true(inputs: RuleInput) -> Array:
    """The client's own flag is true."""
    return np.full(inputs.roster.size, float(inputs.client[0][0]))


def client_at_least(inputs: RuleInput) -> Array:
    """The client's own number is at least the setting `least`."""
    enough = inputs.client[0][0] >= float(inputs.settings["least"])
    return np.full(inputs.roster.size, float(enough))


def within_km(inputs: RuleInput) -> Array:
    """The clinician's nearest place is within the client's kilometres, times `detour`.

    Road distance is estimated as the great-circle distance times the setting `detour`.
    """
    return no_more_than(road_km(inputs), inputs.client[1])


def road_km(inputs: RuleInput) -> Array:
    """Kilometres by road from the client's nearest place to each clinician's, (n,)."""
    name = inputs.clinician_fields[0].name
    detour = float(inputs.settings.get("detour", 1.0))
    return nearest_km_in(inputs.roster, name, inputs.client[0][0]) * detour


def room_km(inputs: RuleInput) -> Array:
    """Kilometres by road from the client's nearest place to each room, (n, rooms)."""
    name = inputs.clinician_fields[0].name
    detour = float(inputs.settings.get("detour", 1.0))
    return room_km_in(inputs.roster, name, inputs.client[0][0]) * detour


def room_km_of(inputs: RuleInput, rows: NDArray[np.intp]) -> Array:
    """`room_km` of a few clinicians, by their places in the roster, (k, rooms)."""
    name = inputs.clinician_fields[0].name
    detour = float(inputs.settings.get("detour", 1.0))
    return room_km_at(inputs.roster, name, inputs.client[0][0], rows) * detour


def not_listed(inputs: RuleInput) -> Array:
    """Neither the client's list names the clinician nor the clinician's list the client.

    An empty list of a clinician names no one. A client without an id could be any client on a
    list, so the verdict is unknown for a clinician whose list is not empty.
    """
    verdict = np.ones(inputs.roster.size)
    if inputs.clinician:
        index = id_index_in(inputs.roster, inputs.clinician_fields[0].name)
        client_id = inputs.context.client_id
        if client_id is None:
            verdict[index.rows] = np.nan
        else:
            verdict[index.of.get(client_id, [])] = 0.0
    if not inputs.client:
        return verdict
    named = inputs.client[0][0]
    if named is None:
        return both(verdict, np.full(len(verdict), _open(inputs)))
    verdict[rows_of(inputs.roster, inputs.context.clinician_ids, named)] = 0.0
    return verdict


def listed(inputs: RuleInput) -> Array:
    """The client's list names the clinician.

    A client with an empty list passes.
    """
    named = inputs.client[0][0]
    if not named:
        return np.full(inputs.roster.size, _open(inputs) if named is None else 1.0)
    verdict = np.zeros(inputs.roster.size)
    verdict[rows_of(inputs.roster, inputs.context.clinician_ids, named)] = 1.0
    return verdict


def _open(inputs: RuleInput) -> float:
    """The verdict on a client who did not answer."""
    return 1.0 if inputs.unasked == "pass" else np.nan


def gap_at_most(inputs: RuleInput) -> Array:
    """The clinician's fee less the rebate of the client's funding is at most the client's gap."""
    return no_more_than(gap_cents(inputs), inputs.client[0])


def enough_sessions(inputs: RuleInput) -> Array:
    """Rebates left, budget and the clinician's limit allow the sessions the client wants.

    A limit that is not stated does not apply; each session costs its gap out of the budget.
    """
    wanted, limit = inputs.client[0][0], _without_budget(inputs)
    # An unknown gap leaves the budget unknown, but too few sessions fail without it.
    possible = np.where(limit < wanted, 0.0, _within_budget(inputs, limit))
    return no_more_than(np.full(len(possible), wanted), possible)


def max_sessions(inputs: RuleInput) -> Array:
    """The number of sessions possible with each clinician, (n,); NaN where the gap is unknown."""
    return _within_budget(inputs, _without_budget(inputs))


def _within_budget(inputs: RuleInput, limit: Array) -> Array:
    budget = _answer(inputs, "budget")
    if budget is None:
        return limit
    gap = gap_cents(inputs)
    # Both are whole cents far below 2**53, so the quotient never rounds up to a whole number.
    afforded = np.where(gap > 0, np.floor(budget / np.maximum(gap, 1.0)), np.inf)
    return np.where(np.isnan(gap), np.nan, np.minimum(limit, afforded))


def _without_budget(inputs: RuleInput) -> Array:
    limit = np.where(np.isnan(inputs.clinician[1]), np.inf, inputs.clinician[1])
    left = _answer(inputs, "left")
    return np.minimum(limit, _caps(inputs) if left is None else left)


def _caps(inputs: RuleInput) -> Array:
    """Sessions the client's scheme pays for with each clinician; infinite without a cap.

    A client who did not state how many are left is assumed to have used none.
    """
    rows = inputs.context.funding
    caps = _of_scheme(
        inputs,
        ("cap",),
        lambda scheme, by, day: session_cap(rows.named(scheme, by), scheme, by, day),
    )
    return np.nan_to_num(caps, nan=np.inf)


def funded(inputs: RuleInput) -> Array:
    """The client's scheme has a rate in force for the clinician's registration."""
    scheme, column = inputs.client[0], inputs.clinician_fields[0].name
    name, rows = inputs.client_fields[0].levels[int(scheme[0])], inputs.context.funding
    if all(row.scheme != name for row in rows):
        # The definition states nothing about this scheme.
        return np.ones(inputs.roster.size)
    return _by_day(inputs, column, ("pays", name), lambda level, day: pays(rows, name, level, day))


@dataclass(frozen=True, slots=True, eq=False)
class SessionCost:
    """Cents of one session with each clinician, (n,) each; NaN where unknown.

    The gap is the fee less the rebate, which is at most the fee.
    """

    fee: Array
    rebate: Array
    gap: Array


def session_cost(inputs: RuleInput) -> SessionCost:
    """What one session costs the client with each clinician, by the fee and the funding rows.

    A client with a concession pays the clinician's concession fee, if there is one. A clinician
    who bulk bills accepts the rebate as the whole fee. Every way of meeting that the rows
    distinguish is possible; see `funding.rebate_cents`.
    """
    fee, reduced = inputs.clinician[0], inputs.of_clinicians("concession_fee")
    if reduced is not None and _answer(inputs, "concession") == 1.0:
        fee = np.where(np.isnan(reduced), fee, np.minimum(fee, reduced))
    paid = _rebates(inputs)
    bulk_bills = inputs.of_clinicians("bulk_bills")
    if bulk_bills is not None:
        # The fee need not be recorded: what the scheme pays takes its place.
        fee = np.where((bulk_bills == 1) & (paid > 0), paid, fee)
    rebate = np.where(np.isnan(fee), paid, np.minimum(paid, fee))
    return SessionCost(fee, rebate, fee - rebate)


def session_costs_in_ways(
    inputs: RuleInput, rows: NDArray[np.intp], ways: Sequence[tuple[str, ...]]
) -> list[tuple[float, float, float]]:
    """Fee, rebate and gap of `session_cost` with a few clinicians, in possible ways of meeting.

    They are computed one by one: arrays of a few numbers would take longer.

    Parameters
    ----------
    rows
        The clinicians' places in the roster, (k,).
    ways
        The ways with each of them; none for every way that the rows distinguish.
    """
    named = ("concession_fee", "bulk_bills", "registration")
    columns = [inputs.clinician[0], *(inputs.of_clinicians(name) for name in named)]
    unknown = [np.nan] * len(rows)
    parts = [unknown if each is None else each[rows].tolist() for each in columns]
    days = inputs.first_sessions[rows].tolist()
    has_concession, same = _answer(inputs, "concession") == 1.0, _rebate_of_all(inputs)
    scheme = _scheme(inputs)
    found = []
    for fee, reduced, bulk_bills, code, day, own in zip(*parts, days, ways, strict=True):
        paid = _rebate_in_ways(inputs, scheme, code, day, own) if same is None else same
        if has_concession and reduced < fee:
            fee = reduced
        if bulk_bills == 1 and paid > 0:
            fee = paid
        # Nothing is below or above what is not known.
        rebate = fee if paid > fee else paid
        found.append((fee, rebate, fee - rebate))
    return found


def gap_cents(inputs: RuleInput) -> Array:
    """Fee less rebate for each clinician, (n,), never below 0; NaN where either is unknown."""
    return session_cost(inputs).gap


def _rebates(inputs: RuleInput) -> Array:
    """The rebate of the client's scheme with each clinician, (n,); 0 once no session is left."""
    same = _rebate_of_all(inputs)
    if same is not None:
        return np.full(inputs.roster.size, same)
    rows, minutes = inputs.context.funding, inputs.session
    return _of_scheme(
        inputs,
        ("rebate", minutes),
        lambda scheme, by, day: rows.rebate(scheme, by, minutes, day),
    )


def _rebate_in_ways(
    inputs: RuleInput, scheme: str | None, code: float, day: float, ways: tuple[str, ...]
) -> float:
    """The rebate with a clinician of a registration, on a day and in some ways of meeting."""
    if scheme is None or code != code:
        return np.nan
    provider = inputs.context.clinician[inputs.settings["registration"]].levels[int(code)]
    cents = inputs.context.funding.rebate(scheme, provider, inputs.session, _date_of(day), ways)
    return np.nan if cents is None else float(cents)


def _rebate_of_all(inputs: RuleInput) -> float | None:
    """The rebate with everybody where the client's answers alone decide it; else None."""
    if _answer(inputs, "left") == 0.0:
        return 0.0
    return np.nan if np.isnan(inputs.session) else None


def _scheme(inputs: RuleInput) -> str | None:
    """The client's scheme, if it is known."""
    name = inputs.settings["funding"]
    level = inputs.intake[name].item(0)
    return None if level != level else inputs.context.client[name].levels[int(level)]


def _of_scheme(
    inputs: RuleInput,
    terms: tuple[Hashable, ...],
    value_of: Callable[[str, str, date], float | None],
) -> Array:
    """A value by scheme, registration and day for each clinician; NaN where one is unknown.

    The day is that of the first possible session; `terms` are what else decides the value.
    """
    registration, scheme = inputs.settings["registration"], _scheme(inputs)
    if scheme is None:
        return np.full(inputs.roster.size, np.nan)
    return _by_day(
        inputs, registration, (*terms, scheme), lambda level, day: value_of(scheme, level, day)
    )


@dataclass(frozen=True, slots=True, eq=False)
class _FundingValues:
    """Funding rows, and values of a roster by them.

    `values` are those of clinicians, by column, terms and the periods of their first sessions.
    """

    rows: Sequence[FundingRow]
    values: dict[Hashable, Array]


def _by_day(
    inputs: RuleInput,
    column: str,
    terms: tuple[Hashable, ...],
    value_of: Callable[[str, date], float | None],
) -> Array:
    """A value by level and by the rows in force at the first possible session, (n,).

    The values of a column and of some terms are stored with the roster.
    """
    rows = inputs.context.funding
    # As long as the rows are stored, no others have their identity.
    stored = inputs.roster.view(("funding values", id(rows)), lambda: _FundingValues(rows, {}))
    period, every = _periods(inputs)
    key = column, terms, every
    values = stored.values.get(key)
    if values is None:
        values = _by_period(inputs, column, period, value_of)
        values.setflags(write=False)
        store_bounded(stored.values, key, values, MAX_VALUES)
    return values


def _periods(inputs: RuleInput) -> tuple[NDArray[np.uint16], bytes]:
    """The period of the first session with each clinician, (n,), between changes of the rows."""
    first, roster, rows = inputs.context.first_session, inputs.roster, inputs.context.funding

    def by_day() -> Callable[[float], tuple[NDArray[np.uint16], bytes]]:
        @lru_cache(MAX_DAYS)
        def found(earliest: float) -> tuple[NDArray[np.uint16], bytes]:
            days = first_sessions(first, roster, earliest) + EPOCH
            period = np.searchsorted(rows.changes, days, side="right").astype(np.uint16)
            return period, period.tobytes()

        return found

    key = "funding periods", id(rows), first.clinician, first.absences
    return roster.view(key, by_day)(inputs.earliest)


def _by_period(
    inputs: RuleInput,
    column: str,
    period: NDArray[np.uint16],
    value_of: Callable[[str, date], float | None],
) -> Array:
    days, level = inputs.first_sessions, inputs.roster[column]
    levels = inputs.context.clinician[column].levels
    result = np.full(len(days), np.nan)
    for each in np.unique(period).tolist():
        rows = np.flatnonzero(period == each)
        day = _date_of(days.item(rows[0]))
        there = set(level[rows].tolist())
        values = [value_of(n, day) if at in there else None for at, n in enumerate(levels)]
        known = [np.nan if one is None else float(one) for one in values]
        result[rows] = by_level(known, level[rows])
    return result


@lru_cache(maxsize=1024)
def _date_of(days: float) -> date:
    """The day that is so many days after 1970-01-01, or else the last one there is."""
    return date.fromordinal(int(min(days + EPOCH, date.max.toordinal())))


def _answer(inputs: RuleInput, setting: str) -> float | None:
    """The client's number or flag in the field that a setting names; None if missing."""
    answer = inputs.of_client(setting)
    number = np.nan if answer is None else float(answer.item(0))
    return None if number != number else number
