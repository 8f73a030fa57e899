"""What the gate decides on: a challenger's report, the champion that stands, and what rules find.

Reads a report as it was kept, with whatever it lacks. Imported by `gate`.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from recommender.model.manifest import EVIDENCE_PRIOR
from recommender.registry.versions import CHAMPION, Promotion, Version

ENOUGH_RATED = 600
"""Later ratings before a promotion is decided on them: with 600 the composite ordered true
differences of .1 share right in 96 of 100 draws, with 300 in 86 to 90 (methods study)."""


class Outcome(StrEnum):
    """What became of a rule."""

    PASSES = "passes"
    FAILS = "fails"
    OPEN = "too few to say"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one rule found, in words; a remedy where it fails."""

    rule: str
    outcome: Outcome
    text: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class PromotionCase:
    """What is to be decided.

    Attributes
    ----------
    report
        Of the challenger, as `recommender.training.report` writes it, and under `champion` what
        `recommender.training.run` knew of the champion it was measured beside.
    champion
        The version that stands, or None.
    withdrawn
        The rollback that took the challenger itself out of service, or None.
    """

    report: Mapping[str, Any]
    champion: Version | None = None
    withdrawn: Promotion | None = None

    @property
    def reported(self) -> Mapping[str, Any]:
        """What the report says of the champion it was measured beside."""
        told = self.report.get(CHAMPION)
        return told if isinstance(told, Mapping) else {}

    @property
    def first(self) -> bool:
        """Whether nothing learned has served yet: no champion, or the declared sizes.

        A practice that began on the declared sizes should not wait longer for its first model
        than one that began on nothing.
        """
        return self.champion is None or self.reported.get("mode") == EVIDENCE_PRIOR

    @property
    def later(self) -> float:
        """Ratings the decision rests on; NaN when the report does not count them."""
        counts = [number(self.report, "rated")]
        if self.champion is not None:
            counts.append(number(self.beside(CHAMPION, "composite"), "rated"))
        return math.nan if any(map(math.isnan, counts)) else min(counts)

    @property
    def lenient(self) -> bool:
        """Whether a first model is judged on few ratings: then only a clear loss speaks."""
        return self.first and not self.later >= ENOUGH_RATED

    def rows(self, part: str) -> Sequence[Mapping[str, Any]] | None:
        """One table of the report, or None when it is not there."""
        rows = self.report.get(part)
        if not isinstance(rows, list | tuple):
            return None
        return [row for row in rows if isinstance(row, Mapping)]

    def beside(self, baseline: str, metric: str) -> Mapping[str, Any]:
        """Our figure less a baseline's; empty when it was not measured."""
        for row in self.rows("ours_minus") or ():
            if (row.get("baseline"), row.get("metric")) == (baseline, metric):
                return row
        return {}


def difference_of(row: Mapping[str, Any]) -> str:
    """A difference with its interval, in words where the interval could not be drawn."""
    value, low, high = (number(row, end) for end in ("value", "low", "high"))
    if math.isnan(low) or math.isnan(high):
        return f"{value:+.3f} (interval not measured)"
    return f"{value:+.3f} ({low:+.3f} to {high:+.3f})"


def number(row: Mapping[str, Any], key: str) -> float:
    """A figure of a row; NaN where it is not there or not a number."""
    value = row.get(key)
    return float(value) if isinstance(value, int | float) else math.nan
