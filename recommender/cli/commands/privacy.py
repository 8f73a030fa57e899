"""The commands `subject`, `sweep`, `audit` and `privacy-statement`."""

import os
from getpass import getuser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from recommender.cli.commands.console import (
    Definition,
    RequiredStoreUrl,
    definition,
    err,
    exit_on_error,
    opened_store,
    out,
)
from recommender.errors import RecommenderError

if TYPE_CHECKING:
    from recommender.journal.retention import Ages

subject_app = typer.Typer(no_args_is_help=True, help="Export or erase the data of one client.")
audit_app = typer.Typer(no_args_is_help=True, help="Verify and anchor the audit log.")

Pseudonym = Annotated[str, typer.Argument(help="The client's pseudonym.")]
By = Annotated[str | None, typer.Option(help="Name for the audit log; the account by default.")]
MONTHS = "Months after which {} are deleted; 0 is never."
Payload = Annotated[
    int,
    typer.Option(
        min=0, envvar="RECOMMENDER_PAYLOAD_MONTHS", help=MONTHS.format("answers and responses")
    ),
]
Outcomes = Annotated[
    int,
    typer.Option(
        min=0, envvar="RECOMMENDER_RATING_MONTHS", help=MONTHS.format("pairings and ratings")
    ),
]
Trail = Annotated[
    int,
    typer.Option(
        min=0, envvar="RECOMMENDER_AUDIT_MONTHS", help=MONTHS.format("rows of the audit log")
    ),
]
DraftHours = Annotated[
    int,
    typer.Option(
        "--drafts",
        min=1,
        envvar="RECOMMENDER_DRAFT_HOURS",
        help="Hours after which answers that were typed and not sent are deleted.",
    ),
]
Anchors = Annotated[
    Path | None,
    typer.Option(
        "--anchors",
        envvar="RECOMMENDER_ANCHORS",
        help="The file of anchors, where the owner of the database cannot write.",
    ),
]


@subject_app.command("export")
def subject_export(
    pseudonym: Pseudonym,
    store: RequiredStoreUrl,
    to: Annotated[Path | None, typer.Option(help="A new file, instead of the terminal.")] = None,
    by: By = None,
) -> None:
    """Write all that is stored of one client as JSON; the audit log records it."""
    from recommender.journal.privacy_requests import export_subject

    with opened_store(store) as journal, journal.writing() as transaction:
        exported = export_subject(transaction, pseudonym, actor=_who(by))
        if to is not None:
            _write_new(to, exported)
    if to is None:
        typer.echo(exported.decode())
    else:
        err.print(f"Written to {to}", markup=False, soft_wrap=True)


@subject_app.command("erase")
def subject_erase(
    pseudonym: Pseudonym,
    store: RequiredStoreUrl,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    by: By = None,
) -> None:
    """Erase one client, rows and key; print what was deleted and which models learned from them."""
    from recommender.journal.privacy_requests import erase_subject

    if not yes:
        typer.confirm("Everything stored of this client is deleted for good. Continue?", abort=True)
    with opened_store(store) as journal:
        erased = erase_subject(journal, pseudonym, actor=_who(by))
    out.print(f"Erasure {erased.erasure_id}: {sum(erased.rows.values())} rows deleted.")
    for name, rows in erased.rows.items():
        if rows:
            out.print(f"  {name}: {rows}", markup=False)
    if not erased.model_digests:
        out.print("No model learned from them.")
        return
    out.print("These models learned from them; train again, then promote the new one:")
    for digest in erased.model_digests:
        out.print(f"  {digest}", markup=False, soft_wrap=True)


def sweep(
    store: RequiredStoreUrl,
    payload: Payload = 24,
    ratings: Outcomes = 84,
    audit: Trail = 84,
    drafts: DraftHours = 24,
    by: By = None,
) -> None:
    """Delete rows past their age; run it daily."""
    from recommender.journal.retention import sweep as swept

    with opened_store(store) as journal:
        with journal.writing() as transaction:
            ages = ages_of(payload, ratings, audit, drafts)
            counts = swept(transaction, ages, actor=_who(by))
        journal.scrub(tuple(name for name, rows in counts.items() if rows))
    deleted = ", ".join(f"{rows} of {name}" for name, rows in counts.items() if rows)
    out.print(f"Deleted {deleted or 'nothing'}.")


@audit_app.command("verify")
def audit_verify(store: RequiredStoreUrl, anchors: Anchors = None) -> None:
    """Verify the audit log and name the first row that is wrong; exits 1 when one is."""
    from recommender.journal.audit_log import verify

    with opened_store(store) as journal, journal.reading() as transaction:
        verdict = verify(transaction, anchors)
    if verdict.holds:
        against = "and agrees with its anchors" if anchors else "(no anchors were given)"
        out.print(f"Sound {against}: {verdict.rows} rows, the newest is {verdict.head.seq}.")
        return
    err.print(f"Row {verdict.first_bad} {verdict.problem}.", style="red")
    raise typer.Exit(1)


@audit_app.command("anchor")
def audit_anchor(store: RequiredStoreUrl, anchors: Anchors = None) -> None:
    """Add the newest row's hash to a file outside the database; run it hourly."""
    from recommender.journal.audit_log import anchor

    if anchors is None:
        raise typer.BadParameter("name the file: --anchors, or RECOMMENDER_ANCHORS")
    with opened_store(store) as journal:
        head = anchor(journal, anchors)
    out.print(f"Anchored row {head.seq}: {head.row_hash}", soft_wrap=True)


def privacy_statement(
    practice: Definition = "psychology",
    payload: Payload = 24,
    ratings: Outcomes = 84,
    audit: Trail = 84,
    drafts: DraftHours = 24,
) -> None:
    """Print which personal information feeds which decision, as Markdown for a privacy policy."""
    from recommender.journal.privacy_statement import privacy_statement

    with exit_on_error():
        ages = ages_of(payload, ratings, audit, drafts)
        statement = privacy_statement(definition(practice), ages)
    typer.echo(statement, nl=False)


def ages_of(payload: int, ratings: int, audit: int, draft_hours: int) -> "Ages":
    """Ages in months, 0 for rows that are never deleted; of drafts in hours."""
    from recommender.journal.retention import Ages

    return Ages(payload or None, ratings or None, audit or None, draft_hours)


def _who(by: str | None) -> str:
    return by or getuser()


def _write_new(path: Path, content: bytes) -> None:
    """Writes a new file that only its owner may read."""
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
    except OSError:
        problem, remedy = "cannot be written", "name a new file in a folder that may be written"
        raise RecommenderError("to", problem, remedy) from None
