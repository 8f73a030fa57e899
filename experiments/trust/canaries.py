"""A string of our own in every place of every request, looked for afterwards in all that is kept.

The requests are made from the server's own contract: a new route, field or parameter is tried
without a word here. Looked through are the log, the metrics where there are any, every refusal with
its headers, and every column of the database that is not there to keep what was sent.
"""

import http.client
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from copy import deepcopy
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from experiments.trust.keys import PEPPER, keys_to
from experiments.trust.line import Line
from experiments.trust.live import PATIENT, live_server
from experiments.trust.subject import Subject
from recommender.security.scopes import ROLES, Role
from recommender.serving.authorization import NEEDS

CANARY = "zqx~canary~7f3a"
"""No id, no level and no number, so that nothing may take it for an answer."""
HEADERS = (
    *("accept", "authorization", "cookie", "content-encoding", "content-type", "forwarded"),
    *("host", "idempotency-key", "if-match", "if-none-match", "origin", "referer", "traceparent"),
    *("user-agent", "x-canary", "x-csrf-token", "x-forwarded-for", "x-request-id"),
)
KEPT_ON_PURPOSE = frozenset({("roster_rows", "cells"), ("idempotency", "key")})
"""A clinician's name, and the key by which a request is known again."""

Path_ = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Sent:
    """One request, and the operation of the contract it is one of."""

    method: str
    path: str
    operation: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None


@dataclass(slots=True)
class Found:
    """What came of all of them."""

    requests: int = 0
    refused: int = 0
    failed: int = 0
    said: list[str] = field(default_factory=list)


def measure(count: int, subject: Subject) -> Sequence[Line]:
    """At most so many requests an operation."""
    log, database = subject.workspace / "log", subject.workspace / "journal.db"
    store = f"sqlite:///{database}"
    keys = keys_to(store)
    given = {"BUNDLE": subject.bundle, "ROSTER": subject.roster, "STORE": store, "PEPPER": PEPPER}
    # No caller asks as often as this one: what is looked for here is not how often one may.
    with live_server(given | PATIENT | {"CALLS_PER_MINUTE": 1_000_000}, log) as server:
        found = _asked(server.port, count, keys)
    if CANARY in log.read_text():
        found.said.append("the log")
    found.said += in_database(database)
    where = ", ".join(dict.fromkeys(found.said)) or "nowhere"
    lines = len(log.read_text().splitlines())
    return (
        Line(
            "canary strings in every field",
            f"{found.requests:,} requests, {found.refused:,} of them refused; {lines:,} lines of "
            "log, metrics where there are any, every refusal and every column of the database",
            f"{len(found.said)} found ({where}); {found.failed} server errors",
            "0 found, 0 server errors",
            not found.said and found.failed == 0 and found.refused > 0,
        ),
    )


def _let_in(sent: Sent, keys: Mapping[Role, str]) -> Sent:
    """The request with a key that may send it, where a key is asked for."""
    need = NEEDS.get(sent.operation)
    role = next((role for role in Role if need in ROLES[role]), None)
    if role is None or "authorization" in sent.headers:
        return sent
    return replace(sent, headers={**sent.headers, "authorization": f"Bearer {keys[role]}"})


def _asked(port: int, count: int, keys: Mapping[Role, str]) -> Found:
    found = Found()
    contract = json.loads(_answer(port, Sent("GET", "/openapi.json"))[2])
    for sent in requests_of(contract, count):
        status, headers, body = _answer(port, _with_version(port, _let_in(sent, keys), keys))
        found.requests += 1
        found.failed += status >= 500
        if status >= 400:
            found.refused += 1
            if CANARY in body.decode() + json.dumps(headers):
                found.said.append(f"a refusal of {sent.method} {sent.path}")
    measured = _let_in(Sent("GET", "/metrics", "GET /metrics"), keys)
    if CANARY in _answer(port, measured)[2].decode():
        found.said.append("the metrics")
    return found


def requests_of(contract: Mapping[str, Any], count: int) -> Iterator[Sent]:
    """Requests with the canary in one place each, operation by operation."""
    schemas = contract["components"]["schemas"]
    for path, operations in contract["paths"].items():
        for method, operation in operations.items():
            body = _example(operation, schemas)
            base = Sent(method.upper(), path, f"{method.upper()} {path}")
            tries = [*_in_address(base, operation, body), *_in_headers(base, body)]
            tries += _in_body(base, body)
            yield from tries[:count]


