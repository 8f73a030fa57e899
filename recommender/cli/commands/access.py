"""Who may ask: `keys` for programs, `staff` for people. Imported by `cli`.

Passwords are typed or piped in, never given as words of a command: those stand in process lists.
"""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from recommender.cli.commands.console import err, exit_on_error, out

if TYPE_CHECKING:
    from recommender.security.keys import KeyFacts, NewKey, Pepper
    from recommender.security.passwords import Account
    from recommender.store.database import Store

keys_app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Keys for programs that ask this server: the matching tool, a scraper of metrics, a "
    "script.\n\nA key is shown once, when it is made, and kept as a hash. Send it as "
    "`Authorization: Bearer rk_...`. To replace one without a gap: `rotate`, give the program the "
    "new key, then `revoke` the old one or let it end.\n\nNeeds RECOMMENDER_STORE and "
    "RECOMMENDER_PEPPER, the same as the server's.",
)
staff_app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Accounts of people who log in with a password.\n\nNeeds RECOMMENDER_STORE, the same as "
    "the server's.",
)
StoreUrl = Annotated[
    str,
    typer.Option(
        "--store",
        envvar="RECOMMENDER_STORE",
        help="The server's database: sqlite:///PATH or postgresql+psycopg://USER@HOST/NAME.",
        show_default=False,
    ),
]
PepperText = Annotated[str, typer.Option(envvar="RECOMMENDER_PEPPER", hidden=True)]
Name = Annotated[str, typer.Argument(help="What the program is called, such as website.")]
Person = Annotated[str, typer.Argument(help="The name the person logs in with.")]
Days = Annotated[int, typer.Option(help="How long the key lasts.", min=1, max=730)]


@keys_app.command("create")
def create(
    name: Name,
    store: StoreUrl,
    pepper: PepperText = "",
    role: Annotated[
        str,
        typer.Option(
            help="`tool` asks and sees client-safe answers; `staff` also sees contributions, "
            "decides and rates; `scientist` reads models and training tables; `admin` manages "
            "rosters, keys and privacy."
        ),
    ] = "tool",
    only: Annotated[
        str | None,
        typer.Option(help="Only these scopes of the role, such as `metrics:read` for a scraper."),
    ] = None,
    days: Days = 365,
) -> None:
    """Make a key for a program and show it once."""
    from recommender.security.keys import KeyRequest, create_key
    from recommender.security.scopes import role_named

    with exit_on_error(), opened(store) as journal:
        sound = _pepper(pepper)
        wanted = KeyRequest(name, role_named(role), only, timedelta(days=days))
        with journal.writing() as connection:
            issued = create_key(connection, wanted, sound, now=_now(), actor=_actor())
    _show_once(issued)


@keys_app.command("list")
def list_all(store: StoreUrl) -> None:
    """Show every key there is or was, without its secret."""
    from recommender.security.keys import list_keys

    with exit_on_error(), opened(store) as journal, journal.reading() as connection:
        found = list_keys(connection)
    if not found:
        err.print("There is no key yet: make one with `recommender keys create website`.")
        return
    out.print(_keys_table(found, _now()))


@keys_app.command("rotate")
def rotate(
    name: Name,
    store: StoreUrl,
    pepper: PepperText = "",
    overlap_days: Annotated[
        int, typer.Option(help="How long the old key still works.", min=0, max=90)
    ] = 7,
    days: Days = 365,
) -> None:
    """Make the key that replaces a program's live one; both work for a while."""
    from recommender.security.keys import rotate_key

    overlap, lifetime = timedelta(days=overlap_days), timedelta(days=days)
    with exit_on_error(), opened(store) as journal:
        sound = _pepper(pepper)
        with journal.writing() as connection:
            issued = rotate_key(
                connection,
                name,
                sound,
                now=_now(),
                actor=_actor(),
                overlap=overlap,
                lifetime=lifetime,
            )
    _show_once(issued)
    err.print(f"The old key works for {overlap_days} more days at most.")


