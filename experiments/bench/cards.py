"""The cards of a shortlist beside the recommendation they belong to, with 200 clinicians."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from experiments.bench.relaxing import DAY, intakes
from recommender.model.alliance_model import AllianceModel, RosterEncoding
from recommender.recommendation.card import cards
from recommender.recommendation.recommend import Intake, recommend
from recommender.serving.schemas.card import ClinicianCard
from recommender.tables.loader import read_roster

NOW = datetime(2026, 11, 22, 22, 7, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class CardCost:
    """Milliseconds of processor time of one request, and the size of its cards.

    Attributes
    ----------
    shown
        Cards of the shortlist.
    recommending, cards
        The recommendation without cards; its cards, as they are sent.
    for_clients, for_staff
        Bytes of the largest card as clients and as staff receive it; 0 if nobody fits.
    """

    shown: int
    recommending: float
    cards: float
    for_clients: int
    for_staff: int


def measured(model: AllianceModel, tables: Path) -> list[CardCost]:
    """One cost a client of a simulated practice, after a first client who is not counted."""
    roster = read_roster(tables / "clinicians.csv", model.practice, datetime.now(UTC))
    encoding = model.encode_roster(roster)
    first, *rest = intakes(model, tables)
    _cost(model, encoding, first)
    return [_cost(model, encoding, intake) for intake in rest]


def _cost(model: AllianceModel, encoding: RosterEncoding, intake: Intake) -> CardCost:
    started = time.process_time()
    found = recommend(intake, encoding, model, day=DAY)
    recommended = time.process_time()
    ids = tuple(each.clinician_id for each in found.shortlist)
    shown = cards(model.practice, intake.client, encoding.roster, found.screening, ids, NOW)
    models = [ClinicianCard.of(card) for card in shown]
    for_staff = [len(each.model_dump_json()) for each in models]
    ended = time.process_time()
    for_clients = [
        len(each.for_clients().model_dump_json(exclude={"staff_only"})) for each in models
    ]
    return CardCost(
        len(shown),
        1000 * (recommended - started),
        1000 * (ended - recommended),
        max(for_clients, default=0),
        max(for_staff, default=0),
    )
