"""The pages for those who look after the model: its card, which models answered, drift.

Imported by `staff.router`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from recommender.journal.rated_pairings import ModelUse, model_uses
from recommender.journal.recommendations import intakes
from recommender.model.card import card_of
from recommender.recommendation.recommend import CONSTRAINTS_ONLY
from recommender.serving.api.models import KnownModel, known_models
from recommender.serving.dependencies import app_state, current_snapshot, run_in_pool
from recommender.serving.services.idempotency import has_store, read
from recommender.serving.snapshot.snapshot import ServingSnapshot
from recommender.serving.staff import wording
from recommender.serving.staff.page import MODEL, page
from recommender.serving.staff.views.drift import LATELY, Answers, answer_shifts, level_shifts
from recommender.store.database import Connection

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Past:
    """What the journal knows: models that answered, and the intakes they answered, newest first."""

    served: tuple[ModelUse, ...] = ()
    intakes: tuple[Answers, ...] = ()


@router.get(f"{MODEL}/card")
async def get_card_page(request: Request) -> Response:
    """The card of the model that answers now."""
    state = current_snapshot(request.app)
    card = card_of(state.model)
    return page(request, "card.html", card.title, card=card, digest=state.digest)


@router.get(f"{MODEL}/history")
async def get_history_page(request: Request) -> Response:
    """Which models answered when, and whether clients come differently now."""
    state, past = current_snapshot(request.app), Past()
    if has_store(request):
        past = await read(request, _past)
    known = known_models(state, app_state(request.app).settings)
    return page(
        request,
        "history.html",
        wording.HISTORY,
        served=past.served,
        digest=state.digest,
        known=[(each.digest, _standing(each)) for each in known.models],
        **await run_in_pool(request.app, partial(drifted, past.intakes, state)),
    )


def drifted(lately: Sequence[Answers], state: ServingSnapshot) -> dict[str, Any]:
    """Numbers against training and questions against before, as the template shows them."""
    return {
        "looked_at": len(lately),
        "shifts": answer_shifts(lately, state.model),
        "swings": level_shifts(lately, state.practice),
    }


def _past(connection: Connection) -> Past:
    lately = intakes(connection, most=LATELY, without=CONSTRAINTS_ONLY)
    return Past(model_uses(connection), lately)


def _standing(known: KnownModel) -> str:
    """What a model is on this machine, in words."""
    told = [said for key, said in wording.STANDINGS.items() if getattr(known, key)]
    return ", ".join(told + ([known.rejected] if known.rejected else []))
