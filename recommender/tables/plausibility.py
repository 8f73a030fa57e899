"""Tables that are legal cell by cell and implausible as a whole: warnings, never a refusal.

What concerns ratings alone is in `recommender.alliance.plausibility`.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import pdtrc

from recommender.alliance.plausibility import (
    MIN_FORMS,
    PlausibilityWarning,
    implausible_ratings,
)
from recommender.practice.columns import Columns
from recommender.practice.definition import Practice
from recommender.practice.fields import Field
from recommender.values.kinds import EPOCH

CODES = (-1, -7, -8, -9, -77, -88, -99, -777, -888, -999, 77, 88, 97, 98, 99, 777, 888, 999, 9999)
"""Numbers that surveys and practice systems export for "not answered" or "not applicable". 7, 8 and
9 are too often answers."""
CODE_DATES = tuple(
    date.fromisoformat(day) for day in ("1899-12-30", "1900-01-01", "1901-01-01", "1970-01-01")
)
"""Day 0 of spreadsheets and of computers: what an empty date becomes."""
MIN_REPEATS = 5
"""Rows with such a number before it is said."""
ISOLATED_STEPS = 2.0
"""A code at the end of the values is isolated when it is further from the nearest other value than
so many times the usual distance between neighbouring values."""
BOUND_GAP = 0.25
"""A declared bound is isolated when it is further from the nearest other value than this share of
the others' range: an age of 0 beside 18 to 70 is, no points for a trait beside 2 to 60 are not."""
HARDLY = 1e-6
"""A code among other values is a spike when its count would be that improbable, were it as frequent
as the most frequent of its four neighbours (Poisson). One practice has up to a thousand pairs of
field and code."""
ONE_CLINICIAN = 0.9
"""Share of pairings with one of several clinicians: the others' tenth decides what is learned about
the choice. In simulated practices from 30 ratings on the largest share is below .7."""
ONE_CLIENT = 0.2
"""Share of pairings of one client, who usually has one or two."""
ONE_DAY = 0.5
"""Share of dates on one day."""
FIRST_OF_MONTH = 0.9
"""Share of dates on the first of a month; one in thirty is usual."""
WEEKDAY_DAYS = 30
"""Different days from which it is said that all are of one weekday: dates rounded to the week give
as many in seven months, while groups may well meet on a few evenings of one weekday."""
MANY_TO_ONE = 2
"""Clinicians for each client from which the two columns look exchanged."""


def implausible_tables(
    practice: Practice,
    clients: Columns,
    clinicians: Columns,
    pairings: pd.DataFrame,
    ratings: pd.DataFrame,
) -> tuple[PlausibilityWarning, ...]:
    """Every warning about checked tables, in the order of tables.

    Parameters
    ----------
    practice
        The definition the tables follow.
    clients, clinicians
        Declared fields, one row a person.
    pairings, ratings
        As `recommender.tables.loader.Tables` has them, without rows that have a fault.
    """
    settings = practice.alliance
    accepted = {name: practice.instruments[name] for name in settings.instruments}
    counted = ratings[ratings["rater"] == settings.rater]
    return (
        *_codes("client", practice.client, clients),
        *_codes("clinician", practice.clinician, clinicians),
        *_date_codes("pairings, column started_on", _days(pairings["started_on"]), "the true day"),
        *_people(pairings),
        *_dates("pairings, column started_on", _days(pairings["started_on"])),
        *_dates("ratings, column rated_on", _days(counted["rated_on"])),
        *implausible_ratings(counted, accepted),
    )


def counts_by_kind(warnings: Sequence[PlausibilityWarning]) -> dict[str, int]:
    """Number of warnings by kind, for records that hold nothing else of the tables."""
    return dict(sorted(Counter(warning.kind for warning in warnings).items()))


@dataclass(frozen=True, slots=True)
class ConsentCounts:
    """Clients with a pairing by their answer to the flag that `practice.consent` names."""

    field: str
    yes: int
    no: int
    unanswered: int

    def __str__(self) -> str:
        return (
            f"Of {self.yes + self.no + self.unanswered} clients with a pairing, {self.no} answered "
            f"no to `{self.field}` and {self.unanswered} did not answer. That question is about "
            "being shown an order by prediction; these clients are learned from like all others. "
            "Clients who have not agreed that models learn must not be in the tables: remove "
            "their rows, or use `recommender export --out FOLDER`, which leaves them out."
        )


def consent_counts(
    practice: Practice, clients: Columns, pairings: pd.DataFrame
) -> ConsentCounts | None:
    """Answers to the consent that the definition names; None where nobody said less than yes."""
    if practice.consent is None:
        return None
    answers = clients[practice.consent][np.unique(pairings["client"].to_numpy(dtype=np.intp))]
    unanswered = int(np.isnan(answers).sum())
    yes = int((answers == 1).sum())
    counts = ConsentCounts(practice.consent, yes, len(answers) - yes - unanswered, unanswered)
    return counts if counts.no + counts.unanswered else None


def _codes(
    side: str, fields: Mapping[str, Field], columns: Columns
) -> Iterator[PlausibilityWarning]:
    """Numbers and dates of declared fields that look like codes for a missing answer."""
    for name, field in fields.items():
        where = f"{side}s, column {name}"
        section = f"under [{side}.{name}]"
        # A required field accepts no code: naming it alone would refuse every row that has it.
        also = " and required = false" if field.required else ""
        declare = f"missing_codes{also} {section}"
        values = np.asarray(columns[name]) if field.behaviour.numeric else np.empty(0)
        if field.kind == "date":
            yield from _date_codes(where, values[~np.isnan(values)], declare)
        elif field.kind in ("number", "scale", "money"):
            known = values[~np.isnan(values)] / field.behaviour.units
            for code, count in _code_like(known, field):
                yield PlausibilityWarning(
                    "repeated_code",
                    where,
                    f"{code:g} is the answer in {count} of {len(known)} rows, far more often than "
                    "the values next to it or far from all others",
                    "As a number it is learned from and compared; as a code it means no answer",
                    f"If it means that, set missing_codes = [{code:g}]{also} {section}",
                )


