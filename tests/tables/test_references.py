"""A client who blocked 005 and wrote 5 is never offered 005 without a word."""

from pathlib import Path

import pytest

from recommender.practice.columns import read_rows
from recommender.practice.definition import Practice, read_practice
from recommender.tables.loader import read_roster, read_tables
from recommender.tables.references import KnownPeople, references_of_one, unresolved_references
from recommender.tables.report import TablesReport, check_tables
from tests.support.builders import TAKEN_AT, Rows, a_practice, some_rows, write_rows

WISH = """
[client.asks_for]
kind = "ids"
phrase = "clinicians asked for by name"
purpose = "to be seen again"
missing = "nobody"
use = "filter"

[client.sibling]
kind = "ids"
refers_to = "clients"
phrase = "brothers and sisters at the practice"
purpose = "so that they see somebody else"
missing = "nobody"
use = "filter"

[constraints.asked_for]
rule = "listed"
client = "asks_for"
family = "wish"
mode = "soft"
say = "is not who was asked for"
"""


def numbered(*, clinicians: int = 12) -> Rows:
    """Tables whose clinicians are 000, 001 and so on."""
    rows = some_rows(pairings=30, clinicians=clinicians)
    for table in ("clinicians", "pairings"):
        for row in rows[table]:
            row["clinician_id"] = f"0{row['clinician_id'].removeprefix('k')}"
    return rows


def checked(directory: Path, rows: Rows) -> TablesReport:
    write_rows(directory, rows)
    return check_tables(directory, a_practice())


def test_a_client_whose_block_lost_its_zeros_is_named_by_check(tmp_path: Path) -> None:
    rows = numbered()
    rows["clients"][0]["not_with"] = "5"
    rows["clients"][2]["not_with"] = "5;003"
    report = checked(tmp_path, rows)
    assert report.sound
    (warning,) = report.warnings
    assert warning.where == "clients.csv, column not_with, rows 2, 4"
    assert warning.problem == (
        "has 1 id that is nobody on the roster: 5 (did you mean 005?); as written, this refusal "
        "excludes nobody: 005 is not excluded by it"
    )
    assert warning.remedy.startswith("write the ids as they are on the roster")


def test_the_remedy_of_a_lost_zero_works(tmp_path: Path) -> None:
    rows = numbered()
    rows["clients"][0]["not_with"] = "005"
    assert checked(tmp_path, rows).warnings == ()


def test_a_clinician_who_may_not_see_a_client_in_other_letters_is_named(tmp_path: Path) -> None:
    rows = numbered()
    rows["clinicians"][1]["not_with"] = rows["clients"][3]["client_id"].upper()
    (warning,) = checked(tmp_path, rows).warnings
    assert warning.where == "clinicians.csv, column not_with, row 3"
    assert "nobody in the clients table: C0003 (did you mean c0003?)" in warning.problem
    assert "this refusal excludes nobody: c0003 is not excluded by it" in warning.problem


def test_a_name_is_not_repeated_and_leads_to_the_id(tmp_path: Path) -> None:
    rows = numbered()
    rows["clinicians"][5]["name"] = "Ines Wattle"
    rows["clients"][0]["not_with"] = "Wattle"
    (warning,) = checked(tmp_path, rows).warnings
    assert "one that is not written like an id (did you mean 005?)" in warning.problem
    assert "Wattle" not in str(warning.to_fault())


@pytest.mark.parametrize(
    ("written", "meant"),
    [("I. Wattle", "005"), ("Dr Wattle;003", "005"), ("Ines Wattle", "005"), ("Al Oak", None)],
)
def test_a_block_by_full_name_is_refused_with_the_id_that_blocks(
    tmp_path: Path, written: str, meant: str | None
) -> None:
    rows = numbered()
    rows["clinicians"][5]["name"] = "Ines Wattle"
    rows["clients"][0]["not_with"] = written
    (fault,) = checked(tmp_path, rows).faults
    assert fault.problem == "has a part that is not an id"
    form = "rite it like k012;k044"
    assert fault.remedy == (f"did you mean {meant}? Otherwise w{form}" if meant else f"w{form}")
    if meant:
        rows["clients"][0]["not_with"] = meant
        assert checked(tmp_path, rows).sound


def test_many_ids_are_counted_and_those_that_can_be_mended_come_first(tmp_path: Path) -> None:
    rows = numbered()
    rows["clients"][0]["not_with"] = ";".join([*(f"gone{n}" for n in range(9)), "7"])
    (warning,) = checked(tmp_path, rows).warnings
    assert warning.problem.startswith(
        "has 10 ids that are nobody on the roster: 7 (did you mean 007?), gone0,"
    )
    assert "and 5 more; as written, these refusals exclude nobody: 007 is not" in warning.problem


