"""All that is stored of one client in words, for the client to read."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from recommender.journal.audit_events import AuditEvent
from recommender.journal.closings import CLOSED
from recommender.journal.consents import SCOPES
from recommender.practice.definition import Practice
from recommender.serving.staff import follow_up_words, wording
from recommender.serving.staff.views.answers_used import answers_in_words
from recommender.serving.staff.views.audit_view import AuditLine, actor_name, audit_lines

PURPOSES = dict(
    zip(
        SCOPES,
        ("An order by predicted alliance", "Use for training the model", "Use for research"),
        strict=True,
    )
)
"""What a consent is about."""
DRAFT_FIELDS: Mapping[str, str] = {
    "client_id": wording.CLIENT_CODE,
    "asked_on": "Day asked",
    "top_k": "Clinicians to show",
}
"""Names of fields of a request that are no answers."""
Line = tuple[str, str]
"""A name and a text."""


@dataclass(frozen=True, slots=True)
class CopyWords:
    """What ids and codes are put into words with: definition, clinicians, and accounts by id."""

    practice: Practice
    clinicians: Mapping[str, str]
    accounts: Mapping[str, str]

    def clinician(self, clinician_id: str | None) -> str:
        """The name of a clinician with the id; nobody where help to choose was asked for."""
        if clinician_id is None:
            return "help to choose"
        return wording.person(clinician_id, self.clinicians.get(clinician_id, clinician_id))

    def who(self, actor: str) -> str:
        """Who recorded something."""
        return actor_name(actor, self.accounts)


@dataclass(frozen=True, slots=True)
class DatedLine:
    """What was recorded, when, and by whom."""

    at: datetime
    text: str
    who: str


@dataclass(frozen=True, slots=True)
class RequestCopy:
    """One request: its answers in words, who was shown, and what came of it.

    `answers` is None where they were deleted after their retention period.
    """

    recommendation_id: str
    asked_on: date
    who: str
    answers: tuple[Line, ...] | None
    shown: tuple[str, ...]
    later: tuple[DatedLine, ...]


@dataclass(frozen=True, slots=True)
class PairingCopy:
    """One clinician the client started with: what happened, and every version of every rating."""

    clinician: str
    events: tuple[str, ...]
    ratings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ClientCopy:
    """All that is stored of a client."""

    client_id: str
    consents: tuple[DatedLine, ...]
    requests: tuple[RequestCopy, ...]
    pairings: tuple[PairingCopy, ...]
    drafts: tuple[tuple[datetime, str, tuple[Line, ...]], ...]
    log: tuple[AuditLine, ...]
    models: tuple[str, ...]
    messages: int


def client_copy(stored: Mapping[str, Any], words: CopyWords) -> ClientCopy:
    """What `stored_of_subject` gives, in words."""
    events = [AuditEvent(**{k: v for k, v in e.items() if k != "details"}) for e in stored["audit"]]
    return ClientCopy(
        client_id=stored["client_id"],
        consents=tuple(_consent(each, words) for each in stored["consents"]),
        requests=tuple(_requests(stored, words)),
        pairings=tuple(_pairings(stored, words)),
        drafts=tuple(_draft(each, words) for each in stored["drafts"]),
        log=audit_lines(events, words.accounts, words.clinicians),
        models=tuple(stored["models"]),
        messages=len(stored["webhook_events"]),
    )


def _consent(row: Mapping[str, Any], words: CopyWords) -> DatedLine:
    given = "agreed" if row["given"] else "not agreed"
    purpose = PURPOSES.get(row["scope"], row["scope"])
    text = f"{purpose}: {given} (wording {row['version']})"
    return DatedLine(row["stated_at"], text, words.who(row["actor"]))


def _requests(stored: Mapping[str, Any], words: CopyWords) -> Iterable[RequestCopy]:
    contents = {each["recommendation_id"]: each["request"] for each in stored["payloads"]}
    for row in sorted(stored["recommendations"], key=lambda each: each["recorded_at"]):
        name = row["recommendation_id"]
        request = contents.get(name)
        yield RequestCopy(
            recommendation_id=name,
            asked_on=row["asked_on"],
            who=words.who(row["actor"]),
            answers=None if request is None else _answers(request, words),
            shown=tuple(_shown(each, words) for each in _of(stored["shown"], name)),
            later=tuple(_later(stored, name, words)),
        )


def _answers(request: Mapping[str, Any], words: CopyWords) -> tuple[Line, ...]:
    """The answers in words; those to questions that are no longer asked under their stored name."""
    answers = request["answers"]
    declared = request.get("declared", ())
    given = answers_in_words(words.practice, answers, declared, words.clinicians)
    unknown = [each for each in answers if each not in words.practice.client]
    return (*given, *((each, str(answers[each])) for each in unknown))


def _shown(row: Mapping[str, Any], words: CopyWords) -> str:
    score = "" if row["score"] is None else f", predicted alliance {row['score']:.1f}"
    return f"{words.clinician(row['clinician_id'])}{score}"


def _later(stored: Mapping[str, Any], name: str, words: CopyWords) -> Iterable[DatedLine]:
    for row in _of(stored["wishes"], name):
        text = f"Asked for: {words.clinician(row['clinician_id'])} (reference {row['reference']})"
        yield DatedLine(row["recorded_at"], text, words.who(row["actor"]))
    for row in _of(stored["decisions"], name):
        kind = wording.DECISION_KINDS.get(row["kind"], row["kind"])
        text = f"{kind}: {words.clinician(row['clinician_id'])}{_reason(row, wording.REASONS)}"
        yield DatedLine(row["recorded_at"], text, words.who(row["actor"]))
    for row in _of(stored["closings"], name):
        is_closed = row["kind"] == CLOSED
        text = follow_up_words.closed(row["reason"]) if is_closed else "Open again"
        yield DatedLine(row["recorded_at"], text, words.who(row["actor"]))


def _pairings(stored: Mapping[str, Any], words: CopyWords) -> Iterable[PairingCopy]:
    versions: dict[str, list[Mapping[str, Any]]] = {}
    for row in stored["rating_versions"]:
        versions.setdefault(row["rating_id"], []).append(row)
    for row in sorted(stored["pairings"], key=lambda each: each["recorded_at"]):
        pairing_id = row["pairing_id"]
        events = (e for e in stored["pairing_events"] if e["pairing_id"] == pairing_id)
        ratings = [each for each in stored["ratings"] if each["pairing_id"] == pairing_id]
        yield PairingCopy(
            words.clinician(row["clinician_id"]),
            tuple(map(_event, sorted(events, key=lambda each: each["happened_on"]))),
            tuple(_rating(each, one) for each in ratings for one in versions[each["rating_id"]]),
        )


def _event(row: Mapping[str, Any]) -> str:
    kind = wording.EVENT_KINDS.get(row["kind"], follow_up_words.UNDONE)
    session = "" if row["session"] is None else f", session {row['session']}"
    reason = _reason(row, follow_up_words.UNDO_REASONS)
    at = follow_up_words.at_hour(row["local_time"])
    return f"{wording.day(row['happened_on'])}{at}: {kind}{session}{reason}"


def _rating(rating: Mapping[str, Any], row: Mapping[str, Any]) -> str:
    who = wording.RATERS.get(rating["rater"], rating["rater"])
    scale = wording.scale_of(rating["instrument"])
    about = (
        f"{wording.day(row['rated_on'])}: {scale}, session {rating['session']}, by {who.lower()}"
    )
    if row["withdrawn"]:
        return f"{about}: withdrawn{_reason(row, wording.CORRECTIONS)}"
    changed = f"; correction {row['version'] - 1}" if row["version"] > 1 else ""
    return f"{about}: {_score(row)}{changed}{_reason(row, wording.CORRECTIONS)}"


def _score(row: Mapping[str, Any]) -> str:
    if row["score"] is not None:
        return f"{row['score']:g} ({wording.SHORT_METRICS.get(row['metric'], row['metric'])})"
    items = json.loads(row["items"] or "[]")
    return f"answers {', '.join('none' if each is None else f'{each:g}' for each in items)}"


def _draft(row: Mapping[str, Any], words: CopyWords) -> tuple[datetime, str, tuple[Line, ...]]:
    """What is typed into a form and not sent, by the name of the question in the definition."""
    fields: Mapping[str, Sequence[str]] = row["fields"] or {}
    client = words.practice.client
    lines = []
    for name, given in fields.items():
        field = client.get(name.removeprefix("answer."))
        texts = [field.label_of(each) if field and field.levels else each for each in given if each]
        if texts:
            lines.append(
                (field.phrase if field else DRAFT_FIELDS.get(name, name), ", ".join(texts))
            )
    return row["saved_at"], words.who(row["actor"]), tuple(lines)


def _reason(row: Mapping[str, Any], words: Mapping[str, str]) -> str:
    code = row["reason"]
    return f". {words.get(code, code)}" if code else ""


def _of(rows: Iterable[Mapping[str, Any]], name: str) -> list[Mapping[str, Any]]:
    return [each for each in rows if each["recommendation_id"] == name]
