"""The command `sync cliniko`: keeps roster and pairings current from a Cliniko account."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from recommender.cli import render
from recommender.cli.commands.console import (
    AsJson,
    Definition,
    definition,
    err,
    exit_on_error,
    out,
    print_json,
    reads_tables,
)
from recommender.errors import Fault, RecommenderError
from recommender.practice.definition import Practice
from recommender.values.table_format import TableFormat

if TYPE_CHECKING:
    from recommender.importing.cliniko.account import ClinikoAccount
    from recommender.importing.cliniko.client import ClinikoClient
    from recommender.importing.cliniko.pairings_file import PairingChanges
    from recommender.importing.cliniko.roster_changes import FactChanges
    from recommender.importing.cliniko.synchronise import Synchronised

STATE = Path("var/cliniko/state.db")
KEY = Path("var/import/pseudonyms.key")
SHOWN = 40
"""Changed facts printed; `--json` has all."""


@dataclass(frozen=True, slots=True)
class Targets:
    """Where a synchronisation writes to, and how tables are written."""

    roster: Path | None
    pairings: Path | None
    server: str | None
    written: TableFormat
    dry_run: bool


@dataclass(frozen=True, slots=True)
class SyncOutcome:
    """What was found, and what changed where."""

    found: "Synchronised"
    file: "FactChanges | None"
    server: "FactChanges | None"
    pairings: "PairingChanges | None"


@reads_tables
def cliniko(
    mapping: Annotated[
        Path, typer.Option(help="Which of Cliniko's ids is which of ours (TOML).")
    ] = Path("cliniko.toml"),
    roster: Annotated[
        Path | None,
        typer.Option(help="The clinicians table to keep current (.csv).", show_default=False),
    ] = None,
    pairings: Annotated[
        Path | None,
        typer.Option(
            help="A table of pairings to write (.csv), which belongs to this command.",
            show_default=False,
        ),
    ] = None,
    server: Annotated[
        str | None,
        typer.Option(
            help="A running server whose roster is kept current; its key is RECOMMENDER_KEY.",
            show_default=False,
        ),
    ] = None,
    practice: Definition = "psychology",
    state: Annotated[
        Path, typer.Option(help="What was read so far; one file for each account.")
    ] = STATE,
    key: Annotated[
        Path, typer.Option(help="File with the key of pseudonyms, the same as for `import`.")
    ] = KEY,
    full: Annotated[
        bool, typer.Option("--full", help="Read everything again, not only what changed.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would change; write nothing.")
    ] = False,
    init: Annotated[
        str | None,
        typer.Option(
            metavar="CONTACT",
            help="Write a first --mapping with all that Cliniko lists. CONTACT names you to "
            "Cliniko: 'Practice (e-mail)'.",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
    *,
    written: TableFormat,
) -> None:
    """Read roster, hours, absences, next free times and sessions from Cliniko; write nothing there.

    The API key is in CLINIKO_API_KEY. Interrupted, the same command continues. Exits 0 also with
    warnings.

    Example: `recommender sync cliniko --mapping cliniko.toml --roster clinicians.csv --dry-run`
    """
    with exit_on_error(as_json=as_json):
        declared = definition(practice)
        if init is not None:
            _write_draft(init, mapping, roster, declared, written)
            return
        if roster is None and server is None:
            remedy = "name a table with --roster, a running server with --server, or both"
            raise RecommenderError("sync cliniko", "has nothing to keep current", remedy)
        targets = Targets(roster, pairings, server, written, dry_run)
        outcome = _synchronised(mapping, targets, declared, state, key, full=full)
    if as_json:
        print_json(_facts(outcome, dry_run=dry_run))
        return
    _print_outcome(outcome, targets)


def _synchronised(
    path: Path, targets: Targets, practice: Practice, state: Path, key: Path, *, full: bool
) -> SyncOutcome:
    from recommender.importing.cliniko.account import account_of, checked_rate
    from recommender.importing.cliniko.mapping import load_mapping
    from recommender.importing.cliniko.state_file import copied_state, opened_state
    from recommender.importing.cliniko.synchronise import SyncTask, synchronise
    from recommender.importing.pseudonyms import preview_pseudonyms, read_pseudonyms

    mapping = load_mapping(path, practice)
    settings = mapping.settings
    account = account_of(os.environ, settings.contact)
    per_minute = checked_rate(account, settings.requests_per_minute)
    read_key = preview_pseudonyms if targets.dry_run else read_pseudonyms
    task = SyncTask(mapping, practice, read_key(key), targets.pairings is not None)
    opened = copied_state if targets.dry_run else opened_state
    with opened(state) as store, err.status("reading Cliniko"):
        with _client(account, per_minute) as client:
            found = synchronise(client, store, task, address=account.address, full=full)
        # Within the state's lock: of two runs at a time the second writes nothing.
        return _written(found, targets, practice)


def _written(found: "Synchronised", targets: Targets, practice: Practice) -> SyncOutcome:
    """The changes, made unless it is a dry run; tables are checked before anything is written."""
    from recommender.importing.cliniko.clinicians_file import merge_into_file, write_table
    from recommender.importing.cliniko.pairings_file import pairing_changes
    from recommender.importing.cliniko.server_roster import RosterServer, merge_into_server

    now = datetime.now(UTC)
    merged = pairs = on_server = None
    if targets.roster is not None:
        merged = merge_into_file(targets.roster, found.facts, practice, now, targets.written)
    if targets.pairings is not None and found.sessions is not None:
        pairs = pairing_changes(targets.pairings, found.sessions.pairings)
    if targets.server is not None:
        server = RosterServer(targets.server, os.environ.get("RECOMMENDER_KEY", ""))
        on_server = merge_into_server(
            server, found.facts, practice, _json_of(), dry_run=targets.dry_run
        )
    if targets.roster is not None and merged is not None and not targets.dry_run:
        # An unchanged table is written too: its time says that it is current.
        write_table(targets.roster, merged.text)
    if targets.pairings is not None and pairs is not None and not targets.dry_run:
        write_table(targets.pairings, pairs.text)
    return SyncOutcome(found, merged.changes if merged else None, on_server, pairs)


def print_wait(line: str) -> None:
    """Prints on standard error why nothing happens for a while."""
    err.print(line, markup=False, highlight=False, soft_wrap=True)


@contextmanager
def _client(account: "ClinikoAccount", per_minute: int) -> "Iterator[ClinikoClient]":
    from recommender.importing.cliniko.client import ClinikoClient
    from recommender.importing.cliniko.request_pace import RequestPace

    pace = RequestPace(per_minute, time.monotonic, time.sleep, print_wait)
    with closing(ClinikoClient(account, pace, time.time, time.sleep, print_wait)) as client:
        yield client


def _json_of() -> Callable[[str, Any], Any]:
    """The JSON form of a raw cell, as the server's interface has it."""
    from recommender.serving.schemas.json_types import JSON_TYPES

    def to_json(kind: str, cell: Any) -> Any:
        return float(cell) if kind == "money" else JSON_TYPES[kind].json_of(cell)

    return to_json


