"""Arms follow the chance, do not change for a client, and depend on the seed."""

import numpy as np
import pytest

from recommender.trial.randomisation import MODEL, arm_of


@pytest.mark.parametrize("chance", [0.0, 0.3, 0.5, 1.0])
def test_arms_follow_the_chance(chance: float) -> None:
    drawn = [arm_of("seed", str(each), chance) == MODEL for each in range(4000)]
    assert np.mean(drawn) == pytest.approx(chance, abs=0.025)


def test_seeds_draw_independently_and_a_client_stays() -> None:
    one, other = ([arm_of(seed, str(c), 0.5) for c in range(2000)] for seed in ("a", "b"))
    same = np.mean([x == y for x, y in zip(one, other, strict=True)])
    assert same == pytest.approx(0.5, abs=0.04)
    assert one == [arm_of("a", str(c), 0.5) for c in range(2000)]
