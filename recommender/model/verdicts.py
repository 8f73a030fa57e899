"""Five questions about a model with a verdict in words: yes, no, or not yet known.

A verdict rests on an interval of 95 %. Where the interval covers both answers the verdict is "not
yet known", with the number of ratings that would settle it if the figure stays as it is. Whether
matching and a better order are shown are claims (`model.claims`): shown, or not shown yet.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from recommender.model.claims import OURS, Claim, claims_of
from recommender.model.evaluation_report import (
    ALL_RATED,
    FIRST_RANKED,
    NEW_CLINICIANS,
    PARTIAL,
    EvaluationReport,
)
from recommender.model.share_intervals import (
    Share,
    beside_others,
    ratings_for_share,
    share_of,
    standard_deviations,
    top_size,
)
from recommender.values.counts import counted

RANDOM = "random"
"""The learner of a report that orders at random."""
RANGE, MATCHING = "Is the range honest?", "Is matching shown?"
ORDER = "Is the order shown to be better than chance?"
WORSE, SPREAD = "Is anybody treated worse?", "Is the work spread?"
HELD_BACK = "held back from training"
COUNTED_IN_TRAINING = (
    "Measured in training, on the tables that were learned from and on no request to a server: the "
    "range and groups on pairings that were held back, matching and order on every pairing, each "
    "scored by a model that did not see its client, the spread of work on their clients."
)
"""What the figures of `verdicts_of` count."""
COVERAGE_SLACK = 0.05
"""How far coverage may lie from the stated level: half of the one rating in ten that may fall
outside."""
ENOUGH_IN_GROUP = 50
"""Ratings before a group is judged; below them the interval of a coverage of 90 % is wider than
8 points to each side. With more, a group counts against a model only beyond the noise of as many
groups as are judged (Bonferroni): of 30 groups one 95 % interval is wrong half of the time."""
ORDER_BY_TRAINING = "A training on these ratings measures it."
MOST_TO_A_TENTH = 0.5
"""Of the way from an even spread (0) to every first place going to the same tenth of clinicians
(1): half. An order by fit reached .6 to .8 in simulated practices, a mere order of popularity
.99; the practice decides whether the gain is worth it."""
MOST_NAMED = 10_000
"""A larger number of ratings is not named: it would be a guess."""


class Answer(StrEnum):
    """The answer to a question about a model."""

    YES = "Yes"
    NO = "No"
    OPEN = "Not yet known"
    SHOWN = "Shown"
    NOT_SHOWN = "Not shown yet"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A question, its answer, the figure it rests on, and what would settle it ("" if settled)."""

    question: str
    answer: Answer
    figure: str
    needs: str = ""


@dataclass(frozen=True, slots=True)
class GroupMeasure:
    """A group of clients: the share of its ratings in the range, and how its order is measured.

    `order` is the lower end, value and upper end of the client-adjusted partial; None where it was
    not measured. Both intervals are of 95 % for this group alone.
    """

    name: str
    share: Share | None
    order: tuple[float, float, float] | None = None


def verdicts_of(report: EvaluationReport, level: float) -> tuple[Verdict, ...]:
    """The verdicts on ratings that the model, or one like it, did not learn from.

    `level` is the share of ratings that the range is stated to hold.
    """
    shares = {
        row.among: Share(row.coverage, row.low, row.high, row.rated)
        for row in report.ranges
        if row.coverage is not None and row.low is not None and row.high is not None and row.rated
    }
    groups = _groups_of(report, shares)
    overall = next(
        (f.value for f in report.figures if (f.learner, f.metric) == (OURS, PARTIAL)), None
    )
    matching, order = claims_of(report)
    return (
        range_verdict(shares.get(ALL_RATED), level, of=HELD_BACK),
        claim_verdict(MATCHING, matching),
        claim_verdict(ORDER, order),
        worse_verdict(
            groups,
            level,
            everybody=shares.get(ALL_RATED),
            too_few=report.groups_too_few,
            overall=overall,
        ),
        _spread_of(report),
    )


def claim_verdict(question: str, claim: Claim) -> Verdict:
    """A claim as the answer to a question."""
    answer = Answer.SHOWN if claim.shown else Answer.NOT_SHOWN
    return Verdict(question, answer, claim.figure, claim.needs)


def range_verdict(share: Share | None, level: float, *, of: str = "", so_far: str = "") -> Verdict:
    """Whether about as many ratings fell in the range as it is stated to hold.

    `of` says which ratings, after the word; `so_far` why there is no share, where there is none.
    """
    if share is None:
        needed = ratings_for_share(level, COVERAGE_SLACK)
        figure = so_far or "It was not measured on any rating."
        return Verdict(RANGE, Answer.OPEN, figure, _settles(needed))
    rated = f"{counted(share.count, 'rating')}{f' {of}' if of else ''}"
    figure = f"{_share(share)} of {rated} fell in the range; {level:.0%} should."
    off = abs(share.value - level)
    if share.low >= level - COVERAGE_SLACK and share.high <= level + COVERAGE_SLACK:
        return Verdict(RANGE, Answer.YES, figure)
    if off > COVERAGE_SLACK and not share.low <= level <= share.high:
        wide = "It is wider than it need be." if share.value > level else "It is too narrow."
        return Verdict(RANGE, Answer.NO, f"{figure} {wide}")
    margin = COVERAGE_SLACK - off if off < COVERAGE_SLACK else off
    return Verdict(RANGE, Answer.OPEN, figure, _needs(ratings_for_share(share.value, margin)))


