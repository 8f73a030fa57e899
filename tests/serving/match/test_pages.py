"""The matching page without a browser: who may call it, what it refuses, what it never says."""

import csv
import html
import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from experiments.demo.practice import definition, write_clinicians
from recommender.errors import FaultsError
from recommender.serving.app import create_app
from recommender.serving.match import form_token
from recommender.serving.match.form_token import LIFETIME
from recommender.serving.match.pages import HASTY
from recommender.serving.match.visit import EXPIRED, NEEDED
from recommender.settings import Settings, read_settings
from tests.support.form_answers import accepts
from tests.support.matching_forms import DONE, at_first_question, form_of, listed_for, send
from tests.support.page_reader import Reader
from tests.support.server import PEPPER, SAME_SITE, TestClient, local_client

TODAY = date(2026, 11, 28)
SITE = "https://www.practice.example"
CALLS = 400


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Settings of a server that shows the page of the sample practice, without a store."""
    folder: Path = tmp_path_factory.mktemp("match")
    (folder / "practice.toml").write_text(definition(TODAY), "utf-8")
    write_clinicians(folder / "clinicians.csv", TODAY)
    return {
        "practice": str(folder / "practice.toml"),
        "roster": folder / "clinicians.csv",
        "matching_page": True,
        "matching_frame_ancestors": (SITE,),
        "matching_calls_per_minute": CALLS,
        "matching_results_per_minute": CALLS,
    }


@pytest.fixture(scope="module")
def client(given: dict[str, Any]) -> Iterator[TestClient]:
    with local_client(Settings(**given)) as running:
        running.headers.update(SAME_SITE)
        yield running


def test_a_page_that_is_switched_off_is_not_found(settings: Settings) -> None:
    with local_client(settings) as off:
        assert off.get("/match").status_code == 404
        assert off.post("/match", data={}, headers=SAME_SITE).status_code == 404


def test_a_definition_without_a_telephone_does_not_start(given: dict[str, Any]) -> None:
    with pytest.raises(FaultsError) as refused:
        create_app(Settings(**given | {"practice": "psychology"}))
    assert [fault.where for fault in refused.value.faults] == ["matching_page.telephone"]
    with pytest.raises(FaultsError, match="begins with /match"):
        create_app(Settings(**given | {"root_path": "/match"}))


def test_an_origin_that_is_none_is_refused() -> None:
    with pytest.raises(FaultsError, match="MATCHING_FRAME_ANCESTORS"):
        read_settings(roster=Path("x.csv"), matching_frame_ancestors=("www.example.org",))


def test_only_declared_sites_may_frame_the_page_and_none_the_staff_pages(
    client: TestClient,
) -> None:
    page, staff = client.get("/match"), client.get("/staff")
    assert f"frame-ancestors {SITE}" in page.headers["content-security-policy"]
    assert "x-frame-options" not in page.headers
    assert "frame-ancestors 'none'" in staff.headers["content-security-policy"]
    assert staff.headers["x-frame-options"] == "DENY"
    assert "set-cookie" not in page.headers


def test_a_form_from_another_site_is_refused_in_words(client: TestClient) -> None:
    form = form_of(client.get("/match"))
    fields = {name: texts[0] for name, texts in form.fields.items() if texts}
    other = client.post("/match", data=fields, headers={"sec-fetch-site": "cross-site"})
    assert other.status_code == 403
    assert other.headers["content-type"].startswith("text/html")


def test_a_program_that_fills_in_everything_is_asked_to_ring(client: TestClient) -> None:
    response = send(client, form_of(client.get("/match")), agreed="yes", website="http://x")
    assert response.status_code == 400
    assert "02 5550 0100" in response.text


def test_an_answer_on_safety_is_in_no_page_after_it(client: TestClient) -> None:
    form = at_first_question(client)
    assert not [name for name in form.fields if name.startswith("safety")]
    page = send(client, form, **{"answer__age_years": "34", "go": "next"})
    assert "safety." not in page.text


def test_a_hidden_answer_that_was_changed_by_hand_is_asked_again(client: TestClient) -> None:
    form = at_first_question(client)
    step = form_of(send(client, form, answer__age_years="34", go="next"))
    page = send(client, step, answers='{"age_years": 900}', go="next")
    assert "How old are you?" in page.text
    for answers in ('{"risk_level": "level_1"}', '{"colour": 1}', "[" * 9_000):
        page = send(client, step, answers=answers, go="next")
        assert "How old are you?" in page.text


def test_a_list_in_no_time_is_not_made_and_no_answer_is_lost(client: TestClient) -> None:
    form = at_first_question(client)
    answers = '{"age_years": 34, "funding": "private"}'
    page = send(client, form, answers=answers, go="show", step="check")
    assert HASTY in page.text
    assert "34 years" in page.text


def test_an_old_form_gets_a_new_token_and_loses_no_answer(client: TestClient) -> None:
    form = at_first_question(client)
    step = form_of(send(client, form, answer__age_years="34", go="next"))
    seconds, number, mark = step.fields["token"][0].split(".")
    old = f"{int(seconds) - int(LIFETIME.total_seconds()) - 1}.{number}.{mark}"
    page = send(client, step, token=old, go="next")
    assert EXPIRED in page.text
    assert "34" in form_of(page).fields["answers"][0]
    assert form_of(page).fields["token"][0] != old


def test_leaving_empties_what_the_browser_stored(client: TestClient) -> None:
    left = client.get("/match/leave")
    assert left.headers["clear-site-data"] == '"cache", "storage"'
    assert left.headers["cache-control"] == "no-store"


def test_too_many_pages_are_refused_in_words_and_the_answers_are_in_the_refusal(
    given: dict[str, Any],
) -> None:
    with local_client(Settings(**given | {"matching_calls_per_minute": 10})) as client:
        client.headers.update(SAME_SITE)
        form = at_first_question(client)
        step = form_of(send(client, form, answer__age_years="34", go="next"))
        while client.get("/match").status_code == 200:
            pass
        assert "Please wait a minute" in client.get("/match").text
        refused = send(client, step, go="next")
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) > 0
    assert "Please wait a minute" in refused.text
    again = Reader(refused.text).forms[0].fields
    assert re.search("34", again["answers"][0])
    assert again["go"] == ["next"]


def at_step(client: TestClient, step: str, answers: dict[str, Any]) -> str:
    """The page of a step for a client who has answered so much."""
    form = form_of(send(client, at_first_question(client), answer__age_years="34", go="next"))
    return str(send(client, form, answers=json.dumps(DONE | answers), go=f"edit:{step}").text)


def test_who_no_longer_works_here_is_not_named_to_a_client_who_chooses_whom_not_to_see(
    given: dict[str, Any], tmp_path: Path
) -> None:
    with given["roster"].open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    gone, there = rows[0], rows[1]
    gone["active"] = "no"
    with (tmp_path / "clinicians.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
    with local_client(Settings(**given | {"roster": tmp_path / "clinicians.csv"})) as changed:
        changed.headers.update(SAME_SITE)
        page = "".join(at_step(changed, f"wishes.first.{number}", {}) for number in range(3))
    assert there["name"] in page
    assert gone["name"] not in page


def test_a_client_who_asks_for_somebody_does_not_read_that_they_do_not_want_them(
    given: dict[str, Any],
) -> None:
    with given["roster"].open(encoding="utf-8", newline="") as file:
        wished, blocked, *_ = csv.DictReader(file)
    answers = DONE | {
        "clinicians_wished": [wished["clinician_id"]],
        "blocked_clinicians": [blocked["clinician_id"]],
    }
    with local_client(Settings(**given)) as other:
        other.headers.update(SAME_SITE)
        form = form_of(send(other, at_first_question(other), answer__age_years="34", go="next"))
        page = send(other, form, answers=json.dumps(answers), more="yes", go="edit:check").text
    assert f"Not {blocked['name']}" in page
    assert wished["name"] in page
    assert f"Not {wished['name']}" not in page


@pytest.fixture
def patient(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    """The client of a server that takes a form however soon it is sent."""
    monkeypatch.setattr(form_token, "SHORTEST", timedelta(0))
    return client


def changes(page: Any) -> dict[str, str]:
    """The buttons that change an answer, by their words."""
    found = re.findall(r'value="(change:[^"]*)"><span>([^<]*)</span>', page.text)
    return {html.unescape(words): html.unescape(value) for value, words in found}


PRIVATELY = "See who fits if you pay privately"
IN_THE_ROOMS_AT_NIGHT = {
    "modes_wanted": ["in_person"],
    "hours_free": [{"day": "mon", "start": "17:00", "end": "20:00"}],
    "max_gap": 60,
}


@pytest.mark.parametrize(
    ("answers", "reasons", "way"),
    [
        (
            {"funding": "medicare", "referral_held": False},
            ["Why nobody fits", "Medicare pays a rebate only with a referral", "A GP can write"],
            PRIVATELY,
        ),
        (
            {"funding": "medicare", "referral_held": True, "rebates_left": 0},
            ["How many Medicare sessions do you have left", "0 sessions"],
            PRIVATELY,
        ),
        (
            {"funding": "medicare", "referral_held": False, "rebates_left": 0},
            ["A GP can write both", "0 sessions"],
            PRIVATELY,
        ),
        (
            {"funding": "medicare", "referral_held": False, **IN_THE_ROOMS_AT_NIGHT},
            ["A GP can write both"],
            PRIVATELY,
        ),
        ({"max_fee": 1}, ["$1"], ""),
        (
            {"funding": "medicare", "referral_held": True, **IN_THE_ROOMS_AT_NIGHT},
            ["These answers together leave nobody", "Monday evening", "$60"],
            "",
        ),
    ],
    ids=["no referral", "none left", "two reasons", "and more", "a fee", "together"],
)
def test_where_nobody_fits_a_client_reads_why_and_is_offered_a_way_on(
    patient: TestClient, answers: dict[str, Any], reasons: list[str], way: str
) -> None:
    nobody = listed_for(patient, answers)
    assert "Nobody fits" in nobody.text
    for reason in reasons:
        assert reason in html.unescape(nobody.text)
    offered = changes(nobody)
    assert "help" in re.findall(r'name="go" value="(help)"', nobody.text)
    chosen = [words for words in offered if words.startswith(way)]
    assert not way or chosen
    assert not [words for words in offered if re.search("DVA|NDIS|EAP|WorkCover", words)]
    for words in chosen:
        shown = send(patient, form_of(nobody), go=offered[words])
        assert re.search("could see you", shown.text), words


def test_the_way_back_from_a_wish_is_the_list_where_there_was_one(patient: TestClient) -> None:
    nobody = listed_for(patient, {"funding": "medicare", "referral_held": False})
    wished = send(patient, form_of(nobody), go="help").text
    assert "Back to the list" not in wished
    assert "Change my answers" in wished
    somebody = listed_for(patient, {})
    wished = send(patient, form_of(somebody), go="help").text
    assert "Back to the list" in wished
    assert "Your answers were not stored" in wished


def test_a_wish_that_is_stored_says_how_its_answers_are_deleted(
    given: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(form_token, "SHORTEST", timedelta(0))
    stored = given | {"store": f"sqlite:///{tmp_path}/journal.db", "pepper": PEPPER}
    with local_client(Settings(**stored)) as client:
        client.headers.update(SAME_SITE)
        wished = send(client, form_of(listed_for(client, {})), go="help").text
    assert re.search(r"<strong>[A-Z0-9]{3}-[A-Z0-9]{3}</strong>", wished)
    assert "With this code you can also have your answers deleted" in wished


def test_a_list_in_no_time_says_how_many_seconds_to_wait(client: TestClient) -> None:
    page = listed_for(client, {})
    assert f"Please wait {form_token.SHORTEST.seconds} seconds" in page.text


def test_kinds_of_therapy_that_are_not_wanted_are_shown_with_not(client: TestClient) -> None:
    for kinds, text in ((["emdr"], "Not EMDR"), ([], "None of these")):
        given = DONE | {"modalities_not_wanted": kinds}
        form = form_of(send(client, at_first_question(client), answer__age_years="34", go="next"))
        page = send(client, form, answers=json.dumps(given), more="yes", go="edit:check").text
        assert text in page
        assert "Not None" not in page


def test_each_step_has_a_title_of_its_own(client: TestClient) -> None:
    given, titles = json.dumps(DONE | {"funding": "medicare", "referral_held": True}), []
    form = form_of(send(client, at_first_question(client), answer__age_years="34", go="next"))
    while form.fields["step"] != ["check"]:
        page = send(client, form, answers=given, more="yes", go="next")
        titles += re.findall("<h1>([^<]*)</h1>", page.text)
        form = form_of(page)
    assert len(titles) == len(set(titles)) > 8


def test_a_minor_who_wrote_the_wrong_age_gets_the_question_again_without_a_refusal(
    client: TestClient,
) -> None:
    minor = send(client, at_first_question(client), answer__age_years="15", go="next")
    page = send(client, form_of(minor), go="edit:age")
    assert "How old are you?" in page.text
    assert NEEDED not in page.text
    assert form_of(page).fields["answer.age_years"] == ["15"]


@pytest.mark.parametrize("funding", ["private", "medicare", "ndis", "dva"])
def test_a_form_of_ones_own_filled_in_as_required_lacks_nothing(
    client: TestClient, funding: str
) -> None:
    form = client.get("/v1/questions?audience=client&later=false").json()
    schema, answers = form["schema"], {"age_years": 34, "funding": funding}
    rules = [rule["then"] for rule in schema["allOf"] if accepts(rule["if"], answers)]
    required = [*schema["required"], *(name for each in rules for name in each.get("required", ()))]
    answers |= dict.fromkeys(set(required) - set(answers), True)
    assert accepts(schema, answers)
    for name in required:
        assert not accepts(schema, {each: answers[each] for each in answers if each != name})
    sent = {"answers": answers | form["safety"]["answers"]}
    reply = client.post("/v1/recommendations", json=sent).json()
    codes = [each["code"] for each in reply["warning_details"]]
    assert "answer_needed" not in codes
    assert reply["shortlist"] or "nobody_eligible" in codes
    if funding in ("private", "medicare"):
        assert reply["shortlist"]


@pytest.mark.parametrize(
    ("answers", "field", "asked"),
    [
        ({}, "funding", "How will sessions be paid for?"),
        ({"funding": "medicare"}, "referral_held", "Do you have a referral"),
    ],
)
def test_a_question_that_is_open_is_named_to_programs_and_asked_in_a_clients_words(
    client: TestClient, answers: dict[str, Any], field: str, asked: str
) -> None:
    declared = client.get("/v1/questions?audience=client").json()["safety"]["answers"]
    sent = {"answers": {"age_years": 34, **answers, **declared}}
    reply = client.post("/v1/recommendations", json=sent).json()
    assert [each["message"] for each in reply["warning_details"]] == reply["warnings"]
    [needed] = [each for each in reply["warning_details"] if each["code"] == "answer_needed"]
    assert needed["fields"] == [field]
    assert asked in needed["message_to_client"]
    assert all("`" not in each.get("message_to_client", "") for each in reply["warning_details"])


def test_what_only_staff_can_judge_is_not_asked_of_a_client(client: TestClient) -> None:
    sent = {"answers": {"age_years": 34, "funding": "private"}}
    reply = client.post("/v1/recommendations", json=sent).json()
    [needed] = [each for each in reply["warning_details"] if each["code"] == "answer_needed"]
    assert needed["fields"] == ["risk_level"]
    assert "message_to_client" not in needed


def test_clinicians_of_a_tie_have_one_text_for_all_of_them(client: TestClient) -> None:
    declared = client.get("/v1/questions?audience=client").json()["safety"]["answers"]
    sent = {"answers": {"age_years": 34, "funding": "private", "model_consent": True, **declared}}
    reply = client.post("/v1/recommendations", json=sent).json()
    sizes = Counter(each["tie"] for each in reply["shortlist"])
    several = {tie: size for tie, size in sizes.items() if size > 1}
    assert several
    assert [each["tie"] for each in reply["ties"]] == list(several)
    for each in reply["ties"]:
        assert f"these {several[each['tie']]} apart" in each["text"]
