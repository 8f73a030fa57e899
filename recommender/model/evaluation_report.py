"""The typed evaluation report in a bundle, and how its figures are written as text."""

import json
import math
from collections.abc import Sequence
from typing import Annotated, Any, Self, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from recommender.values.counts import counted

PARTIAL, DYAD, COMPOSITE, RMSE = "client-adjusted partial", "dyad partial", "composite", "RMSE"
SLOPE = "calibration slope"
ALL_RATED, FIRST_RANKED, NEW_CLINICIANS = "all rated", "first-ranked", "new clinicians"
"""Populations whose interval coverage every report of a learned model gives."""
CHAMPION = "champion"
"""The learner of a report that is the version in service."""
RANDOM_ORDER = "random order"
"""The incumbent where nothing served and the definition declares no sizes."""
CLIENT_PART, OWN_PART = "client part", "clinician's own part"
MATCHES, PRODUCTS, TREES = "matches", "products", "trees"
BEYOND_OWN = "all beyond the clinician's own part"
"""Parts of a prediction whose gains a report gives."""
MIN_RATINGS_SHOWN = 30
"""Ratings below which a group is named without any figure: it would say more about single people
than about the model."""
NOT_MEASURED = "not measured"
NO_DROPOUTS = (
    "No pairing held back here ended before a rating: the composite would be the client-adjusted "
    "partial again, however dropouts are imputed, and is left out."
)
"""Why there is no composite and no dropout sensitivity."""