def test_pairings_whose_clinicians_lost_their_zeros_are_told_whom_they_mean(
    tmp_path: Path,
) -> None:
    rows = numbered()
    for row in rows["pairings"]:
        row["clinician_id"] = row["clinician_id"].lstrip("0") or "0"
    rows["pairings"][0]["clinician_id"] = "somebody"
    near, unknown = sorted(
        (each for each in checked(tmp_path, rows).faults if each.column == "clinician_id"),
        key=lambda each: -len(each.rows),
    )
    assert near.remedy.startswith("did you mean 0")
    assert near.problem.endswith("differs from one of them only by zeros in front")
    assert "Otherwise write clinician_id alike in both tables" in near.remedy
    assert unknown.remedy == "add it to clinicians, or remove the row"
    assert unknown.rows == (2,)


@pytest.mark.parametrize(
    ("refused", "missed"),
    [
        (["K01"], ("k01",)),
        (["K01", "k02", "K2"], ("k01",)),
        (["K01", "k01"], ()),
        (["k99"], ()),
    ],
)
def test_a_client_who_refused_somebody_in_other_letters_is_not_offered_them_as_if_all_were_well(
    wishing: Practice, refused: list[str], missed: tuple[str, ...]
) -> None:
    clients = read_rows(wishing.fields("client", "score", "filter"), [{"not_with": refused}])
    people = {"clinicians": KnownPeople(("k01", "k02"))}
    (found,) = unresolved_references(wishing, clients, "client", people)
    assert found.not_excluded == missed
    is_said = "k01 is not excluded by" in found.problem
    assert is_said is bool(missed)
    assert ("has no effect and may stay" in found.remedy) is not is_said


def test_a_wish_for_somebody_in_other_letters_is_not_called_a_refusal(wishing: Practice) -> None:
    clients = read_rows(wishing.fields("client", "score", "filter"), [{"asks_for": ["K01"]}])
    people = {"clinicians": KnownPeople(("k01",))}
    (found,) = unresolved_references(wishing, clients, "client", people)
    assert found.failed_refusal == ""
    assert "exclude" not in found.problem + found.remedy


@pytest.fixture(scope="module")
def wishing() -> Practice:
    return read_practice(a_practice().text + WISH)


def test_who_wrote_a_wish_for_somebody_who_left_can_read_which_wish_has_no_effect(
    wishing: Practice, tmp_path: Path
) -> None:
    wishes: tuple[list[str] | None, ...] = (["k99"], ["k99", "k01"], [], None)
    answers = [{"asks_for": wish} for wish in wishes]
    clients = read_rows(wishing.fields("client", "score", "filter"), answers)
    people = {"clinicians": KnownPeople(("k01", "k02"))}
    (found,) = unresolved_references(wishing, clients, "client", people)
    assert found.only_nobody == (0,)
    assert found.rows == (0, 1)
    assert found.problem.endswith(
        "; the wish of 1 row names no clinician on the roster, so that nobody meets it"
    )


def test_several_wishes_for_people_who_left_are_counted(wishing: Practice) -> None:
    answers = [{"asks_for": ["k99"]}, {"asks_for": ["k98"]}]
    clients = read_rows(wishing.fields("client", "score", "filter"), answers)
    people = {"clinicians": KnownPeople(("k01",))}
    (found,) = unresolved_references(wishing, clients, "client", people)
    assert found.problem.endswith(
        "; the wishes of 2 rows name no clinician on the roster, so that nobody meets them"
    )


def test_a_field_may_say_whom_its_ids_name(wishing: Practice) -> None:
    clients = read_rows(wishing.fields("client", "score", "filter"), [{"sibling": ["C7", "k01"]}])
    people = {"clinicians": KnownPeople(("k01",)), "clients": KnownPeople(("c7",))}
    (found,) = unresolved_references(wishing, clients, "client", people)
    assert found.field.name == "sibling"
    assert [(each.text, each.suggestions) for each in found.ids] == [("C7", ("c7",)), ("k01", ())]


def test_one_request_finds_the_list_that_nearly_names_its_client(tmp_path: Path) -> None:
    rows = some_rows(pairings=2)
    rows["clinicians"][4]["not_with"] = "C-0012;c0999"
    write_rows(tmp_path, rows)
    roster = read_roster(tmp_path / "clinicians.csv", a_practice(), TAKEN_AT)
    client = read_rows(a_practice().fields("client", "score", "filter"), [{"not_with": ["k3"]}])
    own, listed = references_of_one(a_practice(), client, "c0012", roster)
    assert [(each.text, each.suggestions) for each in own.ids] == [("k3", ("k03",))]
    assert [(each.text, each.rows) for each in listed.ids] == [("C-0012", (4,))]
    (only_own,) = references_of_one(a_practice(), client, "c0999", roster)
    assert only_own.field.side == "client"


def test_learning_hears_of_lists_that_name_nobody(tmp_path: Path) -> None:
    rows = numbered()
    rows["clients"][0]["not_with"] = "5"
    write_rows(tmp_path, rows)
    (warning,) = read_tables(tmp_path, a_practice(), None).warnings(a_practice())
    assert warning.where == f"client.not_with of {rows['clients'][0]['client_id']}"
    assert "did you mean 005?" in warning.problem
