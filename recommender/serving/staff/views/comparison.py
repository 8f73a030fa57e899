"""Two or three clinicians side by side: facts row by row, and once how their scores differ."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from recommender.practice.definition import Practice
from recommender.serving.schemas.card import ClinicianCard
from recommender.serving.staff.views import card_texts
from recommender.serving.staff.views.explanation import ExplanationView

MOST_COMPARED = 3


@dataclass(frozen=True, slots=True)
class FactRow:
    """One fact of each clinician; `differs` where it is not the same of all."""

    label: str
    values: tuple[str, ...]

    @property
    def differs(self) -> bool:
        """Whether the clinicians differ in it."""
        return len(set(self.values)) > 1


@dataclass(frozen=True, slots=True)
class Comparison:
    """Clinicians in columns.

    `reasons` explain the first against each of the others, and are empty where nothing was
    predicted; with the first and the second exchanged, every sign is the opposite.
    """

    people: tuple[tuple[str, str], ...]
    rows: tuple[FactRow, ...]
    reasons: tuple[tuple[str, ExplanationView], ...]


def fact_rows(cards: Sequence[ClinicianCard], practice: Practice) -> tuple[FactRow, ...]:
    """What is known of any of some clinicians, a row for each fact."""
    zone = ZoneInfo(practice.timezone)
    columns = [dict(_facts(card, practice, zone)) for card in cards]
    labels = dict.fromkeys(label for column in columns for label in column)
    return tuple(
        FactRow(label, tuple(column.get(label, "Not recorded") for column in columns))
        for label in labels
    )


def _facts(card: ClinicianCard, practice: Practice, zone: ZoneInfo) -> Iterator[tuple[str, str]]:
    if card.profession:
        yield "Profession", card.profession
    cost, fee = card_texts.cost(practice, card.cost)
    if cost:
        yield "Cost", f"{cost} {fee}".strip()
    if times := card_texts.two_times(card, card.next_times, zone):
        yield "Next times", "; ".join(times)
    if meeting := card_texts.meeting(card):
        yield "How to meet", "; ".join(meeting)
    for fact in card.facts:
        yield fact.label, ", ".join(fact.values)
