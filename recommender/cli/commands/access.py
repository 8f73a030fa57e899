"""The commands `keys`, for programs, and `staff`, for people.

Passwords are typed or piped in and never arguments, which process lists show.
"""

import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from recommender.cli.commands.console import (
    RequiredStoreUrl,
    err,
    opened_store,
    out,
    print_secret,
    shell_actor,
    utc_now,
)
from recommender.cli.record_table import RecordTable

if TYPE_CHECKING:
    from recommender.security.accounts import Account
    from recommender.security.keys import KeyFacts, NewKey

keys_app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Keys of programs that call this server: the matching tool, a scraper of metrics, a "
    "script, a web page.\n\nA key is shown once, when it is created, and stored as a hash. Send it "
    "as `Authorization: Bearer rk_...`. A key `rk_...` is a secret; a key `pk_...` of a web page "
    "(`--role browser`) is not, and is accepted from pages of its origins only. To replace one "
    "without a gap: `rotate`, give the program the new key, then `revoke` the old one or let it "
    "expire.\n\nNeeds RECOMMENDER_STORE and RECOMMENDER_PEPPER, the same as the server's.",
)
staff_app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Accounts of people, who log in with a password or with an OpenID provider.\n\nNeeds "
    "RECOMMENDER_STORE, the same as the server's.",
)
PepperText = Annotated[str, typer.Option(envvar="RECOMMENDER_PEPPER", hidden=True)]
Name = Annotated[str, typer.Argument(help="Name of the program, such as website.")]
Person = Annotated[str, typer.Argument(help="The name the person logs in with.")]
Roles = Annotated[
    list[str] | None,
    typer.Option(help="`staff`, `scientist` or `admin`; repeat for several, such as an owner's."),
]
Temporary = Annotated[
    bool,
    typer.Option(
        "--temporary", help="The person must choose another password at the first sign-in."
    ),
]
Days = Annotated[int, typer.Option(help="How long the key lasts.", min=1, max=730)]


@keys_app.command("create")
def create(
    name: Name,
    store: RequiredStoreUrl,
    pepper: PepperText = "",
    role: Annotated[
        str,
        typer.Option(
            help="`tool` requests recommendations and sees client-safe answers; `browser` is for a "
            "public web page, asks, and sees neither scores nor anything stored; `staff` also sees "
            "contributions, decides and rates; `scientist` reads models and training tables; "
            "`admin` manages rosters, keys and privacy."
        ),
    ] = "tool",
    only: Annotated[
        str | None,
        typer.Option(help="Only these scopes of the role, such as `metrics:read` for a scraper."),
    ] = None,
    days: Days = 365,
    origin: Annotated[
        list[str] | None,
        typer.Option(
            help="Origin of the pages that hold a key of role `browser`, such as "
            "https://www.practice.example; may be given several times."
        ),
    ] = None,
    sandbox: Annotated[
        bool,
        typer.Option("--sandbox", help="Answer as usual and store nothing, for trying things out."),
    ] = False,
) -> None:
    """Create a key for a program or a web page and show it once."""
    from recommender.security.keys import KeyRequest, Pepper, create_key
    from recommender.security.scopes import role_named

    with opened_store(store) as journal:
        sound = Pepper.of(pepper)
        lifetime, origins = timedelta(days=days), tuple(origin or ())
        wanted = KeyRequest(name, role_named(role), only, lifetime, origins, sandbox)
        with journal.writing() as connection:
            issued = create_key(connection, wanted, sound, now=utc_now(), actor=shell_actor())
    _show_once(issued)


@keys_app.command("list")
def list_all(store: RequiredStoreUrl) -> None:
    """List every key, ended ones too, without its secret."""
    from recommender.security.keys import list_keys

    with opened_store(store) as journal, journal.reading() as connection:
        keys = list_keys(connection)
    if not keys:
        err.print("There is no key yet: create one with `recommender keys create website`.")
        return
    out.print(_keys_table(keys, utc_now()))


@keys_app.command("rotate")
def rotate(
    name: Name,
    store: RequiredStoreUrl,
    pepper: PepperText = "",
    overlap_days: Annotated[
        int, typer.Option(help="How long the old key still works.", min=0, max=90)
    ] = 7,
    days: Days = 365,
) -> None:
    """Create the key that replaces a program's live one; both work for a while."""
    from recommender.security.keys import Pepper, rotate_key

    overlap, lifetime = timedelta(days=overlap_days), timedelta(days=days)
    with opened_store(store) as journal:
        sound = Pepper.of(pepper)
        with journal.writing() as connection:
            issued = rotate_key(
                connection,
                name,
                sound,
                now=utc_now(),
                actor=shell_actor(),
                overlap=overlap,
                lifetime=lifetime,
            )
    _show_once(issued)
    err.print(f"The old key works for {overlap_days} more days at most.")


@keys_app.command("revoke")
def revoke(
    key: Annotated[
        str,
        typer.Argument(help="The program's name, or the key's id of 8 characters (`keys list`)."),
    ],
    store: RequiredStoreUrl,
) -> None:
    """End a key at once; of two live keys of a name by its id."""
    from recommender.security.keys import revoke_key

    with opened_store(store) as journal, journal.writing() as connection:
        ended = revoke_key(connection, key, now=utc_now(), actor=shell_actor())
    out.print(f"Key {ended.key_id} of {ended.name} is revoked: its next request is refused.")


