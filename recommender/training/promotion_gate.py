"""The promotion gate: rules over an evaluation report that decide whether a challenger may serve.

Reads only the report inside a bundle and which version is champion, so that a refusal can be
checked again years later. A part that a report lacks counts against it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import ceil
from typing import TypeVar

from recommender.errors import Fault
from recommender.model.alliance_model import PRIORS
from recommender.model.evaluation_report import (
    ALL_RATED,
    COMPOSITE,
    DYAD,
    FIRST_RANKED,
    NEW_CLINICIANS,
    BaselineDifference,
    EvaluationReport,
    GroupFigure,
    RangeCoverage,
    interval_text,
)
from recommender.model.share_intervals import NORMAL
from recommender.model.verdicts import COVERAGE_SLACK, ENOUGH_IN_GROUP
from recommender.registry.versions import CHAMPION, Promotion, Version
from recommender.training.baselines import AVERAGE, OURS, PLAIN, RANDOM
from recommender.training.report import MIN_GROUP_SIZE, OURS_MINUS_CHAMPION

ENOUGH_RATED = 600
"""Later ratings before a promotion is decided on them: in simulated practices, with 600 the
composite ordered true differences of .1 share right in 96 of 100 draws, with 300 in 86 to 90."""
DYAD_MARGIN = 0.05
"""How far below the champion's the dyad partial's interval may reach. On 601 later ratings of a
simulated practice the paired interval of a challenger and the champion it followed reached .049 to
each side: a narrower margin would refuse most equals on as many ratings as a promotion needs, a
wider one would give up more than a quarter of the .2 that matching reached there."""
MAX_CONCENTRATION = 0.90
"""Of the way from a random order (0) to every first rank going to the same tenth of clinicians
(1). In simulated practices knowing everything that can be known took .66 of the first ranks to a
tenth, learners .6 to .8, and a mere order of popularity .99, worth nothing to a full practice."""
MORE_THAN_CHAMPION = 0.10
"""How much more of the first ranks the most-named tenth may get than under the champion."""
LATER_SHARE = 0.2
"""Share of pairings, the last to begin, whose ratings a training measures on."""
FORCE = 'let a person decide: `recommender promote --force --reason "..."`, which is recorded'
KEEP = f"promote nothing, or {FORCE}"
LOOK = f"see where it falls short with `recommender evaluate FOLDER`, then {KEEP}"
RETRAIN = "train again with `recommender train`, which measures it"


class Outcome(StrEnum):
    """The outcome of a rule."""

    PASSES = "passes"
    FAILS = "fails"
    OPEN = "too few to say"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one rule found, in words; a remedy where it fails."""

    rule: str
    outcome: Outcome
    text: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class PromotionCase:
    """A challenger to be judged.

    Attributes
    ----------
    report
        Of the challenger.
    champion
        The version that is champion now, or None.
    withdrawn
        The rollback that took the challenger itself out of service, or None.
    pairings, per_year
        Rated pairings the challenger learned from, and how many of them began in a year; None where
        this is not known. A pairing is rated several times, and counts once for the gate.
    """

    report: EvaluationReport
    champion: Version | None = None
    withdrawn: Promotion | None = None
    pairings: int | None = None
    per_year: float | None = None

    @property
    def first(self) -> bool:
        """Whether nothing learned has served yet: no champion, or the declared sizes.

        A practice that began on the declared sizes should not wait longer for its first model
        than one that began on nothing.
        """
        compared = self.report.champion
        return self.champion is None or (compared is not None and compared.mode in PRIORS)

    @property
    def later(self) -> int | None:
        """Ratings the decision rests on; None when the report does not count them."""
        counts = [self.report.rated]
        if self.champion is not None:
            beside = self.report.difference(CHAMPION, COMPOSITE)
            counts.append(beside.rated if beside else None)
        counted = [count for count in counts if count is not None]
        return min(counted) if len(counted) == len(counts) else None

    @property
    def measure(self) -> str:
        """The remedy for what was not measured: training again, unless that cannot measure it."""
        compared = self.report.champion
        if compared is not None and compared.not_compared is not None:
            return FORCE
        return RETRAIN

    @property
    def lenient(self) -> bool:
        """Whether a first model is judged on few ratings: then only a clear loss refuses it."""
        return self.first and not (self.later or 0) >= ENOUGH_RATED


