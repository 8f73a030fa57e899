"""What is true in the trials of a practice: an effect, none, or one that comes of clinicians.

A scenario changes true alliances of a `TrialWorld` and adds a constant to the ratings of the
model's arm, so that the effect by intention to treat is the one that is wanted.
"""

from dataclasses import dataclass, replace

import numpy as np

from experiments.trial.running import Behaviour, TrueEffect, true_effect
from experiments.trial.world import TrialWorld

EFFECT = "effect"
HARMS = "harms"
NO_EFFECT = "no effect"
CLINICIANS_DIFFER = "no effect, clinicians differ"
RATINGS_RISE = "no effect, clinicians differ, ratings rise"
NO_KNOWLEDGE = "order knows nothing, clinicians differ"
NULLS = (NO_EFFECT, CLINICIANS_DIFFER, RATINGS_RISE)
"""Scenarios in which the true effect in the practice is 0."""
SCENARIOS = (EFFECT, HARMS, *NULLS, NO_KNOWLEDGE)

LARGEST_ICC = 0.17
"""Share of the variance of ratings between clinicians who differ: the top of published shares."""
RISE = 1.0
"""Standard deviations by which ratings rise from the first client to the last."""


@dataclass(frozen=True, slots=True, eq=False)
class ScenarioWorld:
    """A world as one trial has it, in points.

    Attributes
    ----------
    shift
        Added to ratings in the model's arm.
    rise
        By how much ratings rise over the trial, in both arms.
    effect
        True effect by intention to treat.
    """

    world: TrialWorld
    shift: float
    rise: float
    effect: float


def scenario_world(
    world: TrialWorld, truth: TrueEffect, does: Behaviour, scenario: str, seed: int
) -> ScenarioWorld:
    """The world of one trial in a scenario; clinicians who differ are drawn from the seed.

    Caseloads of both arms are as unequal as the two orders bring them. Where the order knows
    nothing clients differ, clinicians differ, and no pair matches better than another: what effect
    there is comes of the clinicians whom each order happens to favour.
    """
    if scenario == EFFECT:
        return ScenarioWorld(world, 0.0, 0.0, truth.points)
    if scenario == HARMS:
        return ScenarioWorld(world, -2.0 * truth.points, 0.0, -truth.points)
    if scenario == NO_EFFECT:
        return ScenarioWorld(world, -truth.points, 0.0, 0.0)
    # A stream of its own: clients are drawn from the seed alone.
    own = np.random.default_rng([seed, 1]).normal(size=world.alliance.shape[1])
    own *= truth.sd * np.sqrt(LARGEST_ICC / (1.0 - LARGEST_ICC))
    if scenario == NO_KNOWLEDGE:
        of_client = world.alliance.mean(axis=1, keepdims=True)
        without = replace(world, alliance=of_client + own)
        return ScenarioWorld(without, 0.0, 0.0, true_effect(without, does).points)
    differing = replace(world, alliance=world.alliance + own)
    rise = RISE * truth.sd if scenario == RATINGS_RISE else 0.0
    return ScenarioWorld(differing, -true_effect(differing, does).points, rise, 0.0)
