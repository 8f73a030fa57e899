"""Routes that list the models in the bundle cache and describe the active one."""

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
    """A model in the bundle cache or named by the registry."""

    model_config = ConfigDict(frozen=True)

    digest: str
    active: bool
    on_disk: Annotated[bool, Setting(description="Whether its bundle is on this machine.")]
    champion: Annotated[bool, Setting(description="Whether the registry names it champion.")]
    last_good: Annotated[
        bool, Setting(description="Whether the server falls back to it when others fail.")
    ]
    rejected: Annotated[str | None, Setting(description="Why it was rejected.")] = None


class KnownModels(BaseModel):
    """All models known to this server, ordered by digest."""

    model_config = ConfigDict(frozen=True)

    current: ModelInUse
    mode: str
    registry_unreachable: bool
    models: tuple[KnownModel, ...]


@router.get(
    "/v1/models",
    operation_id="listModels",
    summary="List the known models",
    response_model=KnownModels,
    responses=problem_responses(BAD_REQUEST, UNEXPECTED, NOT_READY),
)
def get_models(request: Request) -> Response:
    """The active model, the registry's champion and the models to fall back to."""
    state = request.app.state.rosters.current()
    body = known_models(state, request.app.state.settings).model_dump_json()
    tag = hashlib.sha256(body.encode()).hexdigest()[:32]
    response = Response(body, headers=etag(tag), media_type="application/json")
    return unless_seen(response, request.headers)


def known_models(state: ServingSnapshot, settings: Settings) -> KnownModels:
    """The active model and the contents of the bundle cache."""
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
        registry_unreachable=offer.unreachable,
        models=tuple(
            KnownModel(
                digest=digest,
                active=digest == state.digest,
                on_disk=digest in on_disk or settings.bundle is not None,
                champion=digest == offer.digest,
                last_good=digest == last,
                rejected=offer.rejected if digest == offer.digest else None,
            )
            for digest in sorted(named)
        ),
    )
