from pathlib import Path

from recommender.importing.output_tables import write_import
from recommender.tables.report import check_tables
from tests.support.fhir_practice import (
    NOW,
    a_practitioner,
    a_rating,
    imported,
    reasons_in,
    text_of,
    the_practice,
    to,
    whole_practice,
)

PERSONAL = ("Quandong", "Hidden", "0491570156", "1991-03-05", "2009-01-02", "1042", "1043", "2042")


def test_the_tables_of_a_practice_are_sound_and_hold_nothing_personal(tmp_path: Path) -> None:
    tables, report = imported(whole_practice())
    write_import(tmp_path, tables, report)
    practice = the_practice()
    checked = check_tables(tmp_path, practice, practice.day_at(NOW))
    assert checked.faults == ()
    assert report.written == {"clients": 2, "clinicians": 2, "pairings": 2, "ratings": 1}
    text = text_of(tmp_path)
    assert [word for word in PERSONAL if word in text] == []


def test_every_resource_is_used_or_left_out_with_a_reason() -> None:
    _, report = imported(whole_practice())
    for source in report.sources:
        assert source.read == source.used + sum(source.left_out.values())
    assert sum(source.read for source in report.sources) == len(whole_practice())


def test_the_order_of_resources_changes_no_pseudonym() -> None:
    tables, _ = imported(whole_practice())
    other, _ = imported(whole_practice()[::-1])
    for name, table in tables.items():
        assert sorted(map(str, table.rows)) == sorted(map(str, other[name].rows))


def test_a_roster_alone_has_no_tables_of_clients() -> None:
    tables, report = imported([a_practitioner()])
    assert list(tables) == ["clinicians"]
    lacking = {each.field for each in report.missing}
    assert {"modalities", "fee", "consents_to_matching"} <= lacking
    assert "gender" in lacking


def test_what_a_reader_would_refuse_is_left_out_with_its_problem() -> None:
    later = a_rating(id="later", encounter=to("Encounter", "e2"), authored="2026-12-24")
    tables, report = imported([*whole_practice()[:-1], later])
    assert tables["ratings"].rows == []
    (reason,) = reasons_in(report)[("QuestionnaireResponse", None)]
    assert reason.startswith("rated_on: ")


def test_unknown_questionnaires_are_named_with_their_number() -> None:
    elsewhere = a_rating(questionnaire="https://elsewhere.example/Questionnaire/mood|2")
    _, report = imported([*whole_practice()[:-1], elsewhere])
    assert report.notes == (
        "Questionnaires that the mapping does not name: "
        "https://elsewhere.example/Questionnaire/mood (1).",
    )
