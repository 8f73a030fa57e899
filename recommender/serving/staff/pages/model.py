"""The page on which estimates are held to ratings, and the model that answers now is told.

Imported by `staff.router`.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from recommender.journal.rated_pairings import rated_matches
from recommender.serving.dependencies import current_snapshot, run_in_pool
from recommender.serving.schemas.responses import AllianceScale
from recommender.serving.services.idempotency import has_store, read
from recommender.serving.snapshot.snapshot import ServingSnapshot
from recommender.serving.staff import wording
from recommender.serving.staff.page import MODEL, page
from recommender.serving.staff.views.calibration import bin_of, calibration_bins, calibration_chart
from recommender.serving.staff.views.coverage_by_group import coverage_by_group
from recommender.serving.staff.views.early_ratings import (
    LAST,
    CoverageCheck,
    RatedPrediction,
    rated_predictions,
)
from recommender.serving.staff.views.error_over_time import error_curve, error_windows

router = APIRouter(include_in_schema=False)


@router.get(MODEL)
async def get_model_page(request: Request) -> Response:
    """The figures are counted when the page is asked for."""
    state, found = current_snapshot(request.app), await _held(request)
    return page(
        request,
        "model.html",
        wording.MEASURED,
        checked=_checked(found, state),
        facts=_facts(state),
        card=[
            (name, getattr(state.practice.card, key) or wording.NOT_SAID)
            for key, name in wording.CARD_PARTS.items()
        ],
        **measured(found or (), state),
    )


def measured(found: Sequence[RatedPrediction], state: ServingSnapshot) -> dict[str, Any]:
    """Groups, calibration and the learning curve, as the template shows them."""
    model, bins, windows = state.model, calibration_bins(found), error_windows(found)
    return {
        "scale": wording.scale(AllianceScale.of(model).model_dump()),
        "level": state.practice.alliance.interval,
        "groups": coverage_by_group(found, state.practice),
        "bins": bins,
        "all_bins": bin_of(found) if bins else None,
        "diagonal": calibration_chart(bins, model.linker.low, model.linker.high) if bins else None,
        "windows": windows,
        "curve": error_curve(windows) if len(windows) > 1 else None,
        "rated": len(found),
    }


async def _held(request: Request) -> tuple[RatedPrediction, ...] | None:
    """The last rated matches, newest first; None where nothing is kept."""
    if not has_store(request):
        return None
    matches = await read(request, partial(rated_matches, most=LAST))
    return await run_in_pool(
        request.app, partial(rated_predictions, matches, current_snapshot(request.app).model)
    )


def _checked(found: tuple[RatedPrediction, ...] | None, state: ServingSnapshot) -> str:
    if found is None:
        return wording.UNSTORED
    return CoverageCheck.of(found).said(state.practice.alliance.interval)


def _facts(state: ServingSnapshot) -> list[tuple[str, str]]:
    """What the model is and came from, those facts that are known."""
    manifest, practice = state.model.manifest, state.practice
    told: dict[str, Any] = {name: getattr(manifest, name, None) for name in wording.FACTS}
    told["mode"] = wording.REQUEST_MODES.get(manifest.mode, manifest.mode)
    told |= {"version": state.version, "digest": state.digest[:12]}
    told["practice"] = f"{practice.title}, {practice.version}"
    return [
        (name, str(told[key])) for key, name in wording.FACTS.items() if told[key] not in ("", None)
    ]
