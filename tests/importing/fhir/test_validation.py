from recommender.importing.fhir.validation import problem_of
from tests.support.fhir_practice import a_patient, a_practitioner


def test_a_valid_resource_has_no_problem() -> None:
    assert problem_of(a_patient()) is None


def test_a_problem_names_elements_and_never_their_content() -> None:
    problem = problem_of(a_patient(birthDate="Quandong", name=[{"family": ["Jo"]}]))
    assert problem is not None
    assert problem.startswith("is not valid FHIR R4: ")
    assert "birthDate" in problem
    assert "name.family" in problem
    assert "Quandong" not in problem


def test_an_element_that_is_no_name_is_not_repeated() -> None:
    problem = problem_of(a_patient(**{"Jo Quandong 1991": "x"}))
    assert problem == "is not valid FHIR R4: an element with another name"


def test_elements_of_a_later_version_are_refused() -> None:
    later = a_practitioner(communication=[{"language": {"coding": [{"code": "en"}]}}])
    assert problem_of(later) == "is not valid FHIR R4: communication.language"


def test_json_of_another_shape_is_refused() -> None:
    assert problem_of({"resourceType": "Patient", "name": "Jo"}) is not None
    assert problem_of({"resourceType": "Nothing"}) is not None
