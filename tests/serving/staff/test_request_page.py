import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from experiments.simulated_practice.settings import scenario
from experiments.simulated_practice.world import simulate
from experiments.simulated_practice.write import write
from recommender.practice.definition import shipped_practice
from recommender.security.scopes import Role
from recommender.serving.schemas.responses import RecommendationResponse
from recommender.serving.staff import wording
from recommender.serving.staff.views.shortlist import strengths_of
from recommender.settings import Settings
from tests.support.page_reader import ANSWERS, Reader, ask, read, send
from tests.support.server import (
    FOR_TOOLS,
    RECOMMEND,
    WHOLE,
    LockedServer,
    TestClient,
    a_request,
    local_client,
)

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'; drop table subjects; --",
    "{{ 7 * 7 }}",
    "{% raw %}",
    "&lt;b&gt;",
    "javascript:alert(1)",
    "\u202etxt\u0000",
)
FIGURE = re.compile(r"[+\N{MINUS SIGN}]?\d+\.\d\d\b")


@pytest.fixture
def shipped(tmp_path: Path) -> Iterator[TestClient]:
    """The definition that ships, with one clinician of whom little is known."""
    roster = tmp_path / "clinicians.csv"
    fields = list(shipped_practice().fields("clinician"))
    known = ["level_3" if name == "max_risk" else "" for name in fields]
    roster.write_text(f"clinician_id,name,{','.join(fields)}\nk001,A. Wattle,{','.join(known)}\n")
    with local_client(Settings(practice="psychology", roster=roster)) as client:
        yield client


def hundredths(said: str) -> int:
    return round(float(said.replace(wording.MINUS, "-")) * 100)


def averages(text: str) -> list[list[int]]:
    """The figures of everybody against the average: groups, total."""
    (table,) = re.findall(r"<table>(?:(?!</table>).)*<tfoot>.*?</table>", text, re.DOTALL)
    rows = [re.findall(r'"figure">([^<]*)<', row) for row in table.split("<tr")[2:]]
    return [[hundredths(each) for each in column] for column in zip(*rows, strict=True)]


def compared(text: str) -> list[list[int]]:
    """The figures of a comparison, clinician by clinician: groups, total."""
    table = text.split('<table class="reasons">')[1].split("</table>")[0]
    rows = [re.findall(r'"figure">([^ ]*) ', row) for row in table.split("<tr")[2:]]
    return [[hundredths(each) for each in column] for column in zip(*rows, strict=True)]


def test_a_request_from_the_form_shows_what_the_endpoint_answers(open_server: TestClient) -> None:
    page = ask(open_server)
    assert page.status_code == 200
    answer: Mapping[str, Any] = open_server.post(WHOLE, json=a_request()).json()
    assert len(answer["shortlist"]) > 1
    for each in answer["shortlist"]:
        assert f"{each['rank']}. {each['name']}" in Reader(page.text).text
        assert f"{each['predicted_alliance']:.1f}</td>" in page.text
        assert f"{each['range']['lower']:.1f} to {each['range']['upper']:.1f}" in page.text
    assert f"{answer['eligible']} of 12 clinicians fit." in page.text
    assert answer["notice"] in Reader(page.text).text


def test_a_request_of_a_tool_opens_with_what_the_tool_was_not_sent(
    locked: LockedServer, staff: TestClient
) -> None:
    """A tool is sent neither contributions nor gains; the whole response is stored for staff."""

    def asked(**answers: float) -> tuple[dict[str, Any], str]:
        key = locked.keys[Role.TOOL].text
        answer = locked.ask("POST", FOR_TOOLS, key, json=a_request(answers)).json()
        return answer, read(staff, f"/staff/requests/{answer['recommendation_id']}").text

    answer, text = asked()
    first = answer["shortlist"][0]
    assert "groups" not in first
    assert re.search(r"(Clearly|Somewhat) (above|below) average|About average", text, re.IGNORECASE)
    assert "ahead_of_next" not in first
    assert re.search(r"(About even with|A little ahead of|Clearly ahead of) ", text)
    answer, text = asked(max_fee=120.0)
    relaxation = answer["relaxations"][0]
    assert "gain" not in relaxation
    assert wording.sentence(relaxation["text"]) in text


def test_unanswered_questions_are_listed_with_what_that_means(open_server: TestClient) -> None:
    text = Reader(ask(open_server).text).text
    assert "Not answered: no limit stated" in text
    assert "therapies asked for" in text


def test_groups_add_up_to_the_total(open_server: TestClient) -> None:
    shown = averages(ask(open_server).text)
    assert len(shown) > 1
    for *parts, total in shown:
        assert sum(parts) == total