Judgement = tuple[Outcome, str, str]
Rule = Callable[[PromotionCase], Iterator[Judgement]]
Row = TypeVar("Row", RangeCoverage, GroupFigure)


def findings(case: PromotionCase) -> tuple[Finding, ...]:
    """The findings of every rule, in the order of the rules."""
    if case.report.is_empty:
        return (Finding("report", Outcome.FAILS, "is empty", RETRAIN),)
    rules = DECLARED if case.report.mode in PRIORS else RULES
    return tuple(Finding(name, *each) for name, rule in rules.items() for each in rule(case))


def objections(found: Sequence[Finding]) -> tuple[Fault, ...]:
    """The failures among findings; empty when the challenger may be promoted."""
    return tuple(
        Fault(each.rule, each.text, each.remedy) for each in found if each.outcome is Outcome.FAILS
    )


def _declared(case: PromotionCase) -> Iterator[Judgement]:
    if case.first:
        yield _open("nothing was learned: the declared sizes serve until there are ratings")
    else:
        yield _fails("are too few to have learned from", "the champion stays until there are more")


def _withdrawn(case: PromotionCase) -> Iterator[Judgement]:
    if case.withdrawn is not None:
        day, why = case.withdrawn.at.date().isoformat(), case.withdrawn.reason
        yield _fails(f"was withdrawn on {day}: {why}", "train again for a new challenger")


def _champion(case: PromotionCase) -> Iterator[Judgement]:
    if case.champion is None:
        yield _passes("there is none yet")
        return
    number, compared = case.champion.version, case.report.champion
    if compared is None:
        yield _fails(f"it was not measured beside version {number}, the champion", RETRAIN)
    elif compared.digest != case.champion.digest:
        problem = f"it was measured beside version {compared.version}, and {number} is champion now"
        yield _fails(problem, RETRAIN)
    elif compared.not_compared is not None:
        why = f"version {number} could not be measured beside it: {compared.not_compared}"
        yield _fails(why, FORCE)
    else:
        yield _passes(f"measured beside version {number}")


def _ratings(case: PromotionCase) -> Iterator[Judgement]:
    later = case.later
    if later is None:
        yield _fails("that came later are not counted", case.measure)
    elif later >= ENOUGH_RATED:
        yield _passes(f"decided on {later:,} later ratings")
    elif case.first:
        few = f"decided on {later:,} later ratings, fewer than {ENOUGH_RATED}"
        yield _open(f"{few}: a first model is refused only for a clear loss")
    else:
        few = f"rests on {later:,} later ratings, fewer than {ENOUGH_RATED}"
        yield _fails(few, f"{_until_enough(case, later)}; until then {KEEP}")


def _until_enough(case: PromotionCase, later: int) -> str:
    """How many rated pairings are needed before the gate decides, and when at this rate."""
    needed = round(ENOUGH_RATED / LATER_SHARE)
    text = (
        f"a later rating is of a rated pairing among the last fifth to begin, after those the "
        f"champion learned from; {ENOUGH_RATED} take {needed:,} rated pairings in all"
    )
    if case.pairings is None:
        return text
    missing = max(needed - case.pairings, ENOUGH_RATED - later)
    text += f". There are {case.pairings:,}; {missing:,} more are needed"
    if not case.per_year:
        return text
    months = ceil(12 * missing / case.per_year)
    about = f"{months} months" if months < 24 else f"{months / 12:.0f} years"
    return f"{text}, about {about} at the {case.per_year:,.0f} a year so far"


