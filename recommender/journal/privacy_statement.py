"""The privacy statement of a practice: which information feeds which decision, from its definition.

Written for the Australian Privacy Principles 1.7 to 1.9 (from 10 December 2026).
"""

from collections.abc import Iterable, Mapping

from recommender.journal.retention import Ages
from recommender.practice.definition import Practice
from recommender.practice.fields import Field, ShownTo
from recommender.practice.rules.constraint import client_fields

USES: Mapping[str, tuple[str, str]] = {
    "score": (
        "Read to order clinicians",
        "Compared with what is known of each clinician, and with what earlier clients with similar "
        "answers reported, to predict an early working alliance. Some of it is also read to find "
        "who may be offered.",
    ),
    "filter": (
        "Read only to find who may be offered",
        "Held against requirements and stated wishes. The prediction never sees these answers "
        "themselves, though a stated wish may be compared with what a clinician offers.",
    ),
    "audit": (
        "Read only to check that the service is fair",
        "Never read by a requirement or a prediction: with or without an answer here, a client is "
        "offered the same clinicians in the same order.",
    ),
}
"""Heading and meaning of each use a client's field may have."""
READERS: Mapping[ShownTo, str] = {
    "client": "clients, websites and staff",
    "staff": "staff",
    "nobody": "nobody",
}


def privacy_statement(practice: Practice, ages: Ages) -> str:
    """The statement as Markdown, of a practice's fields, constraints and retention."""
    parts = [
        f"# How {practice.title} uses personal information to suggest clinicians",
        _head(practice),
        "## What is decided, and who decides",
        _decisions(practice),
        "## Information about clients",
        *_client(practice),
        "## Information that comes later",
        _later(practice),
        "## Information about clinicians",
        _clinician(practice),
        "## What is never read",
        _never(practice),
        "## Agreeing, and saying no",
        _consent(practice),
        "## How long it is kept",
        _retention(ages),
        "## Reading, correcting and erasing it",
        _rights(practice),
    ]
    return "\n\n".join(parts) + "\n"


def _head(practice: Practice) -> str:
    return (
        "The Australian Privacy Principles 1.7 to 1.9, in force from 10 December 2026, ask a "
        "privacy policy to name the kinds of personal information a computer program uses, and the "
        "kinds of decisions made by it or with its substantial and direct help. This text names "
        "them. It is made from the practice definition "
        f"{practice.id}, version {practice.version} (`{practice.digest[:12]}`), which is all that "
        "the program asks."
    )


def _decisions(practice: Practice) -> str:
    hard = [c for c in practice.constraints.values() if c.mode == "hard"]
    soft = [c for c in practice.constraints.values() if c.mode == "soft"]
    rows = [
        (
            "Which clinicians may be offered to a client",
            f"the program, by {len(hard)} requirements; nobody is left out without a reason that "
            "is shown",
            "staff, who may ask for what the program suggests to change, or offer somebody else",
        ),
        (
            "In which order they are shown",
            "the program, by the predicted early alliance, where the client agreed; "
            f"{len(soft)} further rules only mark a clinician",
            "staff, who see the reasons and may choose any of them",
        ),
        (
            "Which change of a request is suggested",
            "the program; nothing is changed without the client",
            "the client",
        ),
        ("Which clinician a client meets", "nobody is booked by the program", "staff and client"),
        (
            "Which model predicts",
            "the program measures; it refuses a model that does worse",
            "the person who promotes it; this is kept with a name and a reason",
        ),
    ]
    card = practice.card
    owner = f"Who answers for it: {card.owner}." if card.owner else ""
    contact = f"Questions about the program: {card.contact}." if card.contact else ""
    people = " ".join(each for each in (owner, contact) if each)
    return _table(("decision", "what the program does", "who decides"), rows) + (
        f"\n\n{people}" if people else ""
    )


