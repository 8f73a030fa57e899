"""The pages for those who look after the model: its card, which models answered, drift.

Imported by `staff.router`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from recommender.card import card_of
from recommender.journal.recommendations import intakes
from recommender.journal.usage import Served, served
from recommender.recommend import CONSTRAINTS_ONLY
from recommender.serving.keeping import keeper_of, read
from recommender.serving.models import KnownModel, known_models
from recommender.serving.staff import words
from recommender.serving.staff.carded import Carded
from recommender.serving.staff.drift import LATELY, Answers, shifts_of, swings_of
from recommender.serving.staff.page import MODEL, page
from recommender.serving.state import State
from recommender.serving.turns import computed, current
from recommender.store.database import Connection

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Past:
    """What the journal knows: models that answered, and the intakes they answered, newest first."""

    served: tuple[Served, ...] = ()
    intakes: tuple[Answers, ...] = ()


@router.get(f"{MODEL}/card")
async def get_card_page(request: Request) -> Response:
    """The card of the model that answers now."""
    state = current(request.app)
    card = Carded.of(card_of(state.model))
    return page(request, "card.html", card.title, card=card, digest=state.digest)


@router.get(f"{MODEL}/history")
async def get_history_page(request: Request) -> Response:
    """Which models answered when, and whether clients come differently now."""
    state, past = current(request.app), Past()
    if keeper_of(request.app) is not None:
        past = await read(request, _past)
    known = known_models(state, request.app.state.settings)
    return page(
        request,
        "history.html",
        words.HISTORY,
        served=past.served,
        digest=state.digest,
        known=[(each.digest, _standing(each)) for each in known.models],
        **await computed(request.app, partial(drifted, past.intakes, state)),
    )


def drifted(lately: Sequence[Answers], state: State) -> dict[str, Any]:
    """Numbers against training and questions against before, as the template shows them."""
    return {
        "looked_at": len(lately),
        "shifts": shifts_of(lately, state.model),
        "swings": swings_of(lately, state.practice),
    }


def _past(connection: Connection) -> Past:
    lately = intakes(connection, most=LATELY, without=CONSTRAINTS_ONLY)
    return Past(served(connection), lately)


def _standing(known: KnownModel) -> str:
    """What a model is on this machine, in words."""
    told = [said for key, said in words.STANDINGS.items() if getattr(known, key)]
    return ", ".join(told + ([known.refused] if known.refused else []))
