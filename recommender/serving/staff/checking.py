"""The page on which estimates are held to ratings, and the model that answers now is told.

Imported by `staff.router`.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from recommender.journal.results import rated_matches
from recommender.serving.keeping import keeper_of, read
from recommender.serving.schemas import Scale
from recommender.serving.staff import words
from recommender.serving.staff.calibration import bin_of, bins_of, diagonal_of
from recommender.serving.staff.groups import groups_of
from recommender.serving.staff.learning import curve_of, windows_of
from recommender.serving.staff.measuring import LAST, Check, Held, held
from recommender.serving.staff.page import MODEL, page
from recommender.serving.state import State
from recommender.serving.turns import computed, current

router = APIRouter(include_in_schema=False)


@router.get(MODEL)
async def get_model_page(request: Request) -> Response:
    """The figures are counted when the page is asked for."""
    state, found = current(request.app), await _held(request)
    return page(
        request,
        "model.html",
        words.MEASURED,
        checked=_checked(found, state),
        facts=_facts(state),
        card=[
            (name, getattr(state.practice.card, key) or words.NOT_SAID)
            for key, name in words.CARD_PARTS.items()
        ],
        **measured(found or (), state),
    )


def measured(found: Sequence[Held], state: State) -> dict[str, Any]:
    """Groups, calibration and the learning curve, as the template shows them."""
    model, bins, windows = state.model, bins_of(found), windows_of(found)
    return {
        "scale": words.scale(Scale.of(model).model_dump()),
        "level": state.practice.alliance.interval,
        "groups": groups_of(found, state.practice),
        "bins": bins,
        "all_bins": bin_of(found) if bins else None,
        "diagonal": diagonal_of(bins, model.harmoniser.low, model.harmoniser.high)
        if bins
        else None,
        "windows": windows,
        "curve": curve_of(windows) if len(windows) > 1 else None,
        "rated": len(found),
    }


async def _held(request: Request) -> tuple[Held, ...] | None:
    """The last rated matches, newest first; None where nothing is kept."""
    if keeper_of(request.app) is None:
        return None
    matches = await read(request, partial(rated_matches, most=LAST))
    return await computed(request.app, partial(held, matches, current(request.app).model))


def _checked(found: tuple[Held, ...] | None, state: State) -> str:
    if found is None:
        return words.UNSTORED
    return Check.of(found).said(state.practice.alliance.interval)


def _facts(state: State) -> list[tuple[str, str]]:
    """What the model is and came from, those facts that are known."""
    manifest, practice = state.model.manifest, state.practice
    told: dict[str, Any] = {name: getattr(manifest, name, None) for name in words.FACTS}
    told["mode"] = words.REQUEST_MODES.get(manifest.mode, manifest.mode)
    told |= {"version": state.version, "digest": state.digest[:12]}
    told["practice"] = f"{practice.title}, {practice.version}"
    return [
        (name, str(told[key])) for key, name in words.FACTS.items() if told[key] not in ("", None)
    ]
