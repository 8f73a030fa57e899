"""Two claims about a model: that matching is shown, and that its order is better than chance.

A claim is another matter than a promotion. It is shown where an interval of 95 % lies above 0, else
it is "not shown yet", with the number of ratings that would show it.

That matching is shown needs the dyadic partial: it compares clients of one clinician. An order is
shown better than chance where the composite is above 0 too. The composite alone does not show it:
where staff send clients who rate low to some clinicians, it lies above 0 without any effect (in
simulated practices with nothing to learn by .08 on average).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import ceil

from recommender.model.evaluation_report import (
    COMPOSITE,
    DYAD,
    Estimate,
    EvaluationReport,
    composite_rests_on,
    interval_text,
)

OURS = "ours"
MATCHING, BETTER_ORDER = "matching", "order"
SUBJECTS: Mapping[str, str] = {
    MATCHING: "Matching",
    BETTER_ORDER: "An order better than chance",
}
METRIC_OF: Mapping[str, str] = {MATCHING: DYAD, BETTER_ORDER: COMPOSITE}
WORDS: Mapping[str, str] = {
    MATCHING: "among clients of the same clinician, order and rating agreed by",
    BETTER_ORDER: "net of what each client rates, order and rating agreed by",
}
SHOWN, NOT_SHOWN = "shown", "not shown yet"
USUAL_EFFECT = 0.2
"""The dyadic partial that matching reached on simulated practices with 8,000 ratings
(`experiments/bake_off/results/README.md`: .217)."""
USUAL_HALF_WIDTH = 3.6
"""Half of a 95 % interval of the dyadic partial times the root of its ratings: on simulated
practices of 40 clinicians it was .12 with 1,000 ratings, each compared within its clinician and
fold (1.96 would be that of independent ratings)."""
MOST_NAMED = 20_000
"""A larger number of ratings is not named: it would be a guess."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim, and what it rests on.

    Attributes
    ----------
    name
        `matching` or `order`.
    shown
    estimate
        The figure with its interval; None where it was not measured.
    rated
        Ratings it rests on; an order rests on pairings that ended before a rating as well.
    needed
        Ratings that would show it if the figure stays as it is; None where it is shown, or where
        the figure does not point to it. An order takes no fewer than matching, and None where
        nothing points to matching.
    figure, needs
        The figure in words, and what it would take ("" where it is shown).
    """

    name: str
    shown: bool
    estimate: Estimate | None
    rated: int
    needed: int | None
    figure: str
    needs: str = ""

    @property
    def status(self) -> str:
        """`shown`, or `not shown yet`."""
        return SHOWN if self.shown else NOT_SHOWN

    @property
    def title(self) -> str:
        """The claim with its status, such as `Matching: not shown yet`."""
        return f"{SUBJECTS[self.name]}: {self.status}"

    @property
    def text(self) -> str:
        """What it rests on, and what it would take."""
        return f"{self.figure} {self.needs}".strip()


def claims_of(report: EvaluationReport) -> tuple[Claim, Claim]:
    """Both claims, by the figures on all ratings, or where a report lacks them the held-back ones.

    >>> [claim.title for claim in claims_of(EvaluationReport())]
    ['Matching: not shown yet', 'An order better than chance: not shown yet']
    """
    matching, order = _claim(MATCHING, report), _claim(BETTER_ORDER, report)
    return matching, order if matching.shown else _after(matching, order)


def ratings_needed(estimate: Estimate, rated: int) -> int | None:
    """Ratings for an interval that leaves 0 out, if the value stays; None where it is not above 0.

    The width of an interval scales with 1 / sqrt(n): n ((value - low) / value)^2.

    >>> ratings_needed(Estimate(value=0.1, low=-0.1, high=0.3), 100)
    400
    """
    if estimate.value is None or estimate.low is None or estimate.value <= 0:
        return None
    return ceil(round(rated * ((estimate.value - estimate.low) / estimate.value) ** 2, 6))


def _claim(name: str, report: EvaluationReport) -> Claim:
    crossed, metric = report.cross_fitted, METRIC_OF[name]
    figures = report.figures if crossed is None else crossed.figures
    rated = (report.rated if crossed is None else crossed.rated) or 0
    left = (report.left_unrated if crossed is None else crossed.left_unrated) or 0
    found = next((f for f in figures if (f.learner, f.metric) == (OURS, metric)), None)
    if found is None or found.value is None or found.low is None or found.high is None:
        return Claim(name, False, None, rated, None, "It was not measured.", _usual())
    agreed = f"{WORDS[name]} {interval_text(found, end_digits=3)}"
    rests_on = composite_rests_on(rated, left if metric == COMPOSITE else 0)
    figure = f"On {rests_on}, {agreed}; 0 is chance, 1 is perfect."
    if found.low > 0:
        return Claim(name, True, found, rated, None, figure)
    needed = ratings_needed(found, rated)
    return Claim(name, False, found, rated, needed, figure, _needs(needed))


def _after(matching: Claim, order: Claim) -> Claim:
    """An order that waits for matching: never shown, and never on fewer ratings than matching."""
    if order.shown:
        staff = "Staff's choice of whom each clinician sees can bring this about without any effect"
        # Its own number is reached: what it takes is matching.
        order = replace(order, shown=False, needed=0, figure=f"{order.figure} {staff}.")
    if order.needed is None:
        # The usual number of ratings may be smaller than the one that matching takes.
        needs = "So far nothing points to it, and it counts once matching is shown."
        return order if matching.needed is None else replace(order, needs=needs)
    if matching.needed is not None and order.needed >= matching.needed:
        return order
    needs = f"It counts once matching is shown. {matching.needs}"
    return replace(order, needed=matching.needed, needs=needs)


def _needs(needed: int | None) -> str:
    if needed is None:
        return f"So far nothing points to it. {_usual()}"
    if needed > MOST_NAMED:
        return f"More than {MOST_NAMED:,} ratings would be needed: the figure is close to 0."
    return f"About {needed:,} ratings in all would show it, if the figure stays as it is."


def _usual() -> str:
    needed = round((USUAL_HALF_WIDTH / USUAL_EFFECT) ** 2, -2)
    return (
        f"An effect as large as on simulated practices ({USUAL_EFFECT:.2f}) takes about "
        f"{needed:,.0f} ratings."
    )
