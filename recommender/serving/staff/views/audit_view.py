"""Events of the audit log in words: who did what, and when."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from recommender.journal.audit_events import AuditEvent
from recommender.journal.wishes import MATCHING_PAGE
from recommender.security.scopes import ANYBODY
from recommender.serving.snapshot.snapshot import FILE_ACTOR
from recommender.serving.staff import wording
from recommender.serving.staff.account_words import ROLE_NAMES

KINDS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "signing-in": ("Signing in and out", ("session",)),
    "accounts": ("Accounts", ("account",)),
    "keys": ("Keys and webhooks", ("key", "webhook")),
    "requests": (
        "Requests, choices and consents",
        ("recommendation", "request", "decision", "wish", "draft", "consent"),
    ),
    "pairings": ("Appointments and ratings", ("pairing", "rating")),
    "roster": ("Roster", ("roster", "clinician", "place")),
    "privacy": ("Privacy requests and deletion", ("subject", "retention", "audit")),
    "models": ("Models and trials", ("model", "extract", "trial")),
}
"""Name of each kind of event, and the first parts of its actions."""
ACTIONS: Mapping[str, str] = {
    "session.opened": "Signed in",
    "session.closed": "Signed out",
    "session.closed_everywhere": "Signed out everywhere",
    "account.added": "Added the account {account}, as {roles}",
    "account.roles": "Changed the roles of {account} to {roles}",
    "account.password": "Set a password of {account}",
    "account.removed": "Closed the account {account}",
    "account.linked": "Linked {account} to an organisation's account",
    "account.unlinked": "Removed the link of {account} to an organisation's account",
    "key.created": "Made the key of {name}",
    "key.revoked": "Revoked the key of {name}",
    "webhook.added": "Added a webhook to {host}",
    "webhook.removed": "Removed a webhook",
    "webhook.rotated": "Gave a webhook a new secret",
    "webhook.switched_on": "Switched a webhook on",
    "webhook.switched_off": "Switched a webhook off",
    "webhook.retried": "Sent messages of webhooks again",
    "recommendation.shown": "Was shown a list of clinicians for a client",
    "decision.recorded": "Recorded the choice of a clinician",
    "request.closed": "Closed a request",
    "request.reopened": "Reopened a request",
    "request.resumed": "A closed request is open again: the client went on with it",
    "wish.recorded": "Recorded a client's wish for a clinician",
    "draft.begun": "Began a request that is not sent yet",
    "draft.discarded": "Discarded a request that was not sent",
    "consent.recorded": "Recorded a client's consent or its withdrawal",
    "pairing.recorded": "Recorded a client's start with a clinician",
    "pairing.followed": "Recorded an appointment or an ending",
    "rating.recorded": "Recorded a rating",
    "rating.corrected": "Corrected a rating",
    "rating.withdrawn": "Withdrew a rating",
    "roster.replaced": "Replaced the roster: {clinicians}",
    "roster.confirmed": "Confirmed the roster as it is",
    "clinician.put": "Added or replaced {clinicians}",
    "clinician.patched": "Changed {clinicians}",
    "clinician.removed": "Removed {clinicians} from the roster",
    "place.taken": "Took an open place of {clinicians}",
    "place.given": "Gave back an open place of {clinicians}",
    "trial.started": "Started a trial of the order",
    "trial.looked": "Took a look at a trial",
    "trial.ended": "Ended a trial",
    "trial.order_restored": "Restored predicted order after a trial that ended for harm",
    "subject.exported": "Exported all that is stored of a client",
    "subject.erased": "Erased a client",
    "retention.swept": "Deleted what is older than the retention periods",
    "audit.pruned": "Deleted the oldest events of this log",
    "model.trained": "Trained a model on {pairings}",
    "extract.written": "Wrote training tables of {pairings}",
}
"""What an action was, in words; the parts in braces are made from its facts."""
OTHER_ACTORS: Mapping[str, str] = {
    MATCHING_PAGE: "Matching page",
    FILE_ACTOR: "Roster file of the server",
    "command": "Command on the server",
    "server": "This server",
    ANYBODY.actor: "This computer",
}
"""Who did something without an account or a key."""
MOST_NAMED = 5
"""Clinicians named in one line."""
_ROLES: Mapping[str, str] = {role.value: name for role, name in ROLE_NAMES.items()}


@dataclass(frozen=True, slots=True)
class AuditLine:
    """One event in words; a program or command is named as one."""

    at: datetime
    who: str
    what: str


def audit_lines(
    events: Iterable[AuditEvent],
    accounts: Mapping[str, str],
    clinicians: Mapping[str, str],
) -> tuple[AuditLine, ...]:
    """Events in words, with names of accounts and clinicians by id."""

    def account(facts: Mapping[str, Any]) -> str:
        return accounts.get(facts["staff_id"], facts["staff_id"])

    def given(facts: Mapping[str, Any]) -> str:
        codes = (facts.get("roles") or facts["role"]).split()
        return wording.listed([_ROLES.get(each, each) for each in codes])

    def people(facts: Mapping[str, Any]) -> str:
        ids = facts["clinicians"]
        if len(ids) > MOST_NAMED or not ids:
            return wording.counted(len(ids), "clinician", "clinicians")
        return wording.listed([clinicians.get(each, each) for each in ids])

    parts: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
        "{account}": account,
        "{roles}": given,
        "{clinicians}": people,
        "{name}": lambda facts: facts["name"],
        "{host}": lambda facts: facts["host"],
        "{pairings}": lambda facts: wording.counted(facts["pairings"], "pairing", "pairings"),
    }

    def what(event: AuditEvent) -> str:
        text = ACTIONS.get(event.action, event.action)
        for part, words in parts.items():
            if part in text:
                text = text.replace(part, words(event.facts))
        return text

    return tuple(
        AuditLine(each.at, actor_name(each.actor, accounts), what(each)) for each in events
    )


def actor_name(actor: str, accounts: Mapping[str, str]) -> str:
    """Who did something: the name of an account, or what else it was.

    >>> [actor_name(each, {"9f2c": "intake.desk"}) for each in ("9f2c", "key:website", "shell:0")]
    ['intake.desk', 'Program website', 'Command on the server (user 0)']
    """
    kind, _, name = actor.partition(":")
    if kind == "key" and name:
        return f"Program {name}"
    if kind == "shell" and name:
        return f"Command on the server (user {name})"
    return accounts.get(actor) or OTHER_ACTORS.get(actor, actor)
