"""The forms of a practice: which questions are asked of whom, in which order and sections."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

from recommender.values.toml_settings import FilledText, Text, Texts, toml_table

Audience = Literal["staff", "client"]
"""Who reads the questions: staff who ask a client, or the client."""
AUDIENCES: tuple[Audience, ...] = get_args(Audience)


@toml_table
@dataclass(frozen=True, slots=True)
class FormSection:
    """Questions that belong together.

    Attributes
    ----------
    id, title
        Its name in addresses and in JSON, and the heading people read.
    help
        A sentence below the heading; "" for none.
    first, later
        Names of the client's fields in the order asked: at once, and if more is wanted.
    """

    id: FilledText
    title: FilledText
    help: Text = ""
    first: Texts = ()
    later: Texts = ()


@dataclass(frozen=True, slots=True)
class FormLayout:
    """The form for one audience: its title and its sections in order."""

    title: str
    sections: tuple[FormSection, ...]

    @property
    def first(self) -> tuple[str, ...]:
        """Names of the fields that are asked at once, in order."""
        return tuple(name for section in self.sections for name in section.first)

    @property
    def later(self) -> tuple[str, ...]:
        """Names of the fields that are asked if more is wanted, in order."""
        return tuple(name for section in self.sections for name in section.later)

    def __iter__(self) -> Iterator[str]:
        """Names of all fields, section by section."""
        for section in self.sections:
            yield from (*section.first, *section.later)
