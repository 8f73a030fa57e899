"""Lots within ties: nobody passes a lead, a requirement or a reservation by chance, and the chance
of standing where one stands is known."""

from collections import Counter
from functools import cache
from itertools import groupby, pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recommender.errors import DefinitionError
from recommender.model.alliance_model import AllianceModel
from recommender.practice.definition import read_practice
from recommender.practice.sections import RankingSettings
from recommender.recommendation.ranking import (
    CLEAR_LEAD,
    EVEN_LEAD,
    draw_lots,
    ranking_of,
    reserved_last_places,
    ties_of,
)
from recommender.recommendation.recommend import Recommendation, recommend
from recommender.recommendation.shortlists import MAX_TOP_K, ShortlistEntry
from recommender.screening.screen import screen
from recommender.screening.screening import Screening
from recommender.serving.schemas.responses import ordering_text
from tests.support.builders import DAY, a_practice, a_roster, an_intake, as_sure, under
from tests.support.strategies import cases

SLOWLY = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
SEEDS = st.text(st.sampled_from("0123456789abcdef"), min_size=4, max_size=32)
DOUBTS = st.sampled_from([0.0, 0.3, 1.0, 3.0, 1e4])


@cache
def with_rules(ranking: str, doubt: float = 1.0) -> AllianceModel:
    """The model of a practice with a ranking section, with so many times its doubt."""
    return under(as_sure(doubt), ranking)


def asked(model: AllianceModel, seed: str | None = None, top_k: int = MAX_TOP_K) -> Recommendation:
    encoding = model.encode_roster(a_roster())
    return recommend(an_intake(), encoding, model, day=DAY, top_k=top_k, seed=seed)


def names(shown: tuple[ShortlistEntry, ...]) -> list[str]:
    return [each.clinician_id for each in shown]


@SLOWLY
@given(seed=SEEDS, doubt=DOUBTS)
def test_without_the_setting_a_seed_changes_nothing_at_all(seed: str, doubt: float) -> None:
    found = asked(as_sure(doubt), seed)
    assert (found.shortlist, found.offers) == (asked(as_sure(doubt)).shortlist, ())
    assert a_practice().ranking == RankingSettings(shuffle_ties=False, keep_last_places=0)
    assert {each.propensity for each in found.shortlist} == {None}


@SLOWLY
@given(seed=SEEDS, doubt=DOUBTS)
def test_a_lot_moves_clinicians_within_their_tie_and_past_no_reservation(
    seed: str, doubt: float
) -> None:
    model = with_rules("shuffle_ties = true", doubt)
    declared, drawn = asked(model).shortlist, asked(model, seed).shortlist

    for before, after in zip(declared, drawn, strict=True):
        assert (before.tie, len(before.reservations)) == (after.tie, len(after.reservations))
    for tie in {each.tie for each in declared}:
        of_tie = [[s.clinician_id for s in shown if s.tie == tie] for shown in (declared, drawn)]
        assert sorted(of_tie[0]) == sorted(of_tie[1])


@given(case=cases(), seed=SEEDS)
def test_whoever_is_passed_by_lot_was_about_even_with_as_many_reservations(
    case: tuple[np.ndarray, np.ndarray, np.ndarray], seed: str
) -> None:
    pairing, leads, held = case
    places = np.arange(len(pairing))
    lots = draw_lots(seed, [str(place) for place in places])
    declared = ranking_of(places, pairing, leads, held).places.tolist()
    drawn = ranking_of(places, pairing, leads, held, None, lots)
    even = ties_of(leads, EVEN_LEAD)

    stood = {place: rank for rank, place in enumerate(declared)}
    order = drawn.places.tolist()
    for rank, place in enumerate(order):
        for other in order[rank + 1 :]:
            if stood[other] < stood[place]:
                assert even[place] == even[other]
                assert held[place] == held[other]
                assert leads[other, place] < CLEAR_LEAD
    assert drawn.propensity is not None
    for rank, place in enumerate(order):
        alike = (even == even[place]) & (held == held[place])
        alike &= ties_of(leads, CLEAR_LEAD) == ties_of(leads, CLEAR_LEAD)[place]
        assert drawn.propensity[rank] == pytest.approx(1 / alike.sum())


def test_the_same_seed_draws_the_same_and_a_longer_list_begins_like_a_shorter_one() -> None:
    model = with_rules("shuffle_ties = true", 1e4)
    drawn = asked(model, "a seed").shortlist

    assert asked(model, "a seed").shortlist == drawn
    assert names(asked(model, "a seed", top_k=3).shortlist) == names(drawn)[:3]
    assert [e.propensity for e in asked(model, "a seed", top_k=3).shortlist] == [
        each.propensity for each in drawn[:3]
    ]
    assert asked(model).shortlist == asked(as_sure(1e4)).shortlist


