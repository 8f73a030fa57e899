"""Routes for probes, metrics, models, the OpenAPI document and descriptions of problems."""

import hashlib
import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter, Query, Request
from pydantic import Field as Setting
from starlette.responses import RedirectResponse, Response

from recommender.model.claims import NOT_SHOWN, SHOWN, Claim, claims_of
from recommender.model.match_sizes import match_sizes
from recommender.rollout.bundle_cache import BundleCache, RegistryPointer
from recommender.security.scopes import Role
from recommender.serving.authorization import PAGES, accepts_html
from recommender.serving.dependencies import Context, Snapshot
from recommender.serving.http.etags import etag, unless_matched
from recommender.serving.http.metrics import MEDIA_TYPE
from recommender.serving.http.problems import NOT_FOUND, NOT_READY, PROBLEM_TYPES, ProblemError
from recommender.serving.http.request_context import request_info
from recommender.serving.http.strict_json import JSON
from recommender.serving.openapi import READ_AGAIN, ApiRoute, openapi_document, problem_responses
from recommender.serving.schemas.model_matches import ModelMatch
from recommender.serving.schemas.responses import CurrentModel, ModelInUse, Probe, ResponseModel
from recommender.serving.snapshot.snapshot import ServingSnapshot
from recommender.settings import Settings

router = APIRouter(route_class=ApiRoute)


REVALIDATE = "no-cache"
"""The contract may be cached, and is asked for again with the ETag."""
INDEX: Mapping[str, str] = {
    "pages": PAGES,
    "documentation": "/docs",
    "contract": "/openapi.json",
    "liveness": "/livez",
    "readiness": "/readyz",
    "recommendations": "/v1/recommendations",
}
"""Where to begin, by what is there."""


@router.get("/", include_in_schema=False)
async def get_index(request: Request) -> Response:
    """Leads a browser to the staff pages and a program to the contract."""
    root_path, varies = request_info(request.scope).root_path, {"Vary": "Accept"}
    if accepts_html(request.headers):
        return RedirectResponse(PAGES, 303, varies)
    index = {name: root_path + path for name, path in INDEX.items()}
    return Response(json.dumps(index), headers=varies, media_type=JSON)


@router.get(
    "/livez",
    operation_id="getLiveness",
    summary="Liveness probe",
    tags=["probes"],
    response_model=Probe,
)
async def get_liveness() -> Response:
    """Does not access the model or the store."""
    return Response(Probe(status="alive").model_dump_json(), media_type=JSON)


@router.get(
    "/readyz",
    operation_id="getReadiness",
    summary="Readiness probe",
    tags=["probes"],
    response_model=Probe,
    responses=problem_responses(NOT_READY),
)
async def get_readiness(context: Context) -> Response:
    """Ready once a model has passed its warm-up request.

    `degraded` is ready too, but the active model is not the registry's champion; see the log.
    """
    context.snapshots.require()
    status = "degraded" if context.snapshots.degraded else "ready"
    return Response(Probe(status=status).model_dump_json(), media_type=JSON)


@router.get(
    "/openapi.json",
    operation_id="getContract",
    summary="Read the contract, of all roles or of one",
    tags=["contract"],
    response_model=dict[str, Any],
    responses=problem_responses(NOT_READY),
    openapi_extra=READ_AGAIN,
)
async def get_openapi_document(
    request: Request,
    snapshot: Snapshot,
    role: Annotated[
        Role | None,
        Query(
            description="The role of a key: the contract then has the operations it may call, and "
            "responses with exactly what it receives. Omitted: all operations and members.",
            examples=[Role.TOOL],
        ),
    ] = None,
) -> Response:
    """The OpenAPI 3.1 document, with the questions of the active practice definition."""
    contract = openapi_document(request.app, snapshot.form, snapshot.clinicians, role)
    headers = {**etag(contract.tag), "Cache-Control": REVALIDATE}
    response = Response(contract.body, headers=headers, media_type=JSON)
    return unless_matched(response, request.headers)


@router.get("/metrics", include_in_schema=False)
async def get_metrics(context: Context) -> Response:
    """Metrics of this process, for Prometheus."""
    return Response(context.metrics.text(), media_type=MEDIA_TYPE)


@router.get("/problems/{slug}", include_in_schema=False)
async def get_problem(slug: str) -> Response:
    """Description of a problem type."""
    if slug not in PROBLEM_TYPES:
        raise ProblemError(NOT_FOUND)
    kind = PROBLEM_TYPES[slug]
    return Response(f"{kind.title} ({kind.status})\n\n{kind.detail}\n", media_type="text/plain")


models_router = APIRouter(tags=["models"], route_class=ApiRoute)


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


class ModelClaim(ResponseModel):
    """What is shown of the active model, or what it would take to show it."""

    claim: Annotated[
        str, Setting(description="`matching`, or `order`: an order better than chance.")
    ]
    status: Annotated[
        str, Setting(description=f"`{SHOWN}` where a 95 % interval lies above 0; `{NOT_SHOWN}`.")
    ]
    text: Annotated[str, Setting(description="The figure and what it would take, in words.")]
    value: Annotated[
        float | None,
        Setting(
            description="Agreement of order and rating; 0: chance. That of `order` counts pairings "
            "that ended before a rating as rated low."
        ),
    ]
    lower: Annotated[float | None, Setting(description="Lower end of its 95 % interval.")]
    upper: Annotated[float | None, Setting(description="Upper end of its 95 % interval.")]
    ratings: Annotated[int, Setting(description="Ratings it rests on.")]
    ratings_needed: Annotated[
        int | None,
        Setting(
            description="Ratings that would show it if the figure stays; null where it is shown or "
            "nothing points to it."
        ),
    ]

    @classmethod
    def of(cls, claim: Claim) -> Self:
        """The claim as it is sent."""
        estimate = claim.estimate
        return cls(
            claim=claim.name,
            status=claim.status,
            text=claim.text,
            value=None if estimate is None else estimate.value,
            lower=None if estimate is None else estimate.low,
            upper=None if estimate is None else estimate.high,
            ratings=claim.rated,
            ratings_needed=claim.needed,
        )


class KnownModels(ResponseModel):
    """All models known to this server, ordered by digest."""

    current: ModelInUse
    mode: str
    claims: Annotated[
        tuple[ModelClaim, ...],
        Setting(description="Of the active model. A model serves without them: see the method."),
    ]
    matches: Annotated[
        tuple[ModelMatch, ...] | None,
        Setting(
            description="Sizes of the declared matches of the active model, the largest first; "
            "empty where it was trained before they were measured. Null unless asked for."
        ),
    ] = None
    registry_unreachable: bool
    models: tuple[KnownModel, ...]


@models_router.get(
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


@models_router.get(
    "/v1/models",
    operation_id="listModels",
    summary="List the known models",
    response_model=KnownModels,
    responses=problem_responses(NOT_READY),
    openapi_extra=READ_AGAIN,
)
def get_models(
    request: Request,
    context: Context,
    snapshot: Snapshot,
    matches: Annotated[
        Literal["true", "false"],
        Query(description="Whether to include the sizes of the declared matches."),
    ] = "false",
) -> Response:
    """The active model, the registry's champion and the models to fall back to."""
    known = known_models(snapshot, context.settings)
    if matches == "true":
        model = snapshot.model
        found = match_sizes(model.report, model.practice, model.manifest.contributors)
        sizes = tuple(map(ModelMatch.of, found))
        known = known.model_copy(update={"matches": sizes})
    body = known.model_dump_json()
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
        claims=tuple(map(ModelClaim.of, claims_of(snapshot.model.report))),
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
