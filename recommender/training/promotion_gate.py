"""Whether a challenger may become champion: rules over what was measured, each with its finding.

Reads only the report inside a bundle and which version stands, so that a refusal can be checked
again years later. What a report lacks speaks against it. Imported by `promotion` and `commands`.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import NormalDist
from typing import Any

from recommender.errors import Fault
from recommender.model.manifest import EVIDENCE_PRIOR
from recommender.registry.versions import CHAMPION, Promotion, Version
from recommender.training.baselines import AVERAGE, OURS, PLAIN, RANDOM
from recommender.training.report import (
    ALL_RATED,
    FEWEST_IN_GROUP,
    FIRST_RANKED,
    NEW_CLINICIANS,
    OURS_MINUS_CHAMPION,
)

ENOUGH_RATED = 600
"""Later ratings before a promotion is decided on them: with 600 the composite ordered true
differences of .1 share right in 96 of 100 draws, with 300 in 86 to 90 (methods study)."""


class Outcome(StrEnum):
    """What became of a rule."""

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
    """What is to be decided.

    Attributes
    ----------
    report
        Of the challenger, as `recommender.training.report` writes it, and under `champion` what
        `recommender.training.run` knew of the champion it was measured beside.
    champion
        The version that stands, or None.
    withdrawn
        The rollback that took the challenger itself out of service, or None.
    """

    report: Mapping[str, Any]
    champion: Version | None = None
    withdrawn: Promotion | None = None

    @property
    def reported(self) -> Mapping[str, Any]:
        """What the report says of the champion it was measured beside."""
        told = self.report.get(CHAMPION)
        return told if isinstance(told, Mapping) else {}

    @property
    def first(self) -> bool:
        """Whether nothing learned has served yet: no champion, or the declared sizes.

        A practice that began on the declared sizes should not wait longer for its first model
        than one that began on nothing.
        """
        return self.champion is None or self.reported.get("mode") == EVIDENCE_PRIOR

    @property
    def later(self) -> float:
        """Ratings the decision rests on; NaN when the report does not count them."""
        counts = [number(self.report, "rated")]
        if self.champion is not None:
            counts.append(number(self.beside(CHAMPION, "composite"), "rated"))
        return math.nan if any(map(math.isnan, counts)) else min(counts)

    @property
    def lenient(self) -> bool:
        """Whether a first model is judged on few ratings: then only a clear loss speaks."""
        return self.first and not self.later >= ENOUGH_RATED

    def rows(self, part: str) -> Sequence[Mapping[str, Any]] | None:
        """One table of the report, or None when it is not there."""
        rows = self.report.get(part)
        if not isinstance(rows, list | tuple):
            return None
        return [row for row in rows if isinstance(row, Mapping)]

    def beside(self, baseline: str, metric: str) -> Mapping[str, Any]:
        """Our figure less a baseline's; empty when it was not measured."""
        for row in self.rows("ours_minus") or ():
            if (row.get("baseline"), row.get("metric")) == (baseline, metric):
                return row
        return {}


def difference_of(row: Mapping[str, Any]) -> str:
    """A difference with its interval, in words where the interval could not be drawn."""
    value, low, high = (number(row, end) for end in ("value", "low", "high"))
    if math.isnan(low) or math.isnan(high):
        return f"{value:+.3f} (interval not measured)"
    return f"{value:+.3f} ({low:+.3f} to {high:+.3f})"


def number(row: Mapping[str, Any], key: str) -> float:
    """A figure of a row; NaN where it is not there or not a number."""
    value = row.get(key)
    return float(value) if isinstance(value, int | float) else math.nan


DYAD_MARGIN = 0.05
"""How far below the champion's the dyad partial's interval may reach. On 601 later ratings of a
simulated practice the paired interval of a challenger and the champion it followed reached .049 to
each side: a narrower margin would refuse most equals on as many ratings as a promotion needs, a
wider one would let go of more than a quarter of what matching had in the methods study (.2)."""
COVERAGE_SLACK = 0.05
"""What a range may hold less than it says: half of the one rating in ten that may fall outside."""
ENOUGH_IN_GROUP = 50
"""Ratings before a group is judged; below them the interval of a coverage of 90 % is wider than
8 points to each side. With more, a group speaks against a model only beyond the noise of as many
groups as are judged (Bonferroni): of 30 groups one 95 % interval is wrong half of the time."""
MOST_CONCENTRATED = 0.90
"""Of the way from a random order (0) to every first rank going to the same tenth of clinicians
(1). In the methods study knowing everything that can be known took .66 of the first ranks to a
tenth, learners .6 to .8, and a mere order of popularity .99, worth nothing to a full practice."""
MORE_THAN_CHAMPION = 0.10
"""How much more of the first ranks the most-named tenth may get than under the champion."""
NORMAL = NormalDist()

LOOK = "look at `recommender evaluate` for where it falls short"
RETRAIN = "train again with `recommender train`, which measures it"

