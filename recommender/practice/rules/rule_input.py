"""What a rule is asked: one constraint, one client, one roster, and the circumstances.

Also the three-valued logic its answers are joined by. Imported by `verdicts`, `times`, `prices`
and above.
"""

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

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class RequestContext:
    """The circumstances in which one client asks.

    Attributes
    ----------
    day
        The day asked, on the practice's calendar.
    client_id
        None for a person the practice has no id for yet.
    clinician_ids
        Ids in the order of the roster's rows.
    timezone
        IANA zone of the practice, for whoever has none of their own.
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
    """One constraint put to one roster.

    Attributes
    ----------
    client, clinician
        One encoded array a field: one row for the client, n for the clinicians. Where a rule
        compares levels, the client's already stand in the clinician's order.
    client_fields, clinician_fields
        Their declarations; the client's is the constant's where the definition gives one.
    intake, roster
        All answers of the client, and of the clinicians.
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
    """The verdict where everything needed is known, NaN elsewhere."""
    unknown = reduce(np.logical_or, [np.isnan(part) for part in needed])
    return np.where(unknown, np.nan, passes.astype(float))


def no_more_than(low: Array, high: Array) -> Array:
    """Whether one is at most the other, bounds included; unknown where either is."""
    return settled(low <= high, low, high)


def today_of(question: RuleInput) -> float:
    """The day asked, as columns hold days: counted from 1970-01-01."""
    return float((question.context.day - date(1970, 1, 1)).days)
