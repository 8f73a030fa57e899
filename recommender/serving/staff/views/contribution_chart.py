"""Contributions as a picture: a bar for each group, to the right for more and to the left for less.

Imported by `staff.sheet`; the figures stand in the table beside it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from recommender.serving.staff.views.explanation import ExplanationLine, ExplanationView

WIDTH, ROW, MIDDLE, HALF = 320, 36, 160.0, 152.0
"""Of the picture, each of its rows, the line bars start from and the longest bar."""
THIN, THICK = 8, 12
"""Of the bar of a part and of the total."""
LETTERS = 40
"""Of a phrase as far as there is room for them; the table has it whole."""


@dataclass(frozen=True, slots=True)
class ContributionBar:
    """One row: phrase and figure above, the bar below."""

    phrase: str
    said: str
    text_y: int
    x: float
    y: int
    width: float
    height: int
    hollow: bool

    @classmethod
    def of(cls, line: ExplanationLine, row: int, reach: int, height: int = THIN) -> Self:
        """The bar of a line; `reach` hundredths are as long as there is room for."""
        width = round(HALF * abs(line.hundredths) / reach, 1)
        return cls(
            phrase=_short(line.phrase),
            said=line.said,
            text_y=ROW * row + 14,
            x=MIDDLE if line.hundredths >= 0 else MIDDLE - width,
            y=ROW * row + 20,
            width=width,
            height=height,
            hollow=line.hundredths < 0,
        )


@dataclass(frozen=True, slots=True)
class ContributionChart:
    """The picture of one explanation; the total stands last and thicker."""

    height: int
    rows: tuple[ContributionBar, ...]
    width: int = WIDTH
    middle: float = MIDDLE


def reach_of(whys: Iterable[ExplanationView]) -> int:
    """The longest line of several explanations, in hundredths: they share one scale."""
    return max((abs(line.hundredths) for why in whys for line in _lines(why)), default=0) or 1


def contribution_chart(why: ExplanationView, reach: int) -> ContributionChart:
    """The picture of an explanation on a scale that reaches so far to either side."""
    *parts, total = _lines(why)
    rows = [ContributionBar.of(line, row, reach) for row, line in enumerate(parts)]
    rows.append(ContributionBar.of(total, len(parts), reach, THICK))
    return ContributionChart(ROW * len(rows), tuple(rows))


def _lines(why: ExplanationView) -> tuple[ExplanationLine, ...]:
    return (*(group.line for group in why.groups), why.remainder, why.total)


def _short(phrase: str) -> str:
    return phrase if len(phrase) <= LETTERS else f"{phrase[: LETTERS - 1].rstrip()}…"
