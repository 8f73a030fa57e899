"""Why one clinician was not shown in recent requests: counts of requests, never of which."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class RuleCount:
    """A rule that left the clinician out: in how many requests, and in how many it alone did.

    `unknown` is whether it was not known to be met, rather than known not to be.
    """

    text: str
    unknown: bool
    requests: int
    alone: int


@dataclass(frozen=True, slots=True)
class RequestsOfClinician:
    """Requests in which a clinician could have been shown.

    Attributes
    ----------
    requests
        How many there were.
    shown, left_out, behind
        Those that showed the clinician, those in which a rule left them out, and those in which
        they met every rule and others came first.
    rules
        Rules that left them out, the most frequent first; one request may have several.
    """

    requests: int
    shown: int
    left_out: int
    behind: int
    rules: tuple[RuleCount, ...]


def requests_of_clinician(
    clinician_id: str, responses: Iterable[Mapping[str, Any]]
) -> RequestsOfClinician:
    """Counts over stored responses in present field names.

    A response in which everybody who fits was shown, but not this clinician, is of a roster without
    them and is not counted.
    """
    shown = left_out = behind = 0
    of_rule: Counter[tuple[str, bool]] = Counter()
    alone: Counter[tuple[str, bool]] = Counter()
    for each in responses:
        if any(one["clinician_id"] == clinician_id for one in each["shortlist"]):
            shown += 1
            continue
        reasons = next(
            (one["reasons"] for one in each["excluded"] if one["clinician_id"] == clinician_id),
            None,
        )
        if reasons is None:
            behind += each["eligible"] > len(each["shortlist"])
            continue
        left_out += 1
        rules = {(reason["text"], reason["unknown"]) for reason in reasons}
        of_rule.update(rules)
        alone.update(rules if len(rules) == 1 else ())
    rules_of = sorted(of_rule, key=lambda rule: (-of_rule[rule], rule))
    return RequestsOfClinician(
        shown + left_out + behind,
        shown,
        left_out,
        behind,
        tuple(RuleCount(*rule, of_rule[rule], alone[rule]) for rule in rules_of),
    )
