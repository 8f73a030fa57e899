"""The response that is built as plain data has the form of its model, for every caller."""

import json

import pytest

from recommender.security.scopes import Scope
from recommender.serving.recommendation_service import ServedRecommendation, recommend_parsed
from recommender.serving.schemas.required_scope import EVERYTHING, NOTHING, Included
from recommender.serving.schemas.responses import RecommendationResponse, stated_reason
from recommender.serving.snapshot.snapshot import open_snapshot
from recommender.settings import Settings
from tests.support.server import a_request

REQUESTS = {
    "some fit": a_request(answers={"wanted": ["act"]}),
    "nobody fits": a_request(answers={"max_km": 0, "home": [{"latitude": 0, "longitude": 0}]}),
    "nothing answered": a_request(client_id=None, answers={}),
}


@pytest.fixture(params=REQUESTS)
def served(request: pytest.FixtureRequest, settings: Settings) -> ServedRecommendation:
    snapshot = open_snapshot(settings)
    return recommend_parsed(snapshot, snapshot.form.read(REQUESTS[request.param]))


def test_a_response_is_written_as_its_model_writes_it(served: ServedRecommendation) -> None:
    read = RecommendationResponse.model_validate_json(served.to_json())
    assert read.model_dump_json().encode() == served.to_json()


def test_everybody_excluded_is_in_the_response_with_every_reason(
    served: ServedRecommendation,
) -> None:
    assert [(each.clinician_id, each.reasons) for each in served.response.excluded] == [
        (each.clinician_id, stated_reason(each.reasons))
        for each in served.recommendation.exclusions
    ]


def test_a_caller_receives_a_part_of_the_whole_in_the_same_order(
    served: ServedRecommendation,
) -> None:
    whole = json.loads(served.to_json())
    for scopes in (frozenset[Scope](), frozenset({Scope.EXPLAIN_READ})):
        for included in (NOTHING, EVERYTHING, frozenset({Included.EXCLUSIONS})):
            seen = json.loads(served.to_json(scopes, included))
            assert [name for name in whole if name in seen] == list(seen)
            assert len(seen) < len(whole)
