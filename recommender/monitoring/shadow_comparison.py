"""The model that is shown beside a second one that is not: agreement, and later ratings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from recommender.alliance.linking import InstrumentLinker
from recommender.journal.rated_pairings import RatedPairing
from recommender.journal.shadows import ShadowedRequest
from recommender.monitoring.early_ratings import points_on_scale
from recommender.practice.definition import Practice

TOP = 3
"""Ranks whose overlap is stated."""
LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class RatedUnder:
    """Later ratings of clients who began with one kind of clinician, in points.

    The interval of the mean is that of Student's t; None below two ratings.
    """

    kind: str
    clients: int
    mean: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class ShadowComparison:
    """What both models did with the same requests.

    Attributes
    ----------
    requests
        That both models scored.
    agreement
        Mean over requests of the correlation of both models' scores; None without any.
    first_differs
        Share of requests in which the first clinician differs.
    overlap
        Mean share of the first `TOP` of one that are among the first `TOP` of the other.
    ratings
        By whom clients began with. Clients chose: their difference is no effect of the model.
    errors
        Mean absolute error of prediction of the shown and of the second model on the same `paired`
        ratings; None without any.
    """

    requests: int
    agreement: float | None
    first_differs: float
    overlap: float
    ratings: tuple[RatedUnder, ...]
    paired: int
    errors: tuple[float, float] | None


def compare_shadow(
    requests: Sequence[ShadowedRequest],
    shortlists: Mapping[str, Mapping[str, float]],
    begun: Mapping[str, RatedPairing],
    practice: Practice,
) -> ShadowComparison:
    """The comparison over some requests, at least one.

    Parameters
    ----------
    shortlists
        By request, the predicted alliance of each clinician shown, first rank first.
    begun
        By request, the pairing that came of it.
    """
    settings = practice.alliance
    linker = InstrumentLinker.declared(practice.instruments, settings.reference, settings.metric)
    rated = points_on_scale([each for each in begun.values() if each.ratings], practice, linker)
    agreements = [each.shadow.agreement for each in requests if each.shadow.agreement is not None]
    differs, overlaps, kinds = [], [], {name: list[float]() for name in KINDS}
    errors = []
    for each in requests:
        own, second = list(shortlists[each.recommendation_id]), each.shadow.model_order
        top = min(TOP, len(own))
        differs.append(own[:1] != list(second[:1]))
        overlaps.append(len({*own[:top]} & {*second[:top]}) / max(top, 1))
        pairing = begun.get(each.recommendation_id)
        if pairing is None or pairing.pairing_id not in rated:
            continue
        rating, whom = rated[pairing.pairing_id], pairing.clinician_id
        kinds[_kind(whom, own[0], second[0])].append(rating)
        shown = shortlists[each.recommendation_id].get(whom)
        if shown is not None and whom in each.shadow.predicted:
            errors.append((abs(rating - shown), abs(rating - each.shadow.predicted[whom])))
    means = np.mean(errors, axis=0).tolist() if errors else None
    return ShadowComparison(
        requests=len(requests),
        agreement=float(np.mean(agreements)) if agreements else None,
        first_differs=float(np.mean(differs)),
        overlap=float(np.mean(overlaps)),
        ratings=tuple(_rated_under(kind, some) for kind, some in kinds.items()),
        paired=len(errors),
        errors=None if means is None else (means[0], means[1]),
    )


BOTH, SHOWN, SECOND, NEITHER = KINDS = (
    "first of both models",
    "first of the model shown",
    "first of the second model",
    "another",
)


def _kind(whom: str, shown: str, second: str) -> str:
    if whom == shown:
        return BOTH if whom == second else SHOWN
    return SECOND if whom == second else NEITHER


def _rated_under(kind: str, ratings: Sequence[float]) -> RatedUnder:
    if not ratings:
        return RatedUnder(kind, 0, None, None, None)
    mean = float(np.mean(ratings))
    if len(ratings) < 2:
        return RatedUnder(kind, 1, mean, None, None)
    half = stats.t.isf((1 - LEVEL) / 2, len(ratings) - 1) * stats.sem(ratings)
    return RatedUnder(kind, len(ratings), mean, float(mean - half), float(mean + half))
