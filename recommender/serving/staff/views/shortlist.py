"""The shortlist in words: strength, certainty, reasons, cautions and ties."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Self

from recommender.serving.schemas.responses import (
    AllianceScale,
    RecommendationResponse,
    ShownClinician,
)
from recommender.serving.staff import wording

CLEARLY, SOMEWHAT = 0.05, 0.01
"""Shares of the scale's width from which a difference to the average is called so: a fifth and a
twenty-fifth of a point on a scale of 1 to 5. Chosen by us, to be tried with intake staff."""
NO_REASON, NO_CAUTION = "Nothing stands out", "Nothing known"


@dataclass(frozen=True, slots=True)
class ShortlistCard:
    """One clinician of the shortlist; texts of figures are empty where nothing was predicted."""

    rank: int
    clinician_id: str
    name: str
    strength: str
    points: str
    sure: str
    predicted: str
    lower: str
    upper: str
    reason: str
    caution: str
    tie: str
    aloud: str
    in_favour: tuple[str, ...]
    against: tuple[str, ...]
    reservations: tuple[str, ...]

    @classmethod
    def of(cls, shown: ShownClinician, scale: AllianceScale) -> Self:
        """The card of a clinician."""
        predicted, ends = shown.predicted_alliance, shown.range
        reservations = tuple(wording.reservation(each) for each in shown.reservations)
        return cls(
            rank=shown.rank,
            clinician_id=shown.clinician_id,
            name=shown.name,
            strength="Not predicted" if predicted is None else _strength(shown, scale),
            points="" if predicted is None else wording.points(predicted, scale),
            sure=wording.sure(ends),
            predicted="" if predicted is None else wording.one(predicted),
            lower=wording.one(ends.lower) if ends else "",
            upper=wording.one(ends.upper) if ends else "",
            reason=next(iter((*shown.reasons, *shown.in_favour)), NO_REASON),
            caution=next(iter((*reservations, *shown.against)), NO_CAUTION),
            tie=wording.sentence(shown.tie_text or ""),
            aloud=wording.aloud(shown.name, shown.reasons),
            in_favour=shown.in_favour or (NO_REASON,),
            against=shown.against or (NO_CAUTION,),
            reservations=reservations or (NO_CAUTION,),
        )


@dataclass(frozen=True, slots=True)
class TieGroup:
    """Clinicians who cannot be told apart, or a single one.

    `order` is what broke the tie where it was the same for all; otherwise each card has its own.
    """

    text: str
    order: str
    cards: tuple[ShortlistCard, ...]


def tie_groups(response: RecommendationResponse) -> tuple[TieGroup, ...]:
    """The shortlist tie by tie; one group where nothing was predicted."""
    return tuple(
        _tie_group(list(tied), response.scale)
        for _, tied in groupby(response.shortlist, key=lambda each: each.tie)
    )


def _tie_group(tied: Sequence[ShownClinician], scale: AllianceScale) -> TieGroup:
    several = len(tied) > 1 and tied[0].tie is not None
    text = wording.tie(tied[0].rank, tied[-1].rank) if several else ""
    cards = tuple(ShortlistCard.of(each, scale) for each in tied)
    broken_by = {each.tie for each in cards[1:]}
    order = ""
    if several and len(broken_by) == 1 and not cards[0].tie and "" not in broken_by:
        (reason,) = broken_by
        order = f"Each after the first: {reason[:1].lower()}{reason[1:]}."
    return TieGroup(text, order, cards)


def _strength(shown: ShownClinician, scale: AllianceScale) -> str:
    """How a clinician compares with the average of those who fit; empty where it is not stored."""
    if not shown.groups:
        return ""
    lead = sum(group.points for group in shown.groups) / (scale.high - scale.low)
    if abs(lead) < SOMEWHAT:
        return "About the average clinician who fits"
    how = "Clearly" if abs(lead) >= CLEARLY else "Somewhat"
    return f"{how} {'above' if lead > 0 else 'below'} the average clinician who fits"
