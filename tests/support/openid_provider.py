"""An OpenID provider in a process of its own, on Authlib's server classes.

People sign in as whatever they type. `change` makes it answer wrongly in one way, or
gives it new keys.
"""

import http.client
import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import AuthorizationCodeMixin, ClientMixin
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core import UserInfo
from authlib.oidc.core.grants import OpenIDCode
from flask import Flask, Response, jsonify, request
from joserfc.jwk import KeySet, OctKey, RSAKey
from pydantic import SecretStr

from tests.support.server_process import ROOT, free_port, http_request, wait_for_answer

CLIENT_ID, CLIENT_SECRET = "recommender", "a secret of the registration"
PROVIDER_NAME = "Example"
HOUR = 3600
FAULTS = (
    *("nonce", "no_nonce", "issuer", "audience", "expired", "future"),
    *("unknown_key", "signature", "symmetric", "no_token", "refused_client", "broken"),
)
FORM = """<!doctype html><title>Example sign-in</title><h1>Sign in at Example</h1>
<form method="post"><label>Account <input name="subject"></label>
<button name="answer" value="yes">Continue</button>
<button name="answer" value="no">Cancel</button></form>"""


@dataclass(frozen=True)
class OpenidProvider:
    """A running provider."""

    port: int

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def settings(self) -> dict[str, Any]:
        """Settings of a server that staff may sign in to with it."""
        return {
            "oidc_issuer": self.issuer,
            "oidc_client_id": CLIENT_ID,
            "oidc_client_secret": SecretStr(CLIENT_SECRET),
            "oidc_name": PROVIDER_NAME,
        }

    def change(self, **what: str | bool) -> None:
        """Sets `fault`, one of `FAULTS` or empty, or changes keys (`rotate`)."""
        status, *_ = http_request(self.port, "POST", "/change", json.dumps(what).encode())
        assert status == 200

    def sign_in(self, address: str, subject: str | None) -> str:
        """The address a browser is sent back to after a person signed in; None cancels."""
        parts = urlsplit(address)
        answer = {"subject": subject or "", "answer": "no" if subject is None else "yes"}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        headers = {"content-type": "application/x-www-form-urlencoded"}
        connection.request("POST", f"{parts.path}?{parts.query}", urlencode(answer), headers)
        response = connection.getresponse()
        text = response.read().decode()
        connection.close()
        assert response.status == 302, text
        return str(response.headers["location"])


@contextmanager
def openid_provider() -> Iterator[OpenidProvider]:
    """A provider, ready within."""
    port = free_port()
    environment = os.environ | {"AUTHLIB_INSECURE_TRANSPORT": "1"}
    command = [sys.executable, "-m", "tests.support.openid_provider", str(port)]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)
    try:
        wait_for_answer(process, port, "/keys", seconds=30)
        yield OpenidProvider(port)
    finally:
        process.terminate()
        process.wait(10)


class RegisteredClient(ClientMixin):  # type: ignore[misc]
    """The one program that may ask."""

    def get_client_id(self) -> str:
        return CLIENT_ID

    def get_allowed_scope(self, scope: str) -> str:
        return scope

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri.endswith("/staff/session/provider/return")

    def check_client_secret(self, client_secret: str) -> bool:
        return client_secret == CLIENT_SECRET

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method in ("client_secret_basic", "client_secret_post")

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "authorization_code"


@dataclass
class IssuedCode(AuthorizationCodeMixin):  # type: ignore[misc]
    """A code that was given and not yet used."""

    subject: str
    data: dict[str, str]

    def get_redirect_uri(self) -> str:
        return self.data["redirect_uri"]

    def get_scope(self) -> str:
        return self.data["scope"]

    def get_nonce(self) -> str:
        return self.data["nonce"]

    def get_auth_time(self) -> int:
        return int(time.time())

    def get_acr(self) -> None:
        return None

    def get_amr(self) -> None:
        return None

    @property
    def code_challenge(self) -> str:
        return self.data["code_challenge"]

    @property
    def code_challenge_method(self) -> str:
        return self.data["code_challenge_method"]


