"""What would open more: the smallest changes, what they bring, and that they come true."""

from random import Random
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from recommender.features.pipeline import Pairs
from recommender.model.alliance_model import AllianceModel
from recommender.practice.columns import Columns
from recommender.practice.rules.constraint import NEVER_RELAXED
from recommender.recommendation.ranking import CLEAR_LEAD
from recommender.recommendation.recommend import Recommendation, read_intake, recommend
from recommender.recommendation.relaxation_offers import MAX_OFFERS, RelaxationOffer
from recommender.recommendation.shortlists import MAX_TOP_K
from recommender.tables.roster import Roster, snapshot
from tests.support.builders import DAY, TAKEN_AT, THERAPIES
from tests.support.relaxable_practice import (
    HOME,
    a_large_roster,
    a_model_of,
    declared,
    everything,
)


def a_large_roster_of(places: NDArray[np.intp]) -> Roster:
    batch = a_large_roster()
    ids, names = [batch.ids[p] for p in places], [batch.names[p] for p in places]
    return snapshot(ids, names, batch.columns.take(places), TAKEN_AT)


def asked(
    model: AllianceModel,
    roster: Roster | None = None,
    top_k: int = MAX_TOP_K,
    *,
    with_relaxations: bool = False,
    **answers: Any,
) -> Recommendation:
    given = {"concern": "anxiety", "directive": 4, "agrees": True, "home": HOME, **answers}
    intake = read_intake(model.practice, given, "c9999")
    return recommend(
        intake,
        model.encode_roster(roster or a_large_roster()),
        model,
        day=DAY,
        top_k=top_k,
        with_relaxations=with_relaxations,
    )


def answers_of(offer: RelaxationOffer) -> dict[str, Any]:
    return {
        change.field: list(change.answer) if isinstance(change.answer, tuple) else change.answer
        for change in offer.changes
    }


def lead_of(offer: RelaxationOffer, before: Recommendation, answers: dict[str, Any]) -> float:
    """Probability that the clinician offered is ahead of the first, by the row-wise path."""
    model, roster = everything(), a_large_roster()
    given = {"concern": "anxiety", "directive": 4, "agrees": True, "home": HOME, **answers}
    stated, changed = (
        read_intake(model.practice, each).client for each in (given, {**given, **answers_of(offer)})
    )
    offered = roster.ids.index(offer.clinician_id)
    first = roster.ids.index(before.shortlist[0].clinician_id)
    pairs = Pairs(np.array([0, 1]), np.array([offered, first]))
    clients = Columns.concatenate([changed, stated])
    prepared = model.prepare(clients, model.encode_roster(roster), pairs)
    return float(model.ahead(prepared, np.array([0]), np.array([1]))[0])


def some_requests(size: int) -> list[dict[str, Any]]:
    rng = Random(20261125)
    hours = ("mon 09:00-12:00", "tue 09:00-10:00", "wed 19:00-20:00", "fri 09:00-12:00", None)
    return [
        {
            "wanted": rng.choice([[t] for t in THERAPIES] + [["act", "emdr"], None]),
            "directive": rng.randrange(-10, 11),
            "max_fee": rng.choice([None, 160, 200, 220]),
            "max_km": rng.choice([None, 1, 4, 9, 15]),
            "free": rng.choice(hours),
        }
        for _ in range(size)
    ]


REQUESTS = some_requests(60)


@pytest.mark.parametrize("place", range(len(REQUESTS)))
def test_every_offer_comes_true_when_it_is_applied(place: int) -> None:
    request, model = REQUESTS[place], everything()
    before = asked(model, **request)
    for offer in before.offers:
        after = asked(model, **{**request, **answers_of(offer)})
        shown = {each.clinician_id: each.predicted for each in after.shortlist}
        assert after.eligible == before.eligible + offer.admits
        assert shown[offer.clinician_id] == pytest.approx(offer.predicted, abs=1e-9)


@pytest.mark.parametrize("top_k", [1, MAX_TOP_K])
@pytest.mark.parametrize("place", range(12))
def test_offers_are_the_same_whether_or_not_they_are_known_to_be_read(
    place: int, top_k: int
) -> None:
    beforehand, afterwards = (
        asked(everything(), top_k=top_k, with_relaxations=known, **REQUESTS[place])
        for known in (True, False)
    )
    assert afterwards.offers == beforehand.offers
    assert afterwards.shortlist == beforehand.shortlist


def test_some_of_those_requests_are_offered_something_and_some_fit_nobody() -> None:
    found = [asked(everything(), **request) for request in REQUESTS]
    assert sum(bool(each.offers) for each in found) > 20
    assert any(not each.eligible and each.offers for each in found)
    assert any(each.eligible and len(each.offers[0].changes) == 1 for each in found if each.offers)


def test_nobody_eligible_now_is_lost_by_an_offer() -> None:
    for request in REQUESTS[:20]:
        before = asked(everything(), **request)
        for offer in before.offers:
            after = asked(everything(), **{**request, **answers_of(offer)})
            assert not (before.screening.eligible & ~after.screening.eligible).any()


def test_what_protects_somebody_is_never_offered_to_be_given_up() -> None:
    model = everything()
    for request in REQUESTS:
        for offer in asked(model, **request).offers:
            families = {model.practice.constraints[c.constraint].family for c in offer.changes}
            assert families.isdisjoint(NEVER_RELAXED)
            assert "capacity" not in families


