"""The model card: what a model is, who answers for it, how it was measured, its known limits.

After Mitchell et al. 2019, "Model Cards for Model Reporting". Everything comes from the bundle;
people write the entries `card.*` in the practice definition. A card is a structure of sections
and blocks; Markdown is one rendering of it, the staff page another.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import groupby

from recommender.model.alliance_model import PRIORS, AllianceModel
from recommender.model.card_blocks import CardBlock, CardList, CardParagraph, CardTable
from recommender.model.card_sizes import match_blocks, part_gain_blocks
from recommender.model.evaluation_report import (
    COMPOSITE,
    DYAD,
    MIN_RATINGS_SHOWN,
    NO_DROPOUTS,
    NOT_MEASURED,
    PARTIAL,
    RANDOM_ORDER,
    RMSE,
    SLOPE,
    interval_text,
    number_text,
    split_by_size,
)
from recommender.model.verdicts import COUNTED_IN_TRAINING, verdicts_of

VERDICTS = "In short"
"""Heading of the section that answers the questions of `model.verdicts`."""
NOTHING_MEASURED = "Nothing was learned, so nothing was measured."
SHOWN = (COMPOSITE, PARTIAL, DYAD, SLOPE, RMSE)


@dataclass(frozen=True, slots=True)
class CardSection:
    """One entry of a card; no blocks where nobody and nothing filled it.

    `name` begins with `card.` where people write the entry in the practice definition.
    """

    name: str
    heading: str
    blocks: tuple[CardBlock, ...]

    @property
    def markdown(self) -> str:
        """The blocks as Markdown; an empty section says so."""
        return "\n\n".join(map(_markdown, self.blocks)) or f"*Empty: {self.name}.*"


@dataclass(frozen=True, slots=True)
class Card:
    """A model card."""

    title: str
    sections: tuple[CardSection, ...]

    @property
    def empty(self) -> tuple[str, ...]:
        """Names of the sections without content."""
        return tuple(section.name for section in self.sections if not section.blocks)

    @property
    def markdown(self) -> str:
        """The card as a Markdown document."""
        parts = [f"# {self.title}"]
        for section in self.sections:
            parts += [f"## {section.heading}", section.markdown]
        return "\n\n".join(parts) + "\n"


def card_of(model: AllianceModel) -> Card:
    """The card of a model, from its bundle alone."""
    sections = tuple(
        CardSection(name, heading, tuple(write(model)))
        for name, (heading, write) in WRITERS.items()
    )
    return Card(f"Model card: predicted early alliance, {model.practice.title}", sections)


def what_is_counted(model: AllianceModel) -> str:
    """What the figures of the section `VERDICTS` count."""
    return NOTHING_MEASURED if model.manifest.mode in PRIORS else COUNTED_IN_TRAINING


def _markdown(block: CardBlock) -> str:
    if isinstance(block, CardTable):
        cells = [[cell.replace("|", "\\|").replace("\n", " ") for cell in r] for r in block.rows]
        lines = [" | ".join(row) for row in (block.heads, *cells)]
        head, *rows = (f"| {line} |" for line in lines)
        return "\n".join([head, "|" + "---|" * len(block.heads), *rows])
    if isinstance(block, CardList):
        return "\n".join(f"- {item}" for item in block.items)
    return block.text


def _paragraphs(*texts: str) -> Iterator[CardBlock]:
    return (CardParagraph(text) for text in texts if text)


def _table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[CardBlock]:
    """The table, unless it has no row."""
    cells = tuple(tuple(row) for row in rows)
    if cells:
        yield CardTable(tuple(heads), cells)


Writer = Callable[[AllianceModel], Iterable[CardBlock]]


def _what(model: AllianceModel) -> Iterator[CardBlock]:
    if model.manifest.mode in PRIORS:
        source = (
            "It learned from no rating: it orders by the sizes the practice definition declares, "
            "each with its source in the literature"
            f"{', and by what other practices contributed' if model.manifest.learned_from else ''}."
        )
    else:
        source = (
            "It learned what a client would rate an average clinician (trees on the client's "
            "answers) and what is particular to each clinician for this client: a linear mixed "
            f"model with {1 - model.tree_weight:.0%} and trees with {model.tree_weight:.0%} of the "
            "weight."
        )
    purpose = "A model of the predicted early alliance between a new client and each clinician."
    yield CardParagraph(f"{purpose} {source}")


def _verdict(model: AllianceModel) -> Iterator[CardBlock]:
    verdicts = verdicts_of(model.report, model.practice.alliance.interval)
    yield CardParagraph(what_is_counted(model))
    yield from _table(
        ["question", "answer", "figure", "what it would take"],
        [[each.question, each.answer, each.figure, each.needs or "-"] for each in verdicts],
    )


def _identity(model: AllianceModel) -> Iterator[CardBlock]:
    facts, practice = model.manifest, model.practice
    libraries = ", ".join(f"{name} {number}" for name, number in facts.versions.items())
    yield CardList(
        (
            f"Mode: {facts.mode}; trained {facts.created_at or 'at an unknown time'}; "
            f"seed {facts.seed}; {len(facts.features)} columns",
            f"Practice definition: {practice.id} {practice.version}, {practice.digest}",
            *([f"Libraries: {libraries}"] if libraries else []),
        )
    )


def _by_people(key: str, model: AllianceModel) -> Iterator[CardBlock]:
    """The text of the definition as paragraphs; lines that begin with a dash as lists."""
    lines = [line.strip() for line in str(getattr(model.practice.card, key)).splitlines()]
    for is_list, some in groupby(lines, key=lambda line: line[:2] == "- "):
        if is_list:
            yield CardList(tuple(line.removeprefix("- ") for line in some))
            continue
        for blank, part in groupby(some, key=lambda line: not line):
            if not blank:
                yield CardParagraph(" ".join(part))


def _label(model: AllianceModel) -> Iterator[CardBlock]:
    settings = model.practice.alliance
    first, last = settings.early_sessions
    return _paragraphs(
        f"The alliance as the {settings.rater} rates it at sessions {first} to {last}, within "
        f"{settings.within_days} days, from {', '.join(settings.instruments)}; on the "
        f"{settings.metric} of {settings.reference}. A pairing nobody rated is unknown, not low."
    )


def _data(model: AllianceModel) -> Iterator[CardBlock]:
    facts = model.manifest
    learned = (
        f"{facts.ratings:,} ratings of {facts.pairings:,} pairings that began from "
        f"{facts.first_day} to {facts.last_day}, known until {facts.known_until}."
    )
    if facts.mode in PRIORS:
        learned = "No rating was learned from."
    yield CardParagraph(f"{learned} Digest of the tables: {facts.data_digest}")
    if not facts.learned_from:
        return
    yield CardParagraph(
        "It started from statistics that other practices contributed; no answer and no rating of "
        "their clients was part of them. Once a contribution is withdrawn, train again without it. "
        "Share: how much of what all contributions say together is from this one."
    )
    yield from _table(
        ["contributed by", "ratings", "clients", "share", "digest"],
        [
            [e.contributor, f"{e.ratings:,}", f"{e.clients:,}", f"{e.share:.0%}", e.digest[:16]]
            for e in facts.learned_from
        ],
    )


def _measured(model: AllianceModel) -> Iterator[CardBlock]:
    report = model.report
    if model.manifest.mode in PRIORS:
        return _paragraphs("Not at all: a practice's own ratings have to come first.")
    if not report.folds:
        return _paragraphs()
    composite = "Composite: the client-adjusted partial with early dropouts imputed as low ratings."
    if report.is_without_dropouts:
        composite = NO_DROPOUTS
    return _paragraphs(
        f"Held back: {', '.join(report.folds)}. Tested on {_count(report.rated)} rated pairings "
        f"and {_count(report.left_unrated)} that ended before a rating. Client-adjusted partial: "
        "correlation between score and rating after removing each client's general tendency to "
        "rate high or low. Dyad partial: the clinician's average is removed too, so that only "
        f"matching is left. Both are 0 for a random order. {composite} Calibration slope: slope of "
        "ratings on predictions; 1 is perfect calibration, below 1 means predictions are too "
        "spread out. Intervals: 95 % bootstrap by client and clinician. Whether matching and a "
        "better order are shown is read from every rating learned from, each scored by a model "
        "that did not see its client, and compared within clinicians of one fold."
    )


def _figures(model: AllianceModel) -> Iterator[CardBlock]:
    figures = model.report.as_read.figures
    by = {(f.learner, f.metric): f for f in figures if f.metric in SHOWN}
    shown = [name for name in SHOWN if any(name == metric for _, metric in by)]
    rows = [
        [
            model.report.learner_name(learner),
            *(interval_text(by[key]) if (key := (learner, metric)) in by else NOT_MEASURED
              for metric in shown),
        ]
        for learner in dict.fromkeys(learner for learner, _ in by)
    ]  # fmt: skip
    return _table(["", *shown], rows)


def _differences(model: AllianceModel) -> Iterator[CardBlock]:
    rows = [
        [each.baseline, each.metric, interval_text(each, "+"), _count(each.rated)]
        for each in model.report.as_read.differences
    ]
    heads = ["ours less", "metric", "difference", "ratings"]
    if rows:
        yield CardParagraph(
            "A model that was trained on earlier pairings, on the later ratings that were held "
            "back; the champion on those that are new to it:"
        )
    yield from _table(heads, rows)
    beside = model.report.incumbent
    if rows and beside is not None and beside.differences:
        article = "a" if beside.name == RANDOM_ORDER else "the"
        learned = "that is new to it" if beside.learned else "there is"
        agreed = (
            ""
            if beside.agreement is None
            else f" Scores correlate {number_text(beside.agreement)} within clients and retain "
            f"{number_text(beside.retained)} of its differences between clinicians, where 1 is as "
            "large."
        )
        yield CardParagraph(
            f"Beside {article} {beside.name}, cross-fitted: on every rating {learned}, each scored "
            f"by a model that did not see its client. The promotion gate decides on these.{agreed}"
        )
        yield from _table(
            heads,
            [
                [each.baseline, each.metric, interval_text(each, "+"), _count(each.rated)]
                for each in beside.differences
            ],
        )


def _ranges(model: AllianceModel) -> Iterator[CardBlock]:
    enough, few = split_by_size(model.report.ranges)
    rows = [
        [
            row.among, _count(row.rated), number_text(row.level, ".0%"),
            f"{number_text(row.coverage, '.0%')} "
            f"({number_text(row.low, '.0%')} to {number_text(row.high, '.0%')})",
            number_text(row.width), number_text(row.bias, "+.2f"),
        ]
        for row in enough
    ]  # fmt: skip
    heads = ["among", "ratings", "stated", "observed", "width", "predicted minus rated"]
    yield from _table(heads, rows)
    yield from _without_figures(few)
    source = model.report.ranges_from
    if rows and source:
        yield CardParagraph(
            f"Errors behind the interval that is served: {source}. The shares above are of "
            "intervals stated before the ratings were seen."
        )


def _groups(model: AllianceModel) -> Iterator[CardBlock]:
    report = model.report
    enough, few = split_by_size(report.groups or ())
    rows = [[row.among, row.learner, interval_text(row), _count(row.rated)] for row in enough]
    yield from _table(["group", "learner", PARTIAL, "ratings"], rows)
    yield from _without_figures(few)
    if report.groups_too_few:
        yield CardParagraph(f"Too small to be looked at: {report.groups_too_few} more.")
    elif report.groups is not None and not rows and not few:
        yield CardParagraph("No answer of a client has levels, so there was no group to look at.")


def _without_figures(names: list[str]) -> Iterator[CardBlock]:
    few = f"Fewer than {MIN_RATINGS_SHOWN} ratings, and so no figures: {', '.join(names)}."
    return _paragraphs(few if names else "")


def _exposure(model: AllianceModel) -> Iterator[CardBlock]:
    rows = [
        [row.learner, number_text(row.top_share, ".0%"), number_text(row.gini)]
        for row in model.report.exposure
    ]
    yield from _table(
        ["order by", "of 100 clients, shown one of the same tenth of clinicians first", "Gini"],
        rows,
    )
    found = model.report.concentration
    if rows and found is not None:
        yield CardParagraph(
            f"The {found.most:,} most-named of {found.clinicians:,} clinicians are first for "
            f"{number_text(found.ours, '.0%')} of {found.clients:,} clients. Random orders for "
            f"each of their {found.kinds:,} kinds (clients with the same answers) would name so "
            f"few for {number_text(found.by_kind, '.0%')}."
        )


def _limits(model: AllianceModel) -> Iterator[CardBlock]:
    optimism = model.report.optimism
    measured = ""
    if optimism is not None and optimism.rated is not None:
        dropouts = (
            ""
            if model.report.is_without_dropouts
            else f", and {number_text(optimism.with_left, '+.2f')} from what would have been given "
            "if clients who dropped out had rated at the lowest "
            f"{number_text(optimism.dropouts_low_at, '.0%')}"
        )
        measured = (
            f"Measured: predictions lay {optimism.rated:+.2f} points from the ratings "
            f"given{dropouts}. "
        )
    elif model.manifest.mode not in PRIORS:
        return _paragraphs()
    return _paragraphs(
        "Predictions are for clients who stay and rate; dropouts do not rate, and so predictions "
        f"lie too high for the average client. {measured}"
        "Intervals describe one clinician's predicted rating; they do not rank two clinicians. "
        "Clinicians without a rating differ from the others by what they declare alone."
    )


def _caveats(model: AllianceModel) -> Iterator[CardBlock]:
    audited = ", ".join(f.phrase for f in model.practice.fields("client", "audit").values())
    use = f"{audited} serve fairness reports alone" if audited else "none are asked"
    return _paragraphs(
        "Predicted alliance is not predicted outcome: the two go together in research, and in the "
        "one randomised trial of data-driven matching outcomes differed while alliance did not "
        "(Constantino 2021). Contributions are patterns in earlier ratings, not causes. "
        f"A client's protected answers are never read by the model or a constraint: {use}."
    )


def _rollback(_: AllianceModel) -> Iterator[CardBlock]:
    return _paragraphs(
        'recommender rollback --reason "..." makes the previous model champion again and records '
        "who did it and why; recommender history shows every change. Without any model the "
        "declared sizes are served, and every response says so."
    )


def _if_learned(write: Writer, model: AllianceModel) -> Iterable[CardBlock]:
    """The section, or that nothing was measured where nothing was learned."""
    if model.manifest.mode in PRIORS:
        return _paragraphs(NOTHING_MEASURED)
    return write(model)


WRITERS: Mapping[str, tuple[str, Writer]] = {
    "verdict": (VERDICTS, _verdict),
    "what": ("What it is", _what),
    "card.owner": ("Who answers for it", partial(_by_people, "owner")),
    "card.contact": ("Contact", partial(_by_people, "contact")),
    "card.review": ("Next review", partial(_by_people, "review")),
    "card.intended_use": ("Intended use", partial(_by_people, "intended_use")),
    "card.out_of_scope": ("Out of scope", partial(_by_people, "out_of_scope")),
    "label": ("What is predicted", _label),
    "data": ("What it learned from", _data),
    "measured": ("How it was measured", _measured),
    "figures": ("Figures beside the baselines", partial(_if_learned, _figures)),
    "differences": ("Ours minus each baseline", partial(_if_learned, _differences)),
    "parts": ("What a gain comes from", partial(_if_learned, part_gain_blocks)),
    "matches": ("Which matches matter", match_blocks),
    "ranges": ("Interval coverage", partial(_if_learned, _ranges)),
    "groups": ("Groups of clients", partial(_if_learned, _groups)),
    "exposure": ("Who is ranked first", partial(_if_learned, _exposure)),
    "limits": ("Known limits", _limits),
    "caveats": ("Caveats", _caveats),
    "back": ("How to go back", _rollback),
    "identity": ("Technical details", _identity),
}
"""Heading and writer of every section, in reading order."""


def _count(count: int | None) -> str:
    return "not counted" if count is None else f"{count:,}"
