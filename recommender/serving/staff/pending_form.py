"""A form that could not be accepted because its session had ended, carried through the sign-in.

It is in the page that answers it, as hidden fields, and nowhere else.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import parse_qs, parse_qsl, urlencode

from fastapi import Request

from recommender.serving.authorization import CSRF_FIELD, check_same_site
from recommender.serving.http.problems import ProblemError
from recommender.serving.http.root_path import path_within
from recommender.serving.http.submitted_form import MAX_FIELDS, FormData, parse_form
from recommender.serving.staff.page import HOME, SIGN_IN, is_part

ADDRESS, BODY, THEN = "pending_address", "pending_body", "then"
"""Names of fields of the sign-in form: where a form goes, its content, and the page to show."""
_PAGE = re.compile(rf"{HOME}(/(?!\.{{1,2}}(/|$))[A-Za-z0-9._~-]+)*")
_CONTENTS = {
    "decisions": "a decision",
    "closings": "the closing of a request",
    "pairings": "the start of a pairing",
    "events": "an appointment or an ending",
    "ratings": "a rating",
    "corrections": "a correction of a rating",
    "changes": "a change of the request",
    "requests": "a new request",
    "drafts": "a new request",
}
"""What a form enters, by the last part of its address."""
_NOTHING_ENTERED = ("search", "count", "end", "discard")


@dataclass(frozen=True, slots=True)
class PendingForm:
    """A form as it was filled in, url-encoded without its token, and the address it goes to."""

    address: str
    body: str

    @property
    def content(self) -> str:
        """What it enters, in words."""
        return _CONTENTS.get(self.address.rpartition("/")[2], "a form")

    @property
    def fields(self) -> Iterator[tuple[str, str]]:
        """Its names and texts, in the order of the form."""
        return iter(parse_qsl(self.body, keep_blank_values=True, max_num_fields=MAX_FIELDS))

    @property
    def form(self) -> FormData:
        """The same by name."""
        return FormData(parse_qs(self.body, keep_blank_values=True, max_num_fields=MAX_FIELDS))


def is_page_address(text: str) -> bool:
    """Whether a text is the address of a staff page to go on to after the sign-in."""
    return _PAGE.fullmatch(text) is not None and not text.startswith(SIGN_IN)


async def pending_form(request: Request) -> PendingForm | None:
    """The form of a request from a page of this server; None for any other request.

    What is refused as a part of a page, and what enters nothing, is not carried.
    """
    address = path_within(request.scope)
    if request.method != "POST" or is_part(request) or address.endswith(_NOTHING_ENTERED):
        return None
    with suppress(ProblemError):
        check_same_site(request.headers)
        sent = await parse_form(request)
        pairs = [
            (name, text)
            for name, texts in sent.fields.items()
            for text in texts
            if name != CSRF_FIELD
        ]
        return PendingForm(address, urlencode(pairs))
    return None


def carried_form(sent: FormData) -> PendingForm | None:
    """The form that a sign-in form carries."""
    address, body = sent.text(ADDRESS), sent.text(BODY)
    if not is_page_address(address):
        return None
    try:
        parse_qsl(body, keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError:
        return None
    return PendingForm(address, body)
