"""Lots give the first place to clinicians whom the declared order never puts there."""

import numpy as np
import pytest

from experiments.equipoise.asking import NOBODY, firsts, gini, under
from recommender.tables.cells import People
from recommender.tables.roster import snapshot
from tests.support.builders import DAY, TAKEN_AT, a_roster, as_sure, some_tables

ASKING = 200


def clients() -> People:
    columns = some_tables().clients.take(np.arange(ASKING))
    return People(some_tables().client_ids[:ASKING], (None,) * ASKING, columns)


def test_a_newcomer_whom_the_declared_order_never_puts_first_is_seen_once_lots_are_drawn() -> None:
    roster = a_roster()
    # Two alike and new to the practice: no rating, and the declared order has one behind the other.
    rows, names = np.array([5, 6, 7, 5, 5]), ("k05", "k06", "k07", "new1", "new2")
    practice = snapshot(names, (None,) * 5, roster.columns.take(rows), TAKEN_AT)
    model = as_sure(3.0)
    declared = firsts(model, practice, clients(), DAY)
    drawn = firsts(under(model, "shuffle_ties = true"), practice, clients(), DAY, seed=3)
    shares = [np.bincount(found.clinician, minlength=5) / ASKING for found in (declared, drawn)]
    never, as_well = shares[0][4], shares[1][4]

    assert never == 0
    assert as_well > 0.1
    assert as_well == pytest.approx(shares[1][3], abs=0.08)
    assert gini(drawn.clinician.tolist(), 5) < gini(declared.clinician.tolist(), 5)
    assert (declared.chance == 1).all()
    assert drawn.chance.min() < 0.5


def test_places_are_taken_in_turn_and_nobody_takes_one_that_is_gone() -> None:
    roster = a_roster()
    places = np.ones(len(roster), dtype=np.intp)
    found = firsts(as_sure(1.0), roster, clients(), DAY, places)

    taken = found.clinician[found.clinician != NOBODY]
    assert len(set(taken.tolist())) == len(taken) == len(roster)


def test_first_ranks_are_even_or_all_with_one() -> None:
    assert gini([0, 1, 2, 3], 4) == pytest.approx(0.0)
    assert gini([2, 2, 2, 2], 4) == pytest.approx(0.75)