Found = tuple[Outcome, str, str]
Rule = Callable[[PromotionCase], Iterator[Found]]


def findings(case: PromotionCase) -> tuple[Finding, ...]:
    """What every rule found, in the order they are told."""
    if not case.report:
        return (Finding("report", Outcome.FAILS, "is empty", RETRAIN),)
    rules = DECLARED if case.report.get("mode") == EVIDENCE_PRIOR else RULES
    return tuple(Finding(name, *found) for name, rule in rules.items() for found in rule(case))


def objections(found: Sequence[Finding]) -> tuple[Fault, ...]:
    """What speaks against a promotion; nothing when it may be made."""
    return tuple(
        Fault(each.rule, each.text, each.remedy) for each in found if each.outcome is Outcome.FAILS
    )


def _declared(case: PromotionCase) -> Iterator[Found]:
    if case.first:
        yield _open("nothing was learned: the declared sizes serve until there are ratings")
    else:
        yield _fails("are too few to have learned from", "the champion stays until there are more")


def _withdrawn(case: PromotionCase) -> Iterator[Found]:
    if case.withdrawn is not None:
        day, why = case.withdrawn.at.date().isoformat(), case.withdrawn.reason
        yield _fails(f"was withdrawn on {day}: {why}", "train again for a new challenger")


def _champion(case: PromotionCase) -> Iterator[Found]:
    if case.champion is None:
        yield _passes("there is none yet")
        return
    number, told = case.champion.version, case.reported
    if not told:
        yield _fails(f"it was not measured beside version {number}, which stands", RETRAIN)
    elif told.get("digest") != case.champion.digest:
        beside = f"it was measured beside version {told.get('version')}, and {number} stands now"
        yield _fails(beside, RETRAIN)
    elif "not_compared" in told:
        why = f"version {number} could not be measured beside it: {told['not_compared']}"
        yield _fails(why, "let a person decide, with --force and a --reason")
    else:
        yield _passes(f"measured beside version {number}")


def _ratings(case: PromotionCase) -> Iterator[Found]:
    later = case.later
    if math.isnan(later):
        yield _fails("that came later are not counted", RETRAIN)
    elif later >= ENOUGH_RATED:
        yield _passes(f"decided on {later:,.0f} later ratings")
    elif case.first:
        few = f"decided on {later:,.0f} later ratings, fewer than {ENOUGH_RATED}"
        yield _open(f"{few}: a first model is refused only for a clear loss")
    else:
        few = f"rests on {later:,.0f} later ratings, fewer than {ENOUGH_RATED}"
        yield _fails(few, "wait for more ratings since the champion learned")


def _composite(case: PromotionCase) -> Iterator[Found]:
    measured = [row for row in case.rows("ours_minus") or () if row.get("metric") == "composite"]
    needed = [RANDOM, AVERAGE, PLAIN] + ([CHAMPION] if case.champion else [])
    there = {row.get("baseline") for row in measured}
    for name in needed:
        if name not in there:
            yield _fails(f"was not measured beside {name}", RETRAIN)
    for row in measured:
        name = str(row.get("baseline"))
        if name != CHAMPION or case.champion is not None:
            yield _beyond(row, name, lenient=case.lenient and name not in (RANDOM, CHAMPION))


def _beyond(row: Mapping[str, Any], name: str, *, lenient: bool) -> Found:
    value, high = number(row, "value"), number(row, "high")
    if math.isnan(value) or (lenient and math.isnan(high)):
        return _fails(f"could not be measured beside {name}", LOOK)
    said = f"is {difference_of(row)} beside {name}"
    if value > 0:
        return _passes(said)
    return _open(said) if lenient and high > 0 else _fails(said, LOOK)


def _dyad(case: PromotionCase) -> Iterator[Found]:
    if case.champion is None:
        return
    row = case.beside(CHAMPION, "dyad partial")
    low, high = number(row, "low"), number(row, "high")
    if math.isnan(low) or math.isnan(high):
        yield _fails("could not be measured beside champion", RETRAIN)
        return
    said = f"is {difference_of(row)} beside champion, which may reach {-DYAD_MARGIN:+.2f}"
    if low > -DYAD_MARGIN:
        yield _passes(said)
    elif case.lenient and high > 0:
        yield _open(said)
    else:
        yield _fails(said, LOOK)


def _ranges(case: PromotionCase) -> Iterator[Found]:
    rows = case.rows("ranges") or ()
    there = {row.get("among") for row in rows}
    for among in (ALL_RATED, FIRST_RANKED, NEW_CLINICIANS):
        if among not in there:
            yield _fails(f"was not measured among {among}", RETRAIN)
    yield from _judged(rows, lambda row: row.get("among") == ALL_RATED or _enough(row), _held)


