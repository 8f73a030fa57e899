"""The first page for the owner of a practice."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from recommender.security.scopes import Scope
from recommender.serving.authorization import caller
from recommender.serving.staff.page import CLINICIANS, PRACTICE, page

PAGES = (
    (CLINICIANS, "Clinicians", "hours, places and absences of each", Scope.ROSTER_READ),
    (f"{PRACTICE}/clinicians/new", "Add a clinician", "one by one, with a form",
     Scope.ROSTER_WRITE),
    (f"{PRACTICE}/roster", "Import a roster file", "with a preview of what changes",
     Scope.ROSTER_WRITE),
    (f"{PRACTICE}/accounts", "Accounts and roles", "who may sign in, and what they may do",
     Scope.ACCESS_MANAGE),
    (f"{PRACTICE}/keys", "Keys", "of programs and web pages", Scope.ACCESS_MANAGE),
    (f"{PRACTICE}/privacy", "Privacy requests", "access to, and erasure of, one client's data",
     Scope.PRIVACY_MANAGE),
    (f"{PRACTICE}/audit", "Audit log", "who did what and when, and whether the record is whole",
     Scope.AUDIT_READ),
    (f"{PRACTICE}/backups", "Backups", "when the last one was made, and how to restore",
     Scope.ACCESS_MANAGE),
    (f"{PRACTICE}/trial", "Trial of the order", "how far a trial is, without results",
     Scope.ACCESS_MANAGE),
)  # fmt: skip
"""Address, name and purpose of each page, and what it takes to see it."""

router = APIRouter(include_in_schema=False)


@router.get(PRACTICE)
async def get_overview(request: Request) -> Response:
    """What the owner of a practice may look after."""
    pages = [each for each in PAGES if caller(request).may(each[3])]
    return page(request, "owner_overview.html", "Practice", pages=pages)