def test_two_compared_the_other_way_round_are_opposite_to_the_last_digit(
    open_server: TestClient,
) -> None:
    address = ask(open_server).url.path
    shown = open_server.post(RECOMMEND, json=a_request()).json()["shortlist"]
    one, other = shown[0]["clinician_id"], shown[1]["clinician_id"]
    (there,), (back,) = (
        compared(open_server.get(address, params={"compare": pair}).text)
        for pair in ([one, other], [other, one])
    )
    assert there == [-each for each in back]
    assert any(there)


def test_three_compared_are_columns_of_one_table_and_differences_are_marked(
    open_server: TestClient,
) -> None:
    address = ask(open_server).url.path
    shown = open_server.post(RECOMMEND, json=a_request()).json()["shortlist"][:3]
    ids = [each["clinician_id"] for each in shown]
    text = open_server.get(address, params={"compare": ids}).text
    assert len(compared(text)) == 2
    table = text.split('<table class="compared">')[1].split("</table>")[0]
    rows = [re.findall(r"<td>([^<]*)</td>", row) for row in table.split("<tr")[1:]]
    marked = ["Differs: " in row for row in table.split("<tr")[1:]]
    assert [len(set(row)) > 1 for row in rows] == marked
    assert {len(row) for row in rows} == {0, 3}
    assert any(marked)
    assert all(f'name="compare" value="{each}" checked' in text for each in ids)
    for few in (ids[:1], [], ["nobody", ids[0]]):
        alone = open_server.get(address, params={"compare": few}).text
        assert '<table class="compared">' not in alone
        assert ("Tick two or three who fit." in alone) == bool(few)


def test_anybody_on_the_roster_can_be_asked_about(open_server: TestClient) -> None:
    address = ask(open_server).url.path
    answer = open_server.post(WHOLE, json=a_request()).json()
    for each in answer["excluded"]:
        left_out = open_server.get(address).text.split('<optgroup label="Left out">')[1]
        assert f'value="{each["clinician_id"]}"' in left_out.split("</optgroup>")[0]
        text = read(open_server, f"{address}?why_not={each['clinician_id']}").text
        for reason in each["reasons"]:
            assert wording.sentence(reason["text"]) in text


def test_of_somebody_who_fits_the_page_says_how_far_and_in_what_they_are_behind(
    open_server: TestClient,
) -> None:
    address = ask(open_server).url.path
    answer = open_server.post(WHOLE, json=a_request()).json()
    first, *others = answer["shortlist"]
    for each in others:
        text = read(open_server, f"{address}?why_not={each['clinician_id']}").text
        lower = first["predicted_alliance"] - each["predicted_alliance"]
        found = re.search(rf"{each['name']} fits, with a predicted alliance ([\d.]+) points", text)
        assert found is not None
        assert float(found[1]) == pytest.approx(abs(lower), abs=0.011)
        direction = "below" if lower > 0 else "above"
        assert f"{found[0]} {direction} that of {first['name']}" in text


def test_without_consent_no_points_are_shown_anywhere(open_server: TestClient) -> None:
    page = ask(open_server, **{"answer.agrees": "no"})
    found = Reader(page.text)
    assert "Rules only" in found.text
    assert not re.search(r"\d\.\d", found.text)
    assert not {"svg", "circle"} & set(found.tags)
    assert "WAI" not in page.text


def test_an_offer_is_shown_as_a_new_request_and_never_applied(open_server: TestClient) -> None:
    page = ask(open_server, **{"answer.max_fee": "120"})
    before = page.url.path
    form = Reader(page.text).form("/changes")
    answer = open_server.post(WHOLE, json=a_request({"max_fee": 120.0})).json()
    offered = answer["relaxations"][0]
    after = send(open_server, form)
    assert after.url.path != before
    assert any(offered["name"] in each for each in after.text.split("<article")[1:])
    assert f"{offered['predicted_alliance']:.1f}" in after.text.split('id="made"')[1]
    assert "$120.00" in open_server.get(before).text
    sentence = "This replaces the version before."
    assert sentence in Reader(after.text).text
    assert f'href="{before}"' in after.text
    assert sentence not in Reader(page.text).text
    unknown = send(open_server, form, offer="99")
    assert unknown.status_code == 404


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text(staff: TestClient, text: str) -> None:
    form = read(staff, "/staff/requests/new").form("/staff/requests")
    names = [name for name in form.fields if name not in ("csrf_token", "top_k")]
    page = send(staff, form, **dict.fromkeys(names, text), top_k=text)
    assert page.status_code == 422
    found = Reader(page.text)
    assert "img" not in found.tags
    scripts = read(staff, "/staff/requests/new").tags.count("script")
    assert found.tags.count("script") == scripts
    assert not {name for name, _ in found.attributes if name.startswith("on")}
    again = found.form("/staff/requests").fields
    assert again["client_id"] == [text.replace("\u0000", "\ufffd").strip()] or "\u0000" in text
    sought = read(staff, "/staff").form("/search")
    assert "<script>" not in send(staff, sought, sought=text).text
    address = ask(staff).url.path
    for query in ("why_not", "compare"):
        answer = staff.get(address, params={query: text})
        assert "<script>alert" not in answer.text
        assert answer.status_code in (200, 404)


