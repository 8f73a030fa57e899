"""Pages about clinicians: how often they are shown and their open places, and their records.

Few roles see records (`record:read`); an account that may not see the roster sees them without a
name.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from math import isinf
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from recommender.journal.rated_pairings import Exposure, RatedPairing, exposures, rated_pairings
from recommender.monitoring.clinician_records import (
    DAYS,
    MIN_RATINGS,
    ClinicianRecord,
    clinician_exposures,
    clinician_records,
)
from recommender.monitoring.early_ratings import early_points
from recommender.security.scopes import Scope
from recommender.serving.authorization import caller
from recommender.serving.dependencies import current_snapshot, run_in_pool
from recommender.serving.idempotency import has_store, read
from recommender.serving.schemas.responses import AllianceScale
from recommender.serving.snapshot.snapshot import ServingSnapshot
from recommender.serving.staff import wording
from recommender.serving.staff.page import CLINICIANS, RECORDS, page
from recommender.serving.staff.views.charts import EXPOSURE_BAR, exposure_bars

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class ModelTraining:
    """What the model holds of a clinician: points above what similar clients rate others."""

    points: float
    ratings: int


@router.get(CLINICIANS)
async def get_clinicians_page(request: Request) -> Response:
    """How often each clinician was shown and chosen lately, and their open places."""
    state = current_snapshot(request.app)
    counted: dict[str, Exposure] = {}
    if has_store(request):
        since = datetime.now(UTC) - timedelta(days=DAYS)
        counted = await read(request, partial(exposures, since=since))
    rows = clinician_exposures(counted, state.encoding.roster, state.practice.places)
    return page(
        request,
        "clinicians.html",
        "Clinicians",
        rows=list(zip(rows, exposure_bars(rows), strict=True)),
        bar=EXPOSURE_BAR,
        days=DAYS,
        times=sum(row.counts.shown for row in rows),
        unseen=sum(row.on_roster and not row.counts.shown for row in rows),
        clinicians=len(state.encoding.roster),
        places=any(row.open_places is not None for row in rows),
        may_add=has_store(request) and caller(request).may(Scope.ROSTER_WRITE),
    )


@router.get(RECORDS)
async def get_records_page(request: Request) -> Response:
    """The mean rating of each clinician, shrunk towards the practice mean."""
    state = current_snapshot(request.app)
    rated: tuple[RatedPairing, ...] = ()
    if has_store(request):
        rated = await read(request, rated_pairings)
    named = caller(request).may(Scope.ROSTER_READ)
    values = partial(record_values, rated, state, named=named)
    return page(
        request, "records.html", "Clinicians' records", **await run_in_pool(request.app, values)
    )


def record_values(
    rated: Sequence[RatedPairing], state: ServingSnapshot, *, named: bool
) -> dict[str, Any]:
    """The records, by the names the template uses."""
    points: dict[str, list[float]] = {}
    by_pairing = early_points(rated, state.model)
    for each in rated:
        if each.pairing_id in by_pairing:
            points.setdefault(each.clinician_id, []).append(by_pairing[each.pairing_id])
    records = clinician_records(points)
    shown = [each for each in records.records if each.enough] if records else []
    names, trained = state.encoding.roster.called, state.model.records
    in_model = zip(
        state.model.clinician_ids, trained.mean.tolist(), trained.count.tolist(), strict=True
    )
    training = {
        name: ModelTraining(mean, int(ratings))
        for name, mean, ratings in in_model
        if ratings >= MIN_RATINGS
    }
    rows: list[tuple[str, ClinicianRecord, ModelTraining | None]] = [
        (
            names.get(each.clinician_id, each.clinician_id) if named else f"Clinician {number}",
            each,
            training.get(each.clinician_id),
        )
        for number, each in enumerate(shown, start=1)
    ]
    return {
        "rows": rows,
        "few": len(records.records) - len(shown) if records else 0,
        "min_ratings": MIN_RATINGS,
        "mean": records.mean if records else None,
        "prior_ratings": None
        if records is None or isinf(records.prior_ratings)
        else records.prior_ratings,
        "scale": wording.scale_points(AllianceScale.of(state.model)),
    }
