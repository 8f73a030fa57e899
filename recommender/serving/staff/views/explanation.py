"""Contributions as a page shows them: hundredths of a point that add up to the last digit.

Rounded before they are added, so that whoever adds the figures on the page gets its total; what
rounding leaves is a line of its own. Imported by `staff.sheet`.
"""

from dataclasses import dataclass
from typing import Self

from recommender.serving.api.explanations import ClinicianExplanation, ExplainedGroup
from recommender.serving.staff import wording


@dataclass(frozen=True, slots=True)
class ExplanationLine:
    """One phrase and what it adds, in hundredths of a point."""

    phrase: str
    hundredths: int

    @property
    def said(self) -> str:
        """The figure as it is shown."""
        return wording.signed(self.hundredths)

    @property
    def way(self) -> str:
        """The sign in a word, so that nothing hangs on a small stroke."""
        return wording.way(self.hundredths)


@dataclass(frozen=True, slots=True)
class ExplanationGroup:
    """A group and the features within; `rest` are those too small to be shown one by one."""

    line: ExplanationLine
    parts: tuple[ExplanationLine, ...]
    rest: ExplanationLine | None

    @classmethod
    def of(cls, told: ExplainedGroup) -> Self:
        """A group as it is shown."""
        line = ExplanationLine(told.phrase, _hundredths(told.points))
        parts = [ExplanationLine(part.text, _hundredths(part.points)) for part in told.parts]
        shown = tuple(part for part in parts if part.hundredths)
        rest = line.hundredths - sum(part.hundredths for part in shown)
        return cls(line, shown, ExplanationLine(wording.SMALLER_PARTS, rest) if rest else None)


@dataclass(frozen=True, slots=True)
class ExplanationView:
    """An explanation as it is shown: groups and remainder add up to the total."""

    clinician_id: str
    against: str | None
    groups: tuple[ExplanationGroup, ...]
    remainder: ExplanationLine
    total: ExplanationLine

    @classmethod
    def of(cls, told: ClinicianExplanation) -> Self | None:
        """An explanation; None where nothing was predicted."""
        if told.difference is None:
            return None
        groups = tuple(ExplanationGroup.of(group) for group in told.groups)
        total = _hundredths(told.difference)
        left = total - sum(group.line.hundredths for group in groups)
        return cls(
            told.clinician_id,
            told.compared_with,
            groups,
            ExplanationLine(wording.REMAINDER, left),
            ExplanationLine(wording.TOTAL, total),
        )


def _hundredths(points: float) -> int:
    """Half to even, so that what is turned round rounds to the same figure with the other sign."""
    return round(points * 100)
