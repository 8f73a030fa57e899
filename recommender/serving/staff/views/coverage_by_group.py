"""The range that was shown, held to ratings group by group. Imported by `staff.checking`.

Groups are the answers of the intake as used. A practice's audit answers are none of them: they
never come with a request, and stand in the model card.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from recommender.practice.definition import Practice
from recommender.practice.fields import Field
from recommender.serving.staff import wording
from recommender.serving.staff.views.early_ratings import CoverageCheck, RatedPrediction

FEWEST_IN_GROUP = 20
"""Rated matches below which a group is named without a figure."""


@dataclass(frozen=True, slots=True)
class GroupCoverage:
    """Clients who gave one answer, and the check of their matches."""

    name: str
    check: CoverageCheck

    @property
    def enough(self) -> bool:
        """Whether anything can be said of it."""
        return self.check.rated >= FEWEST_IN_GROUP


def coverage_by_group(
    found: Sequence[RatedPrediction], practice: Practice
) -> tuple[GroupCoverage, ...]:
    """Every group with a rated match; of the audited answers where any is known, else of all.

    Whoever did not answer is in no group of a question, and whoever named several in each.
    """
    audited = _grouped(found, practice.fields("client", "audit"))
    asked = practice.fields("client", "score", "filter")
    # Nothing is predicted without this consent, so that it tells nobody from anybody.
    told = {name: field for name, field in asked.items() if name != practice.consent}
    return audited or _grouped(found, told)


def _grouped(
    found: Sequence[RatedPrediction], fields: Mapping[str, Field]
) -> tuple[GroupCoverage, ...]:
    groups: dict[str, list[RatedPrediction]] = {}
    for each in found:
        for name, field in fields.items():
            for level in _levels(field, each.answers.get(name)):
                groups.setdefault(wording.group(field.phrase, level), []).append(each)
    return tuple(
        GroupCoverage(name, CoverageCheck.of(some)) for name, some in sorted(groups.items())
    )


def _levels(field: Field, answer: Any) -> Iterator[str]:
    if isinstance(answer, bool):
        yield wording.YES if answer else wording.NO
        return
    for each in answer if isinstance(answer, list | tuple) else (answer,):
        if each in field.levels:
            yield wording.plain(str(each))
