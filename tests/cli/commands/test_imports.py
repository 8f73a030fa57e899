"""An import is shown before it is written, and what it writes goes straight into training."""

import csv
import json
import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from recommender.cli.main import app
from tests.support.exports import MAPPING, a_person, a_score, a_visit, psychology, write_exports


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(app, ["import", *map(str, words)], env={"COLUMNS": "200"})


@pytest.fixture
def small(tmp_path: Path) -> tuple[str | Path, ...]:
    """The words that import the files of a small system."""
    (tmp_path / "exports").mkdir()
    people = [a_person(n, Phone="0491 570 006") for n in (1, 2, 3)]
    visits = [*(a_visit(n) for n in (1, 2, 3)), a_visit(Outcome="Cancelled")]
    write_exports(tmp_path / "exports", people, visits, [a_score(), a_score(2, Total=99)])
    (tmp_path / "my.toml").write_text(MAPPING)
    return "files", tmp_path / "my.toml", tmp_path / "exports", "--key", tmp_path / "key"


def test_a_preview_shows_everything_and_writes_nothing(
    tmp_path: Path, small: tuple[str | Path, ...]
) -> None:
    before = sorted(tmp_path.rglob("*"))
    result = run(*small)
    assert result.exit_code == 0, result.output
    assert "visits.csv: 4 rows, 3 used, 1 left out" in result.output
    assert "1  was cancelled (row 5)" in result.output
    assert "not read  Phone (contact data: never written)" in result.output
    assert "Would write 3 clients, 1 clinician, 3 pairings, 1 rating." in result.output
    assert "No tables were written" in result.output
    assert "Secretname" not in result.output
    assert sorted(tmp_path.rglob("*")) == before


def test_every_fact_without_which_nobody_is_offered_is_named(
    tmp_path: Path, small: tuple[str | Path, ...]
) -> None:
    output = " ".join(run(*small).output.split())
    never = "0 of 1 clinician could be offered, because without these a clinician is not offered: "
    assert f"{never}consents_to_matching, active, registered_from, registered_until" in output
    some = "Without these a clinician is not offered to clients who ask for them: "
    assert some in output
    listed = output.partition(some)[2].partition(".")[0].split(", ")
    assert {"services", "modes", "languages", "telehealth_jurisdictions"} <= set(listed)
    stored = json.loads(run(*small, "--json").output)["offered"]
    assert (stored["clinicians"], stored["complete"]) == (1, 0)


def test_the_table_to_fill_in_is_enough_for_a_clinician_to_be_offered(
    tmp_path: Path, small: tuple[str | Path, ...]
) -> None:
    extra = tmp_path / "exports" / "extra.csv"
    run(*small, "--extra", extra)
    with extra.open() as file:
        (row,) = csv.DictReader(file)
    offered = json.loads(run(*small, "--json").output)["offered"]
    for name in (*offered["lacking"], *offered["lacking_for_some"]):
        field = psychology().clinician[name]
        words = {"flag": "no", "date": "2030-01-01", "number": "20", "money": "200"}
        row[name] = words.get(field.kind) or field.levels[0]
    row |= {"registered_from": "2020-01-01", "min_age": "0", "max_age": "99"}
    with extra.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(row))
        writer.writeheader()
        writer.writerow(row)
    filled = run(*small)
    assert "could be offered, because" not in filled.output
    assert "is not offered" not in filled.output
    offered = json.loads(run(*small, "--json").output)["offered"]
    assert offered == {"clinicians": 1, "complete": 1, "lacking": {}, "lacking_for_some": {}}


def test_an_import_is_written_checked_and_not_written_over(
    tmp_path: Path, small: tuple[str | Path, ...]
) -> None:
    out = tmp_path / "practice"
    first = run(*small, "--out", out)
    assert first.exit_code == 0, first.output
    assert "Checked: sound; 1 pairing has an early rating." in first.output
    assert f"Next: recommender train {out}" in first.output
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    written = (out / "clients.csv").read_bytes()

    again = run(*small, "--out", out)
    assert again.exit_code == 1
    assert "clients.csv: is there already; add --replace" in again.output
    replaced = run(*small, "--out", out, "--replace")
    assert replaced.exit_code == 0, replaced.output
    assert (out / "clients.csv").read_bytes() == written


