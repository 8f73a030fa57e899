"""Requests made up from the contract, most of them wrong: no server error, nothing it does not say.

Schemathesis sends them to a live server that keeps what it is told, one after another and in chains
along the contract's links, and holds every answer against the contract with all its checks.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import from_schema
from schemathesis.engine.events import FatalError, NonFatalError, ScenarioFinished
from schemathesis.engine.recorder import ScenarioRecorder

from experiments.trust.keys import PEPPER, keys_to
from experiments.trust.line import Line
from experiments.trust.live import PATIENT, live_server
from experiments.trust.subject import Subject
from recommender.security.scopes import Role

A_ROUND = 400
"""Cases an operation gets in one round at most; each round draws others."""
REFUSED = ("400", "401", "403", "404", "408", "409", "410", "412", "415", "422", "428", "429")
"""A request can be sound by the contract and still name what is not there, or no longer so."""


@dataclass(slots=True)
class Found:
    """What came of all cases so far.

    Attributes
    ----------
    failures
        How often which check failed of which operation.
    """

    cases: int = 0
    operations: set[str] = field(default_factory=set)
    server_errors: int = 0
    failures: Counter[str] = field(default_factory=Counter)

    def add(self, recorder: ScenarioRecorder) -> None:
        """Counts what one scenario came to."""
        self.cases += len(recorder.cases)
        self.operations |= {node.value.operation.label for node in recorder.cases.values()}
        for interaction in recorder.interactions.values():
            response = interaction.response
            self.server_errors += response is None or response.status_code >= 500
        for case, checks in recorder.checks.items():
            status = _status(recorder, case)
            failed = (each for each in checks if each.failure_info is not None)
            self.failures.update(f"{recorder.label}: {each.name} of {status}" for each in failed)


def measure(count: int, subject: Subject) -> Sequence[Line]:
    """So many cases over all operations."""
    found = fuzzed(count, subject)
    worst = "".join(f"; {name} ({times})" for name, times in found.failures.most_common(3))
    violations = found.failures.total()
    return (
        Line(
            "API fuzzing",
            f"schemathesis, stateful, all checks: {found.cases:,} cases over "
            f"{len(found.operations)} operations",
            f"{found.server_errors} server errors, {violations} violations{worst}",
            "0 server errors, 0 schema violations",
            found.server_errors == violations == 0 and found.cases >= count,
        ),
    )


def fuzzed(count: int, subject: Subject) -> Found:
    """Rounds of cases against one live server until there are so many."""
    url = f"sqlite:///{subject.workspace / 'journal.db'}"
    settings = {"BUNDLE": subject.bundle, "ROSTER": subject.roster, "STORE": url}
    settings |= {"PEPPER": PEPPER, "CALLS_PER_MINUTE": 10_000_000} | PATIENT
    found, key, number = Found(), keys_to(url, [Role.STAFF])[Role.STAFF], 0
    with live_server(settings) as server:
        while found.cases < count:
            number += 1
            config = SchemathesisConfig.from_dict(_round(number, key, count - found.cases))
            _run(f"{server.url}/openapi.json", config, count, found)
    return found


def _status(recorder: ScenarioRecorder, case: str) -> str:
    """What a case was answered with, for a failure to name."""
    interaction = recorder.interactions.get(case)
    response = interaction.response if interaction else None
    return "no answer" if response is None else str(response.status_code)


def _run(contract: str, config: SchemathesisConfig, count: int, found: Found) -> None:
    stream = from_schema(schemathesis.openapi.from_url(contract, config=config)).execute()
    for event in stream:
        if isinstance(event, ScenarioFinished):
            found.add(event.recorder)
        elif isinstance(event, FatalError | NonFatalError):
            found.failures[type(event).__name__] += 1
        if found.cases >= count and not isinstance(event, ScenarioFinished):
            stream.stop()


def _round(number: int, key: str, left: int) -> dict[str, Any]:
    """How one round is drawn; what does not depend on chance is sent in the first alone."""
    first = {"enabled": number == 1}
    return {
        "seed": number,
        "headers": {"Authorization": f"Bearer {key}"},
        "continue-on-failure": True,
        "generation": {"max-examples": min(A_ROUND, max(5, left // 30)), "no-shrink": True},
        "phases": {"examples": first, "coverage": first},
        "checks": {"positive_data_acceptance": {"expected-statuses": ["2xx", *REFUSED]}},
    }
