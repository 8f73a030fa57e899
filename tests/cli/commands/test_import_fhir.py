import csv
import json
import re
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from experiments.fhir_examples.local_server import running_fhir_server
from recommender.cli.main import app
from recommender.importing.fhir.mapping_reader import shipped_mapping
from tests.support.fhir_practice import (
    FORMS,
    a_bundle,
    a_patient,
    a_practitioner,
    a_rating,
    text_of,
    whole_practice,
)

GUIDE = Path(__file__).parents[3] / "docs" / "fhir.md"
PERSONAL = ("Quandong", "Hidden", "0491570156", "1991-03-05", "Wattle", "1042")


@pytest.fixture
def export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with what the practice's server exported; pseudonyms are kept in `tmp_path`."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "export"
    folder.mkdir()
    bundle = json.dumps(a_bundle(whole_practice()))
    (folder / "bundle.json").write_text(bundle, encoding="utf-8")
    (tmp_path / "my.toml").write_text(shipped_mapping() + FORMS, encoding="utf-8")
    return folder


def run(*words: str | Path, code: int = 0) -> Result:
    result = CliRunner().invoke(app, ["import", "fhir", *map(str, words)])
    assert result.exit_code == code, result.output
    return result


def plain(result: Result) -> str:
    return " ".join(result.output.replace("│", " ").split())


def test_a_preview_writes_nothing_and_prints_nothing_personal(export: Path) -> None:
    result = run(export, "--mapping", "my.toml")
    assert "Would write 2 clients, 2 clinicians, 2 pairings, 1 rating." in plain(result)
    assert "No table was written." in result.output
    assert sorted(each.name for each in Path().iterdir()) == ["export", "my.toml"]
    assert [word for word in PERSONAL if word in result.output] == []


def test_what_is_written_can_be_trained_on_and_holds_no_patients_data(export: Path) -> None:
    result = run(export, "--mapping", "my.toml", "--out", "tables")
    assert "Checked: sound; 1 pairing has an early rating." in plain(result)
    assert "Next: recommender train tables --practice psychology" in plain(result)
    text = text_of(Path("tables"))
    assert [word for word in PERSONAL if word in text] == ["Wattle"]


def test_the_same_people_have_the_same_pseudonyms_again(export: Path) -> None:
    run(export, "--mapping", "my.toml", "--out", "one")
    run(export, "--mapping", "my.toml", "--out", "two")
    key = Path("var/import/pseudonyms.key").resolve()
    created = f"Created the key of pseudonyms {key}: back it up, apart from the tables."
    assert created in text_of(Path("one"))
    first = text_of(Path("one")).replace(created, f"Key of pseudonyms: {key}")
    assert first == text_of(Path("two"))
    again = run(export, "--mapping", "my.toml", "--out", "one", code=1)
    assert "is there already" in plain(again)
    run(export, "--mapping", "my.toml", "--out", "one", "--replace")


def test_the_key_is_not_put_beside_the_tables(export: Path) -> None:
    result = run(export, "--mapping", "my.toml", "--out", "tables", "--key", "tables/key", code=1)
    assert "--key: is in the folder of the tables" in plain(result)
    assert not Path("tables").exists()


def test_a_table_filled_in_by_hand_is_added(export: Path) -> None:
    first = run(export, "--mapping", "my.toml", "--extra", "extra.csv")
    assert "Wrote extra.csv: fill it in and run this again." in plain(first)
    with Path("extra.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row["fee"] = "220"
    with Path("extra.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    run(export, "--mapping", "my.toml", "--extra", "extra.csv", "--out", "tables")
    with Path("tables", "clinicians.csv").open(newline="") as file:
        assert [row["fee"] for row in csv.DictReader(file)] == ["220", "220"]


def test_a_server_is_read_over_http(export: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECOMMENDER_FHIR_TOKEN", "secret-of-the-server")
    resources = [*whole_practice(), a_rating(id="old", meta={"lastUpdated": "2020-01-01"})]
    with running_fhir_server(resources) as served:
        served.token = "secret-of-the-server"
        served.refusals = [429]
        result = run(served.base, "--mapping", "my.toml", "--since", "2026-01-01", "--json")
        since = {each.query.get("_lastUpdated") for each in served.asked}
    read = json.loads(result.stdout)
    assert read["written"]["ratings"] == 1
    assert since == {None, "ge2025-12-31T13:00:00Z"}
    assert any("--since" in note for note in read["notes"])
    assert "secret" not in result.output


def test_without_anyone_to_write_it_says_so(export: Path) -> None:
    (export / "bundle.json").write_text(json.dumps(a_bundle([a_patient()])))
    result = run(export, "--out", "tables", code=1)
    assert "Nothing to write: no clinician and no client could be used." in plain(result)
    assert not Path("tables").exists()


def test_the_bundle_of_the_documentation_can_be_imported(export: Path) -> None:
    bundle = re.search(r"```json\n(\{.*?\n\})\n```", GUIDE.read_text("utf-8"), re.DOTALL)
    assert bundle is not None
    (export / "bundle.json").write_text(bundle[1], encoding="utf-8")
    written = plain(run("export", "--out", "practice"))
    assert re.search("Wrote 1 clients?, 1 clinicians?, 1 pairings?, 0 ratings", written)
    assert "1 left out" not in written
    with Path("practice", "clinicians.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["registration_type"] == "clinical_psychologist"
    without = json.loads(bundle[1])
    others = [each for each in without["entry"] if each["resource"]["resourceType"] != "Patient"]
    (export / "bundle.json").write_text(json.dumps(without | {"entry": others}), encoding="utf-8")
    assert "is about no patient that was read" in plain(run("export"))


def test_a_roster_alone_is_written_alone(export: Path) -> None:
    (export / "bundle.json").write_text(json.dumps(a_bundle([a_practitioner()])))
    output = plain(run(export, "--out", "tables"))
    assert "Wrote 1 clinician." in output
    assert "0 of 1 clinician could be offered, because without these" in output
    assert "consents_to_matching, active" in output
    assert [each.name for each in Path("tables").glob("*.csv")] == ["clinicians.csv"]


@pytest.mark.parametrize("since", ["yesterday", "2026-11-01T00:00:00"])
def test_a_time_without_a_zone_is_refused(export: Path, since: str) -> None:
    result = run(export, "--since", since, code=1)
    assert "is neither a day nor a time with a zone" in plain(result)


def test_without_the_library_of_fhir_the_extra_is_named(
    export: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "fhir.resources.R4B", None)
    result = run(export, code=1)
    assert "needs fhir, which is not installed" in plain(result)
    assert "pip install -e '.[fhir]'" in plain(result)


def test_a_form_is_printed_as_a_questionnaire() -> None:
    result = CliRunner().invoke(app, ["practice", "questionnaire", "--form", "staff"])
    assert result.exit_code == 0
    assert json.loads(result.stdout)["title"] == "New request"
    lost = CliRunner().invoke(app, ["practice", "questionnaire", "nothing"])
    assert lost.exit_code == 1
