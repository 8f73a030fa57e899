"""Files of pooling: what is read counts once, and a withdrawal counts for its own contribution."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from recommender.errors import RecommenderError
from recommender.pooling.files import (
    read_pool,
    read_received,
    withdrawal_of,
    write_object,
    write_pool,
)
from tests.support.contributions import a_key, an_invented_contribution, re_signed


def test_a_pool_holds_its_contributions_with_their_signatures(tmp_path: Path) -> None:
    several = [an_invented_contribution(number) for number in (1, 2)]
    write_pool(tmp_path / "pool.json", several)
    again = read_pool(tmp_path / "pool.json")

    assert [each.to_json() for each in again.contributions] == [each.to_json() for each in several]


def test_a_contribution_given_twice_counts_once(tmp_path: Path) -> None:
    several = [an_invented_contribution(number) for number in (1, 2)]
    write_pool(tmp_path / "pool.json", several)
    write_object(tmp_path / "one.json", several[0].to_json())

    received = read_received([tmp_path / "one.json", tmp_path / "pool.json"])
    assert len(received.contributions) == 2


def test_a_withdrawn_contribution_is_named(tmp_path: Path) -> None:
    several = [an_invented_contribution(number) for number in (1, 2)]
    write_pool(tmp_path / "pool.json", several)
    write_object(tmp_path / "gone.json", withdrawal_of(several[1], a_key(2), "2026-12-01"))

    received = read_received([tmp_path / "pool.json", tmp_path / "gone.json"])
    assert [each.contributor for each in received.withdrawn] == ["Practice 2"]


def test_a_practice_that_contributed_again_counts_with_the_later_one(tmp_path: Path) -> None:
    earlier = an_invented_contribution(1)
    later = re_signed(replace(earlier, exported_on="2027-11-29", ratings=900), 1)
    write_pool(tmp_path / "pool.json", [earlier, later, an_invented_contribution(2)])

    received = read_received([tmp_path / "pool.json"])
    assert [each.digest for each in received.superseded] == [earlier.digest]


def test_nobody_withdraws_what_another_contributed(tmp_path: Path) -> None:
    own = an_invented_contribution(1)
    with pytest.raises(RecommenderError, match="signed by Practice 1 with another key"):
        withdrawal_of(own, a_key(2), "2026-12-01")

    forged = withdrawal_of(an_invented_contribution(2), a_key(2), "2026-12-01")
    forged |= {"digest": own.digest}
    write_object(tmp_path / "forged.json", forged)
    with pytest.raises(RecommenderError, match="changed after it was signed"):
        read_received([tmp_path / "forged.json"])


def test_files_that_are_none_of_ours_are_refused_by_name(tmp_path: Path) -> None:
    cases = {
        "is no JSON;": b"\xff{",
        "is no JSON object": b"[1]",
        "is neither a contribution": b"{}",
        "has no contribution": json.dumps(
            {"format": "recommender pool", "version": 1, "contributions": []}
        ).encode(),
        "this program reads 1": json.dumps(
            {"format": "recommender pool", "version": 2, "contributions": [{}]}
        ).encode(),
    }
    for problem, content in cases.items():
        (tmp_path / "file.json").write_bytes(content)
        with pytest.raises(RecommenderError, match=problem) as caught:
            read_received([tmp_path / "file.json"])
        assert "file.json" in str(caught.value)
    with pytest.raises(RecommenderError, match="cannot be read"):
        read_received([tmp_path / "missing.json"])
