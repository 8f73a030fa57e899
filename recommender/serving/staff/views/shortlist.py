"""Cards and ties of a shortlist, who was left out by which rule, and what would add clinicians."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import fsum
from statistics import fmean
from zoneinfo import ZoneInfo

from recommender.practice.definition import Practice
from recommender.serving.schemas.card import CardTime, ClinicianCard
from recommender.serving.schemas.responses import (
    AllianceScale,
    RecommendationResponse,
    ShownClinician,
)
from recommender.serving.staff import wording
from recommender.serving.staff.views import card_texts
from recommender.serving.staff.views.spoken import spoken

CLEARLY, SOMEWHAT = 0.05, 0.01
"""Shares of the scale's width from which a difference to the average is called so: a fifth and a
twenty-fifth of a point on a scale of 1 to 5. Chosen by us, to be tried with intake staff."""
DIFFERENCES = 3
"""Differences on a card; the comparison has all."""
ONLY_ONE = "The only clinician who fits"


@dataclass(frozen=True, slots=True)
class ShortlistCard:
    """One clinician of the shortlist in words; a text is empty where there is nothing to say.

    `strength` compares the clinician with the average who fits, `certainty` with the next one.
    `spoken` is what may be said on the phone.
    """

    rank: int
    clinician_id: str
    name: str
    profession: str
    cost: str
    fee: str
    meeting: tuple[str, ...]
    times: tuple[str, ...]
    matches: tuple[str, ...]
    differs: tuple[str, ...]
    strength: str
    certainty: str
    cautions: tuple[str, ...]
    spoken: str


@dataclass(frozen=True, slots=True)
class Shortlist:
    """The cards, and what is true of all of them: said once, and not on each."""

    cards: tuple[ShortlistCard, ...]
    tie: str
    strength: str
    matches: tuple[str, ...]
    cautions: tuple[str, ...]


def shortlist_of(
    response: RecommendationResponse, practice: Practice, current: Mapping[str, ClinicianCard]
) -> Shortlist:
    """The shortlist in words.

    Parameters
    ----------
    current
        Cards by the present roster, for the next times, and for all facts of responses that were
        stored without cards.
    """
    shown = response.shortlist
    strengths = strengths_of(response)
    matches = [card_texts.matches(each.card, practice) for each in shown]
    cautions = [tuple(map(wording.reservation, each.reservations)) for each in shown]
    several = len(shown) > 1
    all_match, all_caution = (_in_all(texts) if several else () for texts in (matches, cautions))
    one_strength = strengths[0] if several and len(set(strengths)) == 1 else ""
    facts = [each.card or current.get(each.clinician_id) or EMPTY for each in shown]
    times = [current.get(each.clinician_id, EMPTY).next_times for each in shown]
    # What is known of nobody is not part of this practice's cards.
    missing = card_texts.NO_FEE if any(each.cost for each in facts) else ""
    closed = card_texts.NO_TIMES if any(times) else ""
    cards = tuple(
        _card(
            each,
            practice,
            facts[place],
            times[place],
            missing=missing,
            closed=closed,
            matches=tuple(text for text in matches[place] if text not in all_match),
            cautions=tuple(text for text in cautions[place] if text not in all_caution),
            strength="" if one_strength else strengths[place],
            certainty=_certainty(each, shown[place + 1]) if shown[place + 1 :] else "",
        )
        for place, each in enumerate(shown)
    )
    return Shortlist(cards, tie_text(response), one_strength, all_match, all_caution)


def _card(
    shown: ShownClinician,
    practice: Practice,
    facts: ClinicianCard,
    times: tuple[CardTime, ...],
    *,
    missing: str,
    closed: str,
    matches: tuple[str, ...],
    cautions: tuple[str, ...],
    strength: str,
    certainty: str,
) -> ShortlistCard:
    cost, fee = card_texts.cost(practice, facts.cost)
    return ShortlistCard(
        rank=shown.rank,
        clinician_id=shown.clinician_id,
        name=shown.name,
        profession=facts.profession or "",
        cost=cost or missing,
        fee=fee,
        meeting=card_texts.meeting(facts),
        times=card_texts.two_times(facts, times, ZoneInfo(practice.timezone)) or (closed,),
        matches=matches,
        differs=tuple(card_texts.difference(each.text) for each in facts.differs[:DIFFERENCES]),
        strength=strength,
        certainty=certainty,
        cautions=cautions,
        spoken=spoken(shown.name, facts, times, practice),
    )


EMPTY = ClinicianCard(
    profession=None,
    photo=None,
    meeting=(),
    cost=None,
    next_times=(),
    asked_and_offered=(),
    differs=(),
)
"""The card of a clinician who has left the roster, in a response that was stored without cards."""


def _in_all(texts: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(each for each in texts[0] if all(each in others for others in texts[1:]))


def _certainty(shown: ShownClinician, following: ShownClinician) -> str:
    """How sure it is that a clinician is ahead of the following one."""
    if shown.ahead_of_next is None:
        return ""
    tied = shown.tie == following.tie
    return wording.ahead(shown.ahead_of_next, following.name, tied=tied)


def tie_text(response: RecommendationResponse) -> str:
    """Which clinicians cannot be told apart; empty where nothing was predicted or all can."""
    groups = [
        tuple(each.rank for each in group)
        for tie, group in groupby(response.shortlist, key=lambda each: each.tie)
        if tie is not None
    ]
    several = [group for group in groups if len(group) > 1]
    if not several:
        return ""
    return wording.ties([(group[0], group[-1]) for group in several], everybody=len(groups) == 1)


def strengths_of(response: RecommendationResponse) -> tuple[str, ...]:
    """How each clinician compares with the average of those who fit.

    The same words for all of a tie, by their mean: what cannot be told apart is not described
    apart, and the words fall with the ranks, because every tie is predicted above the next. Empty
    where the contributions are not stored, and for two: their average is halfway between them.
    """
    if response.eligible <= 2:
        return (ONLY_ONE if response.eligible == 1 else "",) * len(response.shortlist)
    words: list[str] = []
    for _, group in groupby(response.shortlist, key=lambda each: each.tie):
        tied = tuple(group)
        words += [_strength(tied, response.scale)] * len(tied)
    return tuple(words)


def _strength(tied: Sequence[ShownClinician], scale: AllianceScale) -> str:
    leads = [fsum(group.points for group in shown.groups) for shown in tied if shown.groups]
    if not leads:
        return ""
    lead = fmean(leads) / (scale.high - scale.low)
    if abs(lead) < SOMEWHAT:
        return "About average"
    how = "Clearly" if abs(lead) >= CLEARLY else "Somewhat"
    return f"{how} {'above' if lead > 0 else 'below'} average"


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


def relaxation_lines(response: RecommendationResponse) -> tuple[RelaxationLine, ...]:
    """The relaxations of a response in words; of changes of one answer the smallest first."""
    fields = [frozenset(change.field for change in each.answers) for each in response.relaxations]
    numbered = sorted(
        enumerate(response.relaxations),
        key=lambda each: (fields.index(fields[each[0]]), each[1].admits),
    )
    return tuple(
        RelaxationLine(
            wording.sentence(each.text),
            wording.counted(each.admits, "more clinician", "more clinicians"),
            number if each.answers else None,
        )
        for number, each in numbered
    )


@dataclass(frozen=True, slots=True)
class PredictionRow:
    """The prediction of one clinician, and the range in which ratings like it fell."""

    name: str
    predicted: str
    range: str


def prediction_rows(response: RecommendationResponse) -> tuple[PredictionRow, ...]:
    """The predictions of a shortlist, none where nothing was predicted."""
    return tuple(
        PredictionRow(
            each.name,
            wording.one(each.predicted_alliance),
            "" if each.range is None else wording.range_ends(each.range),
        )
        for each in response.shortlist
        if each.predicted_alliance is not None
    )
