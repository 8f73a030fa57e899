"""The audit log: who did what and when, and the check that no row of it was changed."""

from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import Annotated, Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from recommender.journal.audit_events import EventFilter, audit_actors, audit_events
from recommender.journal.audit_log import ChainVerification, verify
from recommender.security.accounts import account_names
from recommender.serving.dependencies import app_state, current_snapshot
from recommender.serving.idempotency import read, require_store
from recommender.serving.staff import wording
from recommender.serving.staff.page import PRACTICE, page
from recommender.serving.staff.views.audit_view import KINDS, actor_name, audit_lines
from recommender.store.database import Connection

AUDIT = f"{PRACTICE}/audit"
PER_PAGE = 50

router = APIRouter(include_in_schema=False)


@router.get(AUDIT)
async def get_audit_page(
    request: Request,
    who: str = "",
    kind: str = "",
    day: str = "",
    before: Annotated[str, Query(pattern="^[0-9]{0,18}$")] = "",
) -> Response:
    """The newest events: of one person, one kind and one day of the practice where given."""
    return await _page(request, who=who, kind=kind, day=day, before=before)


@router.post(AUDIT)
async def post_audit_check(request: Request) -> Response:
    """Verifies the audit log from its first stored row."""
    store, context = require_store(request), app_state(request.app)

    def work() -> ChainVerification:
        with store.reading() as connection:
            return verify(connection, context.settings.anchors)

    return await _page(request, verdict=await context.queues.exclusive.run(work))


async def _page(
    request: Request,
    *,
    who: str = "",
    kind: str = "",
    day: str = "",
    before: str = "",
    verdict: ChainVerification | None = None,
) -> Response:
    state = current_snapshot(request.app)
    zone = ZoneInfo(state.practice.timezone)
    since, until = bounds_of_day(day, zone)
    nouns = KINDS[kind][1] if kind in KINDS else ()
    wanted = EventFilter(who, nouns, since, until, int(before) if before else None)
    clinicians = state.encoding.roster.called
    values = await read(request, partial(_events, wanted=wanted, clinicians=clinicians))
    shown = {"who": who, "kind": kind, "day": day if since else ""}
    older = values.pop("last")
    return page(
        request,
        "owner_audit.html",
        "Audit log",
        verdict=verdict,
        anchored=app_state(request.app).settings.anchors is not None,
        kinds={name: label for name, (label, _) in KINDS.items()},
        shown=shown,
        wrong_day=bool(day and since is None),
        older=older and urlencode({**shown, "before": older}),
        newest=not before,
        zone=zone,
        zone_line=wording.zone_line(state.practice.timezone),
        **values,
    )


def _events(
    connection: Connection, *, wanted: EventFilter, clinicians: dict[str, str]
) -> dict[str, Any]:
    """A page of events in words, the people to choose among, and the last row if more follow."""
    accounts = account_names(connection)
    events = audit_events(connection, wanted, limit=PER_PAGE + 1)
    people = [(each, actor_name(each, accounts)) for each in audit_actors(connection)]
    return {
        "lines": audit_lines(events[:PER_PAGE], accounts, clinicians),
        "people": sorted(people, key=lambda each: each[1].casefold()),
        "last": events[PER_PAGE - 1].seq if len(events) > PER_PAGE else None,
    }


def bounds_of_day(day: str, zone: ZoneInfo) -> tuple[datetime | None, datetime | None]:
    """The beginning and the end of a day of the practice, UTC; None for what is no day.

    Examples
    --------
    >>> [f"{at:%d %H:%M}" for at in bounds_of_day("2026-10-04", ZoneInfo("Australia/Sydney")) if at]
    ['03 14:00', '04 13:00']
    """
    try:
        on = date.fromisoformat(day)
        begin = datetime.combine(on, time.min, zone)
        end = datetime.combine(on + timedelta(days=1), time.min, zone)
        return begin.astimezone(UTC), end.astimezone(UTC)
    except (ValueError, OverflowError):
        return None, None
