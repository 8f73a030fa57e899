"""How the pages of a server look like the practice's own: its name."""

from dataclasses import dataclass

from fastapi import FastAPI

from recommender.practice.definition import Practice


@dataclass(frozen=True, slots=True)
class Appearance:
    """What every page shows of the practice.

    Attributes
    ----------
    title
        The practice's name.
    """

    title: str


def open_appearance(practice: Practice) -> Appearance:
    """The appearance that a practice definition declares."""
    return Appearance(practice.title)


def appearance_of(app: FastAPI) -> Appearance:
    """The appearance of a running application."""
    appearance: Appearance = app.state.appearance
    return appearance
