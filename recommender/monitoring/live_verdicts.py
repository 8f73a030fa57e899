"""The verdicts of `model.verdicts` on what happened since a model is in use."""

from collections.abc import Mapping, Sequence

import numpy as np

from recommender.journal.rated_pairings import Exposure
from recommender.model.evaluation_report import EvaluationReport
from recommender.model.share_intervals import of_top, share_of
from recommender.model.verdicts import (
    Answer,
    GroupMeasure,
    Verdict,
    range_verdict,
    spread_verdict,
    verdicts_of,
    worse_verdict,
)
from recommender.monitoring.clinician_records import DAYS
from recommender.monitoring.early_ratings import (
    MIN_MATCHES,
    Coverage,
    GroupCoverage,
    RatedPrediction,
)

COUNTED_IN_USE = (
    f"Counted on this server: the range and groups on its rated matches, the spread of work on its "
    f"requests of the last {DAYS} days. Matching and order, and what is not yet known here, are as "
    "they were measured in training; the model card has all of that, on other ratings."
)
"""What the figures of `live_verdicts` count."""


def live_verdicts(
    matches: Sequence[RatedPrediction],
    groups: Mapping[str, GroupCoverage],
    counted: Mapping[str, Exposure] | None,
    clinician_ids: Sequence[str],
    report: EvaluationReport,
    level: float,
    *,
    requests: int,
) -> tuple[Verdict, ...]:
    """Range and groups from rated matches, spread from recent requests, claims from the report.

    A client rates one clinician, so matches in use say nothing about the order of several. What
    matches in use leave open is as the report has it.

    Parameters
    ----------
    groups
        Coverage of each group of clients, by its name in words.
    counted
        How often each clinician was shown lately, by id; None where nothing is recorded.
    clinician_ids
        Everybody on the roster.
    level
        The share of ratings that the range is stated to hold.
    requests
        How many were counted lately, those in which nobody was eligible among them.
    """
    coverage, few = Coverage.of(matches), ""
    if coverage.rated < MIN_MATCHES:
        noun = "match" if coverage.rated == 1 else "matches"
        few = f"{coverage.rated} rated {noun} so far; {MIN_MATCHES} are needed for a first figure."
    everybody = share_of(coverage.inside, coverage.rated) if coverage.rated else None
    measured = [
        GroupMeasure(name, share_of(each.coverage.inside, each.coverage.rated))
        for name, each in groups.items()
    ]
    in_report = verdicts_of(report, level)
    in_use = (
        range_verdict(None if few else everybody, level, so_far=few),
        *in_report[1:3],
        worse_verdict(measured, level, everybody=everybody),
        _spread(counted, requests, clinician_ids),
    )
    return tuple(
        before if now.answer is Answer.OPEN and before.answer is not Answer.OPEN else now
        for now, before in zip(in_use, in_report, strict=True)
    )


def _spread(
    counted: Mapping[str, Exposure] | None, requests: int, clinician_ids: Sequence[str]
) -> Verdict:
    if counted is None:
        return spread_verdict(None, None, so_far="This server counts no requests.")
    firsts = np.array([counted.get(each, Exposure()).first for each in clinician_ids])
    unseen = sum(not counted.get(each, Exposure()).shown for each in clinician_ids)
    were = "was" if unseen == 1 else "were"
    text = f"In the last {DAYS} days {unseen} of {len(firsts)} clinicians {were} shown to nobody."
    with_first = int(firsts.sum())
    if not with_first:
        former = any(each.first for each in counted.values())
        return spread_verdict(None, None, so_far=_without_first(requests, former), unseen=text)
    most, top = of_top(firsts)
    even, clinicians = most / len(firsts), len(firsts)
    return spread_verdict(share_of(top, with_first), even, clinicians, unseen=text)


def _without_first(requests: int, former: bool) -> str:
    """Why nobody on the roster came first; `former` where somebody did who is no longer on it."""
    if not requests:
        return f"No request of the last {DAYS} days has been counted; closed ones are not."
    several = f"the {requests:,} requests of the last {DAYS} days"
    if former:
        return f"In {several} nobody came first who is on the roster now."
    if requests == 1:
        return f"The one request of the last {DAYS} days had no eligible clinician."
    return f"None of {several} had an eligible clinician."
