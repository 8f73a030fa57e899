"""Brings facts of Cliniko into the roster of a running server, over its own interface.

`GET /v1/roster`, then `PUT /v1/roster` with `If-Match`: facts that Cliniko does not give stay as
the server has them. An unchanged roster is sent too, which confirms its availability.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import requests

from recommender.errors import RecommenderError
from recommender.importing.cliniko.account import LOOPBACK
from recommender.importing.cliniko.roster_changes import FactChange, FactChanges
from recommender.importing.cliniko.roster_facts import ClinikoFacts
from recommender.practice.definition import Practice
from recommender.tables.csv_text import cell_text
from recommender.values.kinds import RawValue

SECONDS = 60.0
TRIES = 3
ToJson = Callable[[str, RawValue], Any]
"""The JSON form of a raw cell of a kind of field."""
MAX_FAULTS = 5


@dataclass(frozen=True, slots=True)
class RosterServer:
    """A running server.

    Attributes
    ----------
    url
        Its address, by https or on this machine.
    key
        A key that may write the roster.
    """

    url: str
    key: str

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
            remedy = "name it by https, or by http on this machine"
            raise RecommenderError("--server", "is not a secure address", remedy)

    def __repr__(self) -> str:
        return f"RosterServer({self.url!r})"


def merge_into_server(
    server: RosterServer,
    facts: Mapping[str, ClinikoFacts],
    practice: Practice,
    to_json: ToJson,
    *,
    dry_run: bool,
) -> FactChanges:
    """What changes on the server's roster; sent unless `dry_run`.

    Raises
    ------
    RecommenderError
        When the server cannot be reached or refuses, with its reasons.
    """
    for _ in range(TRIES):
        answer = _ask(server, "GET")
        etag = answer.headers.get("ETag", "")
        clinicians, changes = _merge(answer.json()["clinicians"], facts, practice, to_json)
        if dry_run:
            return changes
        sent = _ask(server, "PUT", {"clinicians": clinicians}, etag)
        if sent.status_code != HTTPStatus.PRECONDITION_FAILED:
            return changes
    problem = "was changed by somebody else each time it was read"
    raise RecommenderError("the server's roster", problem, "run the same command again")


def _merge(
    clinicians: list[dict[str, Any]],
    facts: Mapping[str, ClinikoFacts],
    practice: Practice,
    to_json: ToJson,
) -> tuple[list[dict[str, Any]], FactChanges]:
    rows = {row["clinician_id"]: row for row in clinicians}
    changes: list[FactChange] = []
    added = []
    for clinician, given in facts.items():
        row = rows.get(clinician)
        if row is None:
            row = rows[clinician] = {"clinician_id": clinician, "name": None, "facts": {}}
            added.append(clinician)
        for name, cell in given.facts.items():
            kind = practice.clinician[name].kind
            after = None if cell is None else to_json(kind, cell)
            before = row["facts"].get(name)
            if before == after:
                continue
            if clinician not in added:
                changes.append(FactChange(clinician, name, _shown(before), cell_text(cell)))
            if after is None:
                row["facts"].pop(name, None)
            else:
                row["facts"][name] = after
        if given.name is not None and given.name != row["name"]:
            if clinician not in added:
                changes.append(FactChange(clinician, "name", row["name"] or "", given.name))
            row["name"] = given.name
    return list(rows.values()), FactChanges(tuple(changes), tuple(added))


def _shown(fact: Any) -> str:
    """A fact of an answer in one line."""
    if isinstance(fact, list):
        return ";".join(map(_shown, fact)) or "none"
    if isinstance(fact, dict):
        return " ".join(_shown(part) for part in fact.values())
    return cell_text(fact)


def _ask(server: RosterServer, method: str, body: Any = None, etag: str = "") -> requests.Response:
    headers = {"Authorization": f"Bearer {server.key}"} if server.key else {}
    headers |= {"If-Match": etag} if etag else {}
    address = f"{server.url.rstrip('/')}/v1/roster"
    try:
        response = requests.request(
            method, address, json=body, headers=headers, timeout=SECONDS, allow_redirects=False
        )
        if response.status_code in (HTTPStatus.OK, HTTPStatus.PRECONDITION_FAILED):
            response.json()
            return response
    except (requests.RequestException, ValueError):
        remedy = "start it with `recommender serve`, or correct --server"
        raise RecommenderError("--server", "does not answer as a recommender", remedy) from None
    raise _refusal(response)


def _refusal(response: requests.Response) -> RecommenderError:
    if response.status_code in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        command = "recommender keys create NAME --role admin"
        remedy = f"put a key of role admin into RECOMMENDER_KEY (`{command}`)"
        return RecommenderError("RECOMMENDER_KEY", "may not change the server's roster", remedy)
    try:
        problem = response.json()
        errors = problem.get("errors", [])[:MAX_FAULTS]
        texts = [f"{each['pointer']} {each['message']}".strip() for each in errors]
        text = "; ".join(texts) or str(problem["detail"])
    except (ValueError, KeyError, TypeError, AttributeError):
        text = f"answered {response.status_code}"
    remedy = "correct the mapping or the roster; nothing was changed"
    return RecommenderError("the server's roster", text.rstrip("."), remedy)
