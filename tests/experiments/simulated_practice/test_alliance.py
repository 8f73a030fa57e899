import numpy as np
import pytest

from experiments.simulated_practice.alliance import components, overlap
from experiments.simulated_practice.draws import take
from experiments.simulated_practice.settings import SCENARIOS
from tests.support.simulated_world import a_world


@pytest.mark.parametrize("name", ["default", "low_signal", "high_signal", "threshold_rules"])
def test_the_systematic_part_of_the_pair_has_the_share_asked_for(name: str) -> None:
    world = a_world(name)
    realised = world.alliance.dyad(world.test_clients).var()
    assert realised == pytest.approx(world.settings.shares.dyad, rel=0.12)


@pytest.mark.parametrize("name", [name for name in SCENARIOS if name != "null"])
def test_the_clinicians_part_has_its_share_in_every_month(name: str) -> None:
    world = a_world(name)
    share = world.settings.shares.clinician
    np.testing.assert_allclose(world.alliance.effect.var(axis=1), share)


def test_the_clients_part_has_its_share_and_intake_explains_a_quarter_of_it() -> None:
    world = a_world()
    visible = world.alliance.client_visible(world.test_clients)
    hidden = world.alliance.client_hidden(np.random.default_rng(1), 50_000)
    assert visible.var() == pytest.approx(0.38 * 0.25, rel=0.12)
    assert hidden.var() == pytest.approx(0.38 * 0.75, rel=0.05)


def test_each_component_of_the_pair_has_its_weight() -> None:
    world = a_world()
    alliance, dyad = world.alliance, world.settings.dyad
    raw = components(
        world.test_clients, world.staff.table, world.practice, alliance.skill, world.settings.dyad
    )
    for name, values in raw.items():
        within = values - values.mean(axis=1, keepdims=True) - alliance.column_means[name]
        weight = (within * alliance.scales[name]).var() / world.settings.shares.dyad
        assert weight == pytest.approx(getattr(dyad, name), rel=0.3), name


def test_the_pairs_part_favours_no_clinician_and_no_client() -> None:
    world = a_world()
    dyad = world.alliance.dyad(world.test_clients)
    np.testing.assert_allclose(dyad.mean(axis=1), 0, atol=1e-9)
    assert dyad.mean(axis=0).var() < 0.03 * dyad.var()


def test_in_the_null_world_nothing_depends_on_the_clinician() -> None:
    world = a_world("null")
    assert not world.alliance.effect.any()
    assert np.ptp(world.alliance.dyad(world.test_clients), axis=1).max() == 0


def test_a_clients_truth_does_not_depend_on_who_else_was_drawn() -> None:
    world = a_world()
    alone = take(world.test_clients, slice(7, 8))
    together = world.alliance.dyad(world.test_clients)[7:8]
    np.testing.assert_allclose(world.alliance.dyad(alone), together, atol=1e-12)


def test_protected_attributes_of_a_client_never_enter_the_truth() -> None:
    world = a_world()
    client = {name: values.copy() for name, values in world.test_clients.items()}
    for name in world.practice.fields("client", "audit"):
        client[name][:] = np.nan
    before = world.alliance.dyad(world.test_clients)
    np.testing.assert_array_equal(world.alliance.dyad(client), before)


def test_overlap_is_the_share_of_wished_tags_and_zero_without_a_wish() -> None:
    wished = np.array([[1.0, 1.0, 0.0], [np.nan, np.nan, np.nan]])
    offered = np.array([[1.0, 0.0, 1.0], [1.0, 1.0, 0.0]])
    assert overlap(wished, offered).tolist() == [[1 / 2, 2 / 2], [0.0, 0.0]]


def test_drifting_clinicians_forget_more_of_what_they_were() -> None:
    def kept(name: str) -> float:
        effect = a_world(name, clinicians=120).alliance.effect
        return float(np.corrcoef(effect[0], effect[-1])[0, 1])

    assert kept("drift") < kept("default") - 0.1
