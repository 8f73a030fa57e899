import tomllib
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import pytest

from recommender.errors import DefinitionError
from recommender.practice.definition import Practice, practice_of, shipped_practice
from recommender.practice.forms import FormLayout, FormSection
from tests.support.builders import a_practice
from tests.support.definitions import places_of

CORNER: Mapping[str, Any] = tomllib.loads(a_practice().text)
SHIPPED = shipped_practice()


def declared_with(**changes: Any) -> dict[str, Any]:
    """The corner practice with settings set at dotted places, written with __ for the dots."""
    declared = deepcopy(dict(CORNER))
    for path, value in changes.items():
        *above, last = path.split("__")
        table = declared
        for name in above:
            table = table.setdefault(name, {})
        table[last] = value
    return declared


def a_practice_with(**changes: Any) -> Practice:
    return practice_of(declared_with(**changes), "")


def faults_of(**changes: Any) -> dict[str, str]:
    with pytest.raises(DefinitionError) as refused:
        a_practice_with(**changes)
    return places_of(list(refused.value.faults))


def a_form(first: list[str], later: list[str] | None = None, **changes: Any) -> dict[str, Any]:
    section = {"id": "all", "title": "All of it", "first": first, "later": later or []}
    return {"title": "New request", "sections": [{**section, **changes}]}


def test_a_practice_without_words_asks_staff_everything_by_group_and_clients_nothing() -> None:
    practice = a_practice()
    assert set(practice.forms) == {"staff"}
    asked = list(practice.forms["staff"])
    assert sorted(asked) == sorted(practice.fields("client", "score", "filter"))
    assert [section.title for section in practice.forms["staff"].sections] == [
        *(practice.groups[group] for group in ("approach", "style")),
        "Requirements and wishes",
    ]
    field = practice.client["wanted"]
    assert field.question_for("client") == field.question_for("staff") == "Therapies asked for"
    assert field.label_of("cbt") == "cbt"
    assert practice.language == "en"


def test_a_field_names_a_level_by_its_own_label_then_by_the_shared_one_then_plainly() -> None:
    practice = a_practice_with(
        labels={"cbt": "CBT", "act": "ACT (acceptance and commitment therapy)"},
        client__wanted__labels={"act": "ACT"},
    )
    field = practice.client["wanted"]
    assert [field.label_of(each) for each in ("act", "cbt", "emdr")] == ["ACT", "CBT", "emdr"]
    offered = practice.clinician["offers"]
    assert offered.label_of("act") == "ACT (acceptance and commitment therapy)"


def test_each_audience_reads_its_own_question_and_help() -> None:
    field = a_practice_with(
        client__wanted__question="Which kinds of therapy would the client like?",
        client__wanted__question_to_client="Which kinds of therapy would you like?",
        client__wanted__help="Tick all that were named.",
    ).client["wanted"]
    assert field.question_for("staff") == "Which kinds of therapy would the client like?"
    assert field.question_for("client") == "Which kinds of therapy would you like?"
    assert (field.help_for("staff"), field.help_for("client")) == ("Tick all that were named.", "")


def test_a_form_gives_the_order_and_what_is_asked_at_once() -> None:
    form = a_form(["max_fee", "concern"], ["wanted"], help="As they say it.")
    practice = a_practice_with(forms__staff=form)
    section = FormSection(
        "all", "All of it", "As they say it.", ("max_fee", "concern"), ("wanted",)
    )
    assert practice.forms["staff"] == FormLayout("New request", (section,))
    assert practice.forms["staff"].first == ("max_fee", "concern")
    assert list(practice.forms["staff"]) == ["max_fee", "concern", "wanted"]


