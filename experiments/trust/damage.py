"""Pairs of damages to the files that commands read: no traceback, and no loss without a word.

The files are a small practice's tables, a waiting list, places, an earlier allocation, folds, the
definition and a request. Each pair is tried on every command that reads a damaged file, in this
process. A command may refuse, if it names a damaged file; else it must give what it gives for the
whole files, or warn about a damaged file.
"""

import hashlib
import io
import json
import os
import random
import shutil
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from importlib.resources import files as package_files
from pathlib import Path

from typer.main import get_command

from experiments.trust.damages import (
    Damage,
    bytes_of,
    cells_of,
    json_damages,
    table_damages,
    toml_damages,
)
from experiments.trust.line import Line
from experiments.trust.subject import Subject
from recommender.cli.main import app
from recommender.errors import RecommenderError
from recommender.model.bundle import io as bundles
from recommender.model.bundle.io import save_bundle
from recommender.model.evidence_prior import evidence_model
from recommender.practice import definition
from recommender.practice.definition import practice_named
from recommender.serving.http.problems import problem_for
from recommender.serving.http.strict_json import JsonBody
from recommender.serving.recommendation_service import recommend_request
from recommender.serving.snapshot.snapshot import open_snapshot
from recommender.settings import Settings
from recommender.tables.loader import read_roster, read_tables
from recommender.tables.raw_table import TableFault
from recommender.training.dataset import dataset_of
from recommender.training.folds import folds_from_file

SEED = 20_261_128
PAIRINGS = 40
TABLES = ("clients.csv", "clinicians.csv", "pairings.csv", "ratings.csv")
KEYS = {"clients.csv": "client_id", "clinicians.csv": "clinician_id", "ratings.csv": "pairing_id"}
LIST, PLACES, FORMER, FOLDS = "list.csv", "places.csv", "allocation.csv", "folds.csv"
DEFINITION, REQUEST = "practice.toml", "request.json"
DAY = "2026-11-28"
COMMANDS = get_command(app)
WIDTH = "100000"
EVERY = 100
"""Pairs after which progress is printed."""

Files = Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Ending:
    """How a command ended: what it gave (None when it refused), what it printed, a traceback."""

    result: str | None
    printed: str
    crash: str | None = None


@dataclass(frozen=True, slots=True)
class Command:
    """A command, the files it reads, and how it is run in a folder of them."""

    name: str
    reads: frozenset[str]
    run: Callable[[Path], Ending]


@dataclass(slots=True)
class Found:
    """What came of all pairs."""

    pairs: int = 0
    runs: int = 0
    refused: int = 0
    warned: int = 0
    crashes: Counter[str] = field(default_factory=Counter)
    silent: Counter[str] = field(default_factory=Counter)
    refused_whole: Counter[str] = field(default_factory=Counter)
    unexplained: Counter[str] = field(default_factory=Counter)


def measure(count: int, subject: Subject) -> Sequence[Line]:
    """So many pairs of damages."""
    found = tried(count, subject)
    bad = found.crashes + found.silent + found.refused_whole + found.unexplained
    worst = "".join(f"; {what} ({times})" for what, times in bad.most_common(3))
    kinds = len(table_damages()) + len(toml_damages()) + len(json_damages())
    return (
        Line(
            "damaged files, two damages at a time",
            f"{found.pairs:,} pairs of {kinds} kinds over 10 files, {found.runs:,} commands run: "
            f"{found.refused:,} refused, {found.warned:,} with a warning",
            f"{found.crashes.total()} tracebacks, {found.silent.total()} silent losses, "
            f"{found.refused_whole.total()} harmless ones refused, "
            f"{found.unexplained.total()} refusals that name no damaged file{worst}",
            "0 tracebacks, 0 silent losses, 0 refused, 0 unnamed",
            not bad and found.pairs >= count,
        ),
    )


@contextmanager
def definitions_parsed_once() -> Iterator[None]:
    """Parses each definition once: most of the time of a command that reads small tables."""
    original = definition.read_practice
    once = lru_cache(maxsize=4)(original)
    for module in (definition, bundles):
        setattr(module, original.__name__, once)
    try:
        yield
    finally:
        for module in (definition, bundles):
            setattr(module, original.__name__, original)


def tried(count: int, subject: Subject, seed: int = SEED) -> Found:
    """What came of so many pairs, the same for the same subject and seed."""
    with definitions_parsed_once():
        return _tried(count, subject, random.Random(seed))


