"""Short forms of what `make trust` measures, and that each would tell if it did not hold."""

import json
from collections.abc import Callable
from pathlib import Path
from random import Random

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from experiments.trust import __main__ as command
from experiments.trust import damage, fuzz, mutations, servers, swaps, threads
from experiments.trust.damage import Command, Ending, Found
from experiments.trust.damages import Damage, bytes_of, cells_of, table_damages
from experiments.trust.line import Line, Part
from experiments.trust.mutant import DAMAGED, REFUSED, SOUND, is_whole, tried
from experiments.trust.mutation import KINDS, Mutation, mutation, write
from experiments.trust.subject import Subject
from experiments.trust.swaps import Load
from recommender.errors import BundleError
from recommender.features.feature import Array
from recommender.model.bundle.archive import FACTS, PAIRING
from recommender.model.bundle.io import bundle_digest
from recommender.serving.snapshot.snapshot import open_snapshot
from recommender.settings import Settings
from tests.support.builders import DEFINITION, a_bundle, a_model, write_tables
from tests.support.server import a_request


@pytest.fixture
def subject(tmp_path: Path) -> Subject:
    write_tables(tmp_path)
    (tmp_path / "workspace").mkdir()
    return Subject(
        a_bundle(tmp_path),
        tmp_path / "clinicians.csv",
        json.dumps(a_request()).encode(),
        tmp_path / "workspace",
        str(DEFINITION),
    )


def files_of(subject: Subject) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in subject.bundle.iterdir()}


def outcome(subject: Subject, mutated: Mutation) -> str:
    settings = Settings(bundle=subject.bundle, roster=subject.roster)
    return tried(mutated, subject.bundle, open_snapshot(settings), settings)


@pytest.mark.long
def test_broken_bundles_bring_nothing_down_and_none_that_is_damaged_is_loaded(
    subject: Subject,
) -> None:
    (line,) = mutations.measure(80, subject)

    assert line.passed, line.figure


