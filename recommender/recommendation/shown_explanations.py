"""Explanations of the clinicians of one shortlist, computed when they are first read."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from recommender.plan.contributions import average_contributions, contributions_of
from recommender.plan.score_plan import ScoredPairs
from recommender.recommendation.explanation import (
    Explanation,
    GroupContribution,
    asked_and_offered,
    explain,
)

Places = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class ShortlistExplanations:
    """What the clinicians of one client's shortlist are explained from.

    `pairs` are the client with every eligible clinician, `shown` (entries,) the rows of those
    shown. Where `pairs` are only of the strongest, `read_every` gives those of every one.
    """

    pairs: ScoredPairs
    shown: Places
    read_every: Callable[[], ScoredPairs] | None = None

    def __iter__(self) -> Iterator["ShownExplanation"]:
        """The explanation of each clinician shown, in their order."""
        return (ShownExplanation(self, place) for place in range(len(self.shown)))

    @cached_property
    def wishes(self) -> list[tuple[str, ...]]:
        """What the client asks for and each clinician offers."""
        matches = self.pairs.raw.take(self.shown, axis=1)
        return asked_and_offered(self.pairs.plan.model.practice, matches.T)

    @cached_property
    def whole(self) -> tuple[Explanation, ...]:
        """The explanation of each against the average eligible clinician, without parts."""
        own = contributions_of(self.pairs.take(self.shown))
        every = self.pairs if self.read_every is None else self.read_every()
        average = average_contributions(every)
        return explain(self.pairs.plan.model.practice, own, average, in_detail=False)


@dataclass(frozen=True, slots=True, eq=False)
class ShownExplanation:
    """The explanation of one clinician of a shortlist; its attributes are those of `Explanation`.

    What a client may read is computed apart from the contributions, which few callers ask for.
    """

    shortlist: ShortlistExplanations
    place: int

    def __eq__(self, other: object) -> bool:
        """Whether both say the same."""
        if not isinstance(other, ShownExplanation):
            return NotImplemented
        return self._whole == other._whole

    def __hash__(self) -> int:
        return hash(self._whole)

    @property
    def asked_and_offered(self) -> tuple[str, ...]:
        """What the client asks for and the clinician offers: safe to show to the client."""
        return self.shortlist.wishes[self.place]

    @property
    def difference(self) -> float:
        """Difference in predicted alliance from the average eligible clinician, in points."""
        return self._whole.difference

    @property
    def groups(self) -> tuple[GroupContribution, ...]:
        """Contributions by explanation group, in the order of the definition."""
        return self._whole.groups

    @property
    def in_favour(self) -> tuple[str, ...]:
        """Phrases of the strongest contributions above the average, strongest first."""
        return self._whole.in_favour

    @property
    def against(self) -> tuple[str, ...]:
        """Phrases of the strongest contributions below the average, strongest first."""
        return self._whole.against

    @property
    def _whole(self) -> Explanation:
        return self.shortlist.whole[self.place]