def _client(practice: Practice) -> Iterable[str]:
    families: dict[str, dict[str, None]] = {}
    for constraint in practice.constraints.values():
        for name in client_fields(constraint, practice.first_session):
            families.setdefault(name, {})[constraint.family] = None
    reading = {name: tuple(some) for name, some in families.items()}
    for use, (heading, meaning) in USES.items():
        fields = practice.fields("client", use)
        if not fields:
            continue
        rows = [_row(field, reading.get(name, ())) for name, field in fields.items()]
        yield f"### {heading}"
        yield meaning
        yield _table(("information", "field", "what for", "without an answer", "rules"), rows)


def _row(field: Field, reading: Iterable[str]) -> tuple[str, ...]:
    rules = ", ".join(reading) or "none"
    return field.phrase, f"`{field.name}`", field.purpose, field.missing, rules


def _later(practice: Practice) -> str:
    first, last = practice.alliance.early_sessions
    return (
        f"After sessions {first} to {last} the {practice.alliance.rater} may rate the working "
        f"alliance ({', '.join(practice.alliance.instruments)}). Scores, the day, the session and "
        "whom they met are kept, never the wording of a questionnaire. Where the client agreed to "
        "it, later models learn from them. What staff chose, and their reason as a code, is kept "
        "with each recommendation."
    )


def _clinician(practice: Practice) -> str:
    rows = [
        (f.phrase, f"`clinician.{name}`", f.purpose, f.missing, READERS[f.shown_to])
        for name, f in practice.clinician.items()
    ]
    meaning = (
        "A clinician's attributes serve a wish the client stated, a requirement, or the comparison "
        "with what clients ask for. What earlier clients reported of a clinician counts, pulled "
        "towards the practice's average while there are few reports. A suggestion shows some facts "
        "about the clinician on a card: to clients, websites and staff, or to staff alone."
    )
    heads = ("information", "field", "what for", "not known", "shown on a card to")
    return f"{meaning}\n\n" + _table(heads, rows)


def _never(practice: Practice) -> str:
    audited = ", ".join(f.phrase for f in practice.fields("client", "audit").values())
    protected = f"; by any rule or prediction: {audited}" if audited else ""
    return (
        "A client's name, date of birth, address, telephone number, Medicare number and free text "
        "are not taken in at all: a client is a pseudonym here, and the practice's own system "
        f"keeps who it is{protected}."
    )


def _consent(practice: Practice) -> str:
    if practice.consent is None:
        return "This practice asks for no agreement to a prediction."
    phrase = practice.client[practice.consent].phrase
    return (
        f"Nothing is predicted for a client unless they said yes to: {phrase}. Without it every "
        "clinician who meets the requirements is offered, in an order nothing personal went into. "
        "Agreeing that models may learn, and agreeing to research, are asked apart from it; each "
        "can be taken back, and what was taken back is in no later training."
    )


def _retention(ages: Ages) -> str:
    rows = [
        ("answers and recommendations as shown", _months(ages.payload)),
        (
            "pairings, ratings, decisions, closings and wishes, under the pseudonym",
            _months(ages.ratings),
        ),
        ("the record of who did what", _months(ages.audit)),
        ("answers typed into a form and not sent", f"{ages.draft_hours} hours"),
        ("replies kept so that a request sent twice is done once", "48 hours"),
    ]
    note = (
        "This is not the clinical record, which the practice keeps for as long as the law asks. "
        "Content is encrypted with a key of each client's own."
    )
    return _table(("what", "how long"), rows) + f"\n\n{note}"


def _rights(practice: Practice) -> str:
    ask = f" Ask: {practice.card.contact}." if practice.card.contact else ""
    return (
        "A client may read all that is kept (`recommender subject export PSEUDONYM`), have it "
        "corrected, and have it erased (`recommender subject erase PSEUDONYM`): rows are deleted, "
        "the key is destroyed, and the receipt names every model that learned from them, until one "
        f"is trained without them.{ask}"
    )


def _months(months: int | None) -> str:
    return "until erased" if months is None else f"{months} months"


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [heads, ("---",) * len(heads), *rows]
    return "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