def _code_like(values: NDArray[np.float64], field: Field) -> Iterator[tuple[float, int]]:
    """Codes among values with their counts: isolated at an end, or a spike among others.

    The declared bounds of a client's number are codes too (an age of 0). Those of a scale or an
    amount are not, since clients answer "not at all" and "nothing to pay", and a clinician may well
    have no places or no clients.
    """
    bounds = [bound for bound in (field.min, field.max) if bound is not None]
    by_bounds = field.kind == "number" and field.side == "client"
    candidates = [*CODES, *bounds] if by_bounds else CODES
    distinct, counts = np.unique(values, return_counts=True)
    is_code = np.isin(distinct, candidates) & (counts >= MIN_REPEATS)
    usual, usual_counts = distinct[~is_code], counts[~is_code]
    if len(usual) < 3:
        return
    step = float(np.median(np.diff(usual)))
    codes = distinct[is_code]
    # Several codes at one end are as far from the answers as the innermost of them.
    below, above = codes[codes < usual[0]], codes[codes > usual[-1]]
    gap_below = usual[0] - below.max(initial=-np.inf)
    gap_above = above.min(initial=np.inf) - usual[-1]
    for code, count in zip(codes.tolist(), counts[is_code].tolist(), strict=True):
        place = int(np.searchsorted(usual, code))
        near = usual_counts[max(place - 2, 0) : place + 2].max()
        gap = gap_below if place == 0 else gap_above if place == len(usual) else 0.0
        least = ISOLATED_STEPS * step
        if code not in CODES:
            least = max(least, BOUND_GAP * float(np.ptp(usual)))
        isolated = gap > least and count >= 2 * near
        # Answers gather at the declared ends of a scale; a spike there is no sign of a code.
        spike = code not in bounds and pdtrc(count - 1, near + 1) < HARDLY
        if isolated or spike:
            yield code, count


def _date_codes(
    where: str, days: NDArray[np.float64], declare: str
) -> Iterator[PlausibilityWarning]:
    for code in CODE_DATES:
        count = int((days == code.toordinal() - EPOCH).sum())
        if count >= MIN_REPEATS:
            yield PlausibilityWarning(
                "repeated_code",
                where,
                f"{code} is the date in {count} of {len(days)} rows",
                "Spreadsheets and programs write it for an empty date",
                f"If it means that the day is not known, give {declare}",
            )


def _people(pairings: pd.DataFrame) -> Iterator[PlausibilityWarning]:
    """Warnings about whom pairings name."""
    n = len(pairings)
    if n < MIN_FORMS:
        return
    (clients, most_client), (clinicians, most_clinician) = (
        (int(counts.size), int(counts.max()))
        for counts in (pairings[side].value_counts() for side in ("client", "clinician"))
    )
    if clinicians >= MANY_TO_ONE * clients:
        yield PlausibilityWarning(
            "exchanged_ids",
            "pairings, columns client_id and clinician_id",
            f"{clients} clients met {clinicians} clinicians in {n} pairings",
            "In a practice a clinician meets many clients; the two columns look exchanged",
            "If they are, exchange the two names in the header",
        )
    elif most_client >= ONE_CLIENT * n:
        yield PlausibilityWarning(
            "one_client",
            "pairings, column client_id",
            f"one client has {most_client} of {n} pairings",
            "A model would learn what this client thinks of clinicians",
            "If the id stands for several people, give each an id of their own",
        )
    if clinicians > 1 and most_clinician >= ONE_CLINICIAN * n:
        yield PlausibilityWarning(
            "one_clinician",
            "pairings, column clinician_id",
            f"one of {clinicians} clinicians has {most_clinician} of {n} pairings",
            "About the others there is hardly anything to learn",
            "If the id is a default of the export, give the clinician who was met",
        )


def _dates(where: str, days: NDArray[np.float64]) -> Iterator[PlausibilityWarning]:
    """Warnings about dates that share a day, a weekday or the first of the month."""
    days = days[~np.isnan(days)].astype(np.int64)
    n = len(days)
    if n < MIN_FORMS:
        return
    different, counts = np.unique(days, return_counts=True)
    on_first = int((pd.to_datetime(days, unit="D").day == 1).sum())
    weekdays = np.unique(different % 7).size
    matters = "What began before what decides what a model is tested on, and how old a record is"
    if counts.max() >= ONE_DAY * n:
        kind, found = "one_day", f"{int(counts.max())} of {n} dates are one and the same day"
    elif on_first >= FIRST_OF_MONTH * n:
        kind, found = "first_of_month", f"{on_first} of {n} dates are the first of a month"
    elif weekdays == 1 and len(different) >= WEEKDAY_DAYS:
        kind, found = "one_weekday", f"all {n} dates are on one day of the week"
    else:
        return
    remedy = "If it is the day of the export or a rounded date, give the day itself"
    yield PlausibilityWarning(kind, where, found, matters, remedy)


def _days(dates: pd.Series) -> NDArray[np.float64]:
    """Days since 1970-01-01, NaN where there is none."""
    days = dates.to_numpy(dtype="datetime64[D]")
    return np.where(np.isnat(days), np.nan, days.astype(np.float64))
