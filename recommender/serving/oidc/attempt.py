"""One attempt to sign in with a provider, and why it may fail."""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from enum import Enum

ATTEMPT_SECONDS = 600
"""From the button to the return: long enough for a second factor."""


class SignInFault(Enum):
    """Why signing in with a provider failed."""

    DECLINED = "declined"
    """The person or the provider's administrator refused."""
    STALE = "stale"
    """It took too long, was begun elsewhere, or was used already."""
    CLOCKS = "clocks"
    """The token is of another time."""
    UNREACHABLE = "unreachable"
    """The provider does not answer as its discovery document says."""
    MISCONFIGURED = "misconfigured"
    """The provider does not accept this server, or refused for another reason."""
    UNKNOWN_KEY = "unknown_key"
    """The token names a key that the provider does not publish."""
    UNTRUSTED = "untrusted"
    """The token is not from the provider, for this server and for this attempt."""


class SignInError(Exception):
    """A failed sign-in with a provider."""

    def __init__(self, fault: SignInFault) -> None:
        super().__init__(fault)
        self.fault = fault


@dataclass(frozen=True, slots=True)
class SignInAttempt:
    """One attempt to sign in.

    State, nonce and code verifier follow from the value of a cookie, so that the server stores
    nothing: a response whose state fits the cookie belongs to the browser that began.
    """

    cookie: str

    @classmethod
    def begun(cls, now: float, then: str = "", linking: str = "") -> "SignInAttempt":
        """A new attempt; `now` in seconds since 1970, `then` the page to go on to.

        `linking` names the session whose account the identity is to be linked to.
        """
        page = base64.urlsafe_b64encode(then.encode()).rstrip(b"=").decode()
        return cls(f"{int(now)}.{secrets.token_urlsafe(32)}.{page}.{linking}")

    @property
    def then(self) -> str:
        """The page to go on to, as the cookie has it: to be checked before it is used."""
        page = self._part(2)
        try:
            return base64.urlsafe_b64decode(page + "=" * (-len(page) % 4)).decode()
        except ValueError:
            return ""

    @property
    def linking(self) -> str:
        """The session that links the identity to its account; empty to sign in."""
        return self._part(3)

    def fits(self, state: str, now: float) -> bool:
        """Whether a returned state is that of this attempt, in time."""
        begun = self._part(0)
        if not (begun.isascii() and begun.isdigit() and len(begun) < 16):
            return False
        in_time = 0 <= now - int(begun) < ATTEMPT_SECONDS
        return in_time and hmac.compare_digest(self.state.encode(), state.encode())

    @property
    def state(self) -> str:
        """Sent to the provider and returned by it."""
        return self._derived("state")

    @property
    def nonce(self) -> str:
        """What the token must repeat."""
        return self._derived("nonce")

    @property
    def verifier(self) -> str:
        """The PKCE code verifier, 43 characters (RFC 7636)."""
        return self._derived("verifier")

    def _part(self, number: int) -> str:
        parts = self.cookie.split(".")
        return parts[number] if number < len(parts) else ""

    def _derived(self, purpose: str) -> str:
        digest = hmac.new(self.cookie.encode(), purpose.encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
