"""Rules about everyone: the interval holds, no group is worse off, first ranks are spread."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from recommender.model.evaluation_report import (
    ALL_RATED,
    FIRST_RANKED,
    NEW_CLINICIANS,
    GroupFigure,
    RangeCoverage,
    interval_text,
)
from recommender.model.share_intervals import NORMAL
from recommender.model.verdicts import COVERAGE_SLACK, ENOUGH_IN_GROUP
from recommender.training.promotion_case import (
    Judgement,
    PromotionCase,
    allowed,
    fails,
    passes,
    undecided,
)
from recommender.training.report import MIN_GROUP_SIZE, OURS_MINUS_CHAMPION

MAX_CONCENTRATION = 0.90
"""Of the way from random orders by kind of client (0) to every first rank going to the few
most-named clinicians (1). In simulated practices knowing everything that can be known took .66 of
the first ranks to a tenth, learners .6 to .8, and a mere order of popularity .99, worth nothing to
a full practice."""
MORE_THAN_CHAMPION = 0.10
"""How much more of the first ranks the most-named may get than under the champion."""

Row = TypeVar("Row", RangeCoverage, GroupFigure)


def ranges(case: PromotionCase) -> Iterator[Judgement]:
    """The interval holds about as many ratings as it is stated to."""
    rows = case.report.ranges
    for among in (ALL_RATED, FIRST_RANKED, NEW_CLINICIANS):
        if among not in {row.among for row in rows}:
            yield fails(f"the interval was not measured among {among}", case.retrain)
    yield from _judge_populations(
        case, rows, lambda row: row.among == ALL_RATED or _has_enough(row), _coverage
    )


def _coverage(case: PromotionCase, row: RangeCoverage, judged: int) -> Judgement:
    level, coverage = row.level, row.coverage
    if level is None or coverage is None:
        return fails(f"the interval could not be measured among {row.among}", case.look)
    text = (
        f"the interval held {coverage:.0%} of {row.rated or 0:,} later ratings among {row.among}, "
        f"where {level:.0%} is stated"
    )
    # An end that is not known is no excuse.
    noise = row.high is not None and coverage + _widened(row.high - coverage, judged) >= level
    if level - coverage <= COVERAGE_SLACK:
        return passes(text)
    if noise:
        return undecided(text)
    return fails(text, f"check for a change in who rates or in the instrument, then {case.keep}")


def groups(case: PromotionCase) -> Iterator[Judgement]:
    """No audited group is clearly worse than under the champion."""
    rows, too_few = case.report.groups, case.report.groups_too_few
    if rows is None:
        yield fails("groups were not measured", case.retrain)
    if too_few > 0:
        one = too_few == 1
        counted = f"{too_few} group{'s'[one:]} had fewer than {MIN_GROUP_SIZE} people"
        yield undecided(f"{counted} and {'was' if one else 'were'} not judged")
    if rows is None or case.champion is None:
        return
    beside = [row for row in rows if row.learner == OURS_MINUS_CHAMPION]
    for among in dict.fromkeys(row.among for row in rows):
        if among not in {row.among for row in beside}:
            yield fails(f"{among} was not measured beside champion", case.measure)
    yield from _judge_populations(case, beside, _has_enough, _no_worse)


def _no_worse(case: PromotionCase, row: GroupFigure, judged: int) -> Judgement:
    if row.value is None or row.low is None or row.high is None:
        return fails(f"{row.among} could not be measured beside champion", case.look)
    text = (
        f"the order for {row.among} differs from the champion's by "
        f"{interval_text(row, '+', end_digits=3)} on {row.rated or 0:,} later ratings new to it"
    )
    if row.value + _widened(row.high - row.value, judged) < 0:
        remedy = f"read this group's figures in `{case.evaluate}`, then {case.keep}"
        return fails(text, remedy)
    if row.low > 0:
        return passes(text)
    return allowed(f"{text}; a difference is not shown yet")


def _judge_populations(
    case: PromotionCase,
    rows: Sequence[Row],
    has_enough: Callable[[Row], bool],
    judge: Callable[[PromotionCase, Row, int], Judgement],
) -> Iterator[Judgement]:
    """Each row that has enough ratings, judged as one of so many; the others by name."""
    judged = [row for row in rows if has_enough(row)]
    for row in judged:
        yield judge(case, row, len(judged))
    others = [row for row in rows if not has_enough(row)]
    uncounted = dict.fromkeys(row.among for row in others if row.rated is None)
    if uncounted:
        yield fails(f"ratings are not counted among {', '.join(uncounted)}", case.retrain)
    few = dict.fromkeys(row.among for row in others if row.rated is not None)
    if few:
        yield undecided(
            f"groups are not judged on fewer than {ENOUGH_IN_GROUP} ratings: {', '.join(few)}"
        )


def _has_enough(row: RangeCoverage | GroupFigure) -> bool:
    return (row.rated or 0) >= ENOUGH_IN_GROUP


def _widened(half: float, judged: int) -> float:
    """Half of a 95 % interval, as wide as so many intervals must be to hold together."""
    return half * NORMAL.inv_cdf(1 - 0.025 / max(judged, 1)) / NORMAL.inv_cdf(0.975)


def exposure(case: PromotionCase) -> Iterator[Judgement]:
    """First ranks are spread as far as the kinds of client allow, and as under the champion."""
    found = case.report.concentration
    if found is None or found.ours is None or found.by_kind is None:
        text = "first ranks were not measured beside random orders by kind of client"
        yield fails(text, case.retrain)
        return
    whom = "the same clinician" if found.most == 1 else f"one of the same {found.most:,} clinicians"
    text = f"{_of_100(found.ours)} are shown {whom} of {found.clinicians:,} first"
    if found.by_kind >= 1:
        yield undecided(f"{text}; with {found.kinds:,} kind of client any order would do so")
        return
    beside = (
        f"{text}; in a random order for each of {found.kinds:,} kinds of client "
        f"{_of_100(found.by_kind)} would be"
    )
    remedy = (
        "declare fields or matches by which clinicians suit different clients and train again, or "
        f"{case.force}"
    )
    concentration = (found.ours - found.by_kind) / (1 - found.by_kind)
    yield fails(beside, remedy) if concentration > MAX_CONCENTRATION else passes(beside)
    if case.champion is None or found.champion is None:
        return
    beside = f"{text}; under the champion {_of_100(found.champion)} are"
    more = found.ours - found.champion
    yield fails(beside, remedy) if more > MORE_THAN_CHAMPION else passes(beside)


def _of_100(share: float) -> str:
    return f"{share * 100:.0f} of 100 clients"
