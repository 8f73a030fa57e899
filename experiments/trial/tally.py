"""Many trials of one scenario, counted."""

from dataclasses import dataclass

import numpy as np

from experiments.trial.running import Behaviour, TrueEffect, drawn_clients, run_trial
from experiments.trial.world import TrialWorld
from experiments.trial.worlds import scenario_world
from recommender.trial.looks import BENEFIT, HARM, TrialLook
from recommender.trial.protocol import TrialProtocol

MARGIN = 1.35
"""Clients drawn for each that is planned: enough for the last look nearly always."""


@dataclass(frozen=True, slots=True)
class Tally:
    """How so many trials ended.

    Attributes
    ----------
    benefit, harm
        Ended with that claim.
    wrong
        Of them, claims against the sign of the true effect, or where it is 0.
    covered
        Whose interval has the true effect.
    beyond
        Whose claim also holds by the interval that covers other clinicians.
    rated
        Rated clients at the end, over all trials.
    errors
        Error that covers other clinicians over the one that does not, summed over trials.
    """

    trials: int = 0
    benefit: int = 0
    harm: int = 0
    wrong: int = 0
    covered: int = 0
    beyond: int = 0
    rated: int = 0
    errors: float = 0.0

    def __add__(self, other: "Tally") -> "Tally":
        """Both together."""
        return Tally(*(getattr(self, n) + getattr(other, n) for n in Tally.__slots__))

    @classmethod
    def of(cls, look: TrialLook, effect: float) -> "Tally":
        """One trial that ended with this look."""
        low, high = look.interval
        others = look.interval_beyond
        sign = {BENEFIT: 1.0, HARM: -1.0}.get(look.decision, 0.0)
        return cls(
            1,
            int(look.decision == BENEFIT),
            int(look.decision == HARM),
            int(sign != 0.0 and sign != np.sign(effect)),
            int(low <= effect <= high),
            int(sign != 0.0 and others is not None and others[0] * others[1] > 0.0),
            look.rated,
            np.nan if look.beyond is None else look.beyond.error / look.effect.error,
        )


def tally_of(
    world: TrialWorld,
    truth: TrueEffect,
    protocol: TrialProtocol,
    does: Behaviour,
    scenario: str,
    trials: int,
    seed: int,
) -> Tally:
    """So many trials of one scenario, each with clients of its own."""
    size, found = int(MARGIN * protocol.randomised), Tally()
    for number in range(seed, seed + trials):
        true = scenario_world(world, truth, does, scenario, number)
        clients = drawn_clients(true.world, size, does, number, shift=true.shift, rise=true.rise)
        _, look = run_trial(clients, protocol)
        found += Tally.of(look, true.effect)
    return found
