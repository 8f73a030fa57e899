"""Simulated trials have the true effect that their scenario states."""

import numpy as np
import pytest

from experiments.trial.running import (
    Behaviour,
    begin_chances,
    begun_with,
    drawn_clients,
    true_effect,
)
from experiments.trial.world import NOBODY, TrialWorld
from experiments.trial.worlds import (
    CLINICIANS_DIFFER,
    EFFECT,
    HARMS,
    NO_EFFECT,
    NO_KNOWLEDGE,
    RATINGS_RISE,
    scenario_world,
)

RNG = np.random.default_rng(3)
N, CLINICIANS, SHOWN = 40, 6, 3
ORDERS = np.stack(
    [np.stack([RNG.permutation(CLINICIANS)[:SHOWN] for _ in range(N)]) for _ in range(2)]
)
ORDERS[:, 0, 1:] = NOBODY
ALLIANCE = 4.0 + 0.5 * RNG.normal(size=(N, CLINICIANS))
WORLD = TrialWorld(ORDERS, ALLIANCE.mean(axis=1), ALLIANCE, 0.4)
DOES = Behaviour()
TRUTH = true_effect(WORLD, DOES)


@pytest.mark.parametrize("arm", [0, 1])
def test_chances_of_beginning_are_how_often_clients_begin(arm: int) -> None:
    rows = np.repeat(np.arange(N), 4000)
    whom = begun_with(WORLD, rows, np.full(len(rows), arm), DOES, np.random.default_rng(1))
    often = np.zeros(ALLIANCE.shape)
    np.add.at(often, (rows, whom), 1 / 4000)
    chances = begin_chances(WORLD, arm, DOES)
    assert chances.sum(axis=1) == pytest.approx(np.ones(N))
    assert chances == pytest.approx(often, abs=0.04)


@pytest.mark.parametrize(
    ("scenario", "effect"),
    [(EFFECT, TRUTH.points), (HARMS, -TRUTH.points), (NO_EFFECT, 0.0), (CLINICIANS_DIFFER, 0.0),
     (RATINGS_RISE, 0.0), (NO_KNOWLEDGE, None)],
)  # fmt: skip
def test_ratings_of_both_arms_differ_by_the_effect_of_the_scenario(
    scenario: str, effect: float | None
) -> None:
    true = scenario_world(WORLD, TRUTH, DOES, scenario, 7)
    clients = drawn_clients(true.world, 60_000, DOES, 8, shift=true.shift, rise=true.rise)
    model, usual = (np.nanmean(clients.rating[clients.arm == arm]) for arm in (1.0, 0.0))
    assert model - usual == pytest.approx(true.effect, abs=0.02)
    assert effect is None or true.effect == pytest.approx(effect)
