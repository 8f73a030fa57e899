"""Evaluation reports built by hand, one figure at a time."""

import json
from collections.abc import Mapping
from typing import Any

from recommender.model.evaluation_report import EvaluationReport
from recommender.training.baselines import (
    ADDITIVE,
    AVERAGE,
    CHAMPION,
    OURS,
    PLAIN,
    PRIOR,
    RANDOM,
)

Ends = tuple[float | None, float | None, float | None]
Row = dict[str, Any]
APART: Mapping[str, Ends] = {
    RANDOM: (0.2, 0.1, 0.3),
    AVERAGE: (0.15, 0.05, 0.25),
    ADDITIVE: (0.1, 0.02, 0.18),
    PLAIN: (0.05, 0.0, 0.1),
}


def a_report(**options: Any) -> EvaluationReport:
    """The report of `report_facts`."""
    return report_from(report_facts(**options))


def report_from(facts: Mapping[str, Any]) -> EvaluationReport:
    """The report in this JSON."""
    return EvaluationReport.from_json(json.dumps(facts))


def report_facts(
    *,
    rated: int = 800,
    apart: Mapping[str, Ends] | None = None,
    coverage: float | None = 0.9,
    champion: str | None = None,
    **parts: Any,
) -> Row:
    """The JSON of a report in which ours is above every baseline by `APART` or `apart`.

    `rated` pairings were held back, and began after the incumbent learned; 1,000 were learned from.
    `champion` is the digest of a champion it was measured beside and is above of, too; `parts`
    stand in place of what the report has under these names.
    """
    differences = {**APART, **({CHAMPION: (0.03, 0.0, 0.06)} if champion else {}), **(apart or {})}
    report: Row = {
        "mode": "model",
        "folds": ["forward"],
        "rated": rated,
        "left_unrated": 100,
        "figures": [
            figure(OURS, 0.2), figure(RANDOM, 0.0), figure(OURS, 0.15, metric="dyad partial")
        ],
        "by_fold": [{"fold": "forward", "learner": OURS, "metric": "composite", "value": 0.2}],
        "ours_minus": [beside(name, ends, rated=rated) for name, ends in differences.items()],
        "ranges": [
            held("all rated", coverage, rated=rated),
            held("first-ranked", 0.88, rated=60),
            held("new clinicians", None, rated=0),
        ],
        "groups": [group(OURS, (0.2, 0.1, 0.3))],
        "exposure": [exposed(OURS, 0.6), exposed(RANDOM, 0.15)],
        "cross_fitted": crossed(),
        "incumbent": incumbent(CHAMPION if champion else PRIOR, rated=rated),
        "concentration": concentrated(champion=0.6 if champion else None),
        "optimism": {"rated": 0.05, "with_left": 0.2, "dropouts_low_at": 0.15},
    }  # fmt: skip
    if champion:
        report["champion"] = {"version": 1, "digest": champion, "mode": "model"}
        dyad = beside(CHAMPION, (0.0, -0.03, 0.03), metric="dyad partial", rated=rated)
        report["ours_minus"].append(dyad)
        report["groups"].append(group("ours minus champion", (0.0, -0.1, 0.1)))
        report["exposure"].append(exposed(CHAMPION, 0.6))
    return report | parts


def figure(learner: str, value: float, metric: str = "composite") -> Row:
    return {"learner": learner, "metric": metric, **_ends((value, value - 0.1, value + 0.1))}


def beside(baseline: str, ends: Ends, metric: str = "composite", rated: int = 800) -> Row:
    return {"baseline": baseline, "metric": metric, **_ends(ends), "rated": rated}


def held(among: str, coverage: float | None, rated: int = 200, high: float | None = None) -> Row:
    """A range; its coverage may reach 5 points higher unless `high` says otherwise."""
    if coverage is not None and high is None:
        high = min(coverage + 0.05, 1.0)
    low = None if coverage is None else coverage - 0.05
    ends = {"coverage": coverage, "low": low, "high": high, "width": 1.6, "bias": 0.05}
    return {"among": among, "rated": rated, "level": 0.9, **ends}


def group(learner: str, ends: Ends, among: str = "client.gender=woman", rated: int = 200) -> Row:
    metric = "client-adjusted partial"
    return {"among": among, "learner": learner, "metric": metric, **_ends(ends), "rated": rated}


def crossed(
    dyad: Ends = (0.15, 0.05, 0.25), composite: Ends = (0.2, 0.1, 0.3), rated: int = 1000
) -> Row:
    """Figures on all ratings."""
    ends = {"composite": composite, "dyad partial": dyad}
    rows = [{"learner": OURS, "metric": name, **_ends(each)} for name, each in ends.items()]
    return {"rated": rated, "left_unrated": 100, "figures": rows}


def incumbent(
    name: str = CHAMPION,
    gain: Ends = (0.03, 0.01, 0.05),
    *,
    dyad: Ends = (0.0, -0.03, 0.03),
    agreement: float | None = 0.8,
    retained: float | None = 1.0,
    rated: int = 800,
    **parts: Any,
) -> Row:
    """A challenger beside what it would replace, on so many new ratings."""
    rows = [beside(name, gain, rated=rated), beside(name, dyad, "dyad partial", rated)]
    learned = 0 if name == PRIOR else 900
    counts = {"learned": learned, "learned_now": learned + rated, "rated": rated}
    agreed = {"agreement": agreement, "retained": retained}
    return {"name": name, **counts, "differences": rows, **agreed} | parts


def concentrated(
    ours: float = 0.6, by_kind: float = 0.15, champion: float | None = None, kinds: int = 150
) -> Row:
    """Shares of 200 clients who have one of the 4 most-named of 40 clinicians first."""
    people = {"clients": 200, "kinds": kinds, "clinicians": 40, "most": 4}
    return people | {"ours": ours, "by_kind": by_kind, "champion": champion}


def exposed(learner: str, top_share: float) -> Row:
    return {"learner": learner, "top_share": top_share, "gini": top_share}


def _ends(ends: Ends) -> Row:
    return dict(zip(("value", "low", "high"), ends, strict=True))
