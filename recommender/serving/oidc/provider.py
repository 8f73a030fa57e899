"""An OpenID provider: authorization code flow with PKCE, state and nonce."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import ClaimError, ExpiredTokenError, InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from recommender.errors import RecommenderError
from recommender.security.linked_identities import identity_code
from recommender.serving.oidc.addresses import is_protected
from recommender.serving.oidc.attempt import SignInAttempt, SignInError, SignInFault

DISCOVERY = "/.well-known/openid-configuration"
SCOPE = "openid email"
"""Google requires more than `openid`; nothing but the subject is read."""
ALGORITHMS = ("RS256", "PS256", "ES256")
"""Signatures that need the provider's key; every provider has RS256 (OpenID Connect Core 15.1)."""
LEEWAY_SECONDS = 60
"""Difference of clocks that is not a fault."""
FRESH_SECONDS = 3600.0
"""How long the discovery document and the keys are held; an unknown key is looked up at once."""
TIMEOUT = (5.0, 10.0)
"""Seconds to connect, and to wait for more of a response."""
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")


class OidcProvider:
    """An OpenID provider, asked in the calling thread.

    Attributes
    ----------
    name
        What staff call it.
    clock, elapsed
        Seconds since 1970; seconds that only increase.
    """

    def __init__(self, issuer: str, client_id: str, client_secret: str, name: str) -> None:
        self.name = name
        self.clock: Callable[[], float] = time.time
        self.elapsed: Callable[[], float] = time.monotonic
        self._issuer, self._client_id, self._client_secret = issuer, client_id, client_secret
        self._metadata: tuple[float, Mapping[str, Any]] | None = None
        self._keys: tuple[float, KeySet] | None = None

    def address(self, attempt: SignInAttempt, return_to: str) -> str:
        """Where the browser goes to sign in.

        Raises
        ------
        SignInError
            When the provider cannot be reached.
        """
        with self._client(return_to) as client:
            address: str = client.create_authorization_url(
                self._described()["authorization_endpoint"],
                state=attempt.state,
                nonce=attempt.nonce,
                code_verifier=attempt.verifier,
                # At a shared desk the browser may be signed in as a colleague.
                prompt="select_account",
            )[0]
        return address

    def identity(self, attempt: SignInAttempt, code: str, return_to: str) -> str:
        """The code of the identity that signed in, see `identity_code`.

        Raises
        ------
        SignInError
            When the provider does not say so in a token that can be verified.
        """
        endpoint = self._described()["token_endpoint"]
        try:
            with self._client(return_to) as client:
                tokens = client.fetch_token(
                    endpoint,
                    code=code,
                    code_verifier=attempt.verifier,
                    timeout=TIMEOUT,
                    allow_redirects=False,
                )
        except OAuthError as error:
            used = error.error == "invalid_grant"
            raise SignInError(SignInFault.STALE if used else SignInFault.MISCONFIGURED) from None
        except (requests.RequestException, ValueError):
            raise SignInError(SignInFault.UNREACHABLE) from None
        token = tokens.get("id_token")
        if not isinstance(token, str):
            raise SignInError(SignInFault.UNTRUSTED)
        verified = self._verified(token)
        claims = CodeIDToken(
            verified.claims,
            verified.header,
            options={
                "iss": {"essential": True, "value": self._issuer},
                "aud": {"essential": True, "value": self._client_id},
                "sub": {"essential": True},
            },
            params={
                "nonce": attempt.nonce,
                "client_id": self._client_id,
                "access_token": tokens.get("access_token"),
            },
        )
        try:
            claims.validate(now=int(self.clock()), leeway=LEEWAY_SECONDS)
        except ExpiredTokenError:
            raise SignInError(SignInFault.CLOCKS) from None
        except ClaimError as error:
            of_time = error.claim in ("iat", "nbf")
            raise SignInError(SignInFault.CLOCKS if of_time else SignInFault.UNTRUSTED) from None
        return identity_code(self._issuer, claims["sub"])

    def described(self) -> Mapping[str, Any]:
        """The discovery document, read anew.

        Raises
        ------
        RecommenderError
            When it cannot be read, is of another issuer, or lacks an endpoint.
        """
        wrong = "check RECOMMENDER_OIDC_ISSUER"
        try:
            document = self._json(self._issuer.rstrip("/") + DISCOVERY)
        except (requests.RequestException, ValueError):
            remedy = f"{wrong}, and that this machine may open {DISCOVERY} of it"
            raise RecommenderError("oidc_issuer", "cannot be reached", remedy) from None
        if document.get("issuer") != self._issuer:
            remedy = f"set it to the `issuer` of its {DISCOVERY}, letter by letter"
            raise RecommenderError("oidc_issuer", "calls itself otherwise", remedy)
        if not all(is_protected(document.get(each)) for each in _ENDPOINTS):
            problem = "lacks an endpoint by https in its discovery document"
            raise RecommenderError("oidc_issuer", problem, wrong)
        if "S256" not in document.get("code_challenge_methods_supported", ["S256"]):
            raise RecommenderError("oidc_issuer", "does not support PKCE", "use another provider")
        self._metadata = self.elapsed(), document
        return document

    def _described(self) -> Mapping[str, Any]:
        """The discovery document, at most an hour old; raises `SignInError`."""
        if self._metadata and self.elapsed() - self._metadata[0] < FRESH_SECONDS:
            return self._metadata[1]
        try:
            return self.described()
        except RecommenderError:
            raise SignInError(SignInFault.UNREACHABLE) from None

    def published_keys(self) -> KeySet:
        """The keys that the provider signs with, read anew; raises `SignInError`."""
        try:
            found = KeySet.import_key_set(self._json(self._described()["jwks_uri"]))  # type: ignore[arg-type]
        except (requests.RequestException, JoseError, ValueError, KeyError, TypeError):
            raise SignInError(SignInFault.UNREACHABLE) from None
        self._keys = self.elapsed(), found
        return found

    def _verified(self, token: str) -> jwt.Token:
        """The token, if the provider signed it; keys are read anew for an unknown one."""
        held = self._keys is not None and self.elapsed() - self._keys[0] < FRESH_SECONDS
        keys = self._keys[1] if held and self._keys else self.published_keys()
        try:
            try:
                return jwt.decode(token, keys, algorithms=ALGORITHMS)
            except InvalidKeyIdError:
                return jwt.decode(token, self.published_keys(), algorithms=ALGORITHMS)
        except InvalidKeyIdError:
            raise SignInError(SignInFault.UNKNOWN_KEY) from None
        except (JoseError, ValueError):
            raise SignInError(SignInFault.UNTRUSTED) from None

    def _client(self, return_to: str) -> OAuth2Session:
        methods = self._described().get("token_endpoint_auth_methods_supported")
        basic = not methods or "client_secret_basic" in methods
        return OAuth2Session(
            self._client_id,
            self._client_secret,
            token_endpoint_auth_method="client_secret_basic" if basic else "client_secret_post",
            scope=SCOPE,
            redirect_uri=return_to,
            code_challenge_method="S256",
        )

    def _json(self, address: str) -> dict[str, Any]:
        response = requests.get(address, timeout=TIMEOUT, allow_redirects=False)
        document = response.json() if response.status_code == 200 else None
        if not isinstance(document, dict):
            raise ValueError("not a document")
        return document
