from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from recommender.errors import BundleError
from recommender.model.bundle.integrity import MAX_NAMES, diff_names, diff_practices
from recommender.model.bundle.io import load_bundle, save_bundle
from recommender.practice.definition import Practice, read_learned_practice, read_practice
from tests.support.builders import a_bundle, a_model, a_practice


def test_names_are_told_by_what_became_of_them() -> None:
    found = diff_names(("a", "b", "c", "d"), ("d", "a", "c", "e"))

    assert (found.added, found.removed, found.moved) == (("e",), ("b",), ("d",))
    assert str(found) == "added e, removed b, moved d"


def test_the_same_names_in_the_same_order_are_no_difference() -> None:
    assert not diff_names(("a", "b"), ("a", "b"))
    assert str(diff_names((), ())) == ""


def test_only_a_few_names_are_told_and_how_many_more() -> None:
    names = tuple(f"n{place}" for place in range(MAX_NAMES + 3))

    assert str(diff_names((), names)).endswith("n4 and 3 more")


def test_a_name_that_is_no_name_is_not_repeated() -> None:
    assert str(diff_names(("\x1b[2J",), ())) == "removed an unprintable name"


NEWER_TEXTS: Mapping[str, str] = {
    'version = "1"': 'version = "2"\nlanguage = "en-AU"',
    "[client.wanted]": '[client.wanted]\nquestion = "Which kinds of therapy?"',
}
"""A definition that differs from the corner practice only in what people read."""


def with_edits(edits: Mapping[str, str]) -> Practice:
    text = a_practice().text
    for old, new in edits.items():
        assert old in text
        text = text.replace(old, new, 1)
    return read_practice(text)


def test_comments_are_no_difference_of_definitions() -> None:
    assert not diff_practices(a_practice(), read_practice(a_practice().text + "\n# later\n"))


def test_a_corrected_question_needs_no_new_model_and_is_the_one_served(tmp_path: Path) -> None:
    newer = with_edits(NEWER_TEXTS)
    model = load_bundle(a_bundle(tmp_path), newer)
    served = model.practice
    assert served.client["wanted"].question == "Which kinds of therapy?"
    assert (served.version, served.language) == ("2", "en-AU")
    # Records name the definition the model learned with, and the model can be stored again.
    assert served.digest == a_practice().digest
    assert save_bundle(model, tmp_path / "again") == save_bundle(a_model(), tmp_path / "first")


def test_other_facts_on_cards_and_a_photograph_need_no_new_model(tmp_path: Path) -> None:
    photo = """[clinician.photo]
kind = "link"
phrase = "photograph"
purpose = "shown"
missing = "none"
use = "filter"
shown_to = "client"

[clinician.offers]"""
    edits = {'shown_to = "staff"': 'shown_to = "client"', "[clinician.offers]": photo}
    served = load_bundle(a_bundle(tmp_path), with_edits(edits)).practice
    assert served.clinician["photo"].kind == "link"
    assert served.clinician["years"].shown_to == "client"


@pytest.mark.parametrize(
    ("edits", "told"),
    [
        (
            {"[client.max_km]": "[client.copy]", '"max_km"': '"copy"'},
            "added client.copy, removed client.max_km",
        ),
        ({'version = "1"': 'version = "2"', "Australia/Sydney": "Asia/Tokyo"}, "practice.timezone"),
    ],
)
def test_a_bundle_of_another_definition_is_refused_name_by_name(
    edits: dict[str, str], told: str, tmp_path: Path
) -> None:
    bundle = a_bundle(tmp_path)

    assert load_bundle(bundle, a_practice())
    with pytest.raises(BundleError, match="practice definition") as refused:
        load_bundle(bundle, with_edits(edits))
    assert told in str(refused.value)


def a_bundle_without_words_for_cautions(directory: Path) -> Path:
    """A bundle as it was written before a match needed `otherwise`."""
    lines = a_practice().text.splitlines()
    text = "\n".join(line for line in lines if not line.startswith("otherwise"))
    practice, model = read_learned_practice(text), a_model()
    manifest = replace(model.manifest, practice_digest=practice.digest)
    pipeline = replace(model.pipeline, practice=practice)
    save_bundle(replace(model, pipeline=pipeline, manifest=manifest), directory / "old")
    return directory / "old"


def test_an_old_model_without_words_for_cautions_still_serves_and_names_the_group(
    tmp_path: Path,
) -> None:
    practice = load_bundle(a_bundle_without_words_for_cautions(tmp_path)).practice
    assert practice.matches["offers_wanted"].otherwise == (
        "The kind of therapy: predicted weaker than with others"
    )
    assert practice.matches["offers_wanted"].phrase == "offers the kind of therapy asked for"


def test_an_old_model_takes_the_missing_words_from_the_definition_in_use(tmp_path: Path) -> None:
    bundle = a_bundle_without_words_for_cautions(tmp_path)
    practice = load_bundle(bundle, a_practice()).practice
    assert practice.matches == a_practice().matches
