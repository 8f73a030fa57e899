"""What of a gain comes from which part: nested scores that end with ours, on the same pairings."""

from functools import cache

import numpy as np
import pytest

from recommender.model.evaluation_report import (
    BEYOND_OWN,
    CLIENT_PART,
    COMPOSITE,
    DYAD,
    MATCHES,
    OWN_PART,
    PRODUCTS,
    RMSE,
    TREES,
    PartGain,
)
from recommender.training.baselines import OURS
from recommender.training.part_gains import NO_PART, part_gains
from tests.support.evaluations import an_evaluation


@cache
def gains() -> dict[tuple[str, str], PartGain]:
    evaluation = an_evaluation()
    found = part_gains(
        evaluation.held_out,
        evaluation.nested,
        evaluation.sampled,
        seed=evaluation.seed,
        draws=evaluation.draws,
    )
    return {(each.part, each.metric): each for each in found}


def test_without_trees_all_parts_together_order_as_we_do() -> None:
    nested = an_evaluation().nested
    # The start of every score is the same, and orders nobody.
    apart = nested[TREES].pairing - nested[PRODUCTS].pairing
    assert apart == pytest.approx(np.full_like(apart, apart[0]), abs=1e-9)


def test_the_parts_of_a_figure_add_up_to_ours() -> None:
    ours = an_evaluation().value(OURS, COMPOSITE)
    added = [gains()[part, COMPOSITE].value for part in (CLIENT_PART, OWN_PART, MATCHES, PRODUCTS)]
    assert sum(value or 0.0 for value in added) == pytest.approx(ours)
    assert gains()[PRODUCTS, COMPOSITE].reached == pytest.approx(ours)


def test_the_client_part_lowers_the_error_and_changes_no_order() -> None:
    for metric in (COMPOSITE, DYAD):
        none = gains()[CLIENT_PART, metric]
        assert (none.value, none.low, none.high) == (0, 0, 0)
    assert (gains()[CLIENT_PART, RMSE].value or 0) < 0


def test_a_clinician_s_own_part_says_nothing_within_clinicians_of_one_fold() -> None:
    # Only attributes and the own effect, which are the same for all clients of a clinician.
    assert gains()[OWN_PART, DYAD].value == 0
    assert gains()[BEYOND_OWN, DYAD].value == pytest.approx(an_evaluation().value(OURS, DYAD))


def test_every_nested_score_has_the_level_of_ours() -> None:
    nested = dict(an_evaluation().nested)
    nested.pop(NO_PART)
    levels = [float(each.alliance.mean()) for each in nested.values()]
    assert levels == pytest.approx([levels[0]] * len(levels))
