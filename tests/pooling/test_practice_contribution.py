"""A contribution file: it survives storing, and no change of it is accepted."""

import json
from typing import Any

import numpy as np
import pytest

from recommender.errors import RecommenderError
from recommender.pooling.practice_contribution import (
    LEAST_CLIENTS,
    LEAST_RATINGS,
    PracticeContribution,
    contribution_from,
)
from recommender.pooling.signature import signed
from tests.support.contributions import a_key, an_invented_contribution


def stored(contribution: PracticeContribution) -> dict[str, Any]:
    content = json.loads(json.dumps(contribution.to_json()))
    assert isinstance(content, dict)
    return content


def re_signed_content(content: dict[str, Any]) -> dict[str, Any]:
    unsigned = {name: value for name, value in content.items() if name != "signature"}
    return signed(unsigned, a_key(1))


def test_a_contribution_survives_storing_to_the_last_bit() -> None:
    own = an_invented_contribution(1)
    again = contribution_from(stored(own), "file")

    assert np.array_equal(again.equations.precision, own.equations.precision)
    assert np.array_equal(again.equations.score, own.equations.score)
    assert again.digest == own.digest
    assert again.columns == own.columns


@pytest.mark.parametrize("name", ["score", "precision", "ratings", "contributor", "exported_on"])
def test_a_changed_contribution_is_refused(name: str) -> None:
    content = stored(an_invented_contribution(1))
    changed: dict[str, Any] = {
        "score": [2 * content["score"][0], *content["score"][1:]],
        "precision": (2 * np.array(content["precision"])).tolist(),
        "ratings": 9_999,
        "contributor": "Somebody else",
        "exported_on": "2027-01-01",
    }
    with pytest.raises(RecommenderError, match="changed after it was signed"):
        contribution_from(content | {name: changed[name]}, "file")


def test_what_no_program_writes_is_refused_though_it_is_signed() -> None:
    content = stored(an_invented_contribution(1))
    columns = content["columns"]
    few = [columns[0] | {"clients": LEAST_CLIENTS - 1}, *columns[1:]]
    asymmetric = np.array(content["precision"])
    asymmetric[0, 1] += 1.0
    negative = -np.array(content["precision"])
    cases: dict[str, dict[str, Any]] = {
        "fewer than 300": {"ratings": LEAST_RATINGS - 1},
        "fewer people behind match_0": {"columns": few},
        "no matrix of cross-products": {"precision": asymmetric.tolist()},
        "is no contribution": {"precision": negative.tolist()},
        "a match occurs twice": {"columns": [columns[0], *columns[:-1]]},
        "another size": {"score": content["score"][:-1]},
        "Extra inputs": {"clients_by_id": {}},
        "contributor: String should match": {"contributor": "a\x1b[31m"},
        "has version 2": {"version": 2},
    }
    for problem, change in cases.items():
        with pytest.raises(RecommenderError, match=problem):
            contribution_from(re_signed_content(content | change), "file")
