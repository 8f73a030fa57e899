"""Each role receives the facts on cards that the definition declares for it, also later."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from recommender.journal.recommendations import find_recommendation
from recommender.journal.recording import prepare_recommendation, record_recommendation
from recommender.recommendation.card_parts import (
    CardContent,
    Cost,
    Difference,
    Fact,
    Meeting,
    NextTime,
)
from recommender.security.scopes import Scope
from recommender.serving.schemas.card import ClinicianCard
from recommender.serving.schemas.required_scope import EVERYTHING
from recommender.serving.stored_recommendation import visible_body
from tests.support.server import FOR_TOOLS, RECOMMEND, JournalServer, a_request

STAFF, NOBODY = frozenset({Scope.EXPLAIN_READ}), frozenset[Scope]()


def cards_in(response: dict[str, Any]) -> list[dict[str, Any]]:
    found = [each["card"] for each in response["shortlist"]]
    assert found
    return found


def fields_on(response: dict[str, Any]) -> set[str]:
    return {fact["field"] for card in cards_in(response) for fact in card["facts"]}


def test_a_tool_receives_facts_for_clients_and_staff_read_all_of_the_same_later(
    keeping: JournalServer,
) -> None:
    sent = keeping.tool.post(FOR_TOOLS, json=a_request(answers={"wanted": ["act"]}))
    assert sent.status_code == 201, sent.text
    told = sent.json()
    path = f"{RECOMMEND}/{told['recommendation_id']}?include=facts"
    later, by_staff = keeping.tool.get(path).json(), keeping.staff.get(path).json()
    assert fields_on(told) == fields_on(later) == {"offers"}
    assert fields_on(by_staff) == {"offers", "years"}
    assert cards_in(told) == cards_in(later)
    assert not any("staff_only" in card for card in cards_in(told))
    assert all(card["staff_only"] == ["years"] for card in cards_in(by_staff))
    assert not any(each["fact"] == "years" for card in cards_in(told) for each in card["differs"])


def test_what_was_asked_for_is_on_the_cards_of_those_who_offer_it(keeping: JournalServer) -> None:
    body = a_request(answers={"wanted": ["act"]})
    told = keeping.tool.post(f"{FOR_TOOLS}&dry_run=true", json=body).json()
    for card in cards_in(told):
        offers = {v for fact in card["facts"] for v in fact["values"] if fact["field"] == "offers"}
        asked = [each for each in card["asked_and_offered"] if each["field"] == "offers"]
        assert [each["values"] for each in asked] == ([["act"]] if "act" in offers else [])
        assert all(each["label"] == "Therapies" for each in asked)


def test_a_recommendation_stored_without_cards_has_null_in_their_place(
    keeping: JournalServer,
) -> None:
    told = keeping.recommended()
    for each in told["shortlist"]:
        del each["card"]
    with keeping.store.writing() as connection:
        shown = find_recommendation(connection, told["recommendation_id"]).shown
        earlier = replace(shown, recommendation_id="earlier", response=json.dumps(told).encode())
        record_recommendation(connection, prepare_recommendation(earlier), actor="staff")
    read = keeping.staff.get(f"{RECOMMEND}/earlier")
    assert read.status_code == 200
    assert {each["card"] for each in read.json()["shortlist"]} == {None}


FULL = CardContent(
    profession="Psychologist",
    photo="https://practice.example/k0.jpg",
    meeting=(
        Meeting("in_person", "In person", "Newtown", "12 King St", 2.5),
        Meeting("video", "Video"),
    ),
    cost=Cost(21000, 10155, 10845, "AUD"),
    next_times=(NextTime(datetime(2026, 11, 30, tzinfo=UTC), "in_person", "Newtown"),),
    facts=(Fact("modalities", "Therapies", ("CBT",)), Fact("places_open", "Places", ("4",))),
    asked_and_offered=(Fact("fee", "Gap", ("$108.45, limit $120",)),),
    differs=(Difference("rooms", "Nearest rooms of those shown: 2.5 km"),),
)


@pytest.mark.parametrize(
    ("staff_only", "hidden"),
    [
        (("registration_type", "profession"), {"profession": None}),
        (("photo",), {"photo": None}),
        (("modes", "meeting"), {"meeting": (), "next_times": ("no way",)}),
        (
            ("rooms", "places"),
            {"meeting": ("no place",), "next_times": ("no place",), "differs": ()},
        ),
        (("fee", "cost"), {"cost": None, "asked_and_offered": ()}),
        (("hours", "next_times"), {"next_times": ()}),
        (("places_open",), {"facts": ("modalities",)}),
    ],
)
def test_clients_receive_nothing_of_a_part_for_staff(
    staff_only: tuple[str, ...], hidden: dict[str, Any]
) -> None:
    whole = ClinicianCard.of(FULL._replace(staff_only=staff_only))
    seen = whole.for_clients()
    for name in FULL._fields:
        before, now = getattr(whole, name), getattr(seen, name)
        if name == "staff_only":
            assert now == ()
        elif name not in hidden:
            assert now == before
        elif hidden[name] in (None, ()):
            assert now == hidden[name]
        elif name == "meeting":
            assert [(m.way, m.place, m.address, m.km) for m in now] == [
                ("in_person", None, None, None),
                ("video", None, None, None),
            ]
        elif name == "next_times":
            (time,) = now
            no_way = hidden[name] == ("no way",)
            assert (time.way, time.place) == ((None, "Newtown") if no_way else ("in_person", None))
        else:
            assert tuple(fact.field for fact in now) == hidden[name]


def test_without_a_part_for_staff_everybody_receives_the_same() -> None:
    whole = ClinicianCard.of(FULL)
    assert whole.for_clients() == whole


def test_what_is_not_known_of_a_way_a_time_or_a_photo_is_absent() -> None:
    soon = NextTime(datetime(2026, 11, 30, tzinfo=UTC), "video", None)
    bare = FULL._replace(photo=None, meeting=(Meeting("video", "Video"),), next_times=(soon,))
    written = ClinicianCard.of(bare).model_dump_json()
    card = json.loads(written)
    assert "photo" not in card
    assert card["meeting"] == [{"way": "video", "label": "Video"}]
    assert card["next_times"] == [{"starts_at": "2026-11-30T00:00:00Z", "way": "video"}]
    assert ClinicianCard.model_validate_json(written) == ClinicianCard.of(bare)


def test_a_stored_card_is_filtered_when_it_is_read(keeping: JournalServer) -> None:
    told = keeping.recommended(top_k=1)
    card = ClinicianCard.of(FULL._replace(staff_only=("places_open", "fee", "cost")))
    told["shortlist"][0]["card"] = card.model_dump(mode="json")
    stored = json.dumps(told).encode()
    seen, read = (
        json.loads(visible_body(stored, scopes, EVERYTHING))["shortlist"][0]["card"]
        for scopes in (NOBODY, STAFF)
    )
    assert read == told["shortlist"][0]["card"]
    assert seen["cost"] is None
    assert seen["asked_and_offered"] == []
    assert [fact["field"] for fact in seen["facts"]] == ["modalities"]
    assert seen["meeting"] == read["meeting"]
