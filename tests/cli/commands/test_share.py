"""Practices share by command, and a training starts from what others contributed."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from recommender.cli.main import app
from recommender.pooling.files import withdrawal_of, write_object, write_pool
from tests.support.builders import DEFINITION, some_rows, write_rows
from tests.support.contributions import a_key, an_invented_contribution, re_signed


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(app, list(map(str, words)), env={"COLUMNS": "200"})


def files_of(folder: Path, *numbers: int) -> list[Path]:
    paths = []
    for number in numbers:
        paths.append(folder / f"{number}.json")
        write_object(paths[-1], an_invented_contribution(number).to_json())
    return paths


@pytest.mark.slow
def test_a_practice_contributes_once_and_does_not_learn_from_itself(tmp_path: Path) -> None:
    tables = tmp_path / "tables"
    tables.mkdir()
    write_rows(tables, some_rows(pairings=560, seed=1))
    own, state = tmp_path / "own.json", tmp_path / "share"
    common = ("--as", "Corner", "--practice", DEFINITION, "--state", state)

    first = run("share", "export", tables, *common, "--out", own)
    again = run("share", "export", tables, *common, "--out", tmp_path / "again.json")
    assert first.exit_code == 0, first.output
    assert "Not in it: answers, ratings, dates, ids" in first.output
    assert again.exit_code == 1
    assert "0 clients who began after" in again.output
    assert not (tmp_path / "again.json").exists()
    (copy,) = [path for path in state.glob("*.json") if path.name != "exports.json"]
    assert copy.read_bytes() == own.read_bytes()
    assert copy.name in again.output

    alone = run(
        "train", tables, "--practice", DEFINITION, "--learned-from", own, "--share-state", state,
        "--registry", f"sqlite:///{tmp_path}/registry.db",
    )  # fmt: skip
    assert alone.exit_code == 1
    assert "has no contribution" in alone.output

    gone = tmp_path / "gone.json"
    assert run("share", "withdraw", own, "--out", gone, "--state", state).exit_code == 0
    empty = run("share", "combine", own, gone, "--out", tmp_path / "pool.json")
    assert empty.exit_code == 1


def test_a_file_is_described_in_words_and_as_json(tmp_path: Path) -> None:
    (path,) = files_of(tmp_path, 1)
    words, data = run("share", "inspect", path), run("share", "inspect", path, "--json")

    assert "It rests on 600 rated pairings of 600 clients with 30 clinicians" in words.output
    assert "No noise was added" in words.output
    assert "Digest of this contribution: " in words.output
    assert json.loads(data.output)["contributions"][0]["contributor"] == "Practice 1"


def test_contributions_are_combined_and_written_with_who_said_how_much(tmp_path: Path) -> None:
    paths = files_of(tmp_path, 1, 2, 3, 4)
    pool = tmp_path / "pool.json"
    done = run("share", "combine", *paths, "--out", pool)
    data = json.loads(run("share", "combine", *paths, "--out", pool, "--json").output)

    assert done.exit_code == 0, done.output
    assert "like the others" in done.output
    assert "Share: how much of what all contributions say together" in done.output
    assert "Influence: how far the common sizes move without it" in done.output
    assert sum(each["share"] for each in data["contributions"]) == pytest.approx(1)
    assert data["not_used"] == {}
    assert len(json.loads(pool.read_text())["contributions"]) == 4


def test_a_poisoned_contribution_stops_the_pool_until_somebody_decides(tmp_path: Path) -> None:
    paths = files_of(tmp_path, 1, 2, 3, 4, 5)
    wrong = an_invented_contribution(6)
    turned = replace(wrong.equations, score=-wrong.equations.score)
    paths.append(tmp_path / "6.json")
    write_object(paths[-1], re_signed(replace(wrong, equations=turned), 6).to_json())
    pool = tmp_path / "pool.json"

    refused = run("share", "combine", *paths, "--out", pool)
    assert refused.exit_code == 1
    assert "Practice 6: differs from the others by more than chance" in refused.output
    assert '--leave-out "Practice 6"' in refused.output
    assert not pool.exists()

    without = run("share", "combine", *paths, "--out", pool, "--leave-out", "Practice 6")
    assert without.exit_code == 0, without.output
    assert "Not used: Practice 6, left out." in without.output
    assert len(json.loads(pool.read_text())["contributions"]) == 5
    accepted = run("share", "combine", *paths, "--out", pool, "--accept", "Practice 6")
    assert accepted.exit_code == 0, accepted.output


def test_a_withdrawn_contribution_leaves_a_pool_that_has_it(tmp_path: Path) -> None:
    several = [an_invented_contribution(number) for number in (1, 2)]
    write_pool(tmp_path / "pool.json", several)
    write_object(tmp_path / "gone.json", withdrawal_of(several[1], a_key(2), "2026-12-01"))
    out = tmp_path / "new.json"
    done = run("share", "combine", tmp_path / "pool.json", tmp_path / "gone.json", "--out", out)

    assert "Not used: Practice 2, withdrawn." in done.output
    assert [each["contributor"] for each in json.loads(out.read_text())["contributions"]] == [
        "Practice 1"
    ]


def test_a_file_in_no_folder_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    done = run("share", "export", tmp_path, "--as", "A", "--out", tmp_path / "no" / "own.json")
    assert done.exit_code == 1
    assert "is in no folder that exists" in done.output


def test_a_name_that_nobody_has_is_refused(tmp_path: Path) -> None:
    done = run(
        "share", "combine", *files_of(tmp_path, 1, 2), "--out", tmp_path / "p", "--leave-out", "X"
    )
    assert done.exit_code == 1
    assert "known: Practice 1, Practice 2" in done.output
