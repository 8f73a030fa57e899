"""What a model card is written in: paragraphs, lists and tables of plain text."""

from dataclasses import dataclass
from typing import ClassVar, Literal


@dataclass(frozen=True, slots=True)
class CardParagraph:
    """A paragraph of plain text."""

    kind: ClassVar[Literal["paragraph"]] = "paragraph"
    text: str


@dataclass(frozen=True, slots=True)
class CardList:
    """A bulleted list of plain text."""

    kind: ClassVar[Literal["list"]] = "list"
    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CardTable:
    """A table; each row has a cell for each heading, and the first cell names the row."""

    kind: ClassVar[Literal["table"]] = "table"
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


CardBlock = CardParagraph | CardList | CardTable