def _write_draft(
    contact: str, path: Path, roster: Path | None, practice: Practice, written: TableFormat
) -> None:
    from recommender.importing.cliniko.account import account_of, check_contact
    from recommender.importing.cliniko.clinicians_file import write_table
    from recommender.importing.cliniko.mapping_draft import mapping_draft
    from recommender.importing.cliniko.request_pace import DEFAULT_PER_MINUTE
    from recommender.importing.cliniko.state_file import copied_state
    from recommender.importing.cliniko.synchronise import read_directory
    from recommender.tables.loader import read_roster

    check_contact(contact)
    if path.exists():
        remedy = "name another file with --mapping, or remove it"
        raise RecommenderError(str(path), "is there already", remedy)
    names: dict[str, str | None] = {}
    if roster is not None and roster.exists():
        known = read_roster(roster, practice, datetime.now(UTC), written)
        names = dict(zip(known.ids, known.names, strict=True))
    account = account_of(os.environ, contact)
    with copied_state(None) as store, _client(account, DEFAULT_PER_MINUTE) as client:
        directory = read_directory(client, store)
    write_table(path, mapping_draft(directory, practice, contact, names))
    out.print(
        f"Written: {path}. Correct it, then: recommender sync cliniko --mapping {path} --dry-run",
        markup=False,
        soft_wrap=True,
    )


def _facts(outcome: SyncOutcome, *, dry_run: bool) -> dict[str, Any]:
    found, pairs = outcome.found, outcome.pairings
    sessions = found.sessions
    return {
        "dry_run": dry_run,
        "read": asdict(found.counts),
        "roster": None if outcome.file is None else asdict(outcome.file),
        "server": None if outcome.server is None else asdict(outcome.server),
        "pairings": None
        if pairs is None
        else {name: getattr(pairs, name) for name in ("rows", "added", "changed", "removed")},
        "appointments": None if sessions is None else sessions.appointments,
        "sessions": None if sessions is None else sessions.sessions,
        "warnings": [str(each) for each in found.warnings],
    }


def _print_outcome(outcome: SyncOutcome, targets: Targets) -> None:
    counts, sessions = outcome.found.counts, outcome.found.sessions
    kind = "all appointments" if counts.full else "what changed"
    resumed = ", continuing an interrupted run" if counts.resumed else ""
    _say(f"Read {kind}{resumed}: {counts.pages:,} pages, {counts.records:,} records.")
    if sessions is not None:
        _say(f"{sessions.appointments:,} appointments known, {sessions.sessions:,} sessions.")
    verb = "would change" if targets.dry_run else "changed"
    for target, changes in ((targets.roster, outcome.file), (targets.server, outcome.server)):
        if changes is None:
            continue
        added = f", {len(changes.added)} clinicians added" if changes.added else ""
        _say(f"{target}: {len(changes.facts)} facts {verb}{added}.")
        _print_changes(changes)
    if outcome.pairings is not None:
        pairs = outcome.pairings
        text = f"{pairs.added:,} new, {pairs.changed:,} changed, {pairs.removed:,} gone"
        _say(f"{targets.pairings}: {pairs.rows:,} pairings, {text}.")
    render.print_warnings(err, _shown_warnings(outcome))
    if targets.dry_run:
        _say("Nothing was written. Without --dry-run it is.")


def _shown_warnings(outcome: SyncOutcome) -> list[Fault]:
    added = {each for some in (outcome.file, outcome.server) if some for each in some.added}
    warnings = list(outcome.found.warnings)
    if added:
        problem = "is new and has nothing but what Cliniko gives"
        remedy = "fill in the other columns; without them nobody is offered"
        warnings.append(Fault(f"clinicians {', '.join(sorted(added))}", problem, remedy))
    return warnings


def _print_changes(changes: "FactChanges") -> None:
    for change in changes.facts[:SHOWN]:
        before, after = (each or "not known" for each in (change.before, change.after))
        _say(f"  {change.clinician_id} {change.field}: {before} -> {after}")
    left = len(changes.facts) - SHOWN
    if left > 0:
        _say(f"  and {left} more; --json has all")


def _say(text: str) -> None:
    out.print(text, markup=False, soft_wrap=True)