def _tried(count: int, subject: Subject, rng: random.Random) -> Found:
    os.environ["COLUMNS"] = WIDTH
    files, commands = prepared(subject)
    sound = subject.workspace / "sound"
    _write(sound, files)
    whole = {command.name: command.run(sound) for command in commands}
    for name, ending in whole.items():
        if ending.result is None:
            raise SystemExit(f"{name} refuses the whole files: {ending.printed}{ending.crash}")
    found = Found()
    folder = subject.workspace / "damaged"
    while found.pairs < count:
        made = _pair(rng, files)
        if made is None:
            continue
        damaged, damages = made
        found.pairs += 1
        _write(folder, damaged)
        for command in commands:
            names = command.reads & {name for name, _ in damages}
            if names:
                found.runs += 1
                judge(found, command, command.run(folder), whole[command.name], damages)
        if found.pairs % EVERY == 0:
            bad = f"{found.crashes.total()} tracebacks, {found.silent.total()} silent losses"
            print(f"damage: {found.pairs:,} of {count:,}: {bad}", file=sys.stderr)  # noqa: T201
    return found


def _pair(rng: random.Random, files: Files) -> tuple[Files, tuple[tuple[str, Damage], ...]] | None:
    """Files with two damages, and where each is; None where a kind does not apply."""
    damaged, damages = dict(files), list[tuple[str, Damage]]()
    # Half of the pairs are in one file, or in two that one command reads.
    one = rng.choice(sorted(files))
    for name in (one, one if rng.random() < 0.4 else rng.choice(sorted(files))):
        damage = rng.choice(_kinds(name))
        content = damage.apply(rng, damaged[name])
        if content is None:
            return None
        damaged[name] = content
        damages.append((name, damage))
    return damaged, tuple(damages)


def _kinds(name: str) -> Sequence[Damage]:
    if name.endswith(".csv"):
        return table_damages()
    return toml_damages() if name == DEFINITION else json_damages()


def judge(
    found: Found,
    command: Command,
    ending: Ending,
    whole: Ending,
    damages: Sequence[tuple[str, Damage]],
) -> None:
    """Counts how a command ended on damaged files, beside how it ends on the whole ones."""
    here = [(name, damage) for name, damage in damages if name in command.reads]
    what = f"{command.name}: " + " and ".join(f"{damage.name} in {name}" for name, damage in here)
    named = any(Path(name).stem in ending.printed for name, _ in here)
    undecided = any(damage.loses is None for _, damage in here)
    if ending.crash is not None:
        found.crashes[f"{what}: {ending.crash}"] += 1
        return
    if ending.result is None:
        found.refused += 1
        harmless = all(damage.loses is False for _, damage in here)
        if harmless and len({name for name, _ in here}) == len(here):
            found.refused_whole[what] += 1
        elif not (named or undecided or DEFINITION in dict(here) or REQUEST in dict(here)):
            found.unexplained[f"{what}: {ending.printed[:200]}"] += 1
        return
    found.warned += named
    if ending.result != whole.result and not named and not undecided:
        found.silent[what] += 1


def prepared(subject: Subject) -> tuple[Files, Sequence[Command]]:
    """The whole files, and the commands that read them."""
    files = dict(small_practice(subject.roster.parent))
    files |= _side_files(files)
    files[REQUEST] = subject.request
    files[DEFINITION] = _definition_text(subject.practice)
    commands = (
        Command("check", frozenset((*TABLES, DEFINITION)), _check),
        Command("practice check", frozenset((DEFINITION,)), _practice_check),
        Command(
            "allocate",
            frozenset(("clients.csv", "clinicians.csv", LIST, PLACES, FORMER)),
            _allocate(_prior(subject, files)),
        ),
        Command("evaluate --folds", frozenset((FOLDS,)), _folds(subject, files)),
        Command("recommend", frozenset((REQUEST,)), _recommend(subject)),
    )
    return files, commands


def small_practice(tables: Path) -> Files:
    """The first pairings of a practice's tables, with their people and ratings."""
    rows = {name: cells_of((tables / name).read_bytes()) or [] for name in TABLES}
    pairings = rows["pairings.csv"][: PAIRINGS + 1]
    known = {key: {row[pairings[0].index(key)] for row in pairings[1:]} for key in KEYS.values()}
    kept = {"pairings.csv": pairings}
    for name, key in KEYS.items():
        header, *others = rows[name]
        place = header.index(key)
        kept[name] = [header, *(row for row in others if row[place] in known[key])]
    return {name: bytes_of(kept[name]) for name in TABLES}


def _prior(subject: Subject, files: Files) -> Path:
    """A bundle that is read in milliseconds: what is damaged here is not the model."""
    practice, tables = practice_named(subject.practice), subject.workspace / "roster"
    _write(tables, files)
    now = datetime.now(UTC)
    roster = read_roster(tables / "clinicians.csv", practice, now)
    model = evidence_model(
        practice, roster.columns, roster.ids, data_digest="", created_at=now.isoformat()
    )
    save_bundle(model, subject.workspace / "prior")
    return subject.workspace / "prior"


