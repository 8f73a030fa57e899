from recommender.importing.fhir.concepts import (
    concepts_in,
    extension_values,
    tokens_of_concept,
)


def test_a_language_with_a_region_is_also_the_language() -> None:
    assert tokens_of_concept({"system": "urn:ietf:bcp:47", "code": "en-AU"}) == (
        "urn:ietf:bcp:47|en-AU",
        "en-AU",
        "urn:ietf:bcp:47|en",
        "en",
    )


def test_a_concept_without_a_code_has_no_tokens() -> None:
    assert concepts_in([{"text": "Psychologist"}, {"coding": [{"display": "x"}]}]) == []


def test_values_of_extensions_are_read_where_they_are_nested_too() -> None:
    concept = {"coding": [{"code": "446151000124109"}]}
    nested = {"url": "u", "extension": [{"url": "value", "valueCodeableConcept": concept}]}
    flag = {"url": "u", "valueBoolean": True}
    assert extension_values(
        {"extension": [nested, flag, {"url": "other", "valueCode": "x"}]}, "u"
    ) == [
        ("446151000124109",),
        ("true",),
    ]
