"""Lines and sections of the work list, in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from recommender.journal.closings import CLOSED
from recommender.journal.wishes import spoken
from recommender.journal.work_items import (
    ANSWER,
    BOOK,
    DECIDE,
    NOTHING,
    RATE,
    TALK,
    UNDONE,
    WorkItem,
)
from recommender.serving.staff import follow_up_words, wording

SHOWN_TASKS = (TALK, ANSWER, DECIDE, BOOK, RATE, NOTHING)
"""Sections of the list in their order."""
MAX_IN_SECTION = 10
"""Lines of a section beside others; one section alone has all that were read."""
ID_SHOWN = 8


@dataclass(frozen=True, slots=True)
class WorkRow:
    """One line: what is to be done as a link, with whom, since when, and what became of it.

    `request` is the start of the request's id; its address is empty where the link leads there.
    """

    text: str
    address: str
    at: datetime
    clinician: str
    state: str
    request: str
    request_address: str
    reference: str


@dataclass(frozen=True, slots=True)
class WorkSection:
    """Lines with the same task; `number` counts all of them, also those not among `rows`."""

    task: str
    title: str
    help: str
    rows: tuple[WorkRow, ...]
    number: str


@dataclass(frozen=True, slots=True)
class ShownPart:
    """Which part of the list a page shows: one task or all, of one caller, of today."""

    show: str = ""
    mine: bool = False
    today: bool = False

    def address(self, **changes: str | bool) -> str:
        """The query of the same page with some of it changed."""
        parts = {"show": self.show, "mine": self.mine, "today": self.today} | changes
        query = {name: "yes" if part is True else part for name, part in parts.items() if part}
        return f"?{urlencode(query)}" if query else ""


def work_sections(
    items: Mapping[str, Sequence[WorkItem]],
    names: Mapping[str, str],
    shown: ShownPart,
    *,
    limit: int,
) -> tuple[WorkSection, ...]:
    """The sections that have any line; of those with `limit` lines there may be more."""
    most = limit if shown.show else MAX_IN_SECTION
    return tuple(
        WorkSection(
            task,
            follow_up_words.TASKS[task],
            follow_up_words.TASK_HELPS.get(task, ""),
            tuple(work_row(each, names) for each in items[task][:most]),
            f"{limit} or more" if len(items[task]) >= limit else str(len(items[task])),
        )
        for task in SHOWN_TASKS
        if items.get(task)
    )


def work_row(item: WorkItem, names: Mapping[str, str]) -> WorkRow:
    """One line."""
    request = f"/staff/requests/{item.recommendation_id}"
    if item.pairing_id is not None and item.task != ANSWER:
        address = f"/staff/pairings/{item.pairing_id}"
    else:
        address = f"{request}#decide" if item.task == BOOK else request
    is_elsewhere = item.recommendation_id is not None and not address.startswith(request)
    clinician_id = item.clinician_id
    undone = item.state == UNDONE
    return WorkRow(
        follow_up_words.task(
            item.task, item.client_id, wished=clinician_id is not None, undone=undone
        ),
        address,
        item.at,
        names.get(clinician_id, clinician_id) if clinician_id else "",
        _state(item),
        (item.recommendation_id or "")[:ID_SHOWN],
        request if is_elsewhere else "",
        spoken(item.wish.reference) if item.wish else "",
    )


def _state(item: WorkItem) -> str:
    """What became of a request: a first appointment with its day, a closing with its reason."""
    if item.state == CLOSED:
        return follow_up_words.closed(item.closed_for)
    booked = follow_up_words.first_appointment(item.outcome) if item.outcome else ""
    return booked or wording.STATES[item.state]
