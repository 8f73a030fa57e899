"""What contradicts earlier records of a pairing, as a member of a response."""

from collections.abc import Iterable
from typing import Annotated

from pydantic import BaseModel, ConfigDict
from pydantic import Field as Setting

from recommender.journal.contradictions import MESSAGES, Contradiction


class ContradictionRecord(BaseModel):
    """One field of the request that contradicts what was recorded before."""

    model_config = ConfigDict(frozen=True)

    pointer: Annotated[str, Setting(description="JSON pointer (RFC 6901) into the request.")]
    code: Annotated[str, Setting(description=f"One of {', '.join(MESSAGES)}.")]
    message: Annotated[str, Setting(description="Never contains a submitted value.")]


Contradictions = Annotated[
    tuple[ContradictionRecord, ...],
    Setting(
        description="What does not fit earlier records of the pairing. It was recorded all the "
        "same, since both may be true: check it."
    ),
]


def contradiction_records(found: Iterable[Contradiction]) -> tuple[ContradictionRecord, ...]:
    """Contradictions in the form of a response."""
    return tuple(
        ContradictionRecord(pointer=f"/{each.field}", code=each.code, message=MESSAGES[each.code])
        for each in found
    )
