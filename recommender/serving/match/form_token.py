"""A signed token in every form of the matching page: when the form was first opened, and a number.

It takes the place of a cookie. A program has to fetch a form and wait before it can send one; the
number makes a list that is loaded again the same list.
"""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

LIFETIME = timedelta(hours=4)
"""Beyond it a form gets a new token, and no answer is lost."""
SHORTEST = timedelta(seconds=3)
"""Nobody reads about consent, safety and the questions in less."""
PURPOSE = b"matching page form"
_SHAPE = re.compile(r"([0-9]{10})\.([0-9a-f]{32})\.([0-9a-f]{64})", re.ASCII)


@dataclass(frozen=True, slots=True)
class FormToken:
    """When a form was opened, UTC to the second, and a random number."""

    opened_at: datetime
    number: str

    def is_current(self, now: datetime) -> bool:
        """Whether it is neither expired nor from the future."""
        return timedelta(0) <= now - self.opened_at <= LIFETIME

    def is_hasty(self, now: datetime) -> bool:
        """Whether less time has passed than any person needs."""
        return now - self.opened_at < SHORTEST


class FormSigner:
    """Signs and reads tokens.

    Parameters
    ----------
    secret
        The server's pepper. A server without a store has none, and answers its own machine alone.
    """

    def __init__(self, secret: bytes = b"") -> None:
        self._key = hmac.digest(secret or PURPOSE, PURPOSE, hashlib.sha256)

    def issue(self, now: datetime) -> str:
        """A new token."""
        content = f"{int(now.timestamp()):010d}.{secrets.token_hex(16)}"
        return f"{content}.{self._mark(content)}"

    def read(self, text: str) -> FormToken | None:
        """A token that this server signed; None for any other text."""
        match = _SHAPE.fullmatch(text)
        if match is None:
            return None
        seconds, number, mark = match.groups()
        if not hmac.compare_digest(mark, self._mark(f"{seconds}.{number}")):
            return None
        return FormToken(datetime.fromtimestamp(int(seconds), UTC), number)

    def _mark(self, content: str) -> str:
        return hmac.digest(self._key, content.encode(), hashlib.sha256).hex()