@keys_app.command("revoke")
def revoke(
    key: Annotated[str, typer.Argument(help="The key's id of 8 letters, as `keys list` shows.")],
    store: StoreUrl,
) -> None:
    """End a key at once."""
    from recommender.security.keys import revoke_key

    with exit_on_error(), opened(store) as journal, journal.writing() as connection:
        ended = revoke_key(connection, key, now=_now(), actor=_actor())
    out.print(f"Key {ended.key_id} of {ended.name} is revoked: its next request is refused.")


@staff_app.command("add")
def add(
    name: Person,
    store: StoreUrl,
    role: Annotated[str, typer.Option(help="`staff`, `scientist` or `admin`.")] = "staff",
) -> None:
    """Make an account; the password is asked for, or read from a pipe."""
    from recommender.security.passwords import add_account
    from recommender.security.scopes import role_named

    with exit_on_error(), opened(store) as journal:
        known, typed = role_named(role), _typed()
        with journal.writing() as connection:
            add_account(connection, name, known, typed, now=_now(), actor=_actor())
    out.print(f"{name} may log in as {role}.", markup=False)


@staff_app.command("list")
def list_people(store: StoreUrl) -> None:
    """Show every account there is or was."""
    from recommender.security.passwords import list_accounts

    with exit_on_error(), opened(store) as journal, journal.reading() as connection:
        found = list_accounts(connection)
    if not found:
        err.print("There is no account yet: make one with `recommender staff add NAME`.")
        return
    out.print(_accounts_table(found, _now()))


@staff_app.command("password")
def password(name: Person, store: StoreUrl) -> None:
    """Give an account a new password, unlock it, and end its sessions."""
    from recommender.security.passwords import change_password

    with exit_on_error(), opened(store) as journal:
        typed = _typed()
        with journal.writing() as connection:
            change_password(connection, name, typed, actor=_actor())
    out.print(f"{name} has a new password and must log in again.", markup=False)


@staff_app.command("remove")
def remove(name: Person, store: StoreUrl) -> None:
    """Close an account for good and end its sessions."""
    from recommender.security.passwords import remove_account

    with exit_on_error(), opened(store) as journal, journal.writing() as connection:
        remove_account(connection, name, now=_now(), actor=_actor())
    out.print(f"{name} can no longer log in. The name stays taken.", markup=False)


@contextmanager
def opened(url: str) -> Iterator["Store"]:
    """The store for one command."""
    from recommender.store.migration import open_store

    store = open_store(url)
    try:
        yield store
    finally:
        store.close()


def _pepper(text: str) -> "Pepper":
    from recommender.security.keys import Pepper

    return Pepper.of(text)


def _keys_table(found: "Sequence[KeyFacts]", now: datetime) -> Table:
    table = Table("id", "name", "role", "only", "made", "ends", "last used", "state", box=None)
    for key in found:
        ended = "revoked" if key.revoked_at else "ended"
        used = f"{key.last_used_on:%Y-%m-%d}" if key.last_used_on else "never"
        table.add_row(
            key.key_id,
            key.name,
            key.role,
            key.only or "",
            f"{key.created_at:%Y-%m-%d}",
            f"{key.expires_at:%Y-%m-%d}",
            used,
            "live" if key.live(now) else ended,
        )
    return table


def _accounts_table(found: "Sequence[Account]", now: datetime) -> Table:
    table = Table("name", "role", "made", "state", box=None)
    for account in found:
        locked = account.locked_until is not None and now < account.locked_until
        open_or_locked = "locked for a while" if locked else "open"
        state = "removed" if account.removed_at else open_or_locked
        table.add_row(account.name, account.role, f"{account.created_at:%Y-%m-%d}", state)
    return table


def _show_once(issued: "NewKey") -> None:
    ends = f"{issued.facts.expires_at:%Y-%m-%d}"
    facts = issued.facts
    err.print(f"Key {facts.key_id} of {facts.name}, role {facts.role}, until {ends}.")
    err.print("This is the only time it is shown:")
    # Alone on standard output, so that it can go straight into a file or a vault.
    typer.echo(issued.text)


def _typed() -> str:
    """A password typed twice, or the one line of a pipe."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    typed: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    return typed


def _now() -> datetime:
    return datetime.now(UTC)


def _actor() -> str:
    return f"shell:{os.getuid()}"