def test_faults_come_back_beside_their_questions(open_server: TestClient) -> None:
    page = ask(open_server, **{"answer.directive": "abc", "answer.free.times": "9-"})
    assert page.status_code == 422
    found = Reader(page.text)
    assert "This is not a number." in found.text
    assert ("href", "#answer.free.times") in found.attributes
    assert ("id", "answer.free.times-fault") in found.attributes
    assert found.form("/staff/requests").fields["answer.free.times"] == ["9-"]
    assert found.form("/staff/requests").fields["answer.directive"] == ["abc"]
    assert found.form("/staff/requests").fields["answer.concern"] == ["anxiety"]


def test_every_field_is_labelled_and_every_form_that_changes_has_a_token(staff: TestClient) -> None:
    address = ask(staff, **{"answer.max_fee": "120"}).url.path
    for path in ("/staff", "/staff/requests/new", address):
        for form in read(staff, path).forms:
            assert form.unlabelled == [], path
            if form.method == "post":
                assert len(form.fields["csrf_token"][0]) == 64


def test_every_kind_of_answer_can_be_given(open_server: TestClient) -> None:
    given = {
        "answer.home": "-33.87, 151.21",
        "answer.max_km": "50",
        "answer.free": ["sun-0", "sun-1"],
        "answer.free.times": "Mon 8-10, 5-8 pm; Sat 9 to noon",
        "answer.not_with": "k03, k04",
        "answer.wanted": "none",
        "client_id": "c9999",
    }
    said = "Monday 8 am to 10 am, 5 pm to 8 pm; Saturday 9 am to noon; Sunday 8 am to 5 pm"
    text = Reader(ask(open_server, **given).text).text
    assert said in text
    assert "Clinician D (k03), k04" in text
    assert "None of these" in text


def test_a_stored_request_reads_the_same_again(locked: LockedServer, staff: TestClient) -> None:
    page = ask(staff, client_id="c9999")
    assert staff.get(page.url.path).text == page.text
    assert "c9999" not in page.url.path
    listed = read(staff, "/staff").text
    assert "c9999" in listed
    assert "Not decided" in listed
    sought = read(staff, "/staff").form("/search")
    assert page.url.path in send(staff, sought, sought="c9999").text
    assert page.url.path not in send(staff, sought, sought="c0000").text
    assert ANSWERS["answer.concern"] == "anxiety"


def test_a_request_is_asked_again_with_every_answer_it_had(open_server: TestClient) -> None:
    given = {
        "answer.home": "-33.87, 151.21",
        "answer.max_km": "50",
        "answer.max_fee": "199.50",
        "answer.free.times": "Mon 8-10, 5-8 pm",
        "answer.not_with": "k03, k04",
        "answer.wanted": "none",
        "client_id": "c9999",
    }
    first = ask(open_server, **given)
    again = read(open_server, f"{first.url.path}/again")
    assert "Change answers" in again.text
    form = again.form("/staff/requests")
    assert form.fields["answer.free.times"] == ["Monday 8 am to 10 am, 5 pm to 8 pm"]
    assert form.fields["answer.wanted"] == ["none"]
    assert form.fields["asked_on"] == [""]
    second = send(open_server, form, asked_on="2026-11-23")
    assert second.url.path != first.url.path
    used = [page.text.split('id="used"')[1] for page in (first, second)]
    assert used[0] == used[1]


def test_nobody_fits_until_what_must_be_known_is_asked(shipped: TestClient) -> None:
    plain = {"answer.concern": "", "answer.wanted": [], "answer.directive": ""}
    page = ask(shipped, **plain, **{"answer.age_years": "34", "answer.funding": "medicare"})
    text = Reader(page.text).text
    assert "Ask these first." in text
    for question in (
        "Level of care needed: 1 clinician",
        "Whether the client holds a valid referral and plan: 1",
    ):
        assert question in text
    level = f"{page.url.path}/again#answer.risk_level"
    assert ("href", level) in Reader(page.text).attributes
    again = read(shipped, f"{page.url.path}/again").form("/staff/requests")
    asked = {"answer.risk_level": "level_1", "answer.referral_held": "yes"}
    assert "Ask these first." not in Reader(send(shipped, again, **asked).text).text
    answering = Reader(page.text).form("/changes")
    assert answering.fields["field"] == ["referral_held"]
    answered = send(shipped, answering, level="yes")
    assert f'href="{page.url.path}"' in answered.text
    said = Reader(answered.text).text.lower()
    assert "holds a valid referral and planyes" in said
    assert "whether the client holds a valid referral" not in said
    assert send(shipped, answering, level="perhaps").status_code == 404


