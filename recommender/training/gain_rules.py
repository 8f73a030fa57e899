"""Rules about what a challenger gains over what serves now: its incumbent.

A promotion is a decision for what is expected to be better, not a claim that it is. A challenger is
judged on every rating since the incumbent learned, with what the learning curve lets expect. Few
ratings cannot tell a broken challenger from an honest one. That it agrees with the incumbent, and
retains what the incumbent knows, needs no rating.
"""

from collections.abc import Iterator

from recommender.model.alliance_model import POOLED_PRIOR
from recommender.model.claims import claims_of
from recommender.model.evaluation_report import (
    COMPOSITE,
    DYAD,
    RANDOM_ORDER,
    BaselineDifference,
    IncumbentComparison,
    interval_text,
    number_text,
)
from recommender.training.expected_gain import ExpectedGain, expected_gain
from recommender.training.promotion_case import (
    ENOUGH_RATED,
    Judgement,
    PromotionCase,
    allowed,
    fails,
    passes,
    undecided,
)

LEAST_AGREEMENT = 0.6
"""Correlation of scores with the incumbent within clients. In simulated practices it lowered the
promotions of badly broken challengers by a factor of 4 or more and cost honest ones nothing
(`python -m experiments.promotion_rules`)."""
LEAST_RETAINED = 0.75
"""Slope of scores on the incumbent's within clients. It is 1 in expectation for an honest update,
with a standard deviation of .16 on 50 ratings in simulated practices; 50 reversed ratings draw it
to .50, while the order still correlates .55. Of what was promoted of better challengers at 100
ratings a year it refused 1 in 40 (`python -m experiments.promotion_rules`)."""
ENDS_APART = 2 * 1.96
"""Standard errors between the ends of a 95 % interval."""


def withdrawn(case: PromotionCase) -> Iterator[Judgement]:
    """A version that was rolled back does not return unnoticed."""
    if case.withdrawn is not None:
        day, why = case.withdrawn.at.date().isoformat(), case.withdrawn.reason
        remedy = "train again for a new challenger" if case.compared_now else case.go_back
        yield fails(f"this version was withdrawn on {day}: {why}", remedy)


def champion(case: PromotionCase) -> Iterator[Judgement]:
    """The champion that is active now is the one that was measured beside it."""
    if case.champion is None:
        yield passes("there is no champion yet")
        return
    number, compared = case.champion.version, case.report.champion
    if compared is None:
        problem = f"this version was not measured beside version {number}, the champion"
        yield fails(problem, case.retrain)
    elif compared.digest != case.champion.digest:
        problem = (
            f"this version was measured beside version {compared.version}, and {number} is "
            "champion now"
        )
        yield fails(problem, case.retrain)
    elif compared.not_compared is not None:
        why = f"version {number} could not be measured beside it: {compared.not_compared}"
        yield fails(why, case.force)
    else:
        yield passes(f"this version was measured beside version {number}")


def former_champion(case: PromotionCase) -> Iterator[Judgement]:
    """An earlier champion comes back by a rollback: nothing measures it beside the present one."""
    now = f", and version {case.champion.version} is champion now" if case.champion else ""
    yield fails(f"this version was champion before{now}", case.go_back)


def ratings(case: PromotionCase) -> Iterator[Judgement]:
    """How many ratings the decision rests on, and whether that counts as measured."""
    beside = case.beside
    if beside is None:
        yield fails("the ratings that are new were not counted", case.measure)
        return
    since = "" if case.first else f" since {case.incumbent} learned"
    missing = ENOUGH_RATED - beside.rated
    if not beside.rated:
        remedy = f"train again once clients have rated, or {case.force}"
        text = f"no rating is new{since}: there is nothing to decide on{_tables_end(case)}"
        yield fails(text, remedy)
    elif missing <= 0:
        yield passes(f"measured: decided on {beside.rated:,} ratings{since}")
    else:
        yield allowed(
            f"decided on {beside.rated:,} rating{'s'[: beside.rated > 1]}{since}, too few to "
            "measure a gain by themselves, so the learning curve counts too. "
            f"From {ENOUGH_RATED} ratings on the gain counts as measured: {missing:,} more "
            f"{'is' if missing == 1 else 'are'} needed{case.until(missing)}"
        )


def gain(case: PromotionCase) -> Iterator[Judgement]:
    """The posterior expected gain of the composite is above 0."""
    beside = case.beside
    if beside is None:
        yield fails(f"the gain was not measured beside {case.incumbent}", case.measure)
        return
    found = _interval(beside, COMPOSITE)
    if found is None:
        few = f"the gain could not be measured beside {case.incumbent} on {beside.rated:,} ratings"
        yield fails(few, f"train again once more clients have rated, or {case.force}")
        return
    row, expected = found, posterior(beside, found)
    text = (
        f"a gain of {expected.mean:+.3f} is expected over {case.incumbent}: measured "
        f"{_difference(row)} on {beside.rated:,} ratings{_new_to(case)}, and "
        f"{expected.prior:+.3f} by the learning curve"
    )
    if expected.mean <= 0:
        yield fails(text, case.look)
    elif (row.low or 0) > 0:
        yield passes(text)
    else:
        yield allowed(f"{text}; it is not shown yet, since the interval includes 0")


