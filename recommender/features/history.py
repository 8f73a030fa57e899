"""Clinician records: what earlier clients rated a clinician, shrunk towards 0 by how few they are.

Records count every report they are given: the caller chooses which. A fold that tests forward in
time is trained on pairings whose ratings were known before its first test pairing began
(`recommender.training.folds`), and the rows it learns from are computed out of fold, so that no
client's rating enters that client's row. A trained model stores the records of its training
tables; ratings that arrive later change nothing until the next training.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from recommender.features.client_levels import Codes, mean_over_tags
from recommender.features.feature import Array, Feature, both_ways, variance_components
from recommender.practice.definition import Practice

MIN_RATIO, MAX_RATIO = 2.0, 200.0
"""Bounds of the shrinkage ratio: below, two ratings could lead; above, no record ever would."""


@dataclass(frozen=True, slots=True)
class ClientReports:
    """Ratings of clinicians by n pairings.

    Attributes
    ----------
    clinician : (n,) int
        Place among all clinicians.
    level : (n,) or (n, k) int
        Level of the client field by which records are also computed, or several of tags; -1 for
        none. A rating counts in the record of each of them.
    residual : (n,) float
        Rating minus what this client would rate an average clinician, in points.
    clinicians, levels
        Numbers of all clinicians and of all levels.
    """

    clinician: Codes
    level: Codes
    residual: Array
    clinicians: int
    levels: int

    def where(self, chosen: NDArray[np.bool_]) -> "ClientReports":
        """The reports of some rows."""
        return replace(
            self,
            clinician=self.clinician[chosen],
            level=self.level[chosen],
            residual=self.residual[chosen],
        )


@dataclass(frozen=True, slots=True)
class Shrinkage:
    """Ratings that weigh as much as the practice's average: within- over between-variance."""

    overall: float
    by_level: float


@dataclass(frozen=True, slots=True)
class HistoryRecords:
    """The record of every clinician.

    Attributes
    ----------
    mean : (clinicians,)
        Shrunken mean residual, `sum / (n + k)`, in points; 0 for a clinician without ratings.
    count : (clinicians,)
        Number of ratings.
    level_mean, level_count : (clinicians, levels)
        Shrunken mean of what `mean` leaves over for clients of one level, and their ratings.
    """

    mean: Array
    count: Array
    level_mean: Array
    level_count: Array

    @property
    def width(self) -> int:
        """The number of `history_features`."""
        return 4 if self.level_mean.shape[1] else 2

    def rows(self, clinician: Codes, level: Codes) -> Array:
        """Values of `history_features`, (n, features): counts as log(1 + n); 0 for clinician -1.

        By level those of the client's level, or the mean over several; see `client_levels`.
        """
        known = clinician >= 0
        columns = [np.where(known, part[clinician], 0.0) for part in (self.mean, self.count)]
        if self.level_mean.shape[1] and level.ndim == 1:
            answered = known & (level >= 0)
            columns += [
                np.where(answered, part[clinician, level], 0.0)
                for part in (self.level_mean, self.level_count)
            ]
        rows = np.stack(columns, axis=1)
        rows[:, 1::2] = np.log1p(rows[:, 1::2])
        if level.ndim == 1:
            return rows
        return np.concatenate([rows, self._of_tags(clinician, level)], axis=1)

    def _of_tags(self, clinician: Codes, level: Codes) -> Array:
        """The last two features for clients with several levels, (n, 2)."""
        answered = (clinician >= 0)[:, None] & (level >= 0)
        mean, count = (
            np.where(answered, part[clinician[:, None], level], 0.0)
            for part in (self.level_mean, self.level_count)
        )
        both = (mean_over_tags(each, level) for each in (mean, np.log1p(count)))
        return np.stack([*both], axis=1)


def history_features(practice: Practice) -> tuple[Feature, ...]:
    """The record and its number of ratings, overall and by level where the definition asks."""
    settings = practice.history
    phrase, otherwise = settings.phrase, settings.otherwise
    count = "how many earlier clients reported"
    features = [
        Feature("history.record", phrase, otherwise, settings.group),
        Feature("history.ratings", *both_ways(count), settings.group),
    ]
    if settings.per is not None:
        field = practice.client[settings.per]
        alike = f"among those with the same {field.phrase}"
        if field.kind == "tags":
            alike = f"among those with any of the same {field.phrase}"
        phrase, otherwise, count = (f"{each}, {alike}" for each in (phrase, otherwise, count))
        features += [
            Feature("history.record_by_level", phrase, otherwise, settings.group),
            Feature("history.ratings_by_level", *both_ways(count), settings.group),
        ]
    return tuple(features)


def shrinkage_of(reports: ClientReports) -> Shrinkage:
    """How far records are drawn to 0: within- over between-clinician variance, 2 to 200.

    The largest ratio where clinicians differ no more than by chance. By level the ratio is doubled,
    by our choice: fewer ratings remain, and the overall record already holds a part of the effect.
    """
    components = variance_components(reports.clinician, reports.residual)
    ratio = MAX_RATIO
    if components is not None and components.between > 0:
        ratio = components.within / components.between
    overall = float(np.clip(ratio, MIN_RATIO, MAX_RATIO))
    return Shrinkage(overall, 2.0 * overall)


def records_of(reports: ClientReports, shrinkage: Shrinkage) -> HistoryRecords:
    """The record of every clinician from all of the reports."""
    count = np.bincount(reports.clinician, minlength=reports.clinicians).astype(np.float64)
    total = np.bincount(reports.clinician, reports.residual, minlength=reports.clinicians)
    mean = total / (count + shrinkage.overall)
    left = reports.residual - mean[reports.clinician]
    answered = reports.level >= 0
    report = np.nonzero(answered)[0]
    cell = reports.clinician[report] * max(reports.levels, 1) + reports.level[answered]
    cells = reports.clinicians * reports.levels
    level_count = np.bincount(cell, minlength=cells).astype(np.float64)[:cells]
    level_total = np.bincount(cell, left[report], minlength=cells)[:cells]
    shape = (reports.clinicians, reports.levels)
    level_mean = (level_total / (level_count + shrinkage.by_level)).reshape(shape)
    return HistoryRecords(mean, count, level_mean, level_count.reshape(shape))


def held_out_rows(
    reports: ClientReports,
    fold: Codes,
    clinician: Codes,
    level: Codes,
    pair_fold: Codes,
    shrinkage: Shrinkage,
) -> Array:
    """History rows of m pairings, computed from the reports of all folds but the pairing's own.

    Parameters
    ----------
    reports, fold
        n reports, and the fold of each, (n,) int.
    clinician, level, pair_fold : (m,) int
        Clinician, client level and fold of each pairing, whether it has a report or not; (m, k)
        levels where there are several.

    Returns
    -------
    (m, features) float
        Values of `history_features`.
    """
    rows = np.empty((len(pair_fold), 4 if reports.levels else 2))
    for number in np.unique(pair_fold):
        inside = pair_fold == number
        records = records_of(reports.where(fold != number), shrinkage)
        rows[inside] = records.rows(clinician[inside], level[inside])
    return rows