def test_where_enough_fit_an_offer_is_clearly_ahead_of_the_first() -> None:
    for request in REQUESTS:
        found = asked(everything(), top_k=1, **request)
        if found.eligible:
            assert all(lead_of(offer, found, request) >= CLEAR_LEAD for offer in found.offers)
            assert all((offer.gain or 0) > 0 for offer in found.offers)
            assert all(len(offer.changes) <= 2 for offer in found.offers)


def test_where_fewer_fit_than_are_asked_for_changes_that_add_anybody_are_offered() -> None:
    model = a_model_of(declared("fee"))
    answers: dict[str, Any] = {"max_fee": 160}
    few = asked(model, **answers)
    assert few.eligible > 0
    enough = asked(model, top_k=few.eligible, **answers)
    assert len(few.offers) > len(enough.offers)
    assert any((offer.gain or 0) < 0 for offer in few.offers)
    assert all(len(offer.changes) <= 2 and offer.gain is not None for offer in few.offers)
    for offer in few.offers:
        after = asked(model, **{**answers, **answers_of(offer)})
        assert after.eligible == few.eligible + offer.admits


def test_where_one_fits_and_nothing_is_predicted_changes_are_offered_too() -> None:
    model, roster = a_model_of(declared("fee")), a_large_roster()
    cheapest = float(np.nanmin(roster.columns["fee"])) / 100
    found = asked(model, top_k=5, max_fee=cheapest, agrees=False)
    assert 0 < found.eligible < 5
    assert found.offers
    assert all(offer.gain is None for offer in found.offers)


def test_where_nobody_fits_only_the_smallest_sets_of_changes_are_told() -> None:
    for request in REQUESTS:
        found = asked(everything(), **request)
        if not found.eligible:
            sets = [frozenset(c.field for c in offer.changes) for offer in found.offers]
            assert not any(one < other for one in sets for other in sets)
            assert all(offer.gain is None for offer in found.offers)


def test_the_smallest_whole_distance_that_is_enough_is_offered() -> None:
    model = a_model_of(declared("trip"))
    found = asked(model, max_km=0)
    assert not found.eligible
    nearest = found.offers[-1] if len(found.offers) > 1 else found.offers[0]
    (change,) = nearest.changes
    assert change.answer == int(change.answer)
    assert asked(model, max_km=change.answer - 1).eligible < nearest.admits
    assert nearest.text == f"within {change.answer:g} km instead of 0"


def test_an_offer_of_a_longer_trip_gives_more_than_one_of_a_shorter() -> None:
    offers = asked(a_model_of(declared("trip")), max_km=0).offers
    by_distance = sorted(offers, key=lambda offer: offer.changes[0].answer)
    predicted = [offer.predicted or 0 for offer in by_distance]
    assert len(offers) > 1
    assert predicted == sorted(predicted)


def test_a_day_is_offered_by_its_name_beside_the_hours_stated() -> None:
    found = asked(a_model_of(declared("times")), free="sun 09:00-12:00")
    said = {offer.text: offer.changes[0].answer for offer in found.offers}
    assert said["Monday too"] == ("sun 09:00-12:00", "mon 00:00-24:00")


def test_a_day_given_in_part_is_offered_by_the_hours_that_are_added() -> None:
    found = asked(a_model_of(declared("times")), free="mon 22:00-24:00; sun 09:00-12:00")
    said = {offer.text: offer.changes[0].answer for offer in found.offers}
    assert said["Monday before 10 pm too"] == ("sun 09:00-12:00", "mon 00:00-24:00")


def test_money_is_offered_in_whole_dollars() -> None:
    found = asked(a_model_of(declared("fee")), max_fee=100)
    assert found.offers
    for offer in found.offers:
        assert offer.text == f"a fee of ${offer.changes[0].answer:.0f} instead of $100"


def test_a_wish_that_may_only_be_asked_about_comes_without_an_answer_to_send() -> None:
    model = a_model_of(declared("therapy", relaxable="ask", offer="the kind of therapy"))
    levels = model.practice.clinician["offers"].levels
    act = a_large_roster().columns["offers"][:, levels.index("act")]
    without = a_large_roster_of(np.flatnonzero(act == 0))
    (offer,) = asked(model, without, wanted=["act"]).offers
    assert offer.changes == ()
    assert offer.admits == len(without)
    assert offer.text == "you could ask whether the kind of therapy matters"


def test_what_may_not_be_relaxed_is_not_offered_even_when_nobody_fits() -> None:
    model = a_model_of(declared("fee", relaxable=False), declared("trip"))
    found = asked(model, max_fee=1, max_km=0)
    assert (found.eligible, found.offers) == (0, ())


def test_without_agreement_to_prediction_nothing_is_promised() -> None:
    model = a_model_of(declared("fee"))
    assert asked(model, top_k=1, max_fee=200, agrees=False).offers == ()
    found = asked(model, max_fee=1, agrees=False)
    assert found.offers
    assert all(offer.predicted is None and offer.gain is None for offer in found.offers)


def test_offers_are_few() -> None:
    assert all(len(asked(everything(), **each).offers) <= MAX_OFFERS for each in REQUESTS)


def test_the_order_shown_does_not_depend_on_what_is_offered() -> None:
    open_, closed = a_model_of(declared("fee")), a_model_of(declared("fee", relaxable=False))
    for limit in (150, 200, 240):
        one, other = asked(open_, max_fee=limit), asked(closed, max_fee=limit)
        assert [s.clinician_id for s in one.shortlist] == [s.clinician_id for s in other.shortlist]
        predicted = [each.predicted for each in other.shortlist]
        assert [each.predicted for each in one.shortlist] == pytest.approx(predicted, abs=1e-9)
