"""Drafts of the form of a request: saved as one types or by a button, and discarded."""

from functools import partial

from fastapi import APIRouter, Request
from starlette.responses import Response

from recommender.errors import StaleError
from recommender.journal.drafts import discard_draft
from recommender.serving.http.problems import CONFLICT
from recommender.serving.idempotency import write
from recommender.serving.staff.form_data import read_form
from recommender.serving.staff.form_draft import (
    DRAFTS,
    NOTHING_SAVED,
    FormDraft,
    changed_request,
    clock,
    draft_key,
    form_opened,
    save_form,
    saved_elsewhere,
    stored_draft,
)
from recommender.serving.staff.page import is_part, page, redirect
from recommender.serving.staff.pages.new_request import form_address, form_page

router = APIRouter(include_in_schema=False)


@router.post(DRAFTS)
async def post_draft(request: Request) -> Response:
    """Saves a form; with script the answer is a short text, without it the form again.

    A form is not saved over what another form of the same account saved since it was opened, until
    its reader agrees to that.
    """
    sent = await read_form(request)
    key = draft_key(request, sent)
    try:
        at = await save_form(request, key, sent)
    except StaleError:
        other = await stored_draft(request, key)
        version, why = other.version if other else NOTHING_SAVED, saved_elsewhere(request, other)
        if is_part(request):
            return page(request, "draft_saved.html", "", saved="", version=version, elsewhere=why)
        form = FormDraft(form_opened(sent), key.changes, elsewhere=why)
        return form_page(request, sent, form, status=CONFLICT.status, version=version)
    if is_part(request):
        return page(request, "draft_saved.html", "", saved=clock(request, at))
    return redirect(form_address(key.changes))


@router.post(f"{DRAFTS}/discard")
async def post_discard(request: Request) -> Response:
    """Deletes a draft; the form is as it began."""
    sent = await read_form(request)
    await write(request, partial(discard_draft, key=draft_key(request, sent)))
    return redirect(form_address(changed_request(sent)))
