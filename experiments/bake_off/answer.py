"""What a learner of the bake-off says of every asked pair, and how learners are entered."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from experiments.bake_off.arena import Arena
from recommender.features.feature import Array
from recommender.training.baselines import FoldTask, Learner


@dataclass(frozen=True, slots=True)
class Answer:
    """Scores of n asked pairs.

    Attributes
    ----------
    pairing : (n,)
        What it orders by.
    alliance : (n,)
        Predicted alliance in points; NaN from a learner that only orders.
    low, high : (n,), optional
        Ends of its range, from a learner that states one.
    """

    pairing: Array
    alliance: Array
    low: Array | None = None
    high: Array | None = None


class InapplicableError(Exception):
    """A learner that has nothing to say in a world, and why: no failure."""


Answering = Callable[[FoldTask], Answer]


@dataclass(frozen=True, slots=True)
class ByTruth:
    """What answers from the simulated practice itself, in place of the trial that learners see."""

    answer: Callable[[Arena], Answer]


@dataclass(frozen=True, slots=True)
class Entrant:
    """A learner as it enters the bake-off.

    Attributes
    ----------
    answer
        Learns from the trial and scores what is asked; `ByTruth` for what no learner may know.
    meaning
        What it is, in a few words.
    modules
        Whose code makes it what it is: a change there calls for a rerun.
    within_fit
        Whether our whole fit is its learning, so that the fit's time is its own.
    """

    answer: Answering | ByTruth
    meaning: str
    modules: tuple[str, ...]
    within_fit: bool = False

    def answered(self, arena: Arena) -> Answer:
        """The scores of what the arena asks."""
        if isinstance(self.answer, ByTruth):
            return self.answer.answer(arena)
        return self.answer(arena.trial)


def guessed(learn: Learner) -> Answering:
    """A baseline of `recommender.training.baselines` as an entrant."""

    def answer(trial: FoldTask) -> Answer:
        learner_scores = learn(trial)
        return Answer(learner_scores.pairing, learner_scores.alliance)

    return answer


def order_only(pairing: Array) -> Answer:
    """From a learner that ranks and predicts no level."""
    return Answer(pairing, np.full(len(pairing), np.nan))
