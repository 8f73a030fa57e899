"""Cards and ties of a shortlist, who was left out by which rule, and what would add clinicians."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import fsum
from statistics import fmean
from typing import Any, Self

from recommender.practice.definition import Practice
from recommender.practice.rules.constraint import Constraint
from recommender.serving.schemas.responses import (
    AllianceScale,
    RecommendationResponse,
    ShownClinician,
)
from recommender.serving.staff import wording
from recommender.serving.staff.views.intake_answers import QuestionLink, link_to

CLEARLY, SOMEWHAT = 0.05, 0.01
"""Shares of the scale's width from which a difference to the average is called so: a fifth and a
twenty-fifth of a point on a scale of 1 to 5. Chosen by us, to be tried with intake staff."""
NO_REASON, NO_CAUTION, ALL_MET = "Nothing stands out", "None found", "Every rule is met"
NOT_PREDICTED = "Not predicted"
ONLY_ONE = "The only clinician who fits: there is nobody to compare with"


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
    def of(cls, shown: ShownClinician, scale: AllianceScale, strength: str) -> Self:
        """The card of a clinician; `strength` compares their tie with the average who fits."""
        predicted, ends = shown.predicted_alliance, shown.range
        reservations = tuple(wording.reservation(each) for each in shown.reservations)
        return cls(
            rank=shown.rank,
            clinician_id=shown.clinician_id,
            name=shown.name,
            strength=NOT_PREDICTED if predicted is None else strength,
            points="" if predicted is None else wording.points(predicted, scale),
            sure=wording.sure(ends),
            predicted="" if predicted is None else wording.one(predicted),
            lower=wording.one(ends.lower) if ends else "",
            upper=wording.one(ends.upper) if ends else "",
            reason=next(iter((*shown.reasons, *shown.in_favour)), NO_REASON),
            caution=next(iter((*reservations, *shown.against)), NO_CAUTION),
            tie=wording.sentence(shown.tie_text or ""),
            aloud=wording.aloud(shown.name, shown.reasons),
            in_favour=shown.in_favour or (NO_REASON if predicted is not None else NOT_PREDICTED,),
            against=shown.against or (NO_CAUTION if predicted is not None else NOT_PREDICTED,),
            reservations=reservations or (ALL_MET,),
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
    groups = []
    for tie, group in groupby(response.shortlist, key=lambda each: each.tie):
        tied = tuple(group)
        strength = ONLY_ONE if response.eligible == 1 else _strength(tied, response.scale)
        cards = tuple(ShortlistCard.of(each, response.scale, strength) for each in tied)
        several = len(cards) > 1 and tie is not None
        text = wording.tie(cards[0].rank, cards[-1].rank) if several else ""
        broken_by = {each.tie for each in cards[1:]}
        order = ""
        if several and len(broken_by) == 1 and not cards[0].tie and "" not in broken_by:
            (reason,) = broken_by
            order = f"Each after the first: {reason[:1].lower()}{reason[1:]}."
        groups.append(TieGroup(text, order, cards))
    return tuple(groups)


def _strength(tied: Sequence[ShownClinician], scale: AllianceScale) -> str:
    """How the clinicians of a tie compare with the average of those who fit.

    The same words for all of a tie, by their mean: what cannot be told apart is not described
    apart, and the words fall with the ranks, because every tie is predicted above the next. Empty
    where the contributions are not stored.
    """
    leads = [fsum(group.points for group in shown.groups) for shown in tied if shown.groups]
    if not leads:
        return ""
    lead = fmean(leads) / (scale.high - scale.low)
    if abs(lead) < SOMEWHAT:
        return "About the average clinician who fits"
    how = "Clearly" if abs(lead) >= CLEARLY else "Somewhat"
    return f"{how} {'above' if lead > 0 else 'below'} the average clinician who fits"


@dataclass(frozen=True, slots=True)
class ExclusionLine:
    """A constraint, whom it left out, and how many no other constraint left out."""

    text: str
    removed: int
    only: int
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RelaxationLine:
    """A change that would add clinicians.

    `number` is its place in the response, None where staff can only ask the client.
    """

    text: str
    admits: str
    gain: str
    number: int | None


def exclusion_lines(
    response: RecommendationResponse, names: Mapping[str, str]
) -> tuple[ExclusionLine, ...]:
    """Every constraint that left anybody out, the one that left out most first."""
    whom: dict[str, list[str]] = {}
    texts: dict[str, str] = {}
    for each in response.excluded:
        for reason in each.reasons:
            whom.setdefault(reason.constraint, []).append(each.clinician_id)
            # Of several texts the shortest is without what concerns one clinician alone.
            known = texts.get(reason.constraint, reason.text)
            texts[reason.constraint] = min(known, reason.text, key=len)
    lines = [line for line in response.exclusion_counts if line.removed]
    return tuple(
        ExclusionLine(
            wording.sentence(texts.get(line.constraint, line.constraint)),
            line.removed,
            line.removed_only_by_it,
            tuple(names.get(each, each) for each in whom.get(line.constraint, ())),
        )
        for line in sorted(lines, key=lambda line: (-line.removed, line.constraint))
    )


def questions_to_ask(
    response: RecommendationResponse, practice: Practice, answers: Mapping[str, Any]
) -> tuple[tuple[QuestionLink, str], ...]:
    """Unanswered questions that left clinicians out, the one that left out most first.

    Each with how many clinicians it left out.
    """
    unanswered: Counter[str] = Counter()
    for each in response.excluded:
        rules = [practice.constraints.get(r.constraint) for r in each.reasons if r.unknown]
        asked = [_decided_by(rule, answers) for rule in rules if rule and rule.unasked == "unknown"]
        unanswered.update({name for names in asked for name in names if name not in answers})
    return tuple(
        (link_to(practice.client[name]), wording.counted(number, "clinician", "clinicians"))
        for name, number in unanswered.most_common()
    )


def _decided_by(rule: Constraint, answers: Mapping[str, Any]) -> tuple[str, ...]:
    """The questions that decide on a rule: first the one that decides whether it applies."""
    if rule.when is not None and rule.when.client not in answers:
        return (rule.when.client,)
    return rule.client


def relaxation_lines(response: RecommendationResponse) -> tuple[RelaxationLine, ...]:
    """The relaxations of a response in words."""
    return tuple(
        RelaxationLine(
            wording.sentence(each.text),
            wording.counted(each.admits, "more clinician", "more clinicians"),
            wording.gain(each) if each.answers else "",
            number if each.answers else None,
        )
        for number, each in enumerate(response.relaxations)
    )