def _composite(case: PromotionCase) -> Iterator[Judgement]:
    measured = [row for row in case.report.differences if row.metric == COMPOSITE]
    needed = [RANDOM, AVERAGE, PLAIN] + ([CHAMPION] if case.champion else [])
    for name in needed:
        if name not in {row.baseline for row in measured}:
            yield _fails(f"was not measured beside {name}", case.measure)
    for row in measured:
        if row.baseline != CHAMPION or case.champion is not None:
            yield _above(row, lenient=case.lenient and row.baseline not in (RANDOM, CHAMPION))


def _above(row: BaselineDifference, *, lenient: bool) -> Judgement:
    if row.value is None or (lenient and row.high is None):
        return _fails(f"could not be measured beside {row.baseline}", LOOK)
    text = f"is {_difference(row)} beside {row.baseline}"
    if row.value > 0:
        return _passes(text + _shown(row, "a gain"))
    possible = lenient and row.high is not None and row.high > 0
    return _open(text) if possible else _fails(text, LOOK)


def _dyad(case: PromotionCase) -> Iterator[Judgement]:
    if case.champion is None:
        return
    row = case.report.difference(CHAMPION, DYAD)
    if row is None or row.value is None or row.low is None or row.high is None:
        # On too few ratings a second training measures no more than the first.
        remedy = case.measure if row is None else KEEP
        yield _fails("could not be measured beside champion", remedy)
        return
    text = f"is {_difference(row)} beside champion, which may reach {-DYAD_MARGIN:+.2f}"
    if row.low > -DYAD_MARGIN:
        yield _passes(text + _shown(row, "a gain"))
    elif case.lenient and row.high > 0:
        yield _open(text)
    else:
        yield _fails(text, LOOK)


def _ranges(case: PromotionCase) -> Iterator[Judgement]:
    rows = case.report.ranges
    for among in (ALL_RATED, FIRST_RANKED, NEW_CLINICIANS):
        if among not in {row.among for row in rows}:
            yield _fails(f"was not measured among {among}", RETRAIN)
    yield from _judge_populations(
        rows, lambda row: row.among == ALL_RATED or _has_enough(row), _coverage
    )


def _coverage(row: RangeCoverage, judged: int) -> Judgement:
    level, coverage = row.level, row.coverage
    if level is None or coverage is None:
        return _fails(f"could not be measured among {row.among}", LOOK)
    text = (
        f"held {coverage:.0%} of {row.rated or 0:,} ratings among {row.among}, "
        f"where {level:.0%} is stated"
    )
    # All ratings are enough as they are; and an end that is not known is no excuse.
    noise = (
        row.among != ALL_RATED
        and row.high is not None
        and coverage + _widened(row.high - coverage, judged) >= level
    )
    if level - coverage > COVERAGE_SLACK and not noise:
        return _fails(text, f"check for a change in who rates or in the instrument, then {KEEP}")
    return _passes(text)


def _groups(case: PromotionCase) -> Iterator[Judgement]:
    rows, too_few = case.report.groups, case.report.groups_too_few
    if rows is None:
        yield _fails("were not measured", RETRAIN)
    if too_few > 0:
        one = too_few == 1
        counted = f"{too_few} group{'s'[one:]} had fewer than {MIN_GROUP_SIZE} people"
        yield _open(f"{counted} and {'was' if one else 'were'} not judged")
    if rows is None or case.champion is None:
        return
    beside = [row for row in rows if row.learner == OURS_MINUS_CHAMPION]
    for among in dict.fromkeys(row.among for row in rows):
        if among not in {row.among for row in beside}:
            yield _fails(f"{among} was not measured beside champion", case.measure)
    yield from _judge_populations(beside, _has_enough, _no_worse)


def _no_worse(row: GroupFigure, judged: int) -> Judgement:
    if row.value is None or row.high is None:
        return _fails(f"{row.among} could not be measured beside champion", LOOK)
    text = f"{row.among} is {_difference(row)} beside champion on {row.rated or 0:,} ratings"
    if row.value + _widened(row.high - row.value, judged) < 0:
        remedy = f"read this group's figures in `recommender evaluate FOLDER`, then {KEEP}"
        return _fails(text, remedy)
    return _passes(text + _shown(row, "a difference"))


