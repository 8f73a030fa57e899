"""Ties of a shortlist: clinicians that cannot be told apart, with one text for all of them."""

from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict
from pydantic import Field as Setting

TEXT = "What is known does not set these {number} apart: choose by what matters to you."


class ClinicianTie(BaseModel):
    """Clinicians of the shortlist that cannot be told apart, two or more next to each other."""

    model_config = ConfigDict(frozen=True)

    tie: Annotated[int, Setting(description="As `tie` of each of them in the shortlist.")]
    text: Annotated[
        str,
        Setting(
            description="For clients and staff: show it once, above the first of them, and number "
            "none of them.",
            examples=[TEXT.format(number=3)],
        ),
    ]


def ties_content(ties: Iterable[int | None]) -> list[dict[str, Any]]:
    """The ties of a shortlist, in the form of `ClinicianTie`.

    They are given by the number of each clinician's, None for no tie.

    Examples
    --------
    >>> [(each["tie"], each["text"][:37]) for each in ties_content([1, 2, 2, None])]
    [(2, 'What is known does not set these 2 ap')]
    """
    sizes: dict[int, int] = {}
    for tie in ties:
        if tie is not None:
            sizes[tie] = sizes.get(tie, 0) + 1
    return [
        {"tie": tie, "text": TEXT.format(number=size)} for tie, size in sizes.items() if size > 1
    ]
