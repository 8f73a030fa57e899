"""The names and texts that a page's form sends."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs

from fastapi import Request

from recommender.serving.http.content_types import unsupported
from recommender.serving.http.problems import BAD_REQUEST, FieldError, ProblemError

FORM = "application/x-www-form-urlencoded"
MAX_FIELDS = 2_000


@dataclass(frozen=True, slots=True)
class FormData:
    """A form as it was filled in."""

    fields: Mapping[str, list[str]]

    def text(self, name: str) -> str:
        """The text of a field, without space around it; empty where it was left blank."""
        return self.untrimmed(name).strip()

    def untrimmed(self, name: str) -> str:
        """The text of a field as it was typed, such as a password; empty where it was left out."""
        return self.fields.get(name, [""])[0]

    def texts(self, name: str) -> list[str]:
        """Everything that was ticked under a name."""
        return self.fields.get(name, [])


async def parse_form(request: Request) -> FormData:
    """The form of a request; refused (400, 415) where it cannot be read."""
    if request.headers.get("content-type") != FORM:
        raise unsupported(request.headers, FORM)
    try:
        body = (await request.body()).decode()
        return FormData(parse_qs(body, keep_blank_values=True, max_num_fields=MAX_FIELDS))
    except UnicodeDecodeError as error:
        message = f"byte {error.start + 1} of the form is not UTF-8"
    except ValueError:
        message = f"the form has more than {MAX_FIELDS} fields"
    raise ProblemError(BAD_REQUEST, [FieldError(pointer="", code="form", message=message)])