def test_a_process_that_dies_of_a_bundle_is_counted_and_the_next_goes_on(
    subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = subject.workspace / "dies"
    script.write_text('#!/bin/sh\necho "begins $5 flipped"\nkill -SEGV $$\n')
    script.chmod(0o755)
    monkeypatch.setattr("sys.executable", str(script))
    found = mutations.outcomes(4, subject)

    assert found == {("flipped", mutations.CRASHED): 4}


def test_what_a_library_prints_between_is_no_outcome(
    subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = subject.workspace / "prints"
    line = 'echo "begins $n flipped"; echo "[LightGBM] [Warning] odd"; echo "ended refused"'
    script.write_text(f"#!/bin/sh\nn=$5\nwhile [ $n -lt $6 ]; do {line}; n=$((n+1)); done\n")
    script.chmod(0o755)
    monkeypatch.setattr("sys.executable", str(script))

    assert mutations.outcomes(6, subject) == {("flipped", REFUSED): 6}


def test_a_whole_bundle_is_loaded_and_a_byte_off_is_refused(subject: Subject) -> None:
    whole = files_of(subject)

    assert outcome(subject, Mutation("none", whole, True)) == SOUND
    assert outcome(subject, mutation(whole, 0)) == REFUSED


def test_what_is_loaded_under_a_listing_that_lies_is_told(subject: Subject) -> None:
    assert outcome(subject, Mutation("flipped", files_of(subject), False)) == DAMAGED


def test_an_error_that_is_no_refusal_is_told(
    subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(directory: Path) -> None:
        raise IndexError

    whole = Mutation("none", files_of(subject), True)
    settings = Settings(bundle=subject.bundle, roster=subject.roster)
    state = open_snapshot(settings)
    monkeypatch.setattr("experiments.trust.mutant.read_bundle", fails)

    assert tried(whole, subject.bundle, state, settings) == "failed IndexError"


@pytest.mark.parametrize(
    ("old", "new"), [("left_child=1", "left_child=0"), ("left_child=-1", "left_child=-99"),
                     ("right_child=-", "right_child=9"), ("split_feature=", "split_feature=9")]
)  # fmt: skip
def test_a_tree_that_is_not_whole_is_told_by_looking_another_way(old: str, new: str) -> None:
    trees = a_model().trees
    assert trees is not None
    assert is_whole(trees.text)
    assert old in trees.text
    assert not is_whole(trees.text.replace(old, new, 1))


@pytest.mark.parametrize("number", range(len(KINDS)))
def test_every_kind_of_mutation_changes_files_and_is_drawn_by_its_number(
    number: int, subject: Subject, tmp_path: Path
) -> None:
    whole = files_of(subject)
    mutated, again = mutation(whole, number), mutation(whole, number)
    (tmp_path / "mutated").mkdir()
    write(mutated, subject.bundle, tmp_path / "mutated")

    assert mutated == again
    assert mutated.files != whole
    assert files_of(subject) == whole
    if mutated.is_listed:
        assert bundle_digest(tmp_path / "mutated")
    else:
        with pytest.raises(BundleError):
            bundle_digest(tmp_path / "mutated")


def test_edits_of_trees_and_facts_go_where_they_say(subject: Subject) -> None:
    whole = files_of(subject)
    by_kind = {KINDS[number]: mutation(whole, number).files for number in range(len(KINDS))}

    assert by_kind["fact edited"][FACTS] != whole[FACTS]
    assert any(by_kind["tree rewired"][name] != whole[name] for name in whole if "trees" in name)
    assert set(by_kind["tree edited"]) == set(whole) >= {PAIRING}


@pytest.mark.long
def test_many_threads_are_answered_as_one_is(subject: Subject) -> None:
    (line,) = threads.measure(3_000, subject)

    assert line.passed, line.figure


def test_an_answer_that_depends_on_who_else_asks_is_counted() -> None:
    calls = 0

    def shared(rows: Array) -> Array:
        nonlocal calls
        calls += 1
        return np.full(len(rows), float(calls))

    assert threads.differences(96, {"shared": shared}, 4) == 96


def test_a_call_that_fails_is_a_difference() -> None:
    seen: list[int] = []

    def fails_later(rows: Array) -> Array:
        seen.append(len(rows))
        if len(seen) > threads.CASES:
            raise ValueError
        return rows

    assert threads.differences(64, {"fails": fails_later}, 4) == 64


@pytest.mark.long
def test_models_are_exchanged_under_load_and_no_response_fails_or_mixes(subject: Subject) -> None:
    swapped, _ = swaps.measure(10, subject)

    assert swapped.passed, swapped.figure


@pytest.mark.usefixtures("cluster")
@pytest.mark.long
def test_two_servers_share_one_store_and_one_that_is_killed_loses_nothing(subject: Subject) -> None:
    for line in servers.measure(2, subject):
        assert line.passed, line.figure


@pytest.mark.long
def test_requests_made_up_from_the_contract_find_no_error_and_no_surprise(
    subject: Subject,
) -> None:
    (line,) = fuzz.measure(300, subject)

    assert line.passed, line.figure


@pytest.mark.parametrize(
    ("status", "change", "counted"),
    [
        (200, lambda told: None, (0, 0)),
        (200, lambda told: told.update(eligible=3), (0, 1)),
        (503, lambda told: None, (1, 0)),
        (0, lambda told: told.clear(), (1, 0)),
    ],
)
def test_a_response_that_fails_or_is_of_two_models_is_counted(
    status: int, change: Callable[[dict[str, object]], None], counted: tuple[int, int]
) -> None:
    told: dict[str, object] = {"model": {"digest": "ab"}, "eligible": 2}
    expected = dict(told)
    change(told)
    load = Load()
    load.add(status, told, expected)

    assert (load.failed, load.mixed) == counted


def test_a_part_that_fails_ends_the_command_with_one(
    subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    def one(count: int, _: Subject) -> list[Line]:
        return [Line("a thing", "looked at", f"{count} found", "0 found", count == 0)]

    monkeypatch.setattr(command, "PARTS", {"one": Part(one, 0), "other": Part(one, 2)})
    monkeypatch.setattr(command, "simulated_subject", lambda directory: subject)
    app = typer.Typer()
    app.command()(command.main)
    runner = CliRunner()

    assert runner.invoke(app, ["--only", "one"]).exit_code == 0
    told = runner.invoke(app, ["--only", "other"])
    assert told.exit_code == 1
    assert runner.invoke(app, ["--only", "none"]).exit_code == 2


LOST, SAME = Damage("a lost cell", lambda _, c: c, True), Damage("spaces", lambda _, c: c, False)


@pytest.mark.parametrize(
    ("ending", "kind", "counted"),
    [
        (Ending(None, "", "KeyError at loader.py:1"), LOST, "crashes"),
        (Ending("other", ""), LOST, "silent"),
        (Ending("other", "warning: list.csv"), LOST, None),
        (Ending("whole", ""), LOST, None),
        (Ending(None, "refused"), LOST, "unexplained"),
        (Ending(None, "refused: list.csv, row 2"), LOST, None),
        (Ending(None, "refused: list.csv"), SAME, "refused_whole"),
        (Ending("other", ""), SAME, "silent"),
    ],
)
def test_every_bad_ending_of_a_damaged_file_is_counted(
    ending: Ending, kind: Damage, counted: str | None
) -> None:
    found = Found()
    command = Command("allocate", frozenset({"list.csv"}), lambda folder: ending)
    damage.judge(found, command, ending, Ending("whole", ""), [("list.csv", kind)])
    for name in ("crashes", "silent", "refused_whole", "unexplained"):
        assert getattr(found, name).total() == (name == counted)


def test_kinds_of_damage_change_a_file_or_say_that_they_do_not_apply() -> None:
    rows = [["client_id", "clinician_id", "rated_on", "metric", "concerns", "hours", "sessions"]]
    rows += [
        [f"c{n}", f"k{n}", "2026-03-01", "sum", "low_mood;no_sleep", "mon 09:00-10:00", "3"]
        for n in range(5)
    ]
    content = bytes_of(rows)
    assert cells_of(content) == rows
    for kind in table_damages():
        results = [kind.apply(Random(seed), content) for seed in range(5)]
        assert any(result not in (None, content) for result in results), kind.name


@pytest.mark.slow
def test_pairs_of_damages_end_no_command_in_a_traceback_and_lose_nothing(subject: Subject) -> None:
    (line,) = damage.measure(25, subject)

    assert line.passed, line.figure
