"""Whole trials on a simulated practice: clients are drawn, randomised, rated and looked at."""

from dataclasses import dataclass

import numpy as np

from experiments.trial.world import NOBODY, Floats, Places, TrialWorld
from recommender.trial.looks import CONTINUE, TrialLook, look_at
from recommender.trial.planning import TrialAssumptions
from recommender.trial.protocol import TrialClients, TrialProtocol
from recommender.trial.randomisation import MODEL, arm_of


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


def begin_chances(world: TrialWorld, arm: int, does: Behaviour) -> Floats:
    """The chance that each client begins with each clinician in an arm, (n, clinicians)."""
    orders = world.orders[arm]
    shown = (orders != NOBODY).sum(axis=1, keepdims=True)
    others = np.where(shown > 1, (1.0 - does.follow) / np.maximum(shown - 1, 1), 0.0)
    by_rank = np.broadcast_to(others, orders.shape).copy()
    by_rank[:, 0] = np.where(shown[:, 0] > 1, does.follow, 1.0)
    chances = np.zeros(world.alliance.shape)
    rows, ranks = np.nonzero(orders != NOBODY)
    np.add.at(chances, (rows, orders[rows, ranks]), by_rank[rows, ranks])
    return chances


def true_effect(world: TrialWorld, does: Behaviour) -> TrueEffect:
    """The true effect by intention to treat, and the assumptions that hold in this world."""
    chances = np.stack([begin_chances(world, arm, does) for arm in (0, 1)])
    rated = chances * _rated(world, world.alliance, does)
    # Of clients who rate: that is what the registered analysis estimates.
    usual, model = np.sum(rated * world.alliance, axis=(1, 2)) / np.sum(rated, axis=(1, 2))
    weights = rated.sum(axis=0) / rated.sum()
    mean = float(np.sum(weights * world.alliance))
    expected = float(np.sum(weights * np.square(world.alliance - mean)))
    total = expected + world.noise**2
    part = world.client_part[:, None] - float(np.sum(weights.sum(axis=1) * world.client_part))
    shared = float(np.sum(weights * part * (world.alliance - mean)))
    whom = rated.sum(axis=1) / rated.sum(axis=(1, 2))[:, None]
    busy = 1.0 / float(np.square(whom.mean(axis=0)).sum())
    assumed = TrialAssumptions(
        explained=shared**2 / float(np.sum(weights * part**2)) / total,
        # How clinicians differ on average over the clients, as a share of the variance of ratings.
        icc=float(world.alliance.mean(axis=0).var()) / total,
        clinicians=busy,
        # As far apart as evenly spread caseloads with the same sum of squared differences are.
        apart=min(float(np.sqrt(np.square(whom[1] - whom[0]).sum() * busy / 4.0)), 1.0),
        rated=float(rated.sum() / chances.sum()),
    )
    return TrueEffect(float(model - usual), float(np.sqrt(total)), assumed)


def _rated(world: TrialWorld, expected: Floats, does: Behaviour) -> Floats:
    """The chance of a rating at an expected alliance, (n,)."""
    logit = np.log(does.rated / (1.0 - does.rated)) + (expected - world.alliance.mean()) / 3.0
    return np.asarray(1.0 / (1.0 + np.exp(-logit)))


def drawn_clients(
    world: TrialWorld,
    size: int,
    does: Behaviour,
    seed: int,
    *,
    shift: float = 0.0,
    rise: float = 0.0,
) -> TrialClients:
    """Clients in the order of their requests.

    `shift` is added to ratings in the model's arm; `rise` is by how much ratings rise from the
    first client to the last.
    """
    rng = np.random.default_rng(seed)
    rows = rng.integers(0, len(world.client_part), size)
    drawn = [arm_of(f"trial {seed}", str(each), 0.5) == MODEL for each in range(size)]
    arm = np.array(drawn, dtype=np.intp)
    whom = begun_with(world, rows, arm, does, rng)
    expected = world.alliance[rows, whom]
    over_time = shift * arm + rise * np.linspace(-0.5, 0.5, size)
    rating = expected + over_time + rng.normal(0.0, world.noise, size)
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
