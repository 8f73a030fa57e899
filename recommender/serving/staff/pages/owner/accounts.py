"""Accounts of people: who may sign in, with which roles; a new password is shown once."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from recommender.errors import ConflictError, NotFoundError, RecommenderError
from recommender.security.accounts import (
    PEOPLE,
    Account,
    add_account,
    change_password,
    change_roles,
    list_accounts,
    remove_account,
)
from recommender.security.scopes import Role, role_named
from recommender.serving.authorization import caller
from recommender.serving.dependencies import current_snapshot
from recommender.serving.http.submitted_form import FormData
from recommender.serving.idempotency import read, write
from recommender.serving.staff.account_words import ROLE_HELP, ROLE_NAMES
from recommender.serving.staff.form_data import read_form
from recommender.serving.staff.page import PRACTICE, page, redirect
from recommender.serving.staff.pages.owner.changes import faults_of, status_of
from recommender.store.database import Connection
from recommender.values.ids import ID_PATTERN

ACCOUNTS = f"{PRACTICE}/accounts"
ONE = f"{ACCOUNTS}/{{staff_id}}"
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
"""Without letters and digits that are taken for each other."""

router = APIRouter(include_in_schema=False)
StaffId = Annotated[str, Path(pattern=ID_PATTERN)]


@dataclass(frozen=True, slots=True)
class ShownPassword:
    """A password that was just set, and whose."""

    name: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class RefusedForm:
    """A form that was refused: of which account ("" to add one), what it sent, and the faults."""

    of: str = ""
    sent: FormData = field(default_factory=lambda: FormData({}))
    faults: Mapping[str, str] = field(default_factory=dict)
    status: int = 200


@router.get(ACCOUNTS)
async def get_accounts_page(request: Request) -> Response:
    """Everybody who may sign in, and who no longer may."""
    return await _page(request)


@router.post(ACCOUNTS)
async def post_account(request: Request) -> Response:
    """Adds an account and shows its password, which is stored as a hash only."""
    sent, password = await read_form(request), _new_password()
    name = sent.text("name")

    def add(connection: Connection) -> Account:
        return add_account(
            connection,
            name,
            _roles(sent),
            password,
            now=datetime.now(UTC),
            actor=caller(request).actor,
            temporary=True,
        )

    try:
        await write(request, add)
    except RecommenderError as error:
        return await _page(request, _refused("", sent, error))
    return await _page(request, shown=ShownPassword(name, password))


@router.post(f"{ONE}/roles")
async def post_roles(request: Request, staff_id: StaffId) -> Response:
    """Replaces the roles of an account; nobody takes the role of owner from themselves."""
    sent = await read_form(request)

    def give(connection: Connection) -> Account:
        account, roles = _account(connection, staff_id), _roles(sent)
        if staff_id == caller(request).actor and Role.ADMIN not in roles:
            problem = "would leave you without these pages"
            raise ConflictError("role", problem, "ask another owner to change your roles")
        return change_roles(connection, account.name, roles, actor=caller(request).actor)

    try:
        await write(request, give)
    except RecommenderError as error:
        return await _page(request, _refused(staff_id, sent, error))
    return redirect(ACCOUNTS)


@router.post(f"{ONE}/password")
async def post_password(request: Request, staff_id: StaffId) -> Response:
    """Sets a new password, shows it once, and ends the sessions of the account; not one's own."""
    password = _new_password()

    def reset(connection: Connection) -> Account:
        account, actor = _account(connection, staff_id), caller(request).actor
        if staff_id == actor:
            raise ConflictError("password", "is your own", "change it on the page My account")
        return change_password(connection, account.name, password, actor=actor, temporary=True)

    account = await write(request, reset)
    return await _page(request, shown=ShownPassword(account.name, password))


@router.post(f"{ONE}/removal")
async def post_removal(request: Request, staff_id: StaffId) -> Response:
    """Closes an account for good; asks first, and never closes one's own."""
    sent = await read_form(request)

    def close(connection: Connection) -> Account:
        account = _account(connection, staff_id)
        if staff_id == caller(request).actor:
            raise ConflictError("name", "is your own account", "ask another owner to close it")
        if sent.text("name") != account.name:
            raise ConflictError("name", "is not the name of this account", "type the name again")
        return remove_account(
            connection, account.name, now=datetime.now(UTC), actor=caller(request).actor
        )

    try:
        await write(request, close)
    except RecommenderError as error:
        return await _page(request, _refused(f"{staff_id}/removal", sent, error))
    return redirect(ACCOUNTS)


def _refused(of: str, sent: FormData, error: RecommenderError) -> RefusedForm:
    return RefusedForm(of, sent, faults_of(error), status_of(error))


async def _page(
    request: Request, refused: RefusedForm | None = None, shown: ShownPassword | None = None
) -> Response:
    refused = refused or RefusedForm()
    accounts = await read(request, list_accounts)
    now = datetime.now(UTC)
    return page(
        request,
        "owner_accounts.html",
        "Accounts and roles",
        status=refused.status,
        zone=ZoneInfo(current_snapshot(request.app).practice.timezone),
        accounts=[each for each in accounts if each.removed_at is None],
        closed=[each for each in accounts if each.removed_at is not None],
        locked={
            each.staff_id for each in accounts if each.locked_until and now < each.locked_until
        },
        me=caller(request).actor,
        roles=PEOPLE,
        role_names=ROLE_NAMES,
        role_help=ROLE_HELP,
        refused=refused,
        shown=shown,
    )


def _account(connection: Connection, staff_id: str) -> Account:
    for account in list_accounts(connection):
        if account.staff_id == staff_id and account.removed_at is None:
            return account
    raise NotFoundError("name", "has no account", "look at the list of accounts")


def _roles(sent: FormData) -> list[Role]:
    return [role_named(each) for each in sent.texts("role")]


def _new_password() -> str:
    """Sixteen random letters and digits in four groups: 79 bits."""
    groups = ("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(4))
    return "-".join(groups)
