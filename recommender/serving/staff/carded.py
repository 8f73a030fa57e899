"""A model card as a page shows it: the little Markdown it is written in, as parts.

Imported by `staff.documenting`.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal, Self

from recommender.model.card import Card

Kind = Literal["text", "list", "table"]
_MARKED = re.compile(r"\*([^*\n]+)\*|`([^`\n]+)`")
_BAR = re.compile(r"(?<!\\)\|")


@dataclass(frozen=True, slots=True)
class CardPart:
    """A paragraph, the items of a list, or the rows of a table with its heads first."""

    kind: Kind
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class CardPageSection:
    """One entry of a card; without parts where it is empty."""

    name: str
    heading: str
    parts: tuple[CardPart, ...]


@dataclass(frozen=True, slots=True)
class Carded:
    """A whole card."""

    title: str
    sections: tuple[CardPageSection, ...]

    @classmethod
    def of(cls, card: Card) -> Self:
        """The card as parts."""
        return cls(
            card.title,
            tuple(
                CardPageSection(entry.name.replace(".", "-"), entry.heading, parts_of(entry.text))
                for entry in card.entries
            ),
        )


def parts_of(text: str) -> tuple[CardPart, ...]:
    r"""The parts of a text, in order.

    Examples
    --------
    >>> [part.kind for part in parts_of("Made so.\n- one\n- *two*\n\n| a |\n|---|\n| 1 |")]
    ['text', 'list', 'table']
    """
    lines = [line.strip() for line in text.splitlines()]
    return tuple(_part(kind, list(some)) for kind, some in groupby(lines, key=_kind) if kind)


def _kind(line: str) -> Kind | None:
    if not line:
        return None
    if line.startswith("- "):
        return "list"
    return "table" if line.startswith("|") else "text"


def _part(kind: Kind, lines: Sequence[str]) -> CardPart:
    if kind == "list":
        return CardPart(kind, tuple((_plain(line.removeprefix("- ")),) for line in lines))
    if kind == "table":
        return CardPart(kind, tuple(_cells(line) for line in _without_rule(lines)))
    return CardPart(kind, ((_plain(" ".join(lines)),),))


def _without_rule(lines: Sequence[str]) -> Iterable[str]:
    return (line for line in lines if set(line) - set("|-"))


def _cells(line: str) -> tuple[str, ...]:
    cells = _BAR.split(line)[1:-1]
    return tuple(_plain(cell.strip().replace("\\|", "|")) for cell in cells)


def _plain(text: str) -> str:
    return _MARKED.sub(lambda found: found[1] or found[2], text)