def _nan_to_none(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


Number = Annotated[float | None, BeforeValidator(_nan_to_none)]
"""A figure; None where it could not be computed or rests on too few people."""

Count = Annotated[int, Field(ge=0)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, populate_by_name=True)


class Estimate(_Part):
    """A value with its 95 % bootstrap interval."""

    value: Number = None
    low: Number = None
    high: Number = None


class LearnerFigure(Estimate):
    """A metric of one learner over all folds."""

    learner: str
    metric: str


class FoldFigure(_Part):
    """A metric of one learner in one fold."""

    fold: str
    learner: str
    metric: str
    value: Number = None


class BaselineDifference(Estimate):
    """Our figure minus a baseline's on the same bootstrap draws, and the ratings it rests on."""

    baseline: str
    metric: str
    rated: int | None = None


class GroupFigure(Estimate):
    """A metric of one learner, or of ours minus the champion, in one group of clients."""

    among: str
    learner: str
    metric: str = PARTIAL
    rated: int | None = None


class RangeCoverage(_Part):
    """Stated level and observed coverage of the prediction interval in one population.

    `width` and `bias` (predicted minus rated) are in points of the reference scale.
    """

    among: str
    rated: int | None = None
    level: Number = None
    coverage: Number = None
    low: Number = None
    high: Number = None
    width: Number = None
    bias: Number = None


class LearnerExposure(_Part):
    """How concentrated a learner's first ranks are: the top tenth's share, and Gini (0 is even).

    `clinicians` is how many there were; None in reports written before it was.
    """

    learner: str
    top_share: Number = None
    gini: Number = None
    clinicians: int | None = None


class DropoutSensitivity(_Part):
    """A learner's composite when dropouts are imputed at another quantile of the residuals."""

    quantile: float
    learner: str
    composite: Number = None


class Optimism(_Part):
    """Mean predicted minus rated alliance in points; `with_left` imputes dropouts as low."""

    rated: Number = None
    with_left: Number = None
    dropouts_low_at: Number = None


class RandomisedRatings(_Part):
    """Ratings of pairings whose place in the list was drawn at random, and their weighted mean.

    `effective` is the effective sample size of all rated pairings under inverse-propensity weights.
    """

    rated: int
    clip: float
    effective: Number = None
    mean: Number = None
    low: Number = None
    high: Number = None


class FirstRankedRule(_Part):
    """Which tested pairings count as first-ranked: the share `in_first` of `of`."""

    in_first: float
    of: str


class ComparedChampion(_Part):
    """The champion a challenger was measured beside, or why it could not be.

    `known_until` is the last day on which it knew of a rating; None of declared sizes, and in
    reports written before it was.
    """

    version: int | None = None
    digest: str | None = None
    mode: str | None = None
    known_until: str | None = None
    not_compared: str | None = None


class CrossFitted(_Part):
    """Figures on every pairing learned from, each scored by a model that did not see its client.

    Within clinicians means within clinicians of one fold: across folds, a clinician's fitted effect
    is low where the ratings held out are high.
    """

    rated: int | None = None
    left_unrated: int | None = None
    figures: tuple[LearnerFigure, ...] = ()


class IncumbentComparison(_Part):
    """The order of a challenger beside that of what it would replace, on ratings new to the latter.

    Attributes
    ----------
    name
        `champion`, or what serves without one: `evidence prior`, or `random order` where the
        definition declares no sizes.
    learned, learned_now
        Rated pairings that the incumbent and the challenger learned from; those of other practices
        count up to a number.
    rated, left_unrated
        Pairings that began after the incumbent learned. The challenger scores each by a model that
        did not see its client.
    differences
        Challenger minus incumbent on these.
    agreement
        Correlation of both scores within clients, over their clinicians.
    retained
        Slope of the challenger's scores on the incumbent's within clients: how much of a difference
        between two clinicians is left where the incumbent sees 1. None in reports written before it
        was.
    """

    name: str
    learned: Count = 0
    learned_now: Count = 0
    rated: Count = 0
    left_unrated: Count = 0
    differences: tuple[BaselineDifference, ...] = ()
    agreement: Number = None
    retained: Number = None

    def difference(self, metric: str) -> BaselineDifference | None:
        """Challenger minus incumbent in a metric; None where it was not measured."""
        return next((row for row in self.differences if row.metric == metric), None)


class Concentration(_Part):
    """How often one of the few most-named clinicians is ranked first, beside what cannot be helped.

    Attributes
    ----------
    clients, kinds
        Clients that were scored with everybody, and kinds among them: clients whose answers that
        the model reads are the same are of one kind, and any order ranks them alike.
    clinicians, most
        Clinicians, and how many of them count as the most named: a tenth, or fewer where a random
        order of each kind would name so many in half of the cases.
    ours, by_kind, champion
        Share of clients with one of the most named first: by our order, in the mean of random
        orders drawn for each kind, by the champion's.
    """

    clients: int
    kinds: int
    clinicians: int
    most: int
    ours: Number = None
    by_kind: Number = None
    champion: Number = None


class PartGain(Estimate):
    """What one part of a prediction adds to a metric when it joins the parts before it.

    The estimate is the metric with the part minus the metric without it, on the same draws of the
    same pairings; `reached` is the metric with it. Of `RMSE`, a difference below 0 is a gain.
    """

    part: str
    metric: str
    reached: Number = None


class MatchEstimate(_Part):
    """How much a declared match matters, in points of the reference scale as it goes from 0 to 1.

    Attributes
    ----------
    match
        Its name in the definition.
    expected
        Before the practice's own ratings: the declared size, and what other practices contributed.
    own
        By the practice's own ratings, shrunk to 0: what was expected gives it no sign.
    size
        By both, as the model uses it.
    clients, clinicians
        People in rated pairings whose match is not the usual one; None where they are too few to
        be counted.

    Intervals are of 95 %, given the variances of the mixed model.
    """

    match: str
    expected: Estimate
    own: Estimate
    size: Estimate
    clients: Count | None = None
    clinicians: Count | None = None


class MatchEstimates(_Part):
    """The estimates of all matches; `alliance_sd` is one standard deviation of alliance, in points.

    `rated` is how many pairings with a rating they rest on.
    """

    alliance_sd: float
    rated: Count = 0
    by_match: tuple[MatchEstimate, ...] = ()


class EvaluationReport(_Part):
    r"""What was measured on held-out pairings; aggregates only, never about one person.

    A part that was not measured is None or empty; a figure that could not be computed, or that
    rests on too few people, is None.

    Attributes
    ----------
    mode
        `model`, or `evidence_prior` where nothing was learned and nothing measured.
    folds
        Names of the folds, in order.
    rated, left_unrated
        Held-out pairings that were rated, and that ended before a rating.
    figures, by_fold
        Every metric of every learner, over all folds and in each.
    differences
        Our figures minus each baseline's; `ours_minus` in JSON.
    ranges, ranges_from
        Interval coverage by population, and which errors the served interval comes from.
    groups, groups_too_few
        Figures of each audited group, and how many groups have too few people to be reported.
    exposure, concentration, optimism, dropout_sensitivity, cross_fitted
        See the classes.
    gains_by_part
        What the client part, the clinician's own part, the matches and the products add.
    matches
        How much each declared match matters; None in reports written before it was.
    incumbent
        The challenger beside what it would replace; the gate decides on it.
    randomised
        Ratings after randomised ties; `by_lot` in JSON.
    champion
        The champion that was measured beside.

    Examples
    --------
    >>> report = EvaluationReport.from_json('{"mode": "model", "rated": 620}')
    >>> report.rated, report.groups, report.difference("random", "composite")
    (620, None, None)
    >>> report.to_json()
    '{\n "mode": "model",\n "rated": 620\n}'
    """

    mode: str | None = None
    folds: tuple[str, ...] = ()
    rated: int | None = None
    left_unrated: int | None = None
    figures: tuple[LearnerFigure, ...] = ()
    by_fold: tuple[FoldFigure, ...] = ()
    differences: tuple[BaselineDifference, ...] = Field(
        default=(), validation_alias="ours_minus", serialization_alias="ours_minus"
    )
    ranges: tuple[RangeCoverage, ...] = ()
    ranges_from: str | None = None
    first_ranked: FirstRankedRule | None = None
    groups: tuple[GroupFigure, ...] | None = None
    groups_too_few: int = 0
    exposure: tuple[LearnerExposure, ...] = ()
    optimism: Optimism | None = None
    dropout_sensitivity: tuple[DropoutSensitivity, ...] = ()
    randomised: RandomisedRatings | None = Field(
        default=None, validation_alias="by_lot", serialization_alias="by_lot"
    )
    champion: ComparedChampion | None = None
    cross_fitted: CrossFitted | None = None
    incumbent: IncumbentComparison | None = None
    concentration: Concentration | None = None
    gains_by_part: tuple[PartGain, ...] = ()
    matches: MatchEstimates | None = None

    @classmethod
    def from_json(cls, content: str | bytes) -> Self:
        """The report in a bundle's `report.json`.

        Raises
        ------
        ValueError
            When it is not JSON, names a key twice, or holds a value of another type.
        """
        json.loads(content, object_pairs_hook=_unique_names, parse_constant=_refuse_constant)
        return cls.model_validate_json(content)

    def to_json(self) -> str:
        """JSON with sorted keys; null for a figure that could not be computed."""
        return json.dumps(self.to_dict(), indent=1, sort_keys=True, allow_nan=False)

    def to_dict(self) -> dict[str, Any]:
        """The report as plain JSON values, without the parts that were not measured."""
        parts = self.model_dump(mode="json", by_alias=True, exclude_unset=True)
        return {name: part for name, part in parts.items() if part is not None}

    @property
    def champion_rated(self) -> int | None:
        """Held-out ratings that are new to the champion, on which it is measured; None unmeasured.

        It may have learned from the others.
        """
        beside = (row.rated for row in self.differences if row.baseline == CHAMPION)
        return next(beside, None) or None

    def learner_name(self, learner: str) -> str:
        """A learner; the champion with its number of ratings where it was measured on fewer.

        >>> row = {"baseline": "champion", "metric": "composite", "rated": 120}
        >>> report = EvaluationReport(rated=157, differences=(BaselineDifference(**row),))
        >>> report.learner_name("champion"), report.learner_name("ours")
        ('champion, on 120 new to it', 'ours')
        """
        rated = self.champion_rated
        if learner != CHAMPION or rated is None or rated == self.rated:
            return learner
        return f"{learner}, on {rated:,} new to it"

    @property
    def as_read(self) -> Self:
        """The report as people read it: no composite where no held-out pairing is without a rating.

        There it equals the client-adjusted partial, and so at every quantile of imputed dropouts:
        equal figures would read as robust ones.

        >>> figure = {"learner": "ours", "metric": "composite", "value": 0.2}
        >>> figures = (LearnerFigure(**figure),)
        >>> report = EvaluationReport(rated=9, left_unrated=0, figures=figures)
        >>> report.as_read.figures
        ()
        """
        if not self.is_without_dropouts:
            return self
        named = ("figures", "by_fold", "differences", "gains_by_part")
        parts = {
            name: tuple(row for row in getattr(self, name) if row.metric != COMPOSITE)
            for name in named
        }
        return self.model_copy(update={**parts, "dropout_sensitivity": ()})

    @property
    def is_without_dropouts(self) -> bool:
        """Whether every held-out pairing was rated; not where that is not known."""
        return self.left_unrated == 0 and bool(self.rated)

    @property
    def is_empty(self) -> bool:
        """Whether there is no report at all."""
        return not self.model_fields_set

    def difference(self, baseline: str, metric: str) -> BaselineDifference | None:
        """Our figure minus a baseline's, or None when it was not measured."""
        both = (baseline, metric)
        return next((d for d in self.differences if (d.baseline, d.metric) == both), None)


Figure = TypeVar("Figure", RangeCoverage, GroupFigure)


def split_by_size(rows: Sequence[Figure]) -> tuple[list[Figure], list[str]]:
    """Rows on at least `MIN_RATINGS_SHOWN` ratings, and the populations of the other rows."""
    enough = [row for row in rows if (row.rated or 0) >= MIN_RATINGS_SHOWN]
    few = dict.fromkeys(row.among for row in rows if (row.rated or 0) < MIN_RATINGS_SHOWN)
    return enough, list(few)


def number_text(value: float | None, form: str = ".2f") -> str:
    """A figure in a format, or that it was not measured.

    Examples
    --------
    >>> number_text(-0.001), number_text(0.897, ".0%"), number_text(None)
    ('0.00', '90%', 'not measured')
    """
    if value is None:
        return NOT_MEASURED
    # The format option z writes -0.00 as 0.00.
    sign, digits = ("+", form[1:]) if form.startswith("+") else ("", form)
    return f"{value:{sign}z{digits}}"


def interval_text(figure: Estimate, sign: str = "", end_digits: int = 2) -> str:
    """A value with its interval, in words where either could not be measured.

    Examples
    --------
    >>> interval_text(LearnerFigure(learner="ours", metric="RMSE", value=0.5, low=0.25, high=0.75))
    '0.500 (0.25 to 0.75)'
    >>> interval_text(LearnerFigure(learner="ours", metric="RMSE", value=0.5), "+")
    '+0.500 (interval not measured)'
    """
    if figure.value is None:
        return NOT_MEASURED
    if figure.low is None or figure.high is None:
        return f"{figure.value:{sign}.3f} (interval {NOT_MEASURED})"
    ends = f"{figure.low:{sign}.{end_digits}f} to {figure.high:{sign}.{end_digits}f}"
    return f"{figure.value:{sign}.3f} ({ends})"


def composite_rests_on(rated: int, left_unrated: int) -> str:
    """What a composite is computed from: pairings with a rating, and those that ended before one.

    Examples
    --------
    >>> composite_rests_on(800, 0), composite_rests_on(1, 0)
    ('800 ratings', '1 rating')
    >>> composite_rests_on(800, 100)
    '900 pairings (800 rated; 100 ended before a rating and count as rated low)'
    """
    if not left_unrated:
        return counted(rated, "rating")
    return (
        f"{counted(rated + left_unrated, 'pairing')} ({rated:,} rated; {left_unrated:,} ended "
        "before a rating and count as rated low)"
    )


def gain_text(gain: PartGain) -> str:
    """What a part adds to a metric, or that it changes nothing.

    Examples
    --------
    >>> gain_text(PartGain(part="matches", metric="composite", value=0.1, low=0.05, high=0.15))
    '+0.100 (+0.05 to +0.15)'
    >>> gain_text(PartGain(part="client part", metric="composite", value=0.0, low=0.0, high=0.0))
    'no change'
    """
    return interval_text(gain, "+") if gain.low or gain.high or gain.value else "no change"


def _unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        raise ValueError("a name is given twice")
    return values


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not a number of JSON")