def worse_verdict(
    groups: Sequence[GroupMeasure],
    level: float,
    *,
    everybody: Share | None,
    too_few: int = 0,
    overall: float | None = None,
) -> Verdict:
    """Whether the range or the order is clearly worse for some group than for the other clients.

    A range that is as narrow for the others makes nobody worse off; it is too narrow for everybody.

    Parameters
    ----------
    groups
        Groups with any rating; those with fewer than `ENOUGH_IN_GROUP` are not judged.
    everybody
        The share of all ratings in the range, those of the groups among them; None without any.
    too_few
        Groups that are not in `groups`, since they have too few people to be reported.
    overall
        The client-adjusted partial of all clients; None where no order was measured, and then
        nobody can be said not to be worse off.
    """
    judged = [g for g in groups if g.share is not None and g.share.count >= ENOUGH_IN_GROUP]
    wider = standard_deviations(2 * max(len(judged), 1)) / standard_deviations(1)
    worse = [text for group in judged if (text := _worse(group, level, everybody, overall, wider))]
    narrow = _narrow_for_everybody(judged, everybody, level)
    if worse:
        return Verdict(WORSE, Answer.YES, f"{' '.join(worse)} {narrow}".strip())
    unjudged = len(groups) - len(judged) + too_few
    needed = ratings_for_share(level, COVERAGE_SLACK, judged=2 * max(len(groups) + too_few, 1))
    needs = f"About {needed:,} ratings in each group would settle it."
    if not judged:
        figure = f"No group of clients has {ENOUGH_IN_GROUP} ratings yet. {narrow}".strip()
        return Verdict(WORSE, Answer.OPEN, figure, needs)
    holds = [_holds(group, level, wider) for group in judged]
    fine = all(
        (in_range or _is_even(group, everybody, wider))
        and (overall is None or _is_ordered(group, wider))
        for group, in_range in zip(judged, holds, strict=True)
    )
    if fine and not unjudged:
        whom = "the one group" if len(judged) == 1 else f"each of {len(judged)} groups"
        figure = f"In {whom} of clients the range holds"
        if not all(holds):
            figure += " as many ratings as for the others"
        if overall is None:
            figure = f"{figure}, but the order in each was not measured. {narrow}".strip()
            return Verdict(WORSE, Answer.OPEN, figure, ORDER_BY_TRAINING)
        figure = f"{figure} and the order is better than chance. {narrow}".strip()
        return Verdict(WORSE, Answer.NO, figure)
    figure = (
        f"Of {len(judged) + unjudged} groups of clients, {len(judged)} have at least "
        f"{ENOUGH_IN_GROUP} ratings, and none of these is clearly worse off; {unjudged} have fewer."
        f" {narrow}"
    ).strip()
    return Verdict(WORSE, Answer.OPEN, figure, needs)


def spread_verdict(
    share: Share | None,
    even: float | None,
    clinicians: int | None = None,
    *,
    most: int | None = None,
    of: str = "request",
    so_far: str = "",
    unseen: str = "",
) -> Verdict:
    """Whether first places are spread over the clinicians.

    Parameters
    ----------
    share
        The share of requests, or of what else is counted, in which one of the most-recommended
        clinicians was first.
    even
        The same share in an even spread, or in random orders for each kind of client.
    clinicians
        How many there are; None where it is not known.
    most
        How many of them are the most recommended; a tenth where it is not given.
    of
        What is counted, one of it.
    so_far
        Why there is no share, where there is none.
    unseen
        A sentence about clinicians who were never shown.
    """
    if share is None or even is None:
        figure = f"{so_far or 'It was not measured.'} {unseen}".strip()
        needed = ratings_for_share(MOST_TO_A_TENTH, 0.1)
        # Constraints are left aside where clients of a training are counted.
        eligible = " with an eligible clinician" if of == "request" else ""
        needs = f"About {needed:,} {of}s{eligible} would settle it."
        return Verdict(SPREAD, Answer.OPEN, figure, needs)
    if even >= 1:
        figure = f"Any order would have the same clinicians first. {unseen}".strip()
        return Verdict(SPREAD, Answer.OPEN, figure)
    spread = "with an even spread" if most is None else "in a random order for each kind of client"
    whom = _most_recommended(clinicians, most)
    figure = (
        f"For {_share(share)} of {counted(share.count, of)} {whom} came first; {spread} it would "
        f"be {even:.0%}. {unseen}"
    ).strip()
    limit = even + MOST_TO_A_TENTH * (1 - even)
    if share.high <= limit:
        return Verdict(SPREAD, Answer.YES, figure)
    if share.low > limit:
        return Verdict(SPREAD, Answer.NO, figure)
    # The interval leaves the limit out from that many on that the error of the limit itself asks.
    needed = ratings_for_share(limit, abs(share.value - limit))
    return Verdict(SPREAD, Answer.OPEN, figure, _needs(needed, of))


