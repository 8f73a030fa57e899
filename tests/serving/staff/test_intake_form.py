"""The form of a new request: order, marks, conditions and pickers, by the definition."""

from functools import cache

from recommender.practice.columns import read_rows
from recommender.practice.definition import Practice, shipped_practice
from recommender.serving.http.problems import FieldError
from recommender.serving.http.submitted_form import FormData
from recommender.serving.staff.views.form_entries import FormEntry
from recommender.serving.staff.views.intake_answers import request_values
from recommender.serving.staff.views.intake_form import IntakeForm, intake_form
from recommender.tables.roster import snapshot
from tests.support.simulated_world import TAKEN_AT


@cache
def practice() -> Practice:
    return shipped_practice()


def form(*errors: FieldError, **filled: list[str]) -> IntakeForm:
    roster = snapshot((), (), read_rows(practice().clinician, []), TAKEN_AT)
    sent = FormData({f"answer.{name}": texts for name, texts in filled.items()})
    return intake_form(practice(), roster, sent, errors, top_k=5)


def entry(name: str, *errors: FieldError, **filled: list[str]) -> FormEntry:
    entries = {each.name: each for each in form(*errors, **filled).entries}
    return entries[f"answer.{name}"]


def answers(**filled: list[str]) -> dict[str, object]:
    sent = FormData({f"answer.{name}": texts for name, texts in filled.items()})
    values: dict[str, object] = request_values(practice(), sent)["answers"]
    return values


def test_a_call_is_asked_about_in_its_order_and_scores_and_rules_come_last() -> None:
    first = [each.name.removeprefix("answer.") for part in form().first for each in part.entries]
    assert first == [
        *("age_years", "main_concern", "risk_level", "funding", "referral_held", "ndis_management"),
        *("max_gap", "modes_wanted", "home", "hours_free", "genders_wished", "languages_needed"),
        *("model_consent", "client_id"),
    ]
    titles = [part.title for part in form().more]
    assert titles[-4:] == [
        *("Questionnaire scores", "Other consents", "About this request", "Rules for this request"),
    ]


def test_every_question_of_the_definition_is_asked_once() -> None:
    asked = [each.name for each in form().entries if each.name.startswith("answer.")]
    assert sorted(asked) == sorted(
        f"answer.{name}" for name in practice().fields("client", "score", "filter")
    )


def test_staff_read_the_questions_and_labels_of_the_definition() -> None:
    therapies = entry("modalities_wanted")
    assert therapies.label == "Kinds of therapy asked for"
    assert ("cbt", "CBT (cognitive behavioural therapy)") in therapies.choices
    assert entry("max_km").unit == "km"
    assert entry("phq9").helps[0] == "Only if a PHQ-9 form was filled in."


def test_every_level_has_words_of_its_own_and_a_level_of_care_explains_itself() -> None:
    bare = [
        f"{field.name}: {level}"
        for field in practice().client.values()
        for level in field.levels
        if level not in field.labels
    ]
    assert bare == []
    level = entry("risk_level")
    assert level.control == "select"
    assert ("level_3", "Level 3: moderate intensity") in level.choices
    explained = "Moderate symptoms: regular sessions for some months"
    assert level.explained[2] == ("Level 3: moderate intensity", explained)
    assert len(level.explained) == len(level.choices) == 5


def test_what_decides_whether_anybody_is_shown_is_marked() -> None:
    needed = [each.name.removeprefix("answer.") for each in form().entries if each.is_needed]
    assert needed == ["age_years", "risk_level", "funding", "referral_held"]


def test_a_question_that_depends_on_an_answer_says_on_which() -> None:
    referral = entry("referral_held").when
    assert referral is not None
    assert referral.text == "Only for Medicare (with a GP referral)"
    assert (referral.name, referral.has) == ("answer.funding", "medicare")


def test_a_section_opens_where_it_is_answered_or_wrong() -> None:
    assert not any(part.is_open for part in form().more)
    opened = [part.id for part in form(max_km=["12"], phq9=["0"]).more if part.is_open]
    assert opened == ["meeting", "questionnaires"]
    fault = FieldError(pointer="/answers/gad7", code="less_than_equal", message="is too large")
    assert [part.id for part in form(fault).more if part.is_open] == ["questionnaires"]


def test_times_are_ticked_and_written_and_a_stored_time_comes_back_as_ticks_or_words() -> None:
    ticked = entry("hours_free", hours_free=["mon-0"], **{"hours_free.times": ["after 5pm on Fri"]})
    assert ticked.read_as == "Monday 8 am to noon; Friday from 5 pm"
    assert ticked.day_parts == ("Morning", "Afternoon", "Evening")
    wrong = entry("hours_free", **{"hours_free.times": ["whenever"]})
    (line,) = wrong.wrong
    assert line.name == "answer.hours_free.times"
    assert "after 5pm" in line.fault


def test_a_place_is_a_suburb_or_a_postcode() -> None:
    for typed in ("newtown", "2042", "Newtown 2042", "Newtown, 2042", "NEWTOWN  2042"):
        assert answers(home=[typed])["home"] == [{"postcode": "2042"}], typed
    assert answers(home=["-33.9, 151.2"])["home"] == [{"latitude": -33.9, "longitude": 151.2}]
    assert ("Newtown", "2042") in entry("home").suggested
    elsewhere = FieldError(pointer="/answers/age_years", code="missing", message="is required")
    assert "did you mean Newtown?" in entry("home", elsewhere, home=["Newtwn"]).fault
    assert entry("home", elsewhere, home=["Newtown"]).fault == ""
    assert entry("home", elsewhere, home=["-33.9, 151.2"]).fault == ""


def test_numbers_are_read_with_their_signs_and_units() -> None:
    assert answers(max_gap=["$60"], max_km=["12 km"]) == {"max_gap": 60.0, "max_km": 12.0}
    assert answers(max_gap=["sixty"]) == {"max_gap": "sixty"}


def test_an_answer_to_a_question_that_does_not_apply_is_not_used() -> None:
    assert answers(funding=["private"], referral_held=["yes"]) == {"funding": "private"}
    assert answers(funding=["medicare"], referral_held=["yes"])["referral_held"] is True
    assert answers(referral_held=["yes"]) == {}
