"""Versions of the HTTP contract, and how parts of it are deprecated.

The contract is versioned by Semantic Versioning 2.0.0. A part that is deprecated works for at least
`LIFETIME` more, and is removed only by a new major version. `docs/api.md` has the whole policy.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from email.utils import format_datetime
from typing import Any

API_VERSION = "2.0.0"
VERSION_HEADER: Mapping[str, str] = {"API-Version": API_VERSION}
"""Header of every response but pages: the version of the contract it follows."""
LIFETIME = timedelta(days=182)
"""The shortest time from the deprecation of a part to its sunset: half a year."""
REFERENCE = "/docs"
"""The page that a `Link` to more about a deprecation leads to."""
EXTENSION = "x-deprecation"
"""Name of the dates of a deprecation in the contract."""


@dataclass(frozen=True, slots=True)
class ContractVersion:
    """One version of the contract.

    Attributes
    ----------
    released
        The day it was released; None if it is not yet.
    changes
        What callers may notice, each a sentence.
    """

    version: str
    released: date | None
    changes: tuple[str, ...]


VERSIONS: tuple[ContractVersion, ...] = (
    ContractVersion(
        API_VERSION,
        None,
        (
            "**Breaking**: members, codes, problem types and operation ids have the names of the "
            "glossary; `CHANGELOG.md` lists each old name beside the new one.",
            "Recommendations carry `contract_version`; stored ones of version 1 are translated "
            "when they are read.",
            "**Breaking**: exclusions, relaxations, contributions and unanswered questions are "
            "sent where `include` names them.",
            "Shortlists have cards; `GET /v1/questions` has the questions as a form, "
            "`GET /v1/recommendations` lists what was recommended, page by page.",
            "**Breaking**: `POST /v1/predictions` needs the scope `score:read`. The role `browser` "
            "is for keys in public pages; sandbox keys store nothing.",
            "Relaxations are offered where fewer are eligible than `top_k` asks for; staff receive "
            "`ahead_of_next`.",
            "`warning_details` says what of each warning a client may read; `ties` has one text "
            "for each group of clinicians that cannot be told apart.",
            "Wishes of clients, and webhooks about decisions, wishes and ratings.",
            "Pairings can be withdrawn by the event `withdrawn`; after it, events and ratings of "
            "the pairing are refused (409). Events and ratings have `contradictions`, a new "
            "pairing has `open_pairings`.",
            "Requests that lead nowhere are closed and reopened; lists have the state `closed` and "
            "`closed_for`. A decision on a closed request is refused (409).",
            "A recommendation may replace an earlier one (`replaces`). A decision for a clinician "
            "whom a rule of safety, law, registration, consent or conflict excludes is refused.",
            "Booked appointments may have an hour (`local_time`, `first_time` of a pairing).",
            "The mode `trial`: the order is under study, and no prediction is shown; `notice` says "
            "so. After a trial that ended for harm lists have the mode `constraints_only` and the "
            "warning `order_withdrawn`, and allocations are refused (409).",
            "`/openapi.json?role=` gives the contract of one role: the operations it may call, "
            "and responses with exactly the members it receives.",
            "`GET /v1/models` has `claims`: whether matching and an order better than chance are "
            "shown of the active model, and how many ratings it would take. With `matches=true` it "
            "has the sizes of the declared matches, beside what own ratings show and what was "
            "expected.",
            "Every operation has an example that can be sent as it is, and a curl line.",
            "`mode` and the codes of warnings have `pooled_prior`: no rating of this practice was "
            "used, and contributions of others were. `GET /v1/models/current` lists them.",
            "Responses carry `API-Version`, and `Deprecation`, `Sunset` and `Link` where they are "
            "due.",
        ),
    ),
)
"""Newest first."""


@dataclass(frozen=True, slots=True)
class Deprecation:
    """From when a part of the contract should no longer be used, and until when it works.

    Attributes
    ----------
    since
        The day on which it was deprecated.
    sunset
        The last day on which it works for sure, at least `LIFETIME` after `since`.
    instead
        What to use in its place, as a sentence.

    Raises
    ------
    ValueError
        When the sunset comes too early.

    Examples
    --------
    >>> old = Deprecation(date(2026, 1, 1), date(2026, 12, 31), "Use `GET /v2/things`.")
    >>> for name, value in old.headers("/match").items():
    ...     print(f"{name}: {value}")
    Deprecation: @1767225600
    Sunset: Thu, 31 Dec 2026 23:59:59 GMT
    Link: </match/docs>; rel="deprecation"; type="text/html"
    """

    since: date
    sunset: date
    instead: str

    def __post_init__(self) -> None:
        if self.sunset - self.since < LIFETIME:
            raise ValueError(f"sunset: is not {LIFETIME.days} days after the deprecation")

    def headers(self, root_path: str) -> dict[str, str]:
        """The headers of every response: RFC 9745 (`Deprecation`, `Link`), RFC 8594 (`Sunset`)."""
        begins = datetime.combine(self.since, time.min, UTC)
        ends = datetime.combine(self.sunset, time(23, 59, 59), UTC)
        return {
            "Deprecation": f"@{int(begins.timestamp())}",
            "Sunset": format_datetime(ends, usegmt=True),
            "Link": f'<{root_path}{REFERENCE}>; rel="deprecation"; type="text/html"',
        }

    def in_contract(self) -> dict[str, Any]:
        """Members of the contract's operation or schema."""
        dates = {"since": self.since.isoformat(), "sunset": self.sunset.isoformat()}
        return {"deprecated": True, EXTENSION: {**dates, "instead": self.instead}}

    @classmethod
    def declared_in(cls, operation: Mapping[str, Any]) -> "Deprecation | None":
        """The deprecation that `in_contract` put into an operation; None without one."""
        if EXTENSION not in operation:
            return None
        declared = operation[EXTENSION]
        since, sunset = (date.fromisoformat(declared[name]) for name in ("since", "sunset"))
        return cls(since, sunset, declared["instead"])


def version_history() -> list[dict[str, Any]]:
    """All versions, newest first, for the contract's `x-changelog`."""
    return [
        {
            "version": each.version,
            "released": None if each.released is None else each.released.isoformat(),
            "changes": list(each.changes),
        }
        for each in VERSIONS
    ]
