"""What a form of a page sent: names and texts, as browsers without script send them.

Imported by the routes of `staff`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs

from fastapi import Request

from recommender.serving.auth.middleware import auth_backend, check_same_site
from recommender.serving.http.problems import BAD_REQUEST, UNSUPPORTED, ProblemError

FORM = "application/x-www-form-urlencoded"
MOST_FIELDS = 2_000


@dataclass(frozen=True, slots=True)
class FormData:
    """A form as it was filled in."""

    fields: Mapping[str, list[str]]

    def text(self, name: str) -> str:
        """What a field holds, without space around it; empty where it was left open."""
        return self.fields.get(name, [""])[0].strip()

    def texts(self, name: str) -> list[str]:
        """Everything that was ticked under a name."""
        return self.fields.get(name, [])


async def read_form(request: Request) -> FormData:
    """The form a page of this server sent.

    Raises
    ------
    ProblemError
        When it is no form, or, on a server without sessions, comes from another site.
    """
    if request.headers.get("content-type") != FORM:
        raise ProblemError(UNSUPPORTED)
    if auth_backend(request).locks is None:
        check_same_site(request.headers)
    try:
        body = (await request.body()).decode()
        return FormData(parse_qs(body, keep_blank_values=True, max_num_fields=MOST_FIELDS))
    except ValueError:
        raise ProblemError(BAD_REQUEST) from None
