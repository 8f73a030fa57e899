"""Routes that list the models in the bundle cache and describe the active one."""

import hashlib
from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import Field as Setting
from starlette.responses import Response

from recommender.rollout.bundle_cache import BundleCache, RegistryPointer
from recommender.serving.dependencies import Context, Snapshot
from recommender.serving.http.etags import etag, unless_matched
from recommender.serving.http.problems import NOT_READY
from recommender.serving.http.strict_json import JSON
from recommender.serving.openapi import ApiRoute, problem_responses
from recommender.serving.schemas.responses import CurrentModel, ModelInUse, ResponseModel
from recommender.serving.snapshot.snapshot import ServingSnapshot
from recommender.settings import Settings

router = APIRouter(tags=["models"], route_class=ApiRoute)


class KnownModel(ResponseModel):
    """A model in the bundle cache or named by the registry."""

    digest: str
    active: bool
    on_disk: Annotated[bool, Setting(description="Whether its bundle is on this machine.")]
    champion: Annotated[bool, Setting(description="Whether the registry names it champion.")]
    last_good: Annotated[
        bool, Setting(description="Whether the server falls back to it when others fail.")
    ]
    rejected: Annotated[str | None, Setting(description="Why it was rejected.")] = None


class KnownModels(ResponseModel):
    """All models known to this server, ordered by digest."""

    current: ModelInUse
    mode: str
    registry_unreachable: bool
    models: tuple[KnownModel, ...]


@router.get(
    "/v1/models/current",
    operation_id="getCurrentModel",
    summary="Describe the active model",
    response_model=CurrentModel,
    responses=problem_responses(NOT_READY),
)
async def get_current_model(snapshot: Snapshot) -> Response:
    """Identity and provenance of the model."""
    current = CurrentModel.of(snapshot.model, snapshot.digest, snapshot.version)
    return Response(current.model_dump_json(), media_type=JSON)


@router.get(
    "/v1/models",
    operation_id="listModels",
    summary="List the known models",
    response_model=KnownModels,
    responses=problem_responses(NOT_READY),
)
def get_models(request: Request, context: Context, snapshot: Snapshot) -> Response:
    """The active model, the registry's champion and the models to fall back to."""
    body = known_models(snapshot, context.settings).model_dump_json()
    tag = hashlib.sha256(body.encode()).hexdigest()[:32]
    response = Response(body, headers=etag(tag), media_type=JSON)
    return unless_matched(response, request.headers)


def known_models(snapshot: ServingSnapshot, settings: Settings) -> KnownModels:
    """The active model and the contents of the bundle cache."""
    bundle_cache = (
        None if settings.bundle or settings.bundles is None else BundleCache(settings.bundles)
    )
    pointer = (bundle_cache.read_pointer() if bundle_cache else None) or RegistryPointer()
    last = bundle_cache.last_good() if bundle_cache else None
    on_disk = set(bundle_cache.digests()) if bundle_cache else set()
    named = {snapshot.digest, *on_disk, *(each for each in (pointer.digest, last) if each)}
    return KnownModels(
        current=ModelInUse.of(snapshot.model.manifest, snapshot.digest, snapshot.version),
        mode=snapshot.model.manifest.mode,
        registry_unreachable=pointer.unreachable,
        models=tuple(
            KnownModel(
                digest=digest,
                active=digest == snapshot.digest,
                on_disk=digest in on_disk or settings.bundle is not None,
                champion=digest == pointer.digest,
                last_good=digest == last,
                rejected=pointer.rejected if digest == pointer.digest else None,
            )
            for digest in sorted(named)
        ),
    )
