"""The input of a rule, and the three-valued logic of verdicts: 1 pass, 0 fail, NaN unknown."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.practice.columns import Columns
from recommender.practice.fields import Field
from recommender.practice.funding import FundingRow
from recommender.values.kinds import EPOCH

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class RequestContext:
    """What a request gives to every rule.

    Attributes
    ----------
    day
        Day of the request, in the practice's time zone.
    client_id
        None if the practice has no id for the client yet.
    clinician_ids
        Ids in the order of the roster's rows.
    timezone
        IANA zone of the practice, for people without a zone of their own.
    funding
        Funding rows of the practice.
    client, clinician
        Declared fields by name.
    """

    day: date
    client_id: str | None
    clinician_ids: tuple[str, ...]
    timezone: str
    funding: tuple[FundingRow, ...]
    client: Mapping[str, Field]
    clinician: Mapping[str, Field]


@dataclass(frozen=True, slots=True)
class RuleInput:
    """The input of one rule for one client and one roster.

    Attributes
    ----------
    client, clinician
        One encoded array a field: one row for the client, n for the clinicians. If a rule compares
        levels, the client's are already in the clinician's order.
    client_fields, clinician_fields
        Their declarations; a constant of the definition takes the place of the client's.
    intake, roster
        All answers of the client, and of the clinicians.
    session
        Minutes of one session; NaN if the client should have stated it and did not.
    settings
        The constraint's own settings.
    unasked
        Whether a client who did not answer passes (`pass`) or is unknown (`unknown`).
    context
        What the request gives to every rule.
    """

    client: tuple[NDArray[Any], ...]
    clinician: tuple[NDArray[Any], ...]
    client_fields: tuple[Field, ...]
    clinician_fields: tuple[Field, ...]
    intake: Columns
    roster: Columns
    session: float
    settings: Mapping[str, Any]
    unasked: str
    context: RequestContext

    def of_client(self, setting: str) -> NDArray[Any] | None:
        """The client's answer to the field a setting names; None where it names none."""
        name = self.settings.get(setting)
        return None if name is None else self.intake[name]

    def of_clinicians(self, setting: str) -> NDArray[Any] | None:
        """The clinicians' values of the field a setting names; None where it names none."""
        name = self.settings.get(setting)
        return None if name is None else self.roster[name]


def both(one: Array, other: Array) -> Array:
    """Passes where both pass, fails where either fails, else unknown (Kleene's strong logic)."""
    return np.where((one == 0) | (other == 0), 0.0, one * other)


def either(one: Array, other: Array) -> Array:
    """Passes where either passes, fails where both fail, else unknown (Kleene's strong logic)."""
    return np.where((one == 1) | (other == 1), 1.0, one + other)


def settled(passes: Flags, *needed: Array) -> Array:
    """The verdict as numbers, NaN where anything needed is NaN."""
    unknown = reduce(np.logical_or, [np.isnan(part) for part in needed])
    return np.where(unknown, np.nan, passes.astype(float))


def no_more_than(low: Array, high: Array) -> Array:
    """Whether `low` is at most `high`; unknown where either is."""
    return settled(low <= high, low, high)


def today_of(inputs: RuleInput) -> float:
    """The day of the request as dates are encoded: in days from 1970-01-01."""
    return float(inputs.context.day.toordinal() - EPOCH)