@staff_app.command("add")
def add(
    name: Person,
    store: RequiredStoreUrl,
    role: Roles = None,
    no_password: Annotated[
        bool,
        typer.Option("--no-password", help="For signing in with a provider alone; then `link`."),
    ] = False,
    temporary: Temporary = False,
) -> None:
    """Create an account; prompts for the password, or reads it from a pipe."""
    from recommender.security.accounts import add_account
    from recommender.security.scopes import role_named

    with opened_store(store) as journal:
        chosen = [role_named(each) for each in role or ["staff"]]
        typed = None if no_password else _typed()
        with journal.writing() as connection:
            account = add_account(
                connection,
                name,
                chosen,
                typed,
                now=utc_now(),
                actor=shell_actor(),
                temporary=temporary and typed is not None,
            )
    out.print(f"{name} may log in as {' and '.join(account.roles)}.", markup=False)


@staff_app.command("roles")
def roles(name: Person, store: RequiredStoreUrl, role: Roles = None) -> None:
    """Give an account these roles in place of those it had."""
    from recommender.security.accounts import change_roles
    from recommender.security.scopes import role_named

    with opened_store(store) as journal:
        chosen = [role_named(each) for each in role or []]
        with journal.writing() as connection:
            account = change_roles(connection, name, chosen, actor=shell_actor())
    out.print(f"{name} has the role {' and '.join(account.roles)} from now on.", markup=False)


@staff_app.command("list")
def list_people(store: RequiredStoreUrl) -> None:
    """List every account, removed ones too."""
    from recommender.security.accounts import list_accounts
    from recommender.security.linked_identities import linked_staff

    with opened_store(store) as journal, journal.reading() as connection:
        accounts, linked = list_accounts(connection), linked_staff(connection)
    if not accounts:
        err.print("There is no account yet: create one with `recommender staff add NAME`.")
        return
    out.print(_accounts_table(accounts, linked, utc_now()))


@staff_app.command("password")
def password(name: Person, store: RequiredStoreUrl, temporary: Temporary = False) -> None:
    """Give an account a new password, unlock it, and end its sessions."""
    from recommender.security.accounts import change_password

    with opened_store(store) as journal:
        typed = _typed()
        with journal.writing() as connection:
            change_password(connection, name, typed, actor=shell_actor(), temporary=temporary)
    out.print(f"{name} has a new password and must log in again.", markup=False)


@staff_app.command("remove")
def remove(name: Person, store: RequiredStoreUrl) -> None:
    """Close an account for good and end its sessions."""
    from recommender.security.accounts import remove_account

    with opened_store(store) as journal, journal.writing() as connection:
        remove_account(connection, name, now=utc_now(), actor=shell_actor())
    out.print(f"{name} can no longer log in. The name cannot be used again.", markup=False)


def _keys_table(keys: "Sequence[KeyFacts]", now: datetime) -> RecordTable:
    headings = ("id", "name", "role", "only", "pages", "stores", "created", "expires", "last used")
    table = RecordTable("", (*headings, "state"))
    for key in keys:
        ended = "revoked" if key.revoked_at else "ended"
        used = f"{key.last_used_on:%Y-%m-%d}" if key.last_used_on else "never"
        table.add_row(
            key.key_id,
            key.name,
            key.role,
            key.only or "",
            " ".join(key.origins),
            "nothing" if key.sandbox else "",
            f"{key.created_at:%Y-%m-%d}",
            f"{key.expires_at:%Y-%m-%d}",
            used,
            "live" if key.live(now) else ended,
        )
    return table


def _accounts_table(
    accounts: "Sequence[Account]", linked: frozenset[str], now: datetime
) -> RecordTable:
    table = RecordTable("", ("name", "role", "created", "linked", "state"))
    for account in accounts:
        locked = account.locked_until is not None and now < account.locked_until
        usual = "password to be changed" if account.password_temporary else "open"
        open_or_locked = "locked for a while" if locked else usual
        state = "removed" if account.removed_at else open_or_locked
        created = f"{account.created_at:%Y-%m-%d}"
        at_provider = "yes" if account.staff_id in linked else ""
        table.add_row(account.name, ", ".join(account.roles), created, at_provider, state)
    return table


def _show_once(issued: "NewKey") -> None:
    ends = f"{issued.facts.expires_at:%Y-%m-%d}"
    facts = issued.facts
    err.print(f"Key {facts.key_id} of {facts.name}, role {facts.role}, until {ends}.")
    if facts.origins:
        err.print(f"It may be in a public page and is accepted from {', '.join(facts.origins)}.")
    if facts.sandbox:
        err.print("It is a sandbox key: nothing that is sent with it is stored.")
    err.print("This is the only time it is shown:")
    print_secret(issued.text)


def _typed() -> str:
    """A password typed twice, or the one line of a pipe."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    typed: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    return typed
