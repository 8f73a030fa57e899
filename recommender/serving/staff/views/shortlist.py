"""Cards and ties of a shortlist, predictions, and who was left out by which rule."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
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

MATCHES, IN_FULL = 3, 3
"""What was asked for and is offered, on one card, and how many cards are not folded."""
CLEARLY, SOMEWHAT = 0.05, 0.01
"""Shares of the scale's width from which a difference to the average is called so: a fifth and a
twenty-fifth of a point on a scale of 1 to 5. Chosen by us, to be tried with intake staff."""


@dataclass(frozen=True, slots=True)
class ShortlistCard:
    """One clinician of the shortlist in words; a text is empty where there is nothing to say.

    `strength` compares the clinician with the average who fits, `certainty` with the next one.
    `explained` are cautions that have an explanation, in full. `spoken` is what may be said on the
    phone.
    """

    rank: int
    clinician_id: str
    name: str
    profession: str
    cost: str
    fee: str
    meeting: tuple[str, ...]
    times: tuple[str, ...]
    soonest: str
    matches: tuple[str, ...]
    differs: str
    strength: str
    certainty: str
    cautions: tuple[str, ...]
    explained: tuple[str, ...]
    spoken: str


@dataclass(frozen=True, slots=True)
class Shortlist:
    """The cards, and what is true of all of them: said once, and not on each."""

    cards: tuple[ShortlistCard, ...]
    tie: str
    facts: tuple[str, ...]
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
    facts = [each.card or current.get(each.clinician_id) or EMPTY for each in shown]
    strengths, certainties = strengths_of(response), _certainties(shown)
    cards = _without_unknown_parts(
        [
            replace(_card(each, practice, of_card, times), strength=strength, certainty=certainty)
            for each, of_card, strength, certainty in zip(
                shown, facts, strengths, certainties, strict=True
            )
            for times in [current.get(each.clinician_id, EMPTY).next_times]
        ]
    )
    profession = _of_all([each.profession for each in cards])
    ways = _of_all([card_texts.ways(each) for each in facts])
    strength = _of_all([each.strength for each in cards])
    matches = _in_all([each.matches for each in cards])
    cautions = _in_all([each.cautions for each in cards])
    own = tuple(
        replace(
            card,
            profession="" if profession else card.profession,
            meeting=card_texts.places(of_card) if ways else card.meeting,
            strength="" if strength else card.strength,
            matches=tuple(each for each in card.matches if each not in matches)[:MATCHES],
            cautions=tuple(each for each in card.cautions if each not in cautions),
        )
        for card, of_card in zip(cards, facts, strict=True)
    )
    shared = tuple(map(wording.small, filter(None, (profession, ways, strength))))
    return Shortlist(own, tie_text(response), shared, matches, cautions)


def _card(
    shown: ShownClinician, practice: Practice, facts: ClinicianCard, times: tuple[CardTime, ...]
) -> ShortlistCard:
    zone, (cost, fee) = ZoneInfo(practice.timezone), card_texts.cost(practice, facts.cost)
    return ShortlistCard(
        rank=shown.rank,
        clinician_id=shown.clinician_id,
        name=shown.name,
        profession=facts.profession or "",
        cost=cost,
        fee=fee,
        meeting=card_texts.meeting(facts),
        times=card_texts.two_times(facts, times, zone),
        soonest=card_texts.short_time(times[0].starts_at.astimezone(zone)) if times else "",
        matches=card_texts.matches(shown.card, practice),
        differs=card_texts.difference(facts),
        strength="",
        certainty="",
        cautions=tuple(map(wording.short_reservation, shown.reservations)),
        explained=tuple(
            wording.reservation(each) for each in shown.reservations if ": " in each.text
        ),
        spoken=spoken(shown.name, facts, times, practice),
    )


def _without_unknown_parts(cards: Sequence[ShortlistCard]) -> list[ShortlistCard]:
    """The cards with what is not known of some; what is known of nobody is not a part of any."""
    fees, times = any(each.cost for each in cards), any(each.times for each in cards)
    return [
        replace(
            each,
            cost=each.cost or (card_texts.NO_FEE if fees else ""),
            times=each.times or ((card_texts.NO_TIMES,) if times else ()),
        )
        for each in cards
    ]


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


def _of_all(texts: Sequence[str]) -> str:
    """The text that several clinicians share; empty where they differ."""
    return texts[0] if len(texts) > 1 and len(set(texts)) == 1 else ""


def _in_all(texts: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """What several clinicians all have."""
    if len(texts) < 2:
        return ()
    return tuple(each for each in texts[0] if all(each in others for others in texts[1:]))


def _certainties(shown: Sequence[ShownClinician]) -> list[str]:
    """How sure it is that each is ahead of the next; empty for a tie, which the page names once."""
    texts = [
        ""
        if each.ahead_of_next is None or each.tie == following.tie
        else wording.ahead(each.ahead_of_next, following.name)
        for each, following in pairwise(shown)
    ]
    return [*texts, *[""] * bool(shown)]


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
        return ("",) * len(response.shortlist)
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