def _side_files(tables: Files) -> Files:
    clients = [row[0] for row in (cells_of(tables["clients.csv"]) or [])[1:]]
    clinicians = [row[0] for row in (cells_of(tables["clinicians.csv"]) or [])[1:]]
    pairings = [row[0] for row in (cells_of(tables["pairings.csv"]) or [])[1:]]
    waiting = [
        [client, str(1 + row % 3), "1.5" if row % 4 else "", f"2026-10-{1 + row % 28:02}",
         clinicians[0] if row == 1 else ""]
        for row, client in enumerate(clients[:20])
    ]  # fmt: skip
    places = [[clinician, str(1 + row % 3)] for row, clinician in enumerate(clinicians)]
    former = [[client, "given", clinicians[-1]] for client in clients[:5]]
    folds = [[pairing, "ab"[row % 2]] for row, pairing in enumerate(pairings)]
    return {
        LIST: bytes_of([["client_id", "priority", "weight", "waiting_since", "told"], *waiting]),
        PLACES: bytes_of([["clinician_id", "places"], *places]),
        FORMER: bytes_of([["client_id", "state", "clinician_id"], *former]),
        FOLDS: bytes_of([["pairing_id", "fold"], *folds]),
    }


def _definition_text(practice: str) -> bytes:
    path = Path(practice)
    if path.suffix == ".toml":
        return path.read_bytes()
    shipped = package_files("recommender.practice.shipped") / f"{practice}.toml"
    return shipped.read_bytes()


def _write(folder: Path, files: Files) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)


def _invoked(words: Sequence[object], result: Callable[[], str]) -> Ending:
    """A command line run in this process, wide enough that no name is broken across lines."""
    printed, code = io.StringIO(), 0
    with redirect_stdout(printed), redirect_stderr(printed):
        try:
            COMMANDS.main(args=list(map(str, words)), prog_name="recommender")
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 1
        except Exception as error:
            return Ending(None, printed.getvalue(), _place_of(error))
    return Ending(result() if code == 0 else None, printed.getvalue())


def _place_of(error: BaseException) -> str:
    """The kind of an error and where it was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "recommender" in frame.filename] or frames
    return f"{type(error).__name__} at {Path(ours[-1].filename).name}:{ours[-1].lineno}"


def _digest(*contents: bytes) -> str:
    return hashlib.sha256(b"\0".join(contents)).hexdigest()


def _check(folder: Path) -> Ending:
    toml = folder / DEFINITION

    def result() -> str:
        practice = practice_named(str(toml))
        return read_tables(folder, practice, None).digest + practice.digest

    return _invoked(["check", folder, "--practice", toml], result)


def _practice_check(folder: Path) -> Ending:
    toml = folder / DEFINITION
    return _invoked(["practice", "check", toml], lambda: practice_named(str(toml)).digest)


def _allocate(bundle: Path) -> Callable[[Path], Ending]:
    def run(folder: Path) -> Ending:
        out = folder / "out"
        named = {
            "--clients": folder / "clients.csv",
            "--roster": folder / "clinicians.csv",
            "--list": folder / LIST,
            "--places": folder / PLACES,
            "--previous": folder / FORMER,
            "--out": out,
            "--bundle": bundle,
            "--day": DAY,
        }
        words = [word for pair in named.items() for word in pair]
        tables = ("allocation.csv", "places.csv")
        return _invoked(
            ["allocate", *words], lambda: _digest(*((out / name).read_bytes() for name in tables))
        )

    return run


def _folds(subject: Subject, files: Files) -> Callable[[Path], Ending]:
    """The reading of `evaluate --folds`, without the fits that follow."""
    tables = subject.workspace / "tables"
    _write(tables, {name: files[name] for name in TABLES})
    practice = practice_named(subject.practice)
    dataset = dataset_of(read_tables(tables, practice, None), practice)

    def run(folder: Path) -> Ending:
        warnings: list[TableFault] = []
        try:
            folds = folds_from_file(dataset, folder / FOLDS, None, warnings.append)
        except RecommenderError as error:
            return Ending(None, str(error))
        except Exception as error:
            return Ending(None, "", _place_of(error))
        printed = "\n".join(str(warning.to_fault()) for warning in warnings)
        return Ending(repr([(f.name, f.train.tolist(), f.test.tolist()) for f in folds]), printed)

    return run


def _recommend(subject: Subject) -> Callable[[Path], Ending]:
    """A request as a server computes it, from its bytes to the response."""
    snapshot = open_snapshot(Settings(bundle=subject.bundle, roster=subject.roster))

    def run(folder: Path) -> Ending:
        try:
            body = JsonBody((folder / REQUEST).read_bytes())
            response = recommend_request(snapshot, body).response
        except Exception as error:
            problem = problem_for(error)
            crash = _place_of(error) if problem.kind.status >= 500 else None
            return Ending(None, problem.kind.title, crash)
        shown = response.model_dump(mode="json")
        changing = ("recommendation_id", "id", "created_at", "asked_at")
        return Ending(json.dumps({k: v for k, v in shown.items() if k not in changing}), "")

    return run
