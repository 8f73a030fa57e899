"""Contributions as a page shows them: hundredths of a point that add up to the last digit.

Values are rounded before they are added, so the figures on the page add up to its total; what
rounding leaves is a line of its own.
"""

from dataclasses import dataclass
from typing import Self

from recommender.serving.api.explanations import ClinicianExplanation, ExplainedGroup
from recommender.serving.staff import wording


@dataclass(frozen=True, slots=True)
class ExplanationLine:
    """A phrase and what it adds, in hundredths of a point."""

    phrase: str
    hundredths: int

    @property
    def figure(self) -> str:
        """The signed figure."""
        return wording.signed(self.hundredths)

    @property
    def direction(self) -> str:
        """The sign as a word, so that nothing depends on a small stroke."""
        if not self.hundredths:
            return "level"
        return "higher" if self.hundredths > 0 else "lower"


@dataclass(frozen=True, slots=True)
class ExplanationGroup:
    """A group and its features; `rest` sums those too small to be shown one by one."""

    line: ExplanationLine
    parts: tuple[ExplanationLine, ...]
    rest: ExplanationLine | None

    @classmethod
    def of(cls, group: ExplainedGroup) -> Self:
        """A group of an explanation."""
        line = ExplanationLine(group.phrase, _hundredths(group.points))
        parts = (ExplanationLine(part.text, _hundredths(part.points)) for part in group.parts)
        shown = tuple(part for part in parts if part.hundredths)
        rest = line.hundredths - sum(part.hundredths for part in shown)
        return cls(line, shown, ExplanationLine("Smaller parts together", rest) if rest else None)


@dataclass(frozen=True, slots=True)
class ExplanationView:
    """An explanation whose groups and remainder add up to its total."""

    groups: tuple[ExplanationGroup, ...]
    remainder: ExplanationLine
    total: ExplanationLine

    @property
    def lines(self) -> tuple[ExplanationLine, ...]:
        """The groups, the remainder and the total."""
        return (*(group.line for group in self.groups), self.remainder, self.total)

    @classmethod
    def of(cls, explanation: ClinicianExplanation) -> Self | None:
        """The view of an explanation; None where nothing was predicted."""
        if explanation.difference is None:
            return None
        groups = tuple(ExplanationGroup.of(group) for group in explanation.groups)
        total = _hundredths(explanation.difference)
        left = total - sum(group.line.hundredths for group in groups)
        remainder = ExplanationLine("Remainder, from rounding", left)
        return cls(groups, remainder, ExplanationLine("Total", total))


def _hundredths(points: float) -> int:
    """Rounds half to even, so that the reverse comparison rounds to the negated figure."""
    return round(points * 100)
