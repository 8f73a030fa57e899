"""What earlier clients reported of a clinician, shrunken by how little of it there is.

This module alone looks back. It counts strictly before `as_of`, by the day a rating was known;
for training rows it counts out of fold. A client's own rating never enters that client's row.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from recommender.features.feature import Array, Feature
from recommender.practice.definition import Practice

Codes = NDArray[np.int64]
FEWEST, MOST = 2.0, 200.0
"""Bounds of the shrinkage ratio: below, two lucky ratings would lead; above, none ever would."""


@dataclass(frozen=True, slots=True)
class ClientReports:
    """Known ratings, one a row.

    Attributes
    ----------
    clinician : (n,) int
        Place among `clinicians` clinicians.
    level : (n,) int
        Level of the client question by which records are also kept; -1 for none.
    residual : (n,) float
        Rating less what this client would rate an average clinician, in points.
    known_on : (n,) int
        Day since 1970-01-01 on which the rating was known.
    clinicians, levels
        How many there are.
    """

    clinician: Codes
    level: Codes
    residual: Array
    known_on: Codes
    clinicians: int
    levels: int

    def where(self, chosen: NDArray[np.bool_]) -> "ClientReports":
        """Some of the reports."""
        return replace(
            self,
            clinician=self.clinician[chosen],
            level=self.level[chosen],
            residual=self.residual[chosen],
            known_on=self.known_on[chosen],
        )

    def known_before(self, as_of: int) -> "ClientReports":
        """Reports known strictly before a day."""
        return self.where(self.known_on < as_of)


@dataclass(frozen=True, slots=True)
class Shrinkage:
    """How many ratings weigh as much as the practice's average: within over between variance."""

    overall: float
    by_level: float


@dataclass(frozen=True, slots=True)
class HistoryRecords:
    """A record for every clinician.

    Attributes
    ----------
    mean : (clinicians,)
        Shrunken mean residual, `sum / (n + k)`, in points; 0 for a clinician without ratings.
    count : (clinicians,)
        Ratings it rests on.
    level_mean, level_count : (clinicians, levels)
        The same, of what is left, for clients of one level.
    """

    mean: Array
    count: Array
    level_mean: Array
    level_count: Array

    def rows(self, clinician: Codes, level: Codes) -> Array:
        """Rows of `history_features`, (n, features); a clinician coded -1 has no record."""
        known = clinician >= 0
        columns = [np.where(known, part[clinician], 0.0) for part in (self.mean, self.count)]
        if self.level_mean.shape[1]:
            told = known & (level >= 0)
            columns += [
                np.where(told, part[clinician, level], 0.0)
                for part in (self.level_mean, self.level_count)
            ]
        rows = np.stack(columns, axis=1)
        rows[:, 1::2] = np.log1p(rows[:, 1::2])
        return rows


def history_features(practice: Practice) -> tuple[Feature, ...]:
    """The record and the number of ratings it rests on; the same by level where that is kept."""
    settings = practice.history
    phrase, otherwise = settings.phrase, settings.otherwise or settings.phrase
    count = "how many earlier clients reported"
    features = [
        Feature("history.record", phrase, otherwise, settings.group),
        Feature("history.ratings", count, count, settings.group),
    ]
    if settings.per is not None:
        alike = f"among those with the same {practice.client[settings.per].phrase}"
        phrase, otherwise, count = (f"{said}, {alike}" for said in (phrase, otherwise, count))
        features += [
            Feature("history.record_by_level", phrase, otherwise, settings.group),
            Feature("history.ratings_by_level", count, count, settings.group),
        ]
    return tuple(features)


def shrinkage_of(reports: ClientReports) -> Shrinkage:
    """The ratio of within- to between-clinician variance by the ANOVA method of moments.

    Searle, Casella & McCulloch 1992, 3.5: between = (MSB - MSW) / n0. By level the ratio is
    doubled: less is known, and the overall record has already taken the clinician's own part.
    """
    overall = _ratio(reports.clinician, reports.residual, reports.clinicians)
    return Shrinkage(overall, 2.0 * overall)


def records_of(reports: ClientReports, shrinkage: Shrinkage) -> HistoryRecords:
    """The record of every clinician from all the given reports."""
    count = np.bincount(reports.clinician, minlength=reports.clinicians).astype(np.float64)
    total = np.bincount(reports.clinician, reports.residual, minlength=reports.clinicians)
    mean = total / (count + shrinkage.overall)
    left = reports.residual - mean[reports.clinician]
    told = reports.level >= 0
    cell = reports.clinician[told] * max(reports.levels, 1) + reports.level[told]
    cells = reports.clinicians * reports.levels
    level_count = np.bincount(cell, minlength=cells).astype(np.float64)[:cells]
    level_total = np.bincount(cell, left[told], minlength=cells)[:cells]
    shape = (reports.clinicians, reports.levels)
    level_mean = (level_total / (level_count + shrinkage.by_level)).reshape(shape)
    return HistoryRecords(mean, count, level_mean, level_count.reshape(shape))


def out_of_fold_rows(reports: ClientReports, fold: Codes, shrinkage: Shrinkage) -> Array:
    """History rows in which each report's fold is left out of its own record, (n, features)."""
    return held_out_rows(reports, fold, reports.clinician, reports.level, fold, shrinkage)


def held_out_rows(
    reports: ClientReports,
    fold: Codes,
    clinician: Codes,
    level: Codes,
    asked: Codes,
    shrinkage: Shrinkage,
) -> Array:
    """History rows of any pairings, by the reports of all folds but the pairing's own.

    Parameters
    ----------
    reports, fold : n reports
        And the fold of each.
    clinician, level, asked : (m,) int
        Of the pairings, in place of `reports`' own, and their folds.
    """
    rows = np.empty((len(asked), 4 if reports.levels else 2))
    for number in np.unique(asked):
        inside = asked == number
        records = records_of(reports.where(fold != number), shrinkage)
        rows[inside] = records.rows(clinician[inside], level[inside])
    return rows


def _ratio(group: Codes, values: Array, groups: int) -> float:
    count = np.bincount(group, minlength=groups).astype(np.float64)
    seen = count > 0
    n, several = count.sum(), int(seen.sum())
    if several < 2 or n <= several:
        return MOST
    mean = np.bincount(group, values, minlength=groups)[seen] / count[seen]
    within = (np.sum(values**2) - np.sum(count[seen] * mean**2)) / (n - several)
    among = np.sum(count[seen] * (mean - values.mean()) ** 2) / (several - 1)
    typical = (n - np.sum(count**2) / n) / (several - 1)
    between = (among - within) / typical
    if between <= 0:
        return MOST
    return float(np.clip(within / between, FEWEST, MOST))
