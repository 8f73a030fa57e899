"""The draft of the form of a request: what of a form is stored, and what the form says of it."""

import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from zoneinfo import ZoneInfo

from fastapi import Request

from recommender.errors import StaleError
from recommender.journal.drafts import Draft, DraftKey, FormOpened, find_draft, save_draft
from recommender.serving.authorization import CSRF_FIELD, caller
from recommender.serving.dependencies import app_state, current_snapshot
from recommender.serving.http.submitted_form import FormData
from recommender.serving.idempotency import has_store, read, write
from recommender.serving.staff import wording
from recommender.serving.staff.page import HOME
from recommender.values.ids import is_id

DRAFTS = f"{HOME}/drafts"
WRITER, SEEN, CHANGES, INSTEAD = "draft_writer", "draft_seen", "replaces", "instead_of"
"""Names of what a form sends about its draft; `instead_of` is the version it may overwrite."""
NOTHING_SAVED = "none"
"""In place of a version where the draft of another form is gone."""
_NOT_STORED = frozenset({CSRF_FIELD, WRITER, SEEN, CHANGES, INSTEAD})


@dataclass(frozen=True, slots=True)
class FormDraft:
    """What a form sends and says of its draft.

    Attributes
    ----------
    opened
        The form's own name, and the version of the draft it began with.
    changes
        The request it changes; empty for a new one.
    restored
        When the answers shown were saved, as people read it; empty for answers of no draft.
    elsewhere
        Why these answers are not saved; empty while no other form has saved since.
    """

    opened: FormOpened
    changes: str = ""
    restored: str = ""
    elsewhere: str = ""


def draft_key(request: Request, sent: FormData) -> DraftKey:
    """The draft of the caller that a form belongs to."""
    return DraftKey(caller(request).actor, changed_request(sent))


def changed_request(sent: FormData) -> str:
    """The id of the request a form changes; empty for a new one."""
    name = sent.text(CHANGES)
    return name if is_id(name) else ""


def form_opened(sent: FormData) -> FormOpened:
    """The form that was sent; it may overwrite the version that its reader agreed to."""
    agreed = sent.text(INSTEAD)
    if agreed:
        return FormOpened(sent.text(WRITER), "" if agreed == NOTHING_SAVED else agreed)
    return FormOpened(sent.text(WRITER), sent.text(SEEN))


def sent_draft(request: Request, sent: FormData) -> FormDraft | None:
    """What a form that comes back says of its draft; None on a server that stores nothing."""
    return FormDraft(form_opened(sent), changed_request(sent)) if has_store(request) else None


async def restored(
    request: Request, changes: str, otherwise: FormData
) -> tuple[FormData, FormDraft | None]:
    """The caller's draft as a form, else what it begins with; and what the form says of it."""
    if not has_store(request):
        return otherwise, None
    form = FormDraft(FormOpened(secrets.token_hex(8)), changes)
    draft = await stored_draft(request, DraftKey(caller(request).actor, changes))
    if draft is None:
        return otherwise, form
    opened = replace(form.opened, seen=draft.version)
    return FormData(draft.fields), replace(form, opened=opened, restored=clock(request, draft))


async def stored_draft(request: Request, key: DraftKey) -> Draft | None:
    """A draft that is not past its age."""
    hours = app_state(request.app).settings.draft_hours
    return await read(request, partial(find_draft, key=key, hours=hours))


async def save_form(request: Request, key: DraftKey, sent: FormData) -> datetime:
    """Stores a form as it is filled in, and gives the time; raises `StaleError`."""
    hours = app_state(request.app).settings.draft_hours
    save = partial(save_draft, key=key, fields=_typed(sent), form=form_opened(sent), hours=hours)
    return await write(request, save)


async def save_before_sending(request: Request, sent: FormData) -> None:
    """Stores a form before it is worked on; what another form has saved since stays."""
    if has_store(request) and sent.text(WRITER):
        with suppress(StaleError):
            await save_form(request, draft_key(request, sent), sent)


def clock(request: Request, saved: Draft | datetime) -> str:
    """When a draft was saved, on the practice's clock, with its day unless that is today."""
    at = saved.saved_at if isinstance(saved, Draft) else saved
    zone = ZoneInfo(current_snapshot(request.app).practice.timezone)
    return wording.recent(at, datetime.now(UTC), zone).replace("Yesterday", "yesterday")


def saved_elsewhere(request: Request, other: Draft | None) -> str:
    """Why a form is not saved: another form of the same account was."""
    if other is None:
        return "the answers were sent or discarded in another tab"
    return f"another tab saved answers at {clock(request, other)}"


def _typed(sent: FormData) -> Mapping[str, list[str]]:
    """The answers of a form, without what is about the form itself and what is blank."""
    return {
        name: [each for each in texts if each.strip()]
        for name, texts in sent.fields.items()
        if name not in _NOT_STORED and any(each.strip() for each in texts)
    }