def test_a_table_to_fill_in_goes_back_into_the_import(
    tmp_path: Path, small: tuple[str | Path, ...]
) -> None:
    extra = tmp_path / "exports" / "extra.csv"
    result = run(*small, "--extra", extra)
    assert f"Wrote {extra}: fill it in" in result.output
    with extra.open() as file:
        (row,) = csv.DictReader(file)
    assert row["name"] == "Ann Wattle"
    assert run(*small, "--extra", extra).exit_code == 1
    row |= {"active": "yes", "gender": "Woman", "fee": "220"}
    with extra.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(row))
        writer.writeheader()
        writer.writerow(row)
    filled = run(*small, "--out", tmp_path / "practice")
    assert filled.exit_code == 0, filled.output
    with (tmp_path / "practice" / "clinicians.csv").open() as file:
        (clinician,) = csv.DictReader(file)
    assert (clinician["gender"], clinician["active"], clinician["fee"]) == ("woman", "yes", "220")


def test_every_fault_is_shown_and_as_json_too(
    tmp_path: Path, small: tuple[str | Path, ...]
) -> None:
    text = MAPPING.replace('"Born"', '"Birthday"').replace('"When"', '"Starts"')
    (tmp_path / "my.toml").write_text(text)
    result = run(*small)
    assert result.exit_code == 1
    assert "visits.csv has no column 'Starts'" in result.output
    faults = json.loads(run(*small, "--json").output)["faults"]
    assert {each["where"] for each in faults} == {
        "my.toml: files.visits.date",
        "my.toml: clients.fields.age_years",
    }


def test_the_report_is_there_as_json(tmp_path: Path, small: tuple[str | Path, ...]) -> None:
    report = json.loads(run(*small, "--json", "--out", tmp_path / "practice").output)
    assert report["written"] == {"clients": 3, "clinicians": 1, "pairings": 3, "ratings": 1}
    assert report["faults"] == []
    stored = json.loads((tmp_path / "practice" / "import-report.json").read_text())
    assert report == stored | {"out": str(tmp_path / "practice"), "faults": []}


def test_shipped_mappings_are_listed_and_printed(tmp_path: Path) -> None:
    listed = run("list")
    assert all(name in listed.output for name in ("cliniko", "halaxy", "zanda"))
    assert list(json.loads(run("list", "--json").output)["mappings"]) == [
        "cliniko",
        "halaxy",
        "zanda",
    ]
    path = tmp_path / "mine.toml"
    path.write_text(run("show", "cliniko").output)
    refused = run("files", path, tmp_path)
    assert refused.exit_code == 1
    assert "no file is named like Patients*.csv" in refused.output
    assert run("show", "genie").exit_code == 1


def test_a_key_that_others_may_read_is_refused(
    tmp_path: Path, small: tuple[str | Path, ...]
) -> None:
    (tmp_path / "key").write_text("ab" * 32)
    (tmp_path / "key").chmod(0o644)
    result = run(*small)
    assert result.exit_code == 1
    assert "may be read by other accounts (mode 644)" in result.output


def test_the_key_is_not_put_beside_the_tables(
    tmp_path: Path, small: tuple[str | Path, ...]
) -> None:
    out = tmp_path / "practice"
    result = run(*small[:-1], out / "key", "--out", out)
    assert result.exit_code == 1
    assert "--key: is in the folder of the tables" in result.output
    assert not out.exists()


def test_the_same_people_do_not_get_other_pseudonyms_from_another_folder(
    tmp_path: Path, small: tuple[str | Path, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    *words, _, key = small
    out = tmp_path / "practice"
    assert f"The key of pseudonyms would be created: {key}" in run(*small).output
    first = run(*small, "--out", out)
    assert f"Created the key of pseudonyms {key}: back it up, apart from" in first.output
    assert f"Created the key of pseudonyms {key}" in (out / "import-report.md").read_text()
    written = (out / "clients.csv").read_bytes()
    assert f"Key of pseudonyms: {key}" in run(*small, "--out", out, "--replace").output

    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    refused = run(*words, "--out", out, "--replace")
    assert refused.exit_code == 1
    assert "were made with another key of pseudonyms" in refused.output
    assert "name the key of those tables with --key" in refused.output
    assert not Path("var").exists()
    assert run(*words, "--out", "other").exit_code == 0
    assert run(*words, "--out", out, "--replace").exit_code == 1
    assert (out / "clients.csv").read_bytes() == written


@pytest.mark.slow
def test_made_up_exports_can_be_written_and_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ("--out", "exports", "--clinicians", "6", "--ratings", "40")
    assert run("example", "zanda", *words).exit_code == 0
    assert json.loads(Path("exports/client.json").read_text())["top_k"] == 3
    assert run("example", "zanda", *words).exit_code == 2
    assert run("example", "genie", "--out", "other").exit_code == 2
    result = run("files", "zanda", "exports", "--out", "practice")
    assert result.exit_code == 0, result.output
    assert "Checked: sound" in result.output