def posterior(beside: IncumbentComparison, row: BaselineDifference) -> ExpectedGain:
    """The gain after what was measured, its standard error read from the interval.

    `row` is of `beside` and has an interval.
    """
    value, low, high = row.value or 0.0, row.low or 0.0, row.high or 0.0
    return expected_gain(
        value, (high - low) / ENDS_APART, before=beside.learned, now=beside.learned_now
    )


def matching(case: PromotionCase) -> Iterator[Judgement]:
    """Matching is not clearly worse than under the incumbent."""
    beside = case.beside
    if beside is None:
        return
    row = _interval(beside, DYAD)
    if row is None:
        yield undecided(f"matching could not be measured beside {case.incumbent}")
        return
    text = (
        f"the dyad partial differs from that of {case.incumbent} by {_difference(row)} on "
        f"{beside.rated:,} ratings{_new_to(case)}"
    )
    low, high = row.low or 0.0, row.high or 0.0
    if high < 0:
        yield fails(f"{text}: a loss of matching", case.look)
    elif low > 0:
        yield passes(text)
    else:
        yield allowed(f"{text}; a difference is not shown yet")


def agreement(case: PromotionCase) -> Iterator[Judgement]:
    """The order agrees with the incumbent's and retains it, or is shown to be better than chance.

    What breaks a challenger turns what the incumbent knows into noise, or round. On few ratings
    scores shrink before the order turns: the correlation falls late, the slope at once. Once a
    challenger is shown to order better than chance, by matching too, it need not agree with an
    incumbent that knows less. It must not contradict it: a table of reversed ratings shows the
    reversed order.
    """
    beside = case.beside
    if beside is None:
        return
    if beside.name == RANDOM_ORDER:
        yield allowed("there is no order to agree with: the definition declares no sizes")
        return
    correlation, retained = beside.agreement or 0.0, beside.retained or 0.0
    text = (
        f"agreement with {case.incumbent}: scores correlate {number_text(beside.agreement)} within "
        f"clients, where {LEAST_AGREEMENT} is asked, and retain {number_text(beside.retained)} of "
        f"its differences between clinicians, where 1 is as large and {LEAST_RETAINED} is asked"
    )
    if correlation >= LEAST_AGREEMENT and retained >= LEAST_RETAINED:
        yield passes(text)
        return
    if correlation < 0:
        turned = f"{text}; it turns the order of {case.incumbent} round"
        yield fails(turned, f"{case.check}, or {case.force}")
        return
    claims = claims_of(case.report)
    if all(claim.shown for claim in claims):
        yield allowed(f"{text}; but its order is shown to be better than chance, by matching too")
    elif beside.retained is not None and retained < LEAST_RETAINED:
        # More of the same ratings would contradict the incumbent as these do.
        yield fails(text, f"{case.check}; if they are right, {case.force}")
    else:
        needed = [claim.needed for claim in claims if claim.needed is not None]
        when = f": about {max(needed):,} ratings in all" if needed else ""
        remedy = (
            f"{case.check}; if they are right, {case.force}, or wait until matching and an order "
            f"better than chance are both shown{when}"
        )
        yield fails(text, remedy)


def declared_sizes(case: PromotionCase) -> Iterator[Judgement]:
    """What was never learned does not replace what was."""
    if case.first:
        pooled = case.report.mode == POOLED_PRIOR
        others = " and what other practices contributed" if pooled else ""
        text = f"nothing was learned: the declared sizes{others} serve until there are ratings"
        yield undecided(text)
    else:
        text = "the ratings are too few to have learned from"
        yield fails(text, "the champion stays until there are more")


def _new_to(case: PromotionCase) -> str:
    """That ratings are those the incumbent cannot have learned from; all are new to a first one."""
    return "" if case.first else " new to it"


def _tables_end(case: PromotionCase) -> str:
    """That these tables hold no later rating than the champion knew, where that is so."""
    compared, until = case.report.champion, case.known_until
    if compared is None or compared.known_until is None or until is None:
        return ""
    if until > compared.known_until:
        return ""
    if until == compared.known_until:
        return f"; the last rating of these tables is of {until}, as {case.incumbent} knew it"
    return (
        f"; the last rating of these tables is of {until}, and {case.incumbent} knew ratings until "
        f"{compared.known_until}: these tables are older"
    )


def _interval(beside: IncumbentComparison, metric: str) -> BaselineDifference | None:
    row = beside.difference(metric)
    known = row is not None and None not in (row.value, row.low, row.high)
    return row if known else None


def _difference(row: BaselineDifference) -> str:
    return interval_text(row, "+", end_digits=3)
