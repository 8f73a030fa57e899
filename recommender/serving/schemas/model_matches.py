"""Sizes of the declared matches of a model, as they are sent."""

from typing import Annotated, Self

from pydantic import Field as Setting

from recommender.model.evaluation_report import Estimate
from recommender.model.match_sizes import AGAINST, NO_RATING, NOT_SHOWN, SHOWN, MatchSize
from recommender.serving.schemas.responses import ResponseModel


class EffectInterval(ResponseModel):
    """An effect on predicted alliance with its 95 % interval; null where nothing was measured."""

    value: float | None
    lower: float | None
    upper: float | None

    @classmethod
    def of(cls, estimate: Estimate) -> Self:
        """The estimate as it is sent."""
        return cls(value=estimate.value, lower=estimate.low, upper=estimate.high)


class EffectSize(ResponseModel):
    """The same effect in points of the reference scale and in standard deviations of alliance."""

    points: EffectInterval
    sd: EffectInterval

    @classmethod
    def of(cls, size: MatchSize, estimate: Estimate) -> Self:
        """One of the estimates of a match."""
        return cls(points=EffectInterval.of(estimate), sd=EffectInterval.of(size.in_sd(estimate)))


class ModelMatch(ResponseModel):
    """How much a declared match matters, from where its phrase is not true at all to where it is.

    Associations in earlier ratings, not causes.
    """

    match: Annotated[str, Setting(description="Its name in the practice definition.")]
    phrase: str
    status: Annotated[
        str,
        Setting(
            description=f"`{SHOWN}` where the interval of own ratings excludes 0, `{AGAINST}`, "
            f"`{NOT_SHOWN}`, or `{NO_RATING}`."
        ),
    ]
    size: Annotated[EffectSize, Setting(description="What the model uses: both of the others.")]
    own: Annotated[
        EffectSize,
        Setting(description="By the practice's own ratings alone, shrunk to 0."),
    ]
    expected: Annotated[
        EffectSize,
        Setting(description="Before any rating: declared, or from other practices as well."),
    ]
    clients: Annotated[
        int | None,
        Setting(description="Clients in whose ratings it varies; null for too few to be counted."),
    ]
    source: Annotated[str, Setting(description="Where what was expected comes from.")]

    @classmethod
    def of(cls, size: MatchSize) -> Self:
        """The match as it is sent."""
        return cls(
            match=size.name,
            phrase=size.phrase,
            status=size.status,
            size=EffectSize.of(size, size.size),
            own=EffectSize.of(size, size.own),
            expected=EffectSize.of(size, size.expected),
            clients=size.clients,
            source=size.source,
        )
