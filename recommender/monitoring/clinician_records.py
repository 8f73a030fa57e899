"""Mean rating of each clinician, shrunk towards the practice mean, and how often each was shown.

Parametric empirical Bayes for one mean a clinician (Morris 1983, JASA 78:47-55). With `n` ratings
of mean `m`, a practice mean `M`, variance `s2` of ratings within clinicians and `t2` between them:

    shrunk = M + n / (n + k) * (m - M),  k = s2 / t2
    posterior variance = 1 / (n / s2 + 1 / t2)

`s2` and `t2` are analysis-of-variance estimates (`recommender.features.feature`), `M` the mean of
the means weighted by `1 / (t2 + s2 / n)`.
The uncertainty of `M`, `s2` and `t2` is ignored, so ranges are slightly narrow where there are few
clinicians.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf, sqrt
from statistics import fmean

import numpy as np

from recommender.features.feature import variance_components
from recommender.journal.rated_pairings import Exposure
from recommender.tables.roster import Roster

MIN_RATINGS = 5
"""Ratings below which a record is not shown, since it would reveal single clients."""
QUANTILE_90 = 1.2816
"""Standard normal quantile of 0.9; the range of a record holds 80% of the posterior."""


@dataclass(frozen=True, slots=True)
class ClinicianRecord:
    """One clinician's mean rating, raw and shrunk, with an 80% range; in the ratings' unit."""

    clinician_id: str
    ratings: int
    mean: float
    shrunk: float
    lower: float
    upper: float

    @property
    def enough(self) -> bool:
        """Whether the record may be shown."""
        return self.ratings >= MIN_RATINGS


@dataclass(frozen=True, slots=True)
class ClinicianRecords:
    """All records, most ratings first, and the practice mean they are shrunk towards.

    The practice mean counts as `prior_ratings`, `k`; infinite where clinicians do not differ.
    """

    mean: float
    prior_ratings: float
    records: tuple[ClinicianRecord, ...]


def clinician_records(points: Mapping[str, Sequence[float]]) -> ClinicianRecords | None:
    """Records from ratings by clinician id.

    None where nobody has two ratings or there are fewer than two clinicians, so that variances
    cannot be estimated.

    Examples
    --------
    >>> records = clinician_records({"k01": [3.0, 3.4], "k02": [4.2, 4.6]})
    >>> [round(each.shrunk, 2) for each in records.records]
    [3.23, 4.37]
    """
    rated = {name: some for name, some in points.items() if some}
    group = [place for place, some in enumerate(rated.values()) for _ in some]
    values = np.array([each for some in rated.values() for each in some])
    variances = variance_components(np.array(group, dtype=np.intp), values)
    if variances is None:
        return None
    within, between = variances.within, variances.between
    means = [fmean(some) for some in rated.values()]
    if between:
        practice = fmean(means, [1 / (between + within / len(some)) for some in rated.values()])
    else:
        # Clinicians do not differ: the mean of all ratings.
        practice = fmean(values.tolist())
    records = [_record(name, some, practice, within, between) for name, some in rated.items()]
    records.sort(key=lambda each: (-each.ratings, each.clinician_id))
    return ClinicianRecords(practice, within / between if between else inf, tuple(records))


def _record(
    name: str, points: Sequence[float], practice: float, within: float, between: float
) -> ClinicianRecord:
    n, mean = len(points), fmean(points)
    weight = n * between / (n * between + within) if between else 0.0
    shrunk = practice + weight * (mean - practice)
    half = QUANTILE_90 * sqrt(between * (1 - weight))
    return ClinicianRecord(name, n, mean, shrunk, shrunk - half, shrunk + half)


DAYS = 90
"""Days over which exposure is counted."""


@dataclass(frozen=True, slots=True)
class ClinicianExposure:
    """Counts of one clinician; `open_places` is None where places are not recorded."""

    clinician_id: str
    name: str
    on_roster: bool
    counts: Exposure
    open_places: int | None


def clinician_exposures(
    counted: Mapping[str, Exposure], roster: Roster, places_field: str | None
) -> tuple[ClinicianExposure, ...]:
    """Clinicians on the roster and those no longer on it who were shown, most shown first.

    `counted` is by clinician id; `places_field` is the roster's column of open places, if any.
    """
    names, places = roster.called, {}
    if places_field is not None:
        recorded = np.asarray(roster.columns[places_field], dtype=np.float64).tolist()
        pairs = zip(roster.ids, recorded, strict=True)
        places = {each: int(number) for each, number in pairs if not np.isnan(number)}
    rows = [
        ClinicianExposure(
            each,
            names.get(each, each),
            each in names,
            counted.get(each, Exposure()),
            places.get(each),
        )
        for each in {*names, *counted}
    ]
    return tuple(sorted(rows, key=lambda row: (-row.counts.shown, -row.counts.first, row.name)))
