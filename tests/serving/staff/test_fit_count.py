"""While a form is filled in, staff see how many clinicians fit so far; nothing is stored of it."""

from collections.abc import Iterator
from datetime import date

import pytest

from experiments.demo.practice import write_clinicians, write_definition
from recommender.practice.definition import Practice, load_practice
from recommender.serving.http.submitted_form import FormData
from recommender.serving.staff.views.intake_answers import request_values
from recommender.settings import Settings
from recommender.store.schema import recommendations
from tests.support.journal_rows import count
from tests.support.page_reader import ANSWERS, Reader, read
from tests.support.server import (
    CANARY,
    RECOMMEND,
    SAME_SITE,
    LockedServer,
    TestClient,
    captured_logs,
    local_client,
)

COUNT = "/staff/requests/count"
NEEDED = {
    "answer.age_years": ["34"],
    "answer.risk_level": ["level_2"],
    "answer.funding": ["private"],
}
WISHES = {
    "answer.max_fee": ["$220"],
    "answer.home": ["Newtown"],
    "answer.max_km": ["12 km"],
    "answer.hours_free.times": ["weekdays after 5pm"],
    "answer.genders_wished": ["woman"],
    "answer.modes_wanted": ["video"],
}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TestClient, Practice]]:
    """The sample practice, without a store."""
    folder, today = tmp_path_factory.mktemp("desk"), date.today()  # noqa: DTZ011
    write_definition(folder / "practice.toml", today)
    write_clinicians(folder / "clinicians.csv", today)
    practice = folder / "practice.toml"
    settings = Settings(practice=str(practice), roster=folder / "clinicians.csv")
    with local_client(settings) as client:
        yield client, load_practice(practice)


def counted(client: TestClient, filled: dict[str, list[str]]) -> Reader:
    response = client.post(COUNT, data=filled, headers=SAME_SITE)
    assert response.status_code == 200, response.text
    assert response.headers["cache-control"] == "no-store"
    return Reader(response.text)


@pytest.mark.parametrize("wishes", [[], list(WISHES)[:3], list(WISHES)[3:5], list(WISHES)])
def test_the_count_is_the_number_who_fit_the_same_request(
    desk: tuple[TestClient, Practice], wishes: list[str]
) -> None:
    client, practice = desk
    filled = NEEDED | {name: WISHES[name] for name in wishes}
    body = request_values(practice, FormData(filled))
    answer = client.post(RECOMMEND, json=body).json()
    found = counted(client, filled).text.strip()
    assert found.startswith(f"{answer['eligible']} of ")
    assert ("fits" in found) is (answer["eligible"] == 1)


def test_questions_that_decide_and_are_not_answered_are_named_and_not_counted_against_anybody(
    desk: tuple[TestClient, Practice],
) -> None:
    client, _ = desk
    found = counted(client, {"client_id": [""]})
    unasked = "age, level of care (IAR) and paid by"
    assert f"fit; still needed: {unasked}" in found.text
    assert ("href", "#answer.risk_level") in found.attributes
    everybody = counted(client, {"answer.age_years": ["34"]}).text
    assert not everybody.strip().startswith("0 of ")
    under_medicare = counted(client, {**NEEDED, "answer.funding": ["medicare"]}).text
    assert "still needed: valid referral and plan" in under_medicare


def test_what_cannot_be_read_is_named_and_the_rest_is_counted(
    desk: tuple[TestClient, Practice],
) -> None:
    client, _ = desk
    faults = {
        "answer.hours_free.times": ["whenever"],
        "answer.home": ["nowhere at all"],
        "answer.max_gap": ["sixty"],
        "asked_on": ["soon"],
        "client_id": ["not a code"],
        "top_k": ["x"],
        "mode.fee": ["nonsense"],
    }
    found = counted(client, NEEDED | faults)
    plain = counted(client, NEEDED)
    assert found.text.split(" fit")[0] == plain.text.split(" fit")[0]
    assert "cannot be read yet: " in found.text
    assert ("href", "#answer.hours_free.times") in found.attributes


def test_times_are_said_back_as_they_are_read(desk: tuple[TestClient, Practice]) -> None:
    client, _ = desk
    found = counted(
        client, {"answer.hours_free.times": ["Tue arvo"], "answer.hours_free": ["mon-0"]}
    )
    assert "Read as: Monday 8 am to noon; Tuesday noon to 5 pm." in found.text


def test_nothing_of_a_count_is_stored_or_logged(locked: LockedServer, staff: TestClient) -> None:
    token = read(staff, "/staff/requests/new").form("/staff/requests").fields["csrf_token"]
    with captured_logs() as log:
        response = staff.post(
            COUNT, data={**ANSWERS, "client_id": CANARY, "csrf_token": token}, headers=SAME_SITE
        )
    assert response.status_code == 200
    assert CANARY not in log.getvalue()
    assert count(locked.store, recommendations) == 0
    refused = staff.post(COUNT, data={**ANSWERS, "csrf_token": "0" * 64}, headers=SAME_SITE)
    assert refused.status_code == 403
