"""The commands `backup` and `restore`."""

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from recommender.cli import render
from recommender.cli.commands.console import REGISTRY, StoreUrl, err, exit_on_error, must_exist, out
from recommender.cli.record_table import RecordTable
from recommender.registry.versions import tracking_reachable

if TYPE_CHECKING:
    from recommender.backup.manifest import BackupManifest
    from recommender.store.table_copy import TableContent


class Part(StrEnum):
    """Parts of a backup."""

    store = "store"
    registry = "registry"
    bundles = "bundles"


def backup(
    to: Annotated[
        Path, typer.Argument(metavar="DEST", help="A new folder, such as /srv/backups/2026-11-28.")
    ],
    store: StoreUrl = None,
    registry: Annotated[
        str | None,
        typer.Option(help=f"mlflow: a database such as sqlite:///…; {REGISTRY} by default."),
    ] = None,
    bundles: Annotated[
        Path, typer.Option(help="Where the server caches bundles, as in `serve`.")
    ] = Path("var/bundles"),
    without: Annotated[
        list[Part] | None, typer.Option(help="Leave a part out; repeat for more.")
    ] = None,
) -> None:
    """Copy store, registry and bundle cache, each as of one moment, while servers go on.

    The folder holds personal data, and none of the secrets a server is started with.
    """
    from recommender.backup.writing import BackupSources, write_backup

    left_out = {part.value: "left out by --without" for part in without or ()}
    with exit_on_error():
        if Part.registry not in left_out and registry is not None:
            must_exist(registry)
        address = registry or REGISTRY
        if not tracking_reachable(address):
            left_out.setdefault(Part.registry, f"there is none at {address}")
        if store is None:
            left_out.setdefault(Part.store, "none is named with --store or RECOMMENDER_STORE")
        if Part.registry in left_out or not bundles.is_dir():
            left_out.setdefault(Part.bundles, "there is none, or its registry is left out")
        sources = BackupSources(
            store=None if Part.store in left_out else store,
            registry=None if Part.registry in left_out else address,
            bundles=None if Part.bundles in left_out else bundles,
            left_out=left_out,
        )
        with render.progress_bar(err) as progress:
            written = write_backup(sources, to, now=datetime.now(UTC), progress=progress)
    _print_contents(written)
    out.print(f"Backup written to {to}. Next: recommender restore {to} --check", soft_wrap=True)


def restore(
    source: Annotated[Path, typer.Argument(metavar="SRC", help="A folder written by `backup`.")],
    check: Annotated[
        bool, typer.Option("--check", help="Verify the backup, and write nothing.")
    ] = False,
    into: Annotated[
        Path | None, typer.Option(help="A new folder for store, registry and bundle cache.")
    ] = None,
    store: Annotated[
        str | None,
        typer.Option(
            help="An empty PostgreSQL database for the store, in place of a file in the folder: "
            "postgresql+psycopg://…"
        ),
    ] = None,
    replace: Annotated[
        bool,
        typer.Option(
            "--replace",
            help="Move what the folder holds aside, and replace the rows of the database.",
        ),
    ] = False,
) -> None:
    """Verify a backup and restore it into a new folder; stop the server of a --store first."""
    from recommender.backup.checking import sound_backup
    from recommender.backup.restoring import restore_backup

    if check == (into is not None):
        raise typer.BadParameter("give --check to verify the backup, or --into to restore it")
    with exit_on_error(), render.progress_bar(err) as progress:
        if into is None:
            manifest = sound_backup(source, progress)
        else:
            restored = restore_backup(
                source,
                into,
                database=store,
                replace=replace,
                now=datetime.now(UTC),
                progress=progress,
            )
            manifest = restored.manifest
    if into is None:
        _print_contents(manifest)
        out.print("The backup is sound.")
        _note_check(source)
        return
    _print_contents(manifest, restored.store.tables if restored.store else None)
    if restored.moved_aside is not None:
        out.print(f"What the folder held is in {restored.moved_aside}.", soft_wrap=True)
    _print_next(into.absolute(), manifest, store)
    if restored.webhooks_off:
        out.print(
            f"Webhooks are off here ({restored.webhooks_off} were on), so that a copy sends "
            "nothing: once the original is stopped, enable each with "
            "`recommender webhooks enable ENDPOINT`.",
            soft_wrap=True,
        )


def _note_check(source: Path) -> None:
    """Notes the check for the page of backups, where the folder can be written."""
    from recommender.backup.manifest import note_check

    try:
        note_check(source, datetime.now(UTC))
    except OSError:
        err.print("The check is not noted there: the folder cannot be written.")


def _print_contents(
    manifest: "BackupManifest", restored: "Mapping[str, TableContent] | None" = None
) -> None:
    """What a backup holds, its rows beside those restored, and what it does not hold."""
    if manifest.store is not None:
        headings = ("table", "rows") if restored is None else ("table", "rows", "restored")
        table = RecordTable(f"Store, schema {manifest.store.schema_version}", headings)
        for name, content in manifest.store.tables.items():
            cells = [name, f"{content.rows:,}"]
            table.add_row(*cells, *([] if restored is None else [f"{restored[name].rows:,}"]))
        out.print(table)
    if manifest.registry is not None:
        versions = manifest.registry.versions
        out.print(f"Registry: {versions} version{'s'[versions == 1 :]}.")
        for version, why in manifest.registry.unsound.items():
            err.print(f"Version {version}: {why} where it was copied from.", soft_wrap=True)
    if manifest.cache is not None:
        bundles = manifest.cache.bundles
        out.print(f"Bundle cache: {bundles} bundle{'s'[bundles == 1 :]}.")
    for part, why in manifest.not_included.items():
        err.print(f"Not included: {part}; {why}.", markup=False, soft_wrap=True)
    size = sum(fact.bytes for fact in manifest.files.values())
    out.print(
        f"{len(manifest.files):,} files, {size:,} bytes, of {manifest.created_at:%Y-%m-%d %H:%M} "
        f"UTC, by recommender {manifest.program}.",
        soft_wrap=True,
    )


def _print_next(into: Path, manifest: "BackupManifest", store: str | None) -> None:
    out.print("Verified. Next:")
    if manifest.store is not None:
        # An address may hold a password.
        address = f"sqlite:///{into}/recommender.db" if store is None else "the address you named"
        out.print(f"  RECOMMENDER_STORE: {address}", markup=False, soft_wrap=True)
    options = ""
    if manifest.registry is not None:
        options += f" --registry sqlite:///{into}/mlflow.db"
    if manifest.cache is not None:
        options += f" --bundles {into}/bundles"
    out.print(f"  recommender serve{options}", markup=False, soft_wrap=True)
    out.print(
        "Then repeat the erasures of clients, and revoke the keys and accounts, that were erased "
        f"or revoked after {manifest.created_at:%Y-%m-%d %H:%M} UTC.",
        soft_wrap=True,
    )