def application(port: int) -> Flask:
    """The provider's web application."""
    issuer, codes = f"http://127.0.0.1:{port}", dict[str, IssuedCode]()
    state: dict[str, Any] = {"fault": "", "key": _new_key()}
    app = Flask("openid_provider")
    server = AuthorizationServer(app, lambda _: RegisteredClient(), lambda *_: None)

    class Code(AuthorizationCodeGrant):  # type: ignore[misc]
        TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_basic", "client_secret_post")

        def save_authorization_code(self, code: str, asked: Any) -> None:
            codes[code] = IssuedCode(asked.user, dict(asked.payload.data))

        def query_authorization_code(self, code: str, client: Any) -> IssuedCode | None:
            return codes.get(code)

        def delete_authorization_code(self, used: IssuedCode) -> None:
            codes.pop(next(code for code, each in codes.items() if each is used))

        def authenticate_user(self, used: IssuedCode) -> str:
            return used.subject

    class Token(OpenIDCode):  # type: ignore[misc]
        def exists_nonce(self, nonce: str, asked: Any) -> bool:
            return any(code.get_nonce() == nonce for code in codes.values())

        def resolve_client_private_key(self, client: Any) -> Any:
            if state["fault"] == "symmetric":
                return OctKey.import_key(CLIENT_SECRET)
            return _new_key() if state["fault"] == "signature" else state["key"]

        def get_client_algorithm(self, client: Any) -> str:
            return "HS256" if state["fault"] == "symmetric" else "RS256"

        def get_encode_header(self, client: Any) -> dict[str, str]:
            kid = "none-of-ours" if state["fault"] == "unknown_key" else state["key"].kid
            return {"alg": self.get_client_algorithm(client), "kid": kid}

        def get_client_claims(self, client: Any) -> dict[str, Any]:
            return {"iss": issuer, "aud": CLIENT_ID}

        def get_authorization_code_claims(self, code: Any) -> dict[str, Any]:
            claims: dict[str, Any] = super().get_authorization_code_claims(code)
            return {} if state["fault"] == "no_nonce" else claims

        def generate_user_info(self, subject: str, scope: str) -> UserInfo:
            now = int(time.time())
            wrong: dict[str, dict[str, Any]] = {
                "nonce": {"nonce": "of another attempt"},
                "issuer": {"iss": "https://login.example.org"},
                "audience": {"aud": "another program"},
                "expired": {"iat": now - 2 * HOUR, "exp": now - HOUR},
                "future": {"iat": now + HOUR, "exp": now + 2 * HOUR},
            }
            return UserInfo(
                sub=subject, email="someone@example.org", **wrong.get(state["fault"], {})
            )

    server.register_grant(Code, [CodeChallenge(required=True), Token(require_nonce=True)])

    @app.get("/.well-known/openid-configuration")
    def discovery() -> Response:
        known: Response = jsonify(
            issuer=issuer,
            authorization_endpoint=f"{issuer}/authorize",
            token_endpoint=f"{issuer}/token",
            jwks_uri=f"{issuer}/keys",
            code_challenge_methods_supported=["S256"],
        )
        return known

    @app.get("/keys")
    def keys() -> Response:
        published: Response = jsonify(KeySet([state["key"]]).as_dict(private=False))
        return published

    @app.route("/authorize", methods=["GET", "POST"])
    def authorize() -> Any:
        grant = server.get_consent_grant(end_user="somebody")
        if request.method == "GET":
            return FORM
        user = request.form["subject"] if request.form["answer"] == "yes" else None
        return server.create_authorization_response(grant_user=user, grant=grant)

    @app.post("/token")
    def token() -> Any:
        if state["fault"] == "broken":
            return Response("not JSON", 500)
        if state["fault"] == "refused_client":
            return Response(json.dumps({"error": "invalid_client"}), 401)
        answer = server.create_token_response()
        if state["fault"] == "no_token":
            return jsonify({k: v for k, v in answer.json.items() if k != "id_token"})
        return answer

    @app.post("/change")
    def change() -> str:
        wanted = request.get_json()
        state["fault"] = wanted.get("fault", "")
        if wanted.get("rotate"):
            state["key"] = _new_key()
        return "done"

    return app


def _new_key() -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": secrets.token_hex(4)}, private=True)


def query_of(address: str) -> dict[str, str]:
    """The parameters of an address."""
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


if __name__ == "__main__":
    application(int(sys.argv[1])).run("127.0.0.1", int(sys.argv[1]), threaded=True)
