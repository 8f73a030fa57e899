"""What cards share, what sets one apart, and what would open more, in words."""

import pytest
from fastapi import FastAPI

from recommender.serving.dependencies import current_snapshot
from recommender.serving.schemas.card import CardDifference
from recommender.serving.schemas.responses import RecommendationResponse
from recommender.serving.staff.views.card_texts import difference
from recommender.serving.staff.views.open_more import nothing_to_change
from recommender.serving.staff.views.shortlist import EMPTY, shortlist_of
from tests.support.server import RECOMMEND, TestClient, a_request


def answer_of(client: TestClient) -> RecommendationResponse:
    return RecommendationResponse.model_validate(client.post(RECOMMEND, json=a_request()).json())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The only one of those shown who speaks Greek", "Only one who speaks Greek"),
        (
            "The only one of those shown who offers DBT (dialectical behaviour therapy)",
            "Only one who offers DBT",
        ),
        (
            "The lowest gap of those shown: $35 less than the next",
            "Lowest gap: $35 less than the next",
        ),
        ("In practice: 20 years, the most of those shown", "In practice: 20 years, the most"),
        # As it was stored before differences were sentences.
        ("Languages: Greek (only one of those shown)", "Languages: Greek (only one)"),
    ],
)
def test_a_difference_is_short_beside_the_other_cards(text: str, words: str) -> None:
    told = CardDifference(fact="languages", text=text)
    assert difference(EMPTY.model_copy(update={"differs": (told,)})) == words
    assert difference(EMPTY) == ""


def test_what_all_have_is_said_once_and_on_no_card(open_server: TestClient) -> None:
    response = answer_of(open_server)
    assert isinstance(open_server.app, FastAPI)
    practice = current_snapshot(open_server.app).practice
    whole = shortlist_of(response, practice, {})
    first = response.model_copy(update={"shortlist": response.shortlist[:2]})
    two = shortlist_of(first, practice, {})
    assert "cbt" not in whole.matches
    assert two.matches == ("cbt",)
    assert not any(each.matches for each in two.cards)


def test_where_no_change_is_offered_the_page_claims_no_more_than_is_known(
    open_server: TestClient,
) -> None:
    response = answer_of(open_server)
    shown = len(response.shortlist)

    def with_eligible(eligible: int) -> str:
        return nothing_to_change(response.model_copy(update={"eligible": eligible}))

    assert with_eligible(shown + 4) == "4 more fit already."
    assert with_eligible(shown + 1) == "1 more fits already."
    assert "clearly ahead of those shown" in with_eligible(shown)
    nobody = response.model_copy(update={"shortlist": (), "eligible": 0})
    assert nothing_to_change(nobody) == "No small change of the request would add a clinician."
