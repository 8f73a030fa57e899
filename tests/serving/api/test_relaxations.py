"""What the endpoint offers, sent back to it as a caller would."""

from pathlib import Path
from typing import Any

from tests.support.server import (
    WHOLE,
    TestClient,
    a_request,
    local_client,
    server_settings,
)

FEES = range(150, 280, 10)


def ask(caller: TestClient, **answers: Any) -> Any:
    given = {key: value for key, value in answers.items() if value is not None}
    return caller.post(WHOLE, json=a_request(given, top_k=50)).json()


def test_an_offer_sent_back_gives_that_clinician_and_that_prediction(tmp_path: Path) -> None:
    applied = 0
    with local_client(server_settings(tmp_path)) as caller:
        for fee in FEES:
            before = ask(caller, max_fee=fee)
            for offer in before["relaxations"]:
                instead = {each["field"]: each["answer"] for each in offer["answers"]}
                after = ask(caller, **{"max_fee": fee, **instead})
                shown = {s["clinician_id"]: s["predicted_alliance"] for s in after["shortlist"]}
                assert shown[offer["clinician_id"]] == offer["predicted_alliance"]
                assert after["eligible"] == before["eligible"] + offer["admits"]
                applied += 1
    assert applied > 3


def test_an_offer_says_the_answer_as_the_form_takes_it(tmp_path: Path) -> None:
    with local_client(server_settings(tmp_path)) as caller:
        (offer, *_) = ask(caller, max_fee=1)["relaxations"]
    assert [each["field"] for each in offer["answers"]] == ["max_fee"]
    assert isinstance(offer["answers"][0]["answer"], float)
    assert offer["gain"] is None
