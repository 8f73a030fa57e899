"""A column a model sees: named once, one for each number and each level."""

import numpy as np
import pytest

from recommender.features.feature import (
    client_features,
    client_rows,
    clinician_features,
    clinician_rows,
    features_of,
    rows_of,
)
from recommender.practice.columns import read_rows
from recommender.practice.definition import shipped_practice
from tests.support.builders import a_practice

ANSWERS = {"concern": "grief", "wanted": "act;emdr", "directive": "-3"}


def test_a_category_becomes_one_column_a_level() -> None:
    client = read_rows(a_practice().fields("client", "score", "filter"), [ANSWERS])

    assert client_rows(a_practice(), client).tolist() == [[0, 1, 0, 1, 0, 1, -3]]


def test_an_answer_not_given_is_missing_in_every_column_it_would_fill() -> None:
    client = read_rows(a_practice().fields("client", "score", "filter"), [{}])

    assert np.isnan(client_rows(a_practice(), client)).all()


def test_answering_none_is_not_the_same_as_not_answering() -> None:
    client = read_rows(a_practice().fields("client", "score", "filter"), [{"wanted": "none"}])

    assert client_rows(a_practice(), client)[0, 3:6].tolist() == [0, 0, 0]


def test_a_level_is_said_with_its_field() -> None:
    features = {feature.name: feature for feature in client_features(a_practice())}

    assert features["client.concern=sleep"].phrase == "main concern: sleep"
    assert features["client.directive"].group == "style"


@pytest.mark.parametrize("name", ["corner", "psychology"])
def test_rows_have_as_many_columns_as_there_are_features(name: str) -> None:
    practice = a_practice() if name == "corner" else shipped_practice()
    for side, features, rows in (
        ("client", client_features, client_rows),
        ("clinician", clinician_features, clinician_rows),
    ):
        fields = practice.fields(side, "score")  # type: ignore[arg-type]
        required = {n for n, field in fields.items() if field.required}
        cells = [{n: fields[n].levels[0] for n in required if fields[n].levels}]
        columns = read_rows(fields, cells)
        assert rows(practice, columns).shape == (1, len(features(practice)))


def test_no_field_kept_for_audits_or_constraints_becomes_a_feature() -> None:
    practice = shipped_practice()
    seen = {
        f.name.split("=")[0] for f in (*client_features(practice), *clinician_features(practice))
    }

    assert seen == {
        field.label
        for field in (*practice.client.values(), *practice.clinician.values())
        if field.use == "score"
    }


def test_a_practice_that_scores_no_field_has_rows_of_no_columns() -> None:
    columns = read_rows({}, [{}, {}])

    assert features_of([]) == ()
    assert rows_of([], columns).shape == (2, 0)