def _held(row: Mapping[str, Any], judged: int) -> Found:
    among, rated = row.get("among"), number(row, "rated")
    level, coverage = number(row, "level"), number(row, "coverage")
    if math.isnan(level) or math.isnan(coverage):
        return _fails(f"could not be measured among {among}", LOOK)
    said = f"held {coverage:.0%} of {rated:,.0f} ratings among {among}, where {level:.0%} is said"
    up_to = number(row, "high")
    # All ratings are enough as they are; and an end that is not known is no excuse.
    noise = among != ALL_RATED and coverage + _widened(up_to - coverage, judged) >= level
    if level - coverage > COVERAGE_SLACK and not noise:
        return _fails(said, "check for a change in who rates, or in the instrument")
    return _passes(said)


def _groups(case: PromotionCase) -> Iterator[Found]:
    rows = case.rows("groups")
    if rows is None:
        yield _fails("were not measured", RETRAIN)
    unseen = number(case.report, "groups_too_few")
    if unseen > 0:
        yield _open(f"{unseen:.0f} had fewer than {FEWEST_IN_GROUP} people and were not looked at")
    if rows is None or case.champion is None:
        return
    beside = [row for row in rows if row.get("learner") == OURS_MINUS_CHAMPION]
    there = {row.get("among") for row in beside}
    for among in dict.fromkeys(row.get("among") for row in rows):
        if among not in there:
            yield _fails(f"{among} was not measured beside champion", RETRAIN)
    yield from _judged(beside, _enough, _no_worse)


def _no_worse(row: Mapping[str, Any], judged: int) -> Found:
    among, rated = row.get("among"), number(row, "rated")
    value, high = number(row, "value"), number(row, "high")
    if math.isnan(value) or math.isnan(high):
        return _fails(f"{among} could not be measured beside champion", LOOK)
    said = f"{among} is {difference_of(row)} beside champion on {rated:,.0f} ratings"
    if value + _widened(high - value, judged) < 0:
        return _fails(said, "find what this group has lost")
    return _passes(said)


def _judged(
    rows: Sequence[Mapping[str, Any]],
    enough: Callable[[Mapping[str, Any]], bool],
    judge: Callable[[Mapping[str, Any], int], Found],
) -> Iterator[Found]:
    """Each row that has enough, judged as one of so many; the others by name."""
    judged = [row for row in rows if enough(row)]
    for row in judged:
        yield judge(row, len(judged))
    yield from _too_few([row for row in rows if row not in judged])


def _enough(row: Mapping[str, Any]) -> bool:
    return number(row, "rated") >= ENOUGH_IN_GROUP


def _too_few(rows: Sequence[Mapping[str, Any]]) -> Iterator[Found]:
    """Everyone who is too few to be judged, by name, in one line."""
    counts = {row.get("among"): number(row, "rated") for row in rows}
    uncounted = [str(among) for among, rated in counts.items() if math.isnan(rated)]
    if uncounted:
        yield _fails(f"ratings are not counted among {', '.join(uncounted)}", RETRAIN)
    few = [str(among) for among, rated in counts.items() if not math.isnan(rated)]
    if few:
        yield _open(f"fewer than {ENOUGH_IN_GROUP} ratings among {', '.join(few)}")


def _widened(half: float, judged: int) -> float:
    """Half of a 95 % interval, as wide as so many intervals must be to hold together."""
    return half * NORMAL.inv_cdf(1 - 0.025 / max(judged, 1)) / NORMAL.inv_cdf(0.975)


def _exposure(case: PromotionCase) -> Iterator[Found]:
    shares = {row.get("learner"): number(row, "top_share") for row in case.rows("exposure") or ()}
    ours, at_random = shares.get(OURS, math.nan), shares.get(RANDOM, math.nan)
    before = shares.get(CHAMPION, math.nan)
    if math.isnan(ours) or math.isnan(at_random):
        yield _fails("was not measured beside a random order", RETRAIN)
        return
    said = f"gives the most-named tenth of clinicians {ours:.0%} of first ranks"
    # One clinician of one gets every first rank, whoever orders.
    way = (ours - at_random) / (1 - at_random) if at_random < 1 else 0.0
    interval = "give clinicians what tells them apart besides being well rated"
    beside = f"{said}, a random order {at_random:.0%}"
    yield _fails(beside, interval) if way > MOST_CONCENTRATED else _passes(beside)
    if case.champion is None or math.isnan(before):
        return
    beside = f"{said}, the champion {before:.0%}"
    yield _fails(beside, interval) if ours - before > MORE_THAN_CHAMPION else _passes(beside)


DECLARED: Mapping[str, Rule] = {"ratings": _declared, "version": _withdrawn}
"""What is asked of the evidence prior, of which nothing was measured."""
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
"""What is asked of a learned model."""


def _passes(said: str) -> Found:
    return Outcome.PASSES, said, ""


def _open(said: str) -> Found:
    return Outcome.OPEN, said, ""


def _fails(said: str, remedy: str) -> Found:
    return Outcome.FAILS, said, remedy
