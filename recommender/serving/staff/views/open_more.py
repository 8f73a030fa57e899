"""What would open more: changes of a request that would add clinicians, or why none is named."""

from dataclasses import dataclass

from recommender.serving.schemas.responses import RecommendationResponse
from recommender.serving.staff import wording


@dataclass(frozen=True, slots=True)
class RelaxationLine:
    """A change that would add clinicians.

    `number` is its place in the response, None where staff can only ask the client.
    """

    text: str
    admits: str
    number: int | None


def relaxation_lines(response: RecommendationResponse) -> tuple[RelaxationLine, ...]:
    """The relaxations of a response in words; of changes of one answer the smallest first."""
    fields = [frozenset(change.field for change in each.answers) for each in response.relaxations]
    numbered = sorted(
        enumerate(response.relaxations),
        key=lambda each: (fields.index(fields[each[0]]), each[1].admits),
    )
    return tuple(
        RelaxationLine(
            wording.sentence(each.text),
            wording.counted(each.admits, "more clinician", "more clinicians"),
            number if each.answers else None,
        )
        for number, each in numbered
    )


def nothing_to_change(response: RecommendationResponse) -> str:
    """What is true where no change is offered.

    Where nobody fits every small change was looked for. Otherwise a change may have been left out
    because nobody it adds would clearly be ahead: how many were asked for is not stored.
    """
    more = response.eligible - len(response.shortlist)
    if more:
        fit = "1 more fits" if more == 1 else f"{more} more fit"
        return f"{fit} already."
    if not response.shortlist:
        return "No small change of the request would add a clinician."
    return "No small change would add anybody clearly ahead of those shown."
