from recommender.practice.columns import read_rows
from recommender.practice.definition import shipped_practice
from recommender.serving.http.submitted_form import FormData
from recommender.serving.staff.views.intake_form import form_sections
from recommender.tables.roster import snapshot
from tests.support.simulated_world import TAKEN_AT


def test_staff_read_the_questions_and_labels_of_the_definition() -> None:
    practice = shipped_practice()
    roster = snapshot((), (), read_rows(practice.clinician, []), TAKEN_AT)
    sections = form_sections(practice, roster, FormData({}), top_k=5)
    entries = {entry.name: entry for section in sections for entry in section.entries}
    therapies = entries["answer.modalities_wanted"]
    assert therapies.label == "Which kinds of therapy would the client like?"
    assert ("cbt", "CBT (cognitive behavioural therapy)") in therapies.choices
    assert entries["answer.max_km"].label == "How far can the client travel? (km)"
    assert entries["answer.phq9"].helps[0] == "Only if a PHQ-9 form was filled in."