def test_every_clinician_of_a_lot_stands_at_each_of_its_ranks_as_often_as_is_said() -> None:
    model, draws = with_rules("shuffle_ties = true", 1e4), 600
    first: Counter[tuple[int, str]] = Counter()
    chance: dict[int, float | None] = {}
    for draw in range(draws):
        for each in asked(model, f"seed {draw}").shortlist:
            first[each.rank, each.clinician_id] += 1
            chance[each.rank] = each.propensity

    assert min(float(p or 0) for p in chance.values()) < 0.5
    for (rank, _), times in first.items():
        expected = float(chance[rank] or 0)
        apart = 4.5 * np.sqrt(expected * (1 - expected) / draws)
        assert times / draws == pytest.approx(expected, abs=apart + 1e-9)


def test_who_stands_behind_another_by_lot_is_said_to() -> None:
    shown = asked(with_rules("shuffle_ties = true", 1e4), "a seed").shortlist
    for before, after in pairwise(shown):
        alike = len(before.reservations) == len(after.reservations)
        assert (after.tie_broken_by == "lot") == alike
    assert "lot" in {each.tie_broken_by for each in shown}
    assert "lot" not in {each.tie_broken_by for each in asked(as_sure(1e4), "a seed").shortlist}


def test_the_answer_says_that_lots_are_drawn_or_places_kept_where_they_are() -> None:
    neither, both = RankingSettings(), RankingSettings(shuffle_ties=True, keep_last_places=1)

    assert "lot" not in ordering_text("model", neither)
    assert ordering_text("model", both).startswith(ordering_text("model", neither))
    assert "drawn at random" in ordering_text("model", both)
    assert "last places" in ordering_text("model", both)
    assert ordering_text("constraints_only", both) == ordering_text("constraints_only", neither)


@pytest.mark.parametrize(
    ("ranking", "problem"),
    [
        ("shuffle_ties = 1", "is neither true nor false"),
        ("keep_last_places = -1", "is not a number of places"),
        ("keep_last_places = true", "is not a number of places"),
        ("shuffled = true", "is not a setting of the ranking"),
    ],
)
def test_a_ranking_that_cannot_be_read_is_told(ranking: str, problem: str) -> None:
    with pytest.raises(DefinitionError, match=problem):
        read_practice(f"{a_practice().text}\n[ranking]\n{ranking}\n")


def test_last_places_can_only_be_kept_where_a_rule_counts_places() -> None:
    without = a_practice().text.replace('family = "capacity"', 'family = "service"')

    with pytest.raises(DefinitionError, match="has no field of open places"):
        read_practice(f"{without}\n[ranking]\nkeep_last_places = 1\n")


def places_left(name: str) -> float:
    roster = a_roster()
    return float(roster.columns["places"][roster.ids.index(name)])


def test_a_last_place_stands_behind_those_about_even_and_nobody_is_hidden() -> None:
    usual, kept = asked(as_sure(1e4)).shortlist, asked(with_rules("keep_last_places = 1", 1e4))

    assert sorted(names(usual)) == sorted(names(kept.shortlist))
    for _, alike in groupby(kept.shortlist, key=lambda each: len(each.reservations)):
        last = [places_left(each.clinician_id) <= 1 for each in alike]
        assert last == sorted(last)
    assert "last_places" in {each.tie_broken_by for each in kept.shortlist}


def test_a_last_place_passes_no_lead() -> None:
    kept = asked(with_rules("keep_last_places = 50", 0.0)).shortlist
    assert kept == asked(as_sure(0.0)).shortlist


def test_a_last_place_is_for_clients_who_need_what_few_offer() -> None:
    model, roster = with_rules("keep_last_places = 1"), a_roster()
    fees = dict(zip(roster.ids, roster.columns["fee"].tolist(), strict=True))
    last = {name for name in roster.ids if places_left(name) <= 1}
    cheapest = min(last, key=lambda name: fees[name])

    def kept(screening: Screening) -> set[str]:
        back = reserved_last_places(model.practice, roster, screening)
        return {name for name, each in zip(roster.ids, back, strict=True) if each}

    assert kept(asked(model).screening) == last
    intake = an_intake(max_fee=fees[cheapest] / 100)
    screening = screen(model.practice, intake.client, None, roster, DAY)
    assert np.count_nonzero(screening.verdict_of("fee") == 1) == 1
    needed = reserved_last_places(model.practice, roster, screening)
    assert {name for name, kept in zip(roster.ids, needed, strict=True) if kept} == last - {
        cheapest
    }


def test_whatever_is_not_declared_keeps_no_place() -> None:
    screening = asked(as_sure(1.0)).screening

    assert not reserved_last_places(a_practice(), a_roster(), screening).any()
