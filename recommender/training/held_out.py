"""The held-out pairings all learners are measured on, and their inverse-propensity weights."""

from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.features.pipeline import Pairs
from recommender.training.dataset import EPOCH, Dataset
from recommender.training.folds import Fold
from recommender.training.metrics import DROPOUT_QUANTILE, Floats, Ints, low_quantile

CLIP = 0.1
"""Propensities below this are clipped to it, so that no rating counts more than ten times as much
as one without a randomised tie. A tie of more than ten is then weighted too little, which biases
towards the pairings as they are (Ionides 2008, J. Comput. Graph. Stat. 17:295, on truncation); a
shortlist of five hardly holds one."""


def inverse_chance(chance: Floats) -> Floats:
    """Weight of each pairing by inverse propensity, (n,), of mean 1.

    w_i = 1 / max(p_i, CLIP), and w_i = 1 without a randomised tie; divided by their mean. With
    p_i = 1 / m, one of a tie of m counts for all m: sums over pairings estimate sums over every
    client with every clinician of their tie (Horvitz & Thompson 1952, JASA 47:663). Every figure
    is a ratio of weighted sums, hence self-normalised (Swaminathan & Joachims 2015, NIPS 28).
    Unbiased, up to the clip and to the ratio, where a client's choice within a tie depends on the
    position and not on the person: staff who pass over a person bring back the bias.

    Parameters
    ----------
    chance : (n,)
        Probability of the clinician's position in the list; NaN without a randomised tie.
    """
    weights = 1.0 / np.fmax(np.where(np.isnan(chance), 1.0, chance), CLIP)
    return np.asarray(weights / weights.mean()) if len(weights) else weights


def effective_size(weights: Floats) -> float:
    """Rows of equal weight with as much information: (sum w)^2 / sum w^2 (Kish 1965, sec. 11.7)."""
    total = float(weights.sum())
    return total * total / float((weights**2).sum()) if total else 0.0


Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class HeldOut:
    """The held-out pairings of all folds, one row each.

    Attributes
    ----------
    label : (n,)
        In points; NaN for a pairing that ended before it was rated.
    expected : (n,)
        Our client part, the same for every learner.
    client, clinician, fold : (n,) int
    began : (n,) int
        Day since 1970-01-01.
    known : (n,) int
        Training ratings of the clinician.
    place : (n,)
        Share of the available clinicians that our pairing score ranks before this one; NaN where
        it was not computed.
    low, high : (n,)
        Ends of our stated interval.
    chance : (n,)
        Propensity of the clinician's position; NaN without a randomised tie.
    lowest
        The lowest label the scale has.
    """

    label: Floats
    expected: Floats
    client: Ints
    clinician: Ints
    fold: Ints
    began: Ints
    clinician_ratings: Ints
    rank_share: Floats
    low: Floats
    high: Floats
    chance: Floats
    lowest: float

    def __len__(self) -> int:
        return len(self.label)

    @property
    def is_rated(self) -> Mask:
        """Which pairings were rated; the others ended before."""
        return np.isfinite(self.label)

    @property
    def rated(self) -> Floats:
        """1 for rated pairings, 0 for those that ended before."""
        return self.is_rated.astype(np.float64)

    @property
    def weights(self) -> Floats:
        """Inverse-propensity weights, (n,)."""
        return inverse_chance(self.chance)

    @property
    def client_in_fold(self) -> Ints:
        """A code for each client within each fold: only these are ranked together."""
        return _within_fold(self.fold, self.client)

    @property
    def clinician_in_fold(self) -> Ints:
        """A code for each clinician within each fold.

        Across folds a clinician's fitted effect is low where their held-out ratings are high:
        popularity would seem to match badly.
        """
        return _within_fold(self.fold, self.clinician)

    def take(self, chosen: Mask) -> "HeldOut":
        """Some of the rows."""
        arrays = {name: getattr(self, name)[chosen] for name in ARRAYS}
        return replace(self, **arrays)


ARRAYS = tuple(field.name for field in fields(HeldOut) if field.name != "lowest")


def joined(parts: list[HeldOut]) -> HeldOut:
    """The rows of several folds, one after another."""
    arrays: dict[str, Any] = {
        name: np.concatenate([getattr(part, name) for part in parts]) for name in ARRAYS
    }
    return replace(parts[0], **arrays)


@dataclass(frozen=True)
class WeightedHeldOut:
    """Tested rows at d weightings; what several metrics need is computed once.

    Attributes
    ----------
    tested
    weights : (n, d)
        Not negative; 0 leaves a row out.
    """

    tested: HeldOut
    weights: Floats

    @cached_property
    def rated(self) -> Floats:
        """Weights of the rated rows alone, (rated, d)."""
        return self.weights[self.tested.is_rated]

    @cached_property
    def low(self) -> Floats:
        """The residual at which dropouts are imputed, (d,)."""
        rows = self.tested.is_rated
        residual = self.tested.label[rows] - self.tested.expected[rows]
        return low_quantile(residual, self.rated, DROPOUT_QUANTILE)


def _within_fold(fold: Ints, code: Ints) -> Ints:
    return np.unique(np.stack([fold, code]), axis=1, return_inverse=True)[1]


def began_after(rows: HeldOut, until: str | None) -> Mask:
    """Which pairings began after a day, such as the last of which a model knew; all without one."""
    if until is None:
        return np.ones(len(rows), dtype=np.bool_)
    last = int((np.datetime64(until, "D") - EPOCH).astype(np.int64))
    return np.asarray(rows.began > last)


def tested_pairs(dataset: Dataset, fold: Fold) -> Pairs:
    """The pairings a fold tests: the rated, then those that ended unrated."""
    return together(dataset.pairs.take(fold.test), dataset.dropouts.take(fold.dropouts))


def together(one: Pairs, other: Pairs) -> Pairs:
    """Some pairings, then others."""
    return Pairs(
        np.concatenate([one.client, other.client]),
        np.concatenate([one.clinician, other.clinician]),
    )
