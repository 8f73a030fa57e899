"""How clinicians were rated, each drawn towards the practice as far as few ratings say little.

Parametric empirical Bayes for one mean a clinician (Morris 1983, JASA 78:47-55). With `n` ratings
of mean `m`, a practice mean `M`, variance `s2` of ratings within clinicians and `t2` between them:

    shown = M + n / (n + k) * (m - M),  k = s2 / t2
    variance of what is shown = 1 / (n / s2 + 1 / t2)

`s2` and `t2` are analysis-of-variance estimates (`recommender.features.variance`), `M` the mean of
the means weighted by `1 / (t2 + s2 / n)`. That `M`, `s2` and `t2` are estimates is left out, so
that ranges are a little narrow where there are few clinicians.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf, sqrt
from statistics import fmean

import numpy as np

from recommender.features.variance import variance_components

FEWEST_OF_RECORD = 5
"""Ratings below which no record is shown: it would tell of single clients."""
TENTH = 1.2816
"""Standard normal quantile of 0.9: eight in ten lie within as many deviations to either side."""


@dataclass(frozen=True, slots=True)
class ClinicianRecord:
    """One clinician's ratings: how many, their mean, and where it is drawn to, with a range."""

    clinician_id: str
    rated: int
    mean: float
    shrunken: float
    lower: float
    upper: float

    @property
    def enough(self) -> bool:
        """Whether it may be shown."""
        return self.rated >= FEWEST_OF_RECORD


@dataclass(frozen=True, slots=True)
class ClinicianRecords:
    """Everybody's record, and what they are drawn towards; `pull` is `k` in ratings."""

    mean: float
    pull: float
    records: tuple[ClinicianRecord, ...]


def clinician_records(points: Mapping[str, Sequence[float]]) -> ClinicianRecords | None:
    """Records of these ratings by clinician, most ratings first.

    None where nobody has two ratings or there are fewer than two clinicians: nothing then says how
    far clinicians differ.
    """
    told = {name: some for name, some in points.items() if some}
    group = [place for place, some in enumerate(told.values()) for _ in some]
    values = np.array([each for some in told.values() for each in some])
    variances = variance_components(np.array(group, dtype=np.intp), values)
    if variances is None:
        return None
    within, between = variances.within, variances.between
    practice = _practice_mean(told, within, between)
    found = [_record(name, some, practice, within, between) for name, some in told.items()]
    found.sort(key=lambda each: (-each.rated, each.clinician_id))
    return ClinicianRecords(practice, within / between if between else inf, tuple(found))


def _practice_mean(points: Mapping[str, Sequence[float]], within: float, between: float) -> float:
    """Weighted by how well each mean is known; of all ratings alike where nobody differs."""
    if not between:
        return fmean(each for some in points.values() for each in some)
    weights = [1 / (between + within / len(some)) for some in points.values()]
    return fmean([fmean(some) for some in points.values()], weights)


def _record(
    name: str, points: Sequence[float], practice: float, within: float, between: float
) -> ClinicianRecord:
    n, mean = len(points), fmean(points)
    trust = n * between / (n * between + within) if between else 0.0
    shrunken = practice + trust * (mean - practice)
    half = TENTH * sqrt(between * (1 - trust))
    return ClinicianRecord(name, n, mean, shrunken, shrunken - half, shrunken + half)
