"""Sections of the model card on what a gain comes from and which matches matter."""

from collections.abc import Iterator

from recommender.model.alliance_model import AllianceModel
from recommender.model.card_blocks import CardBlock, CardList, CardParagraph, CardTable
from recommender.model.evaluation_report import gain_text
from recommender.model.match_sizes import (
    HOW_TO_READ,
    MatchSize,
    estimate_text,
    match_sizes,
    without_sizes,
)

NO_GAINS = "This model holds no such figures: it was trained before they were measured."
PARTS_ADDED = (
    "The parts of the model are added one after another, in the order of this table, and measured "
    "on the same pairings: each difference is the metric with the part minus the metric without "
    "it. The client part is the same for every clinician; it can lower the error and changes no "
    "order. The clinician's own part is the same for every client. Products are of answers of both "
    "sides{history}. For RMSE a difference below 0 is a gain."
)


def part_gain_blocks(model: AllianceModel) -> Iterator[CardBlock]:
    """What each part of a prediction adds to each metric."""
    gains = model.report.as_read.gains_by_part
    if not gains:
        yield CardParagraph(NO_GAINS)
        return
    per = model.practice.history.per
    history = f", and of a clinician and the {model.practice.client[per].phrase}" if per else ""
    yield CardParagraph(PARTS_ADDED.format(history=history))
    metrics = tuple(dict.fromkeys(gain.metric for gain in gains))
    by = {(gain.part, gain.metric): gain_text(gain) for gain in gains}
    rows = [
        (part, *(by[part, metric] for metric in metrics))
        for part in dict.fromkeys(gain.part for gain in gains)
    ]
    yield CardTable(("with the", *metrics), tuple(rows))


def match_blocks(model: AllianceModel) -> Iterator[CardBlock]:
    """Every declared match by size, what is shown of it, and the sources of declared sizes."""
    sizes = match_sizes(model.report, model.practice, model.manifest.contributors)
    if not sizes:
        yield CardParagraph(without_sizes(model.report))
        return
    yield CardParagraph(HOW_TO_READ)
    heads = ("match", "shown", "size, SD", "size, points", "own ratings, SD", "expected, SD")
    yield CardTable(heads, tuple(map(_row, sizes)))
    sources = tuple(f"{each.phrase}: {each.source}" for each in sizes if each.source)
    if sources:
        yield CardParagraph("Sources of the expected sizes:")
        yield CardList(sources)


def _row(each: MatchSize) -> tuple[str, ...]:
    estimates = each.in_sd(each.size), each.size, each.in_sd(each.own), each.in_sd(each.expected)
    return each.phrase, each.status, *map(estimate_text, estimates)
