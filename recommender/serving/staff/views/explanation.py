"""Contributions as a page shows them: hundredths of a point that add up to the last digit.

The total is rounded first. Groups are rounded to the nearest, and those that rounding changed most
take what is missing to the total: the groups of every table add up to it, and a total that is not
zero is never beside groups that are all zero.
"""

from collections.abc import Sequence
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
    def of(cls, group: ExplainedGroup, hundredths: int) -> Self:
        """A group of an explanation, and what it adds."""
        line = ExplanationLine(group.phrase, hundredths)
        parts = (ExplanationLine(part.text, _hundredths(part.points)) for part in group.parts)
        shown = tuple(part for part in parts if part.hundredths)
        rest = line.hundredths - sum(part.hundredths for part in shown)
        return cls(line, shown, ExplanationLine("Smaller parts together", rest) if rest else None)


@dataclass(frozen=True, slots=True)
class ExplanationView:
    """An explanation whose groups add up to its total."""

    groups: tuple[ExplanationGroup, ...]
    total: ExplanationLine

    @property
    def lines(self) -> tuple[ExplanationLine, ...]:
        """The groups and the total."""
        return (*(group.line for group in self.groups), self.total)

    @classmethod
    def of(cls, explanation: ClinicianExplanation) -> Self | None:
        """The view of an explanation; None where nothing was predicted."""
        if explanation.difference is None:
            return None
        total = _hundredths(explanation.difference)
        shares = _shares([group.points for group in explanation.groups], total)
        groups = tuple(map(ExplanationGroup.of, explanation.groups, shares))
        return cls(groups, ExplanationLine("Total", total))


def _hundredths(points: float) -> int:
    """Rounds half to even, so that the reverse comparison rounds to the negated figure."""
    return round(points * 100)


def _shares(points: Sequence[float], total: int) -> list[int]:
    """Hundredths of the groups that add up to the total.

    Negated points have negated shares.
    """
    shares = [_hundredths(each) for each in points]
    left = total - sum(shares)
    step = 1 if left > 0 else -1
    most_changed = sorted(
        range(len(points)), key=lambda place: step * (shares[place] - 100 * points[place])
    )
    for place in most_changed[: abs(left)]:
        shares[place] += step
    return shares