def _spread_of(report: EvaluationReport) -> Verdict:
    """Whether first ranks were spread, beside what few kinds of client force."""
    found = report.concentration
    if found is not None and found.ours is not None:
        share = share_of(round(found.ours * found.clients), found.clients)
        return spread_verdict(share, found.by_kind, found.clinicians, most=found.most, of="client")
    top = {row.learner: row for row in report.exposure}
    ours, even = top.get(OURS), top.get(RANDOM)
    tested = (report.rated or 0) + (report.left_unrated or 0)
    if ours is None or ours.top_share is None or not tested:
        return spread_verdict(None, None, of="client")
    share = share_of(round(ours.top_share * tested), tested)
    return spread_verdict(
        share, None if even is None else even.top_share, ours.clinicians, of="pairing"
    )


def _groups_of(report: EvaluationReport, shares: Mapping[str, Share]) -> list[GroupMeasure]:
    orders = {
        row.among: (row.low, row.value, row.high)
        for row in report.groups or ()
        if row.learner == OURS
        and row.low is not None
        and row.value is not None
        and row.high is not None
    }
    named = [row.among for row in report.ranges]
    named += [row.among for row in report.groups or () if row.learner == OURS]
    whole = (ALL_RATED, FIRST_RANKED, NEW_CLINICIANS)
    return [
        GroupMeasure(_group_name(among), shares.get(among), orders.get(among))
        for among in dict.fromkeys(named)
        if among not in whole
    ]


def _worse(
    group: GroupMeasure, level: float, everybody: Share | None, overall: float | None, wider: float
) -> str:
    share, order = group.share, group.order
    beside = None if share is None else beside_others(share, everybody, wider)
    if share is not None and beside is not None:
        is_low = level - share.value > COVERAGE_SLACK
        is_low = is_low and share.value + wider * (share.high - share.value) < level
        if is_low and beside.others - share.value > COVERAGE_SLACK and beside.high < 0:
            return (
                f"{group.name}: {share.value:.0%} of {share.count:,} ratings fell in the range, of "
                f"the other clients' {beside.others:.0%}; {level:.0%} should."
            )
    if order is not None and overall is not None:
        _, value, high = order
        if value + wider * (high - value) < overall:
            return (
                f"{group.name}: order and rating agree by {value:.2f}, for all clients by "
                f"{overall:.2f}."
            )
    return ""


def _holds(group: GroupMeasure, level: float, wider: float) -> bool:
    share = group.share
    if share is None:
        return False
    return share.value - wider * (share.value - share.low) >= level - COVERAGE_SLACK


def _is_even(group: GroupMeasure, everybody: Share | None, wider: float) -> bool:
    """Whether a group has clearly no fewer ratings in the range than the other clients."""
    beside = None if group.share is None else beside_others(group.share, everybody, wider)
    return beside is not None and beside.low >= -COVERAGE_SLACK


def _is_ordered(group: GroupMeasure, wider: float) -> bool:
    """Whether the order of a group is clearly better than chance."""
    return group.order is not None and (
        group.order[1] - wider * (group.order[1] - group.order[0]) > 0
    )


def _narrow_for_everybody(
    judged: Sequence[GroupMeasure], everybody: Share | None, level: float
) -> str:
    """That the range is too narrow in all groups, where it clearly is for all clients together."""
    if everybody is None or level - everybody.value <= COVERAGE_SLACK or everybody.high >= level:
        return ""
    shares = [each.share.value for each in judged if each.share is not None]
    if any(level - share <= COVERAGE_SLACK for share in shares):
        return ""
    return (
        f"The range is too narrow for everybody: {everybody.value:.0%} of "
        f"{counted(everybody.count, 'rating')} fell in it; {level:.0%} should."
    )


def _group_name(among: str) -> str:
    """A group as people read it, such as `Gender: woman` for `client.gender=woman`."""
    text = among.partition(".")[2] or among
    words = text.replace("_", " ").replace("=", ": ")
    return words[:1].upper() + words[1:]


def _share(share: Share) -> str:
    return f"{share.value:.0%} ({share.low:.0%} to {share.high:.0%})"


def _most_recommended(clinicians: int | None, most: int | None) -> str:
    if clinicians is None:
        return "one of the most-recommended tenth of clinicians"
    most = top_size(clinicians) if most is None else most
    whom = "clinician" if most == 1 else f"{most:,} clinicians"
    return f"{'the' if most == 1 else 'one of the'} most-recommended {whom} of {clinicians:,}"


def _needs(number: int, of: str = "rating") -> str:
    """How many ratings or requests would settle what the interval leaves open."""
    if number > MOST_NAMED:
        return f"More than {MOST_NAMED:,} {of}s are needed: the figure lies close to the limit."
    return f"{_settles(number, of).removesuffix('.')}, if the figure stays as it is."


def _settles(number: int, of: str = "rating") -> str:
    return f"About {number:,} {of}s would settle it."