@pytest.mark.parametrize(
    ("form", "where", "problem"),
    [
        (a_form(["max_fee", "nobody"]), ".sections.all", "nobody is not a field of the client"),
        (a_form(["max_fee"], ["max_fee"]), ".sections.all", "max_fee is asked twice"),
        (a_form(["max_fee", "gender"]), ".sections.all", "gender is for audit"),
        (
            a_form([], ["max_fee"]),
            "",
            "does not ask max_fee at once, which every request must have",
        ),
        (a_form(["max_fee"], id="Not plain"), ".sections.Not plain.id", "is not a plain name"),
        (a_form([]), ".sections.all", "asks nothing"),
        (a_form(["max_fee"], title=" "), ".sections.all.title", "is blank"),
        (
            a_form(["max_fee"], colour="blue"),
            ".sections.all.colour",
            "is not a setting of a section",
        ),
        ({"title": "New request"}, ".sections", "is not a list of tables"),
        ({**a_form(["max_fee"]), "order": 1}, ".order", "is not a setting of a form"),
        (
            {"title": "x", "sections": a_form(["max_fee"])["sections"] * 2},
            ".sections.all",
            "is there twice",
        ),
        ("page", "", "is not a table"),
    ],
)
def test_a_mistake_in_a_form_is_named_with_its_place(form: Any, where: str, problem: str) -> None:
    changes = {"client__max_fee__required": True, "forms__staff": form}
    assert faults_of(**changes).get(f"forms.staff{where}") == problem


def test_a_form_for_somebody_else_is_refused() -> None:
    assert faults_of(forms__parents=a_form(["max_fee"])) == {"forms.parents": "is not a form"}


def test_a_form_for_clients_asks_only_what_is_written_for_them() -> None:
    form = {"forms__client": a_form(["concern"])}
    assert faults_of(**form) == {"forms.client.sections.all": "concern has no question_to_client"}
    asked = a_practice_with(**form, client__concern__question_to_client="What brings you here?")
    assert list(asked.forms["client"]) == ["concern"]


@pytest.mark.parametrize(
    ("condition", "problem"),
    [
        ({"client": "nobody", "has": "x"}, "nobody is not a declared field"),
        ({"client": "concern", "has": "nothing"}, "has a level that is not declared"),
        ({"client": "gender", "has": "woman"}, "gender is for audit"),
        ({"client": "max_km", "below": 5}, "depends on its own answer"),
        ({"client": "concern"}, "has a level that is not declared"),
        ({"client": "concern", "has": ["grief", "joy"]}, "has a level that is not declared"),
        ("concern", "is not a condition"),
    ],
)
def test_a_condition_that_cannot_hold_is_refused(condition: Any, problem: str) -> None:
    assert faults_of(client__max_km__asked_when=condition) == {"client.max_km.asked_when": problem}


def test_two_questions_that_wait_for_each_other_are_refused() -> None:
    found = faults_of(
        client__wanted__asked_when={"client": "concern", "has": ["grief", "sleep"]},
        client__concern__asked_when={"client": "wanted", "has": "cbt"},
    )
    assert found == {
        f"client.{name}.asked_when": "depends on its own answer" for name in ("concern", "wanted")
    }


@pytest.mark.parametrize(
    ("form", "problem"),
    [
        (a_form(["max_km", "concern"]), "asks max_km before concern, on which it depends"),
        (a_form(["max_km"], ["concern"]), "asks max_km before concern, on which it depends"),
        (a_form(["max_km"]), "asks max_km, which depends on concern, and does not ask that"),
    ],
)
def test_a_question_comes_after_the_answer_on_which_it_depends(
    form: Mapping[str, Any], problem: str
) -> None:
    asked_when = {"client": "concern", "has": "grief"}
    found = faults_of(client__max_km__asked_when=asked_when, forms__staff=form)
    assert found == {"forms.staff": problem}
    a_practice_with(
        client__max_km__asked_when=asked_when, forms__staff=a_form(["concern", "max_km"])
    )


