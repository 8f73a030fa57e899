"""The pages about clinicians: who is shown and has room, and how they were rated.

Records are told to few roles (`record:read`), and without a name to those who may not see the
roster. Imported by `staff.router`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from math import isinf
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from recommender.journal.rated_pairings import Exposure, RatedPairing, exposures, rated_pairings
from recommender.model.alliance_model import AllianceModel
from recommender.security.scopes import Scope
from recommender.serving.authorization import caller
from recommender.serving.dependencies import current_snapshot, run_in_pool
from recommender.serving.schemas.responses import AllianceScale
from recommender.serving.services.idempotency import has_store, read
from recommender.serving.snapshot.snapshot import ServingSnapshot
from recommender.serving.staff import wording
from recommender.serving.staff.page import CLINICIANS, RECORDS, page
from recommender.serving.staff.views.clinician_records import (
    FEWEST_OF_RECORD,
    ClinicianRecord,
    clinician_records,
)
from recommender.serving.staff.views.early_ratings import points_of
from recommender.serving.staff.views.exposure import BAR, DAYS, exposure_rows

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class ModelTraining:
    """What the model holds of a clinician: points against what such clients rate elsewhere."""

    points: float
    ratings: int


@router.get(CLINICIANS)
async def get_clinicians_page(request: Request) -> Response:
    """How often each clinician was shown and chosen lately, and how many places are open."""
    state = current_snapshot(request.app)
    found: dict[str, Exposure] = {}
    if has_store(request):
        since = datetime.now(UTC) - timedelta(days=DAYS)
        found = await read(request, partial(exposures, since=since))
    rows = exposure_rows(found, state.encoding.roster, state.practice)
    unseen = sum(row.on_roster and not row.counts.shown for row in rows)
    return page(
        request,
        "clinicians.html",
        wording.CLINICIANS,
        rows=rows,
        bar=BAR,
        counted=wording.lately(DAYS, sum(row.counts.shown for row in rows)),
        unseen=wording.never_shown(unseen, len(state.encoding.roster)),
        places=any(row.free is not None for row in rows),
    )


@router.get(RECORDS)
async def get_records_page(request: Request) -> Response:
    """How clinicians were rated, drawn towards the practice; shown to whoever may see records."""
    state = current_snapshot(request.app)
    rated: tuple[RatedPairing, ...] = ()
    if has_store(request):
        rated = await read(request, rated_pairings)
    named = caller(request).may(Scope.ROSTER_READ)
    told = await run_in_pool(request.app, partial(recorded, rated, state, named=named))
    return page(request, "records.html", wording.RECORDS, **told)


def recorded(
    rated: Sequence[RatedPairing], state: ServingSnapshot, *, named: bool
) -> dict[str, Any]:
    """The records as the template shows them."""
    found = clinician_records(_by_clinician(rated, points_of(rated, state.model)))
    shown = [each for each in found.records if each.enough] if found else []
    names = state.encoding.roster.called if named else {}
    learned = learned_by(state.model)
    rows: list[tuple[str, ClinicianRecord, ModelTraining | None]] = [
        (_called(each, number, names, named), each, learned.get(each.clinician_id))
        for number, each in enumerate(shown, start=1)
    ]
    return {
        "rows": rows,
        "few": len(found.records) - len(shown) if found else 0,
        "fewest": FEWEST_OF_RECORD,
        "mean": found.mean if found else None,
        "pull": None if found is None or isinf(found.pull) else found.pull,
        "scale": wording.scale(AllianceScale.of(state.model).model_dump()),
    }


def learned_by(model: AllianceModel) -> dict[str, ModelTraining]:
    """The model's own records, of clinicians with enough ratings for one to be shown."""
    told = zip(
        model.clinician_ids,
        model.records.mean.tolist(),
        model.records.count.tolist(),
        strict=True,
    )
    return {
        name: ModelTraining(points, int(ratings))
        for name, points, ratings in told
        if ratings >= FEWEST_OF_RECORD
    }


def _by_clinician(
    rated: Sequence[RatedPairing], points: Mapping[str, float]
) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for each in rated:
        if each.pairing_id in points:
            found.setdefault(each.clinician_id, []).append(points[each.pairing_id])
    return found


def _called(record: ClinicianRecord, number: int, names: Mapping[str, str], named: bool) -> str:
    if not named:
        return wording.nobody(number)
    return names.get(record.clinician_id, record.clinician_id)
