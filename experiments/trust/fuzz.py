"""Requests generated from the contract, most wrong: no server error, no undeclared response.

Schemathesis sends them to a live server with a store, as each role in turn, one after another and
in chains along the contract's links, and compares every response with the contract of the role by
all its checks.
"""

from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import from_schema
from schemathesis.engine.events import FatalError, NonFatalError, ScenarioFinished
from schemathesis.engine.recorder import ScenarioRecorder

from experiments.trust.contract import closed, with_refusals
from experiments.trust.keys import PEPPER, headers_of, keys_to
from experiments.trust.line import Line
from experiments.trust.live import PATIENT, Server, call, connected, live_server
from experiments.trust.subject import Subject
from recommender.security.scopes import Role

A_ROUND = 100
"""Cases an operation gets in one round at most; each round draws others."""
OPERATIONS = 50
"""About as many as there are: a short run gives each of them a case or two."""
LONG = 1_000
"""Cases of a round from which every boundary of every parameter is tried, and chains of calls."""
LIMITS = ("CALLS_PER_MINUTE", "BROWSER_CALLS_PER_MINUTE", "BROWSER_CALLS_PER_ADDRESS")
"""Settings of how often one may call, which is not what is looked for here."""
REFUSED = ("400", "401", "403", "404", "408", "409", "410", "412", "415", "422", "428", "429")
"""A request can be sound by the contract and still name what is not there, or no longer so."""


@dataclass(slots=True)
class Found:
    """What came of all cases so far.

    Attributes
    ----------
    operations
        Those that were called by any role.
    roles
        Cases by role.
    succeeded
        Operations that succeeded, by role.
    failures
        How often which check failed of which operation.
    """

    operations: set[str] = field(default_factory=set)
    roles: Counter[Role] = field(default_factory=Counter)
    succeeded: dict[Role, set[str]] = field(default_factory=lambda: {role: set() for role in Role})
    server_errors: int = 0
    failures: Counter[str] = field(default_factory=Counter)

    @property
    def cases(self) -> int:
        """All cases."""
        return self.roles.total()

    def add(self, recorder: ScenarioRecorder, role: Role) -> None:
        """Counts the results of one scenario."""
        self.roles[role] += len(recorder.cases)
        self.operations |= {node.value.operation.label for node in recorder.cases.values()}
        for name, interaction in recorder.interactions.items():
            response, case = interaction.response, recorder.cases[name].value
            self.server_errors += response is None or response.status_code >= 500
            # Other methods are tried at the same address: OPTIONS succeeds everywhere.
            is_own = case.method.upper() == case.operation.method.upper()
            if is_own and response is not None and response.status_code < 300:
                self.succeeded[role].add(case.operation.label)
        for name, checks in recorder.checks.items():
            status = _status(recorder, name)
            failed = (each for each in checks if each.failure_info is not None)
            self.failures.update(
                f"{role}: {recorder.label}: {each.name} of {status}" for each in failed
            )


def measure(count: int, subject: Subject) -> Sequence[Line]:
    """So many cases over all operations."""
    found = fuzzed(count, subject)
    worst = "".join(f"; {name} ({times})" for name, times in found.failures.most_common(3))
    violations = found.failures.total()
    roles = ", ".join(
        f"{role} {found.roles[role]:,} ({len(found.succeeded[role])} operations succeeded)"
        for role in Role
    )
    return (
        Line(
            "API fuzzing",
            f"schemathesis, stateful, all checks, each role against its own contract: "
            f"{found.cases:,} cases over {len(found.operations)} operations; {roles}",
            f"{found.server_errors} server errors, {violations} violations{worst}",
            "0 server errors, 0 schema violations",
            found.server_errors == violations == 0 and found.cases >= count,
        ),
    )


def fuzzed(count: int, subject: Subject) -> Found:
    """Rounds of cases against one live server, one role a round, until there are so many."""
    url = f"sqlite:///{subject.workspace / 'journal.db'}"
    settings = {"BUNDLE": subject.bundle, "ROSTER": subject.roster, "STORE": url}
    settings |= {"PEPPER": PEPPER, **dict.fromkeys(LIMITS, 10_000_000)} | PATIENT
    found, keys, roles, number = Found(), keys_to(url), tuple(Role), 0
    with live_server(settings) as server:
        with closing(connected(server.port)) as connection:
            _, whole = call(connection, "GET", "/openapi.json")
            own = {role: call(connection, "GET", f"/openapi.json?role={role}")[1] for role in roles}
        contracts = {role: closed(with_refusals(whole, own[role])) for role in roles}
        while found.cases < count:
            role = roles[number % len(roles)]
            share = -(-count // len(roles))
            settled = _round(number, headers_of(role, keys[role]), share)
            _run(server, contracts[role], settled, role, found, found.cases + share)
            number += 1
    return found


def _status(recorder: ScenarioRecorder, case: str) -> str:
    """What a case was answered with, for a failure to name."""
    interaction = recorder.interactions.get(case)
    response = interaction.response if interaction else None
    return "no answer" if response is None else str(response.status_code)


def _run(
    server: Server,
    contract: dict[str, Any],
    settings: dict[str, Any],
    role: Role,
    found: Found,
    enough: int,
) -> None:
    """One round, which ends when so many cases were found."""
    config = SchemathesisConfig.from_dict(settings | {"base-url": server.url})
    stream = from_schema(schemathesis.openapi.from_dict(contract, config=config)).execute()
    for event in stream:
        if isinstance(event, ScenarioFinished):
            found.add(event.recorder, role)
        elif isinstance(event, FatalError | NonFatalError):
            found.failures[f"{role}: {type(event).__name__}"] += 1
        if found.cases >= enough and not isinstance(event, ScenarioFinished):
            stream.stop()


def _round(number: int, headers: dict[str, str], share: int) -> dict[str, Any]:
    """How one round is drawn; what does not depend on chance is sent once by each role."""
    first, is_long = number < len(Role), share >= LONG
    return {
        "seed": number + 1,
        "headers": headers,
        "continue-on-failure": True,
        "generation": {
            "max-examples": min(A_ROUND, max(1, share // OPERATIONS)),
            "no-shrink": True,
        },
        "phases": {
            "examples": {"enabled": first},
            "coverage": {"enabled": first and is_long},
            "stateful": {"enabled": is_long},
        },
        "checks": {"positive_data_acceptance": {"expected-statuses": ["2xx", *REFUSED]}},
    }
