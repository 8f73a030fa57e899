"""Tables in a practice's own form: `check` names the option, and the option reads them."""

import re
import shlex
from copy import deepcopy
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from recommender.cli.main import app
from tests.support.small_practice import DEFINITION, FILES, Files, write_csv
from tests.support.workbooks import small_workbook

COLUMNS = {"COLUMNS": "1000"}


def run(*words: object) -> Result:
    return CliRunner(env=COLUMNS).invoke(app, [str(word) for word in words])


def checked(directory: Path, *options: str) -> Result:
    (directory / "small.toml").write_text(DEFINITION)
    return run("check", directory, "--practice", directory / "small.toml", *options)


def australian() -> Files:
    """The small practice with dates, decimals and amounts as its spreadsheet shows them."""
    files = deepcopy(FILES)
    for table, column in [("pairings", "started_on"), ("clinicians", "joined")]:
        cells = files[table][column]
        files[table][column] = ["/".join(reversed(cell.split("-"))) for cell in cells]
    files["pairings"]["started_on"][0] = "13/02/2026"
    files["clinicians"]["joined"][0] = "23/02/2019"
    files["clients"]["most"] = ["$1,220.50", "$1,220", ""]
    return files


def test_check_names_the_options_of_an_australian_export_and_following_it_works(
    tmp_path: Path,
) -> None:
    write_csv(tmp_path, australian())
    refused = checked(tmp_path)
    assert refused.exit_code == 1
    assert "column started_on, rows 2, 3, 4: is written as dd/mm/yyyy throughout" in refused.output
    named = re.findall(r"; add (--[^│]*)", refused.output)
    options = [word for text in named for word in shlex.split(text)]

    followed = checked(tmp_path, *options)
    assert followed.exit_code == 0, followed.output
    assert "--dates dmy --thousands comma --currency '$'" in followed.output


def test_dates_of_which_no_day_is_above_12_are_said_to_be_ambiguous(tmp_path: Path) -> None:
    files = deepcopy(FILES)
    files["pairings"]["started_on"] = ["01/03/2026", "08/03/2026", "01/04/2026"]
    write_csv(tmp_path, files)
    assert "add --dates dmy or --dates mdy, whichever it is" in checked(tmp_path).output


def test_a_declared_form_is_strict(tmp_path: Path) -> None:
    files = deepcopy(FILES)
    files["pairings"]["started_on"] = ["01/03/2026", "08/03/2026", "2026-04-01"]
    write_csv(tmp_path, files)
    refused = checked(tmp_path, "--dates", "dmy")
    assert (
        "column started_on, row 4: is one of two forms in this column, yyyy-mm-dd and dd/mm/yyyy; "
        "export it again with all dates as text"
    ) in refused.output


def test_one_form_may_be_declared_in_the_environment_for_every_command(tmp_path: Path) -> None:
    write_csv(tmp_path, australian())
    names = {"DATES": "dmy", "THOUSANDS": "comma", "CURRENCY": "$"}
    (tmp_path / "small.toml").write_text(DEFINITION)
    words = ["check", str(tmp_path), "--practice", str(tmp_path / "small.toml")]
    environment = COLUMNS | {f"RECOMMENDER_{name}": value for name, value in names.items()}
    assert CliRunner(env=environment).invoke(app, words).exit_code == 0


@pytest.mark.parametrize("options", [("--dates", "ymd"), ("--currency", "4")])
def test_a_form_that_does_not_exist_is_refused(tmp_path: Path, options: tuple[str, str]) -> None:
    refused = checked(write_csv(tmp_path), *options)
    assert refused.exit_code != 0
    assert not refused.exception or isinstance(refused.exception, SystemExit)


def test_a_workbook_is_checked_in_place_of_a_folder(tmp_path: Path) -> None:
    book = small_workbook(tmp_path / "our practice.xlsx")
    (tmp_path / "small.toml").write_text(DEFINITION)
    sound = run("check", book, "--practice", tmp_path / "small.toml")
    assert sound.exit_code == 0, sound.output
    assert "Sound. Next: recommender train" in sound.output


def test_empty_rows_are_said_and_do_not_stop_anybody(tmp_path: Path) -> None:
    path = write_csv(tmp_path) / "clients.csv"
    path.write_text(path.read_text() + ",,,,,\n,,,,,\n")
    sound = checked(tmp_path)
    assert sound.exit_code == 0
    assert "clients.csv, rows 5, 6: ignored: 2 without any filled cell" in sound.output
