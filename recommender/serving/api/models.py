"""The models a server knows of: what lies on its shelf, and which of it answers.

Only names are told of what was not opened. Imported by `serving.app`.
"""

import hashlib
from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict
from pydantic import Field as Setting
from starlette.responses import Response

from recommender.rollout.bundle_cache import BundleCache, RegistryPointer
from recommender.serving.http.etags import etag, unless_seen
from recommender.serving.http.problems import BAD_REQUEST, NOT_READY, UNEXPECTED
from recommender.serving.openapi import problem_responses
from recommender.serving.schemas.responses import ModelInUse
from recommender.serving.snapshot.snapshot import ServingSnapshot
from recommender.settings import Settings

router = APIRouter(tags=["models"])


class KnownModel(BaseModel):
    """One model by its digest, and what is known of it here."""

    model_config = ConfigDict(frozen=True)

    digest: str
    answers: bool
    on_disk: Annotated[bool, Setting(description="Whether its bundle is kept on this machine.")]
    offered: Annotated[bool, Setting(description="Whether the registry names it champion.")]
    last_good: Annotated[bool, Setting(description="Whether it is gone back to when others fail.")]
    refused: Annotated[str | None, Setting(description="Why it may not answer.")] = None


class KnownModels(BaseModel):
    """Every model this server knows of, ordered by digest."""

    model_config = ConfigDict(frozen=True)

    current: ModelInUse
    mode: str
    registry_away: bool
    models: tuple[KnownModel, ...]


@router.get(
    "/v1/models",
    operation_id="listModels",
    summary="The models this server knows of",
    response_model=KnownModels,
    responses=problem_responses(BAD_REQUEST, UNEXPECTED, NOT_READY),
)
def get_models(request: Request) -> Response:
    """What answers, what the registry offers, and what could be gone back to."""
    state = request.app.state.rosters.current()
    body = known_models(state, request.app.state.settings).model_dump_json()
    tag = hashlib.sha256(body.encode()).hexdigest()[:32]
    response = Response(body, headers=etag(tag), media_type="application/json")
    return unless_seen(response, request.headers)


def known_models(state: ServingSnapshot, settings: Settings) -> KnownModels:
    """What a server answers with and what lies on its shelf."""
    bundle_cache = (
        None if settings.bundle or settings.bundles is None else BundleCache(settings.bundles)
    )
    offer = (bundle_cache.read_pointer() if bundle_cache else None) or RegistryPointer()
    last = bundle_cache.last_good() if bundle_cache else None
    on_disk = set(bundle_cache.digests()) if bundle_cache else set()
    named = {state.digest, *on_disk, *(each for each in (offer.digest, last) if each)}
    return KnownModels(
        current=ModelInUse.of(state.model.manifest, state.digest, state.version),
        mode=state.model.manifest.mode,
        registry_away=offer.unreachable,
        models=tuple(
            KnownModel(
                digest=digest,
                answers=digest == state.digest,
                on_disk=digest in on_disk or settings.bundle is not None,
                offered=digest == offer.digest,
                last_good=digest == last,
                refused=offer.rejected if digest == offer.digest else None,
            )
            for digest in sorted(named)
        ),
    )
