"""Whole trials on a simulated practice: clients are drawn, randomised, rated and looked at."""

from dataclasses import dataclass

import numpy as np

from experiments.trial.world import NOBODY, Floats, Places, TrialWorld
from recommender.trial.looks import CONTINUE, TrialLook, look_at
from recommender.trial.planning import TrialAssumptions
from recommender.trial.protocol import TrialClients, TrialProtocol
from recommender.trial.randomisation import MODEL, arm_of

MARGIN = 1.35
"""Clients drawn for each that is planned: enough for the last look nearly always."""


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What clients do.

    Attributes
    ----------
    follow
        Chance of beginning with the first shown; else with one of the others shown.
    rated
        Chance of a rating at mean alliance; a point of alliance more adds a third of a logit.
    left
        Share of the others who left before rating.
    """

    follow: float = 0.6
    rated: float = 0.68
    left: float = 0.6


@dataclass(frozen=True, slots=True)
class TrueEffect:
    """What a trial estimates: means over all clients of the world, and what a plan needs."""

    points: float
    sd: float
    assumed: TrialAssumptions

    @property
    def effect(self) -> float:
        """By intention to treat, in standard deviations of ratings."""
        return self.points / self.sd


def begun_with(
    world: TrialWorld, rows: Places, arm: Places, does: Behaviour, rng: np.random.Generator
) -> Places:
    """The clinician with whom each of some clients begins, in the order of the arm."""
    orders = world.orders[arm, rows]
    shown = (orders != NOBODY).sum(axis=1)
    other = 1 + rng.integers(0, np.maximum(shown - 1, 1))
    rank = np.where((rng.random(len(rows)) < does.follow) | (shown < 2), 0, other)
    return np.asarray(orders[np.arange(len(rows)), rank])


def true_effect(world: TrialWorld, does: Behaviour, repeats: int = 40) -> TrueEffect:
    """The true effect by intention to treat, and the assumptions that hold in this world."""
    rng = np.random.default_rng(0)
    n, clinicians = world.alliance.shape
    rows = np.tile(np.arange(n), repeats)
    means, whom = [], []
    for arm in (0, 1):
        found = begun_with(world, rows, np.full(len(rows), arm), does, rng)
        means.append(world.alliance[rows, found])
        whom.append(np.bincount(found, minlength=clinicians) / len(rows))
    busy = 1.0 / float(np.square((whom[0] + whom[1]) / 2.0).sum())
    both = np.concatenate(means)
    total = float(both.var() + world.noise**2)
    # How clinicians differ on average over the clients, as a share of the variance of ratings.
    between = float(world.alliance.mean(axis=0).var()) / total
    r = float(np.corrcoef(np.tile(world.client_part[rows], 2), both)[0, 1])
    assumed = TrialAssumptions(
        explained=r**2 * float(both.var()) / total,
        icc=between,
        clinicians=busy,
        # As far apart as evenly spread caseloads with the same sum of squared differences are.
        apart=min(float(np.sqrt(np.square(whom[1] - whom[0]).sum() * busy / 4.0)), 1.0),
        rated=does.rated,
    )
    # Of clients who rate: that is what the registered analysis estimates.
    usual, model = (np.average(each, weights=_rated(world, each, does)) for each in means)
    return TrueEffect(float(model - usual), float(np.sqrt(total)), assumed)


def _rated(world: TrialWorld, expected: Floats, does: Behaviour) -> Floats:
    """The chance of a rating at an expected alliance, (n,)."""
    logit = np.log(does.rated / (1.0 - does.rated)) + (expected - world.alliance.mean()) / 3.0
    return np.asarray(1.0 / (1.0 + np.exp(-logit)))


def drawn_clients(
    world: TrialWorld, size: int, does: Behaviour, shift: float, seed: int
) -> TrialClients:
    """Clients in the order of their requests; `shift` is added to ratings in the model's arm."""
    rng = np.random.default_rng(seed)
    rows = rng.integers(0, len(world.client_part), size)
    drawn = [arm_of(f"trial {seed}", str(each), 0.5) == MODEL for each in range(size)]
    arm = np.array(drawn, dtype=np.intp)
    whom = begun_with(world, rows, arm, does, rng)
    expected = world.alliance[rows, whom] + shift * arm
    rating = expected + rng.normal(0.0, world.noise, size)
    unrated = rng.random(size) > _rated(world, expected, does)
    rating[unrated] = np.nan
    return TrialClients(
        arm.astype(np.float64),
        rating,
        world.client_part[rows],
        whom,
        unrated & (rng.random(size) < does.left),
        whom == world.orders[1, rows, 0],
    )


def first_clients(clients: TrialClients, number: int) -> TrialClients:
    """The first so many clients."""
    return TrialClients(*(getattr(clients, name)[:number] for name in TrialClients.__slots__))


def run_trial(clients: TrialClients, protocol: TrialProtocol) -> tuple[TrialClients, TrialLook]:
    """Takes every look when it is due, until the trial ends; whose clients were in it by then."""
    rated_by_then = np.cumsum(clients.rated)
    before: list[int] = []
    while True:
        due = min(protocol.next_due(before), int(rated_by_then[-1]))
        so_far = first_clients(clients, int(np.searchsorted(rated_by_then, due)) + 1)
        last = due == rated_by_then[-1]
        look = look_at(so_far, protocol, before, last=bool(last))
        if look.decision != CONTINUE:
            return so_far, look
        before.append(look.rated)
