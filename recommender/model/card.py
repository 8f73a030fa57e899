"""The card of a model: what it is, who answers for it, how it was measured, where it falls short.

After Mitchell et al. 2019, "Model Cards for Model Reporting". Everything but the words of the
definition's section `card` comes from the bundle. Imported by `training` and `serving`.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from recommender.model.alliance_model import AllianceModel
from recommender.model.manifest import EVIDENCE_PRIOR

FEWEST_TOLD = 30
"""Ratings below which a group is named without any figure: it would say more about single people
than about the model."""
SHOWN = ("composite", "client-adjusted partial", "dyad partial", "calibration slope", "RMSE")

Row = Mapping[str, Any]
Writer = Callable[[AllianceModel], str]


@dataclass(frozen=True, slots=True)
class CardEntry:
    """One entry of a card: its name, `card.` before it where people write it; heading and text."""

    name: str
    heading: str
    text: str


@dataclass(frozen=True, slots=True)
class Card:
    """A model card."""

    title: str
    entries: tuple[CardEntry, ...]

    @property
    def empty(self) -> tuple[str, ...]:
        """Names of the entries nobody and nothing has filled."""
        return tuple(entry.name for entry in self.entries if not entry.text.strip())

    @property
    def markdown(self) -> str:
        """The card as a text; an empty entry says so."""
        parts = [f"# {self.title}"]
        for entry in self.entries:
            parts += [f"## {entry.heading}", entry.text.strip() or f"*Empty: {entry.name}.*"]
        return "\n\n".join(parts) + "\n"


def card_of(model: AllianceModel) -> Card:
    """The card of a model, from its bundle alone."""
    entries = tuple(
        CardEntry(name, heading, write(model)) for name, (heading, write) in WRITERS.items()
    )
    return Card(f"Model card: predicted early alliance, {model.practice.title}", entries)


def _what(model: AllianceModel) -> str:
    facts, practice = model.manifest, model.practice
    if facts.mode == EVIDENCE_PRIOR:
        made = "It learned from no rating: it orders by the sizes the practice definition declares,"
        made += " each with its source in the literature."
    else:
        made = (
            "It learned what a client would rate an average clinician (trees on the client's "
            "answers) and what is particular to each clinician for this client: a linear mixed "
            f"model with {1 - model.tree_weight:.0%} and trees with {model.tree_weight:.0%} of the "
            "weight."
        )
    libraries = ", ".join(f"{name} {number}" for name, number in facts.versions.items())
    lines = [
        f"A model of the predicted early alliance between a new client and each clinician. {made}",
        f"- Mode: {facts.mode}; made {facts.created_at or 'at a time not kept'}; "
        f"seed {facts.seed}; {len(facts.features)} columns",
        f"- Practice definition: {practice.id} {practice.version}, {practice.digest}",
        *([f"- Made with {libraries}"] if libraries else []),
    ]
    return "\n".join(lines)


def _said(key: str) -> Writer:
    return lambda model: str(getattr(model.practice.card, key))


def _label(model: AllianceModel) -> str:
    settings = model.practice.alliance
    first, last = settings.early_sessions
    return (
        f"The alliance as the {settings.rater} rates it at sessions {first} to {last}, within "
        f"{settings.within_days} days, from {', '.join(settings.instruments)}; said on the "
        f"{settings.metric} of {settings.reference}. A pairing nobody rated is unknown, not low."
    )


def _data(model: AllianceModel) -> str:
    facts = model.manifest
    if facts.mode == EVIDENCE_PRIOR:
        return f"No rating was learned from. Digest of the tables: {facts.data_digest}"
    return (
        f"{facts.ratings:,} ratings of {facts.pairings:,} pairings that began from "
        f"{facts.first_day} to {facts.last_day}, known until {facts.known_until}. "
        f"Digest of the tables: {facts.data_digest}"
    )


def _measured(model: AllianceModel) -> str:
    report = model.report
    if model.manifest.mode == EVIDENCE_PRIOR:
        return "Not at all: a practice's own ratings have to come first."
    if not report.get("folds"):
        return ""
    return (
        f"Held back: {', '.join(report['folds'])}. Tested on {_count(report, 'rated')} rated "
        f"pairings and {_count(report, 'left_unrated')} that ended before a rating, which count "
        "low in the composite. *Client-adjusted partial*: how well the order of pairings is told "
        "once what the client would rate anybody is taken out; *dyad partial*: the clinician "
        "taken out as well, so that only matching is left; both 0 for an order at random. "
        "*Calibration slope*: 1 where a point predicted comes with a point rated. Intervals: "
        "95 % bootstrap by client and clinician."
    )


def _figures(model: AllianceModel) -> str:
    rows = [row for row in _rows(model, "figures") if row.get("metric") in SHOWN]
    by = {(row.get("learner"), row.get("metric")): row for row in rows}
    shown = [name for name in SHOWN if any(name == metric for _, metric in by)]
    lines = [
        [learner, *(_interval(by.get((learner, metric), {})) for metric in shown)]
        for learner in dict.fromkeys(row.get("learner") for row in rows)
    ]
    return _table(["", *shown], lines)


def _differences(model: AllianceModel) -> str:
    lines = [
        [row.get("baseline"), row.get("metric"), _interval(row, "+"), _count(row, "rated")]
        for row in _rows(model, "ours_minus")
    ]
    return _table(["ours less", "metric", "difference", "ratings"], lines)


def _ranges(model: AllianceModel) -> str:
    rows, few = _told(_rows(model, "ranges"))
    lines = [
        [row.get("among"), _count(row, "rated"), f"{_number(row, 'level'):.0%}", _percent(row),
         f"{_number(row, 'width'):.2f}", f"{_number(row, 'bias'):+.2f}"]
        for row in rows
    ]  # fmt: skip
    heads = ["among", "ratings", "said to hold", "held", "width", "predicted less rated"]
    return _table(heads, lines) + few + _source(model) if lines else few


def _source(model: AllianceModel) -> str:
    told = model.report.get("ranges_from")
    served = f"Errors behind the range that is served: {told}. The shares above are of ranges"
    return f"\n\n{served} stated before the ratings were seen." if told else ""


def _groups(model: AllianceModel) -> str:
    rows, few = _told(_rows(model, "groups"))
    unseen = _number(model.report, "groups_too_few")
    if "groups" in model.report and not (rows or few or unseen > 0):
        return "No answer of a client has levels, so there was no group to look at."
    lines = [
        [row.get("among"), row.get("learner"), _interval(row), _count(row, "rated")] for row in rows
    ]
    if unseen > 0:
        few += f"\n\nToo small to be looked at: {unseen:.0f} more."
    return _table(["group", "learner", "client-adjusted partial", "ratings"], lines) + few


def _exposure(model: AllianceModel) -> str:
    lines = [
        [row.get("learner"), f"{_number(row, 'top_share'):.0%}", f"{_number(row, 'gini'):.2f}"]
        for row in _rows(model, "exposure")
    ]
    return _table(["order by", "first ranks to the most-named tenth", "Gini"], lines)


def _limits(model: AllianceModel) -> str:
    said = [
        "Predictions are for clients who stay and rate; those who leave before are not asked, and "
        "so predictions lie too high for the average client."
    ]
    told = model.report.get("optimism")
    if isinstance(told, Mapping) and not math.isnan(_number(told, "rated")):
        said.append(
            f"Measured: predictions lay {_number(told, 'rated'):+.2f} points from the ratings "
            f"given, and {_number(told, 'with_left'):+.2f} from what would have been given if "
            f"those who left had rated at the lowest {_number(told, 'dropouts_low_at'):.0%}."
        )
    elif model.manifest.mode != EVIDENCE_PRIOR:
        return ""
    said.append(
        "Ranges say how sure a level is, and never rank two clinicians. Clinicians without a "
        "rating are told from the others by what they declare alone."
    )
    return " ".join(said)


def _caveats(model: AllianceModel) -> str:
    audited = ", ".join(f.phrase for f in model.practice.fields("client", "audit").values())
    read = f"{audited} serve fairness reports alone" if audited else "none are asked"
    return (
        "Predicted alliance is not predicted outcome: the two go together in research, and in the "
        "one randomised trial of data-driven matching outcomes differed while alliance did not "
        "(Constantino 2021). Contributions are patterns in earlier ratings, not causes. "
        f"A client's protected answers are never read by the model or a constraint: {read}."
    )


def _back(_: AllianceModel) -> str:
    return (
        '`recommender rollback --reason "..."` lets the model that stood before stand again and '
        "keeps who did it and why; `recommender history` shows every change. Without any model "
        "the declared sizes serve, and every answer says so."
    )


def _unmeasured(write: Writer) -> Writer:
    """The entry, or that nothing was measured where nothing was learned."""
    return lambda model: (
        "Nothing was learned, so nothing was measured."
        if model.manifest.mode == EVIDENCE_PRIOR
        else write(model)
    )


WRITERS: Mapping[str, tuple[str, Writer]] = {
    "what": ("What it is", _what),
    "card.owner": ("Who answers for it", _said("owner")),
    "card.contact": ("Whom to ask", _said("contact")),
    "card.review": ("When it is looked at again", _said("review")),
    "card.intended_use": ("Intended use", _said("intended_use")),
    "card.out_of_scope": ("Out of scope", _said("out_of_scope")),
    "label": ("What is predicted", _label),
    "data": ("What it learned from", _data),
    "measured": ("How it was measured", _measured),
    "figures": ("Figures beside the baselines", _unmeasured(_figures)),
    "differences": ("Ours less each baseline, on the same draws", _unmeasured(_differences)),
    "ranges": ("Do the ranges hold", _unmeasured(_ranges)),
    "groups": ("Groups of clients", _unmeasured(_groups)),
    "exposure": ("Who is named first", _unmeasured(_exposure)),
    "limits": ("Known limits", _limits),
    "caveats": ("Caveats", _caveats),
    "back": ("How to go back", _back),
}
"""Every entry of a card, in the order it is read: heading, and who writes it."""


def _rows(model: AllianceModel, part: str) -> Sequence[Row]:
    rows = model.report.get(part)
    return rows if isinstance(rows, list | tuple) else ()


def _table(heads: Sequence[str], lines: Iterable[Sequence[object]]) -> str:
    """A Markdown table; nothing where there is no line."""
    rows = ["| " + " | ".join(map(_cell, line)) + " |" for line in lines]
    if not rows:
        return ""
    head = "| " + " | ".join(heads) + " |"
    return "\n".join([head, "|" + "---|" * len(heads), *rows])


def _cell(told: object) -> str:
    return str(told).replace("|", "\\|").replace("\n", " ")


def _told(rows: Sequence[Row]) -> tuple[list[Row], str]:
    """Rows on enough ratings, and a sentence that names all others without a figure."""
    enough = [row for row in rows if _number(row, "rated") >= FEWEST_TOLD]
    few = dict.fromkeys(str(row.get("among")) for row in rows if row not in enough)
    named = f"\n\nFewer than {FEWEST_TOLD} ratings, and so no figures: {', '.join(few)}."
    return enough, named if few else ""


def _interval(row: Row, sign: str = "") -> str:
    value, low, high = (_number(row, key) for key in ("value", "low", "high"))
    if math.isnan(value):
        return "not measured"
    return f"{value:{sign}.3f} ({low:{sign}.2f} to {high:{sign}.2f})"


def _percent(row: Row) -> str:
    low, high = _number(row, "low"), _number(row, "high")
    return f"{_number(row, 'coverage'):.0%} ({low:.0%} to {high:.0%})"


def _count(row: Row, key: str) -> str:
    count = _number(row, key)
    return "not counted" if math.isnan(count) else f"{count:,.0f}"


def _number(row: Row, key: str) -> float:
    value = row.get(key)
    return float(value) if isinstance(value, int | float) else math.nan
