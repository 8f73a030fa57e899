"""Ids that name nobody are said by every command that reads them."""

import csv
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from recommender.cli.main import app
from tests.support.builders import DEFINITION, a_bundle, some_rows, write_rows

WIDE = {"COLUMNS": "300"}


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words], env=WIDE)


@pytest.fixture(scope="module")
def practice(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tables in which client c0000 blocked 005 and wrote 5, and a bundle."""
    directory = tmp_path_factory.mktemp("practice")
    rows = some_rows(pairings=20)
    for table in ("clinicians", "pairings"):
        for row in rows[table]:
            row["clinician_id"] = f"0{row['clinician_id'].removeprefix('k')}"
    rows["clients"][0]["not_with"] = "5"
    write_rows(directory, rows)
    a_bundle(directory)
    return directory


def people(practice: Path) -> tuple[str | Path, ...]:
    given = ("--clients", practice / "clients.csv", "--roster", practice / "clinicians.csv")
    return (*given, "--bundle", practice / "bundle", "--day", "2026-11-23")


def test_check_calls_the_tables_sound_and_names_the_block_that_blocks_nobody(
    practice: Path,
) -> None:
    result = run("check", practice, "--practice", DEFINITION)
    assert result.exit_code == 0, result.output
    assert "please check" in result.output
    assert "column not_with, row 2: has 1 id that is nobody on the roster: 5" in result.output
    assert "did you mean 005?" in result.output


def test_score_names_it_and_writes_it_beside_the_client(practice: Path, tmp_path: Path) -> None:
    result = run("score", *people(practice), "--out", tmp_path)
    assert result.exit_code == 0, result.output
    assert "client.not_with of c0000: has 1 id that is nobody" in result.output
    assert "did you mean 005?" in result.output
    assert "this refusal excludes nobody: 005 is not excluded by it" in result.output
    assert "an id of somebody who left has no effect" not in result.output
    clients = pd.concat(map(pd.read_parquet, tmp_path.glob("clients-*.parquet")))
    unresolved = clients.set_index("client_id")["unresolved_ids"]
    assert unresolved["c0000"].tolist() == ["client.not_with: 5"]
    assert unresolved["c0001"].tolist() == []


def test_allocate_names_it_and_the_earlier_clinician_who_left(
    practice: Path, tmp_path: Path
) -> None:
    earlier = tmp_path / "earlier.csv"
    earlier.write_text("client_id,clinician_id\nc0000,099\nc0001,1\n")
    words = ("allocate", *people(practice), "--previous", earlier, "--out", tmp_path / "out")
    result = run(*words)
    assert result.exit_code == 0, result.output
    assert "client.not_with of c0000: has 1 id that is nobody" in result.output
    assert (
        "earlier allocation: names 2 not on the roster; 2 clients are assigned anew"
        in result.output
    )
    table = pd.read_csv(tmp_path / "out" / "allocation.csv", dtype=str).set_index("client_id")
    assert table.loc["c0000", "unresolved_ids"] == "client.not_with: 5"
    assert table["unresolved_ids"].notna().sum() == 1


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("told", "5", ("told", "did you mean 005?", "leave it empty")),
        ("client_id", "C0001", ("list", "did you mean c0001?", "add the answers")),
    ],
)
def test_a_list_that_misses_an_id_is_refused_with_whom_it_may_mean(
    practice: Path, tmp_path: Path, column: str, value: str, words: tuple[str, ...]
) -> None:
    row = {"client_id": "c0000", "told": ""} | {column: value}
    listed = tmp_path / "list.csv"
    with listed.open("w", newline="") as file:
        writer = csv.DictWriter(file, row)
        writer.writeheader()
        writer.writerow(row)
    result = run("allocate", *people(practice), "--list", listed, "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert all(word in result.output for word in words), result.output


def test_places_and_limits_of_nobody_are_refused_with_whom_they_may_mean(
    practice: Path, tmp_path: Path
) -> None:
    places = tmp_path / "places.csv"
    places.write_text("clinician_id,places\n5,1\n")
    out = ("--out", tmp_path / "out")
    refused = run("allocate", *people(practice), "--places", places, *out)
    assert refused.exit_code == 1
    assert "clinician_id, row 2: is not on the roster; did you mean 005?" in refused.output
    limited = run("allocate", *people(practice), "--limit", "concern=grief:1@5", *out)
    assert limited.exit_code == 1
    assert "limit on concern: names nobody on the roster; did you mean 005?" in limited.output