def _judge_populations(
    rows: Sequence[Row],
    has_enough: Callable[[Row], bool],
    judge: Callable[[Row, int], Judgement],
) -> Iterator[Judgement]:
    """Each row that has enough ratings, judged as one of so many; the others by name."""
    judged = [row for row in rows if has_enough(row)]
    for row in judged:
        yield judge(row, len(judged))
    others = [row for row in rows if not has_enough(row)]
    uncounted = dict.fromkeys(row.among for row in others if row.rated is None)
    if uncounted:
        yield _fails(f"ratings are not counted among {', '.join(uncounted)}", RETRAIN)
    few = dict.fromkeys(row.among for row in others if row.rated is not None)
    if few:
        yield _open(f"not judged on fewer than {ENOUGH_IN_GROUP} ratings: {', '.join(few)}")


def _has_enough(row: RangeCoverage | GroupFigure) -> bool:
    return (row.rated or 0) >= ENOUGH_IN_GROUP


def _widened(half: float, judged: int) -> float:
    """Half of a 95 % interval, as wide as so many intervals must be to hold together."""
    return half * NORMAL.inv_cdf(1 - 0.025 / max(judged, 1)) / NORMAL.inv_cdf(0.975)


def _exposure(case: PromotionCase) -> Iterator[Judgement]:
    shares = {row.learner: row.top_share for row in case.report.exposure}
    ours, at_random, before = (shares.get(name) for name in (OURS, RANDOM, CHAMPION))
    if ours is None or at_random is None:
        yield _fails("was not measured beside a random order", RETRAIN)
        return
    text = f"{_of_100(ours)} are shown one of the same tenth of clinicians first"
    # One clinician of one gets every first rank in any order.
    concentration = (ours - at_random) / (1 - at_random) if at_random < 1 else 0.0
    remedy = (
        "declare fields or matches by which clinicians suit different clients and train again, or "
        f"{FORCE}"
    )
    beside = f"{text}; in a random order {_of_100(at_random)} would be"
    yield _fails(beside, remedy) if concentration > MAX_CONCENTRATION else _passes(beside)
    if case.champion is None or before is None:
        return
    beside = f"{text}; under the champion {_of_100(before)} are"
    yield _fails(beside, remedy) if ours - before > MORE_THAN_CHAMPION else _passes(beside)


DECLARED: Mapping[str, Rule] = {"ratings": _declared, "version": _withdrawn}
"""Rules for the evidence prior, of which nothing was measured."""
RULES: Mapping[str, Rule] = {
    "version": _withdrawn,
    CHAMPION: _champion,
    "ratings": _ratings,
    "composite": _composite,
    "dyad partial": _dyad,
    "range": _ranges,
    "groups": _groups,
    "exposure": _exposure,
}
"""Rules for a learned model."""


def _shown(row: BaselineDifference | GroupFigure, what: str) -> str:
    """What the interval of a difference leaves open, to be added to a rule that passes.

    A rule may pass on a difference that could be chance; that matching works is another claim.
    """
    if row.low is None or row.high is None:
        return f": {what} is not shown yet, since no interval could be drawn"
    if row.low <= 0 <= row.high:
        return f": {what} is not shown yet, since the interval includes 0"
    return ": a small loss, within what is allowed" if row.high < 0 else ""


def _of_100(share: float) -> str:
    return f"{share * 100:.0f} of 100 clients"


def _difference(row: BaselineDifference | GroupFigure) -> str:
    return interval_text(row, "+", end_digits=3)


def _passes(text: str) -> Judgement:
    return Outcome.PASSES, text, ""


def _open(text: str) -> Judgement:
    return Outcome.OPEN, text, ""


def _fails(text: str, remedy: str) -> Judgement:
    return Outcome.FAILS, text, remedy