def test_where_nobody_fits_the_page_says_why_and_shows_the_list_of_another_answer_at_one_press(
    tmp_path: Path,
) -> None:
    settings = scenario("default", seed=1, clinicians=24, ratings=60, test_clients=1)
    write(simulate(settings, shipped_practice()), tmp_path)
    plain = {"answer.concern": "", "answer.wanted": [], "answer.directive": ""}
    asked = {"answer.age_years": "34", "answer.risk_level": "level_1"}
    medicare = {"answer.funding": "medicare", "answer.referral_held": "no"}
    roster = tmp_path / "clinicians.csv"
    with local_client(Settings(practice="psychology", roster=roster)) as client:
        page = ask(client, **plain, **asked, **medicare)
        found = Reader(page.text)
        changed = send(client, found.form("/changes"))
        refused = send(client, found.form("/changes"), level="ndis")
    assert "0 of 24 clinicians fit" in found.text
    left_out = "Can be paid by Medicare only with a valid referral and plan."
    assert f"What left everybody out: {left_out}" in found.text
    assert "How sessions are paid for, Private, or private health insurance: " in found.text
    assert found.form("/changes").fields["level"] == ["private"]
    assert "0 of 24" not in changed.text
    assert f'href="{page.url.path}"' in changed.text
    assert refused.status_code == 404


def test_an_answer_to_a_question_that_does_not_apply_is_cleared_and_said(
    shipped: TestClient,
) -> None:
    unasked: dict[str, Any] = {"answer.concern": "", "answer.directive": "", "answer.wanted": []}
    given = {"answer.age_years": "34", "answer.funding": "private", "answer.referral_held": "yes"}
    page = ask(shipped, **unasked, **given, **{"answer.max_km": "7"})
    assert page.status_code == 422
    found = Reader(page.text)
    question = shipped_practice().client["referral_held"].question_for("staff")
    assert f"{question} Only for Medicare" in " ".join(found.text.split())
    form = found.form("/staff/requests")
    kept = {name: form.fields[f"answer.{name}"] for name in ("referral_held", "funding", "max_km")}
    assert kept == {"referral_held": [""], "funding": ["private"], "max_km": ["7"]}
    assert send(shipped, form).status_code == 200


TRIAGE = "can safely take this client"


def test_a_level_of_care_nobody_entered_is_asked_for_and_not_called_too_high(
    shipped: TestClient,
) -> None:
    answer = shipped.post(RECOMMEND, json={"answers": {"age_years": 34}}).json()
    assert answer["eligible"] == 0
    assert not any(TRIAGE in warning for warning in answer["warnings"])
    assert any(w.startswith("Ask first: `risk_level` not answered") for w in answer["warnings"])
    unasked = {f"answer.{name}": "" for name in ("concern", "directive")}
    page = ask(shipped, **unasked, **{"answer.wanted": [], "answer.age_years": "34"})
    found = Reader(page.text)
    assert TRIAGE not in found.text
    again = f"{page.url.path}/again"
    for question in ("risk_level", "funding"):
        assert ("href", f"{again}#answer.{question}") in found.attributes
        assert ("id", f"answer.{question}") in read(shipped, again).attributes


def test_a_level_of_care_beyond_everybody_is_called_so(shipped: TestClient) -> None:
    answers = {"age_years": 34, "risk_level": "level_5"}
    warnings = shipped.post(RECOMMEND, json={"answers": answers}).json()["warnings"]
    assert any(TRIAGE in warning for warning in warnings)


def shown_with(server: TestClient, *leads: float, ties: tuple[int, ...]) -> RecommendationResponse:
    """A stored answer whose clinicians lead the average by so many points."""
    body = server.post(RECOMMEND, json=a_request()).json()
    first = body["shortlist"][0]
    body["shortlist"] = [
        first
        | {
            "rank": rank,
            "clinician_id": f"k{rank}",
            "tie": tie,
            "groups": [{"group": "style", "phrase": "Style", "points": lead}],
        }
        for rank, (lead, tie) in enumerate(zip(leads, ties, strict=True), start=1)
    ]
    return RecommendationResponse.model_validate(body | {"eligible": len(leads)})


def test_nobody_is_called_clearly_above_below_somebody_somewhat_above(
    open_server: TestClient,
) -> None:
    response = shown_with(open_server, 0.05, 0.3, 0.28, -0.1, ties=(1, 1, 1, 2))
    words = strengths_of(response)
    assert words[:3] == ("Clearly above average",) * 3
    assert words[3] == "Somewhat below average"


def test_the_only_one_who_fits_is_compared_with_nobody(open_server: TestClient) -> None:
    response = shown_with(open_server, 0.0, ties=(1,))
    assert strengths_of(response) == ("",)