def test_a_required_question_is_asked_of_everybody() -> None:
    found = faults_of(
        client__max_fee__required=True,
        client__max_fee__asked_when={"client": "concern", "has": "grief"},
    )
    assert found == {"client.max_fee.asked_when": "is given for a required question"}


def test_staff_are_asked_whatever_leaves_nobody_without_an_answer() -> None:
    constraint = {
        "rule": "client_true",
        "client": "agrees",
        "family": "funding",
        "mode": "hard",
        "unasked": "unknown",
        "say": "needs a referral",
    }
    changes = {"constraints__referral": constraint, "forms__staff": a_form(["max_fee"])}
    assert faults_of(**changes) == {
        "forms.staff": "does not ask agrees, without which referral excludes everybody"
    }


@pytest.mark.parametrize(
    ("changes", "where", "problem"),
    [
        ({"labels": {"nowhere": "x"}}, "labels.nowhere", "is not a level of any field"),
        ({"labels": {"cbt": " "}}, "labels.cbt", "is not text"),
        (
            {"client__wanted__labels": {"nowhere": "x"}},
            "client.wanted.labels",
            "has no level called nowhere",
        ),
        (
            {"client__wanted__labels": {"cbt": "Therapy", "act": "Therapy"}},
            "client.wanted.labels",
            "name two levels alike: Therapy",
        ),
        ({"client__wanted__labels": {"cbt": 3}}, "client.wanted.labels", "is not a table of texts"),
        (
            {"client__max_km__labels": {"cbt": "CBT"}},
            "client.max_km.labels",
            "has no level called cbt",
        ),
        ({"client__wanted__question": " "}, "client.wanted.question", "is blank"),
        ({"clinician__offers__question": "x"}, "clinician.offers.question", "is for clients"),
        ({"practice__language": "Australian!"}, "practice.language", "is not a language tag"),
    ],
)
def test_a_mistake_in_the_words_is_named_with_its_place(
    changes: dict[str, Any], where: str, problem: str
) -> None:
    assert faults_of(**changes) == {where: problem}


def test_the_shipped_definition_has_words_for_everything_people_read() -> None:
    sides = (SHIPPED.client, SHIPPED.clinician)
    levels = [(f, level) for fields in sides for f in fields.values() for level in f.levels]
    assert [f"{f.label} {level}" for f, level in levels if level not in f.labels] == []
    asked = SHIPPED.fields("client", "score", "filter")
    assert [name for name, field in asked.items() if field.question is None] == []
    assert SHIPPED.language == "en-AU"


def test_staff_are_asked_everything_and_clients_neither_scores_nor_the_level_of_care() -> None:
    staff, client = SHIPPED.forms["staff"], SHIPPED.forms["client"]
    asked = SHIPPED.fields("client", "score", "filter")
    assert sorted(staff) == sorted(asked)
    assert set(asked) - set(client) == {
        *("risk_level", "competencies_needed", "registrations_accepted", "experience_wished"),
        *("phq9", "gad7", "k10", "collection_mode"),
        *("cnip_directiveness", "cnip_emotion", "cnip_past", "cnip_support"),
    }
    depending = [name for name in staff.first if SHIPPED.client[name].asked_when is not None]
    assert depending == ["referral_held", "ndis_management"]
    assert len(staff.first) - 1 <= 12, "one client is asked for a referral or for a plan, not both"
    assert len(client.first) <= 14
    assert staff.first[:4] == ("age_years", "main_concern", "risk_level", "funding")


def test_shipped_texts_to_clients_address_them_and_promise_nothing() -> None:
    for name in SHIPPED.forms["client"]:
        field = SHIPPED.client[name]
        texts = (field.question_for("client"), field.help_for("client"))
        for text in texts:
            assert "the client" not in text.lower(), name
            assert not {"best", "success", "ideal", "guarantee"} & set(text.lower().split()), name
            assert all(len(sentence.split()) <= 20 for sentence in text.split(". ")), name
        assert texts[0].endswith("?"), name
