"""The answers of a client without which nobody can be shown, and when each is needed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from recommender.practice.conditions import Condition, holds
from recommender.practice.definition import Practice


@dataclass(frozen=True, slots=True)
class NeededAnswer:
    """A question that must be answered while `when` holds and `unless` does not.

    Either is None where it does not restrict the need.
    """

    field: str
    when: Condition | None = None
    unless: Condition | None = None

    def applies(self, answers: Mapping[str, Any]) -> bool:
        """Whether it is needed beside the answers given so far, which are in JSON."""
        lifted = self.unless is not None and holds(self.unless, answers)
        return not lifted and (self.when is None or holds(self.when, answers))


def needed_answers(practice: Practice) -> tuple[NeededAnswer, ...]:
    """What every request, and every hard constraint that excludes on silence, needs of a client.

    Examples
    --------
    >>> from recommender.practice.definition import shipped_practice
    >>> needed = needed_answers(shipped_practice())
    >>> sorted(each.field for each in needed if each.applies({"funding": "medicare"}))
    ['age_years', 'funding', 'referral_held', 'risk_level']
    """
    return tuple(dict.fromkeys(_needs(practice)))


def needed_of_clients(practice: Practice) -> tuple[NeededAnswer, ...]:
    """What a form to clients needs: the age as well, which decides whether a client is a minor."""
    page = practice.matching_page
    return (*needed_answers(practice), *(() if page is None else (NeededAnswer(page.age),)))


def _needs(practice: Practice) -> Iterator[NeededAnswer]:
    client = practice.client
    yield from (NeededAnswer(name) for name, field in client.items() if field.required)
    for each in practice.constraints.values():
        if not each.excludes_on_silence:
            continue
        if each.when is not None:
            # Whether the constraint applies is not known, which leaves everybody out as well.
            yield NeededAnswer(each.when.client, None, each.unless)
        for name in each.client:
            yield NeededAnswer(name, each.when, each.unless)
            asked_when = client[name].asked_when
            if asked_when is not None and asked_when != each.when:
                yield NeededAnswer(asked_when.client, each.when, each.unless)