def in_database(path: Path) -> list[str]:
    """Columns in which the canary stands, but for those that are there to keep it."""
    found = []
    with closing(sqlite3.connect(path)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        for (table,) in tables.fetchall():
            rows = connection.execute(f'SELECT * FROM "{table}"')
            names = [each[0] for each in rows.description]
            for row in rows:
                found += [
                    f"{table}.{name}"
                    for name, cell in zip(names, row, strict=True)
                    if CANARY.encode() in _bytes(cell) and (table, name) not in KEPT_ON_PURPOSE
                ]
    return found


def _bytes(cell: object) -> bytes:
    return cell if isinstance(cell, bytes) else str(cell).encode()


def _example(operation: Mapping[str, Any], schemas: Mapping[str, Any]) -> Any:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if content is None:
        return None
    schema = schemas[content["schema"]["$ref"].rpartition("/")[2]]
    examples = schema.get("examples") or [_of_properties(schema)]
    return _with_every_property(examples[0], schema, schemas)


def _with_every_property(value: Any, schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Any:
    """An example with the properties that it leaves out, at every depth of objects."""
    named = str(schema.get("$ref", "")).rpartition("/")[2]
    schema = schemas[named] if named else schema
    properties: Mapping[str, Any] = schema.get("properties", {})
    if not isinstance(value, dict) or not properties:
        return value
    filled = _of_properties(schema) | value
    return {
        name: _with_every_property(part, properties.get(name, {}), schemas)
        for name, part in filled.items()
    }


def _of_properties(schema: Mapping[str, Any]) -> dict[str, Any]:
    properties: Mapping[str, Any] = schema.get("properties", {})
    return {name: (said.get("examples") or [None])[0] for name, said in properties.items()}


def _in_address(base: Sent, operation: Mapping[str, Any], body: Any) -> Iterator[Sent]:
    sound = replace(base, **_of(body))
    parts = [part for part in base.path.split("/") if part.startswith("{")]
    for part in parts:
        yield replace(sound, path=_filled(base.path.replace(part, quote(CANARY))))
    plain = _filled(base.path)
    yield replace(sound, path=f"{plain}?{CANARY}={CANARY}")
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "query":
            yield replace(sound, path=f"{plain}?{parameter['name']}={CANARY}")
    yield replace(sound, path=f"{plain}/{CANARY}")


def _in_headers(base: Sent, body: Any) -> Iterator[Sent]:
    sound = replace(base, path=_filled(base.path), **_of(body))
    for name in HEADERS:
        yield replace(sound, headers={**sound.headers, name: CANARY})


def _in_body(base: Sent, body: Any) -> Iterator[Sent]:
    if body is None:
        return
    sound = replace(base, path=_filled(base.path))
    for place in _places(body):
        for changed in _changed(body, place):
            yield replace(sound, **_of(changed))
    headers = {"content-type": "application/json"}
    for raw in (CANARY, f'{{"{CANARY}', f'"{CANARY}"', f'{{"a": NaN, "{CANARY}": 1}}'):
        yield replace(sound, headers=headers, body=raw.encode())


def _of(body: Any) -> dict[str, Any]:
    if body is None:
        return {}
    return {"headers": {"content-type": "application/json"}, "body": json.dumps(body).encode()}


def _filled(path: str) -> str:
    return path.replace("{clinician_id}", "new").replace("{pseudonym}", "c1").replace("{", "")


def _places(value: Any, before: Path_ = ()) -> Iterator[Path_]:
    """Where a value can stand: the whole, every member, every member of a member."""
    yield before
    members: Iterable[tuple[str | int, Any]] = ()
    if isinstance(value, dict | list):
        members = value.items() if isinstance(value, dict) else enumerate(value)
    for name, member in members:
        yield from _places(member, (*before, name))


def _changed(body: Any, place: Path_) -> Iterator[Any]:
    """The body with the canary at a place, and there under a name that no field could have."""
    yield _put(body, place, CANARY)
    yield _put(body, place, [CANARY])
    yield _put(body, place, {f"{CANARY}!": CANARY})


def _put(body: Any, place: Path_, value: Any) -> Any:
    if not place:
        return value
    copied = deepcopy(body)
    within = copied
    for step in place[:-1]:
        within = within[step]
    within[place[-1]] = value
    return copied


def _with_version(port: int, sent: Sent, keys: Mapping[Role, str]) -> Sent:
    """The request with what makes it be looked at whole: versions, and a key of its own."""
    given = {"if-none-match": "*", "idempotency-key": "1"}
    if sent.method in ("GET", "POST"):
        del given["if-none-match"]
    if sent.path.startswith("/v1/roster") and sent.method == "PUT":
        seen = _let_in(Sent("GET", "/v1/roster", "GET /v1/roster"), keys)
        given = {"if-match": _answer(port, seen)[1].get("etag", '"x"')}
    return replace(sent, headers={**given, **sent.headers})


def _answer(port: int, sent: Sent) -> tuple[int, dict[str, str], bytes]:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as line:
        line.putrequest(sent.method, sent.path, skip_host="host" in sent.headers)
        for name, value in sent.headers.items():
            line.putheader(name, value)
        if sent.body is not None:
            line.putheader("content-length", str(len(sent.body)))
        line.endheaders(sent.body)
        response = line.getresponse()
        headers = {name.lower(): value for name, value in response.getheaders()}
        return response.status, headers, response.read()
