import json
from pathlib import Path

import experiments.demo
from recommender.practice.definition import shipped_practice
from recommender.recommendation.recommend import read_intake
from recommender.serving.schemas.intake import build_request_schema

CLIENT = Path(str(experiments.demo.__file__)).with_name("client.json")


def test_the_client_of_the_demo_answers_as_the_form_of_the_shipped_definition_asks() -> None:
    practice = shipped_practice()
    asked = build_request_schema(practice, 5).read(json.loads(CLIENT.read_bytes()))
    assert read_intake(practice, asked.answers, asked.client_id, asked.modes).client.size == 1
