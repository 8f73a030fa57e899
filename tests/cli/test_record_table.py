"""Every table of every command is whole in 80 columns, and in a file or a pipe."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from rich.console import Console, RenderableType
from rich.text import Text
from typer.testing import CliRunner

import recommender.cli
from recommender.cli import evaluation_tables, render
from recommender.cli.commands import console
from recommender.cli.main import app
from recommender.cli.record_table import PIPED_WIDTH, RecordTable, output_width
from recommender.practice.definition import shipped_practice
from recommender.registry.versions import ROLLED_BACK, Promotion
from recommender.security import accounts
from recommender.training.promotion_case import PromotionCase
from recommender.training.promotion_gate import findings
from tests.support.builders import DEFINITION, a_bundle, some_rows, write_rows
from tests.support.reports import a_report
from tests.support.server import PASSWORD, PEPPER, WHOLE, TestClient, a_request

WIDTHS = pytest.mark.parametrize("width", [80, PIPED_WIDTH], ids=["80 columns", "piped"])


@pytest.fixture
def cells(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What is put into tables while a test runs."""
    seen: list[str] = []
    add_row = RecordTable.add_row

    def seen_row(table: RecordTable, *row: str | Text) -> None:
        seen.extend(line for cell in row for line in str(cell).splitlines())
        add_row(table, *row)

    monkeypatch.setattr(RecordTable, "add_row", seen_row)
    yield seen
    assert seen


def words_of(text: str) -> str:
    return " ".join(text.replace("│", " ").split())


def must_be_whole(printed: str, cells: list[str]) -> None:
    assert "…" not in printed
    shown = words_of(printed)
    for cell in cells:
        assert words_of(cell) in shown


def piped_or_narrow(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    for one in (console.out, console.err):
        monkeypatch.setattr(one, "_width", width)


def run(*words: str | Path, typed: str | None = None) -> str:
    result = CliRunner().invoke(app, [str(word) for word in words], input=typed)
    assert result.exit_code == 0, result.output
    return result.output


@WIDTHS
@pytest.mark.parametrize("command", [("practice", "rules"), ("practice", "show")], ids=" ".join)
def test_the_words_of_a_definition_are_not_cut(
    command: tuple[str, ...], width: int, cells: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    piped_or_narrow(monkeypatch, width)
    must_be_whole(run(*command), cells)


@WIDTHS
def test_the_rows_that_a_check_counts_are_not_cut(
    width: int, cells: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    piped_or_narrow(monkeypatch, width)
    write_rows(tmp_path, some_rows(pairings=30))
    must_be_whole(run("check", tmp_path, "--practice", DEFINITION), cells)


@WIDTHS
def test_keys_and_accounts_are_not_cut(
    width: int, cells: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    piped_or_narrow(monkeypatch, width)
    monkeypatch.setattr(accounts, "_hasher", PasswordHasher(1, 64, 1))
    monkeypatch.setenv("RECOMMENDER_STORE", f"sqlite:///{tmp_path}/recommender.db")
    monkeypatch.setenv("RECOMMENDER_PEPPER", PEPPER)
    run("keys", "create", "a-website-with-a-very-long-name", "--only", "match:create")
    run("staff", "add", "a.person.with.a.very.long.name", typed=f"{PASSWORD}\n")
    must_be_whole(run("keys", "list") + run("staff", "list"), cells)


@WIDTHS
def test_an_allocation_is_not_cut(
    width: int, cells: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    piped_or_narrow(monkeypatch, width)
    write_rows(tmp_path, some_rows(pairings=60))
    bundle = a_bundle(tmp_path)
    words: list[str | Path] = ["--roster", tmp_path / "clinicians.csv", "--bundle", bundle]
    words += ["--clients", tmp_path / "clients.csv", "--day", "2026-11-23"]
    must_be_whole(run("allocate", *words, "--out", tmp_path / "to"), cells)


CHANGE = Promotion(
    at=datetime(2026, 11, 23, tzinfo=UTC),
    version=12,
    digest="0" * 64,
    by="a.person.with.a.very.long.name",
    reason="the supervisors asked for a trial in one of the clinics of the practice until March",
    previous=11,
    notes=("decided on 84 later ratings, fewer than 600",),
)
VIEWS: dict[str, Callable[[], RenderableType]] = {
    "history": lambda: render.history_table([CHANGE]),
    "evaluate": lambda: evaluation_tables.evaluation_view(a_report(champion="1" * 64)),
    "train": lambda: evaluation_tables.training_view(a_report()),
    "promote --dry-run": lambda: evaluation_tables.findings_table(
        findings(PromotionCase(a_report(rated=40))), "The gate"
    ),
    "practice": lambda: render.practice_table(shipped_practice()),
}


@WIDTHS
@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_what_is_measured_and_decided_is_not_cut(
    view: Callable[[], RenderableType], width: int, cells: list[str]
) -> None:
    terminal = Console(width=width)
    with terminal.capture() as printed:
        terminal.print(view())
    must_be_whole(printed.get(), cells)


@WIDTHS
def test_a_shortlist_names_every_exclusion_and_change_whole(
    width: int, cells: list[str], caller: TestClient
) -> None:
    answer: dict[str, Any] = json.loads(caller.post(WHOLE, json=a_request({"max_fee": 150})).text)
    assert answer["relaxations"]
    assert answer["exclusion_counts"]
    terminal = Console(width=width)
    with terminal.capture() as printed:
        terminal.print(render.recommendation_view(answer))
    must_be_whole(printed.get(), cells)


def test_a_practice_that_went_back_to_a_version_does_not_read_that_it_was_withdrawn() -> None:
    back = replace(CHANGE, version=1, previous=2, kind=ROLLED_BACK)
    terminal = Console(width=200)
    with terminal.capture() as printed:
        terminal.print(render.history_table([back, CHANGE]))
    rows = [[cell.strip() for cell in line.split("│")] for line in printed.get().splitlines()]
    whole = [row[2:4] for row in rows if len(row) > 4 and row[1].startswith("2026")]
    assert whole == [["back to 1", "2"], ["12 promoted", "11"]]


def test_no_command_prints_a_table_of_another_kind() -> None:
    folder = Path(recommender.cli.__file__).parent
    using = [path for path in folder.rglob("*.py") if "rich.table" in path.read_text()]
    assert [path.name for path in using] == ["record_table.py"]


def test_rows_that_fit_are_side_by_side_and_others_are_blocks() -> None:
    table = RecordTable("Title", ("name", "why"), [("k01", "short"), ("k02", "[bold] stays text")])
    terminal = Console(width=40)
    with terminal.capture() as wide:
        terminal.print(table)
    assert "│ k01  │ short" in wide.get()
    terminal = Console(width=20)
    with terminal.capture() as narrow:
        terminal.print(table)
    lines = [line.rstrip() for line in narrow.get().splitlines()]
    assert lines[:3] == ["Title", "name: k01", "  why: short"]
    assert "  why: [bold] stays" in lines


def test_output_to_a_file_has_no_width_unless_one_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    with (tmp_path / "file").open("w", encoding="utf-8") as file:
        assert output_width(file) == PIPED_WIDTH
        monkeypatch.setenv("COLUMNS", "80")
        assert output_width(file) is None
