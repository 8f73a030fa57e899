"""Whether a challenger may become champion: rules over what was measured, with reasons.

Reads only the report inside a bundle, so that a refusal can be checked again years later.
"""

import tempfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from recommender.bundle import load_bundle
from recommender.errors import Fault, RefusedError
from recommender.model import EVIDENCE_PRIOR
from recommender.publishing.registry import Registry
from recommender.publishing.versions import CHALLENGER, CHAMPION, Promotion
from recommender.training.baselines import RANDOM

ENOUGH_RATED = 600
"""Later ratings before a promotion is decided on them: with 600 the composite ordered true
differences of .1 share right in 96 of 100 draws, with 300 in 86 to 90 (methods study)."""
COVERAGE_SLACK = 0.05


def objections(report: Mapping[str, Any], *, first: bool) -> tuple[Fault, ...]:
    """Why a challenger with this report may not be promoted; nothing when it may.

    Parameters
    ----------
    report
        As `recommender.training.run.report_of` writes it.
    first
        Whether there is no champion yet. A practice's first model may rest on fewer ratings: then
        only a clear loss to a baseline speaks against it, since intervals are wide.
    """
    if report.get("mode") == EVIDENCE_PRIOR:
        remedy = "train on more ratings; the champion stays until then"
        return () if first else (Fault("ratings", "are too few to have learned from", remedy),)
    if not report:
        return (Fault("report", "is empty", "train with `recommender train`, which measures"),)
    few = report["rated"] < ENOUGH_RATED
    faults = []
    if few and not first:
        problem = f"rests on {report['rated']} later ratings, fewer than {ENOUGH_RATED}"
        faults.append(Fault("ratings", problem, "wait for more ratings"))
    for baseline, difference in report["composite_ours_minus"].items():
        faults += _against(baseline, difference, lenient=few)
    return (*faults, *_range(report["range"]))


def _against(baseline: str, difference: Mapping[str, float], *, lenient: bool) -> list[Fault]:
    worst = difference["high"] if lenient and baseline != RANDOM else difference["value"]
    if worst > 0:
        return []
    problem = f"is {difference['value']:+.3f} beside {baseline}"
    remedy = "look at `recommender evaluate` for where it falls short"
    return [Fault("composite", problem, remedy)]


def _range(measured: Mapping[str, float]) -> list[Fault]:
    short = measured["level"] - measured["coverage"]
    if short <= COVERAGE_SLACK:
        return []
    problem = f"held {measured['coverage']:.0%} of ratings where {measured['level']:.0%} is said"
    return [Fault("range", problem, "check for a change in who rates, or in the instrument")]


def promote(
    registry: Registry,
    version: int | None,
    *,
    by: str,
    at: datetime,
    reason: str,
    force: bool,
) -> Promotion:
    """Makes a version (the challenger when none is named) champion, if nothing speaks against it.

    Raises
    ------
    RefusedError
        With every objection, unless forced; a forced promotion keeps them in its reason.
    """
    chosen = registry.version(version) if version else registry.resolve(CHALLENGER)
    champion = registry.alias(CHAMPION)
    if champion is not None and champion.version == chosen.version:
        remedy = "nothing to do; train again for a new challenger"
        raise RefusedError([Fault("version", f"{chosen.version} is already champion", remedy)])
    with tempfile.TemporaryDirectory() as directory:
        report = load_bundle(registry.fetch(chosen.version, Path(directory))).report
    found = objections(report, first=champion is None)
    if found and not force:
        raise RefusedError(found)
    if found:
        reason = f"{reason} (forced against: {'; '.join(str(fault) for fault in found)})"
    return registry.promote(chosen.version, by=by, at=at, reason=reason)
