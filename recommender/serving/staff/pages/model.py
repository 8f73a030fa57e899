"""Pages about the model: figures against ratings, its card, models and clients over time."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from starlette.responses import Response

from recommender.journal.rated_pairings import (
    Exposure,
    ModelUse,
    exposures,
    model_uses,
    rated_matches,
    requests_counted,
)
from recommender.journal.recommendations import intakes
from recommender.model.card import VERDICTS, card_of, what_is_counted
from recommender.model.claims import claims_of
from recommender.model.match_sizes import match_sizes, without_sizes
from recommender.model.verdicts import verdicts_of
from recommender.monitoring.clinician_records import DAYS
from recommender.monitoring.drift import MAX_REQUESTS, Answers, answer_shifts, level_shifts
from recommender.monitoring.early_ratings import (
    MAX_MATCHES,
    MIN_MATCHES,
    Coverage,
    GroupCoverage,
    RatedPrediction,
    calibration_bin,
    calibration_bins,
    coverage_by_group,
    error_windows,
    rated_predictions,
)
from recommender.monitoring.live_verdicts import COUNTED_IN_USE, live_verdicts
from recommender.recommendation.recommend import CONSTRAINTS_ONLY
from recommender.serving.api.health import known_models
from recommender.serving.dependencies import app_state, current_snapshot, run_in_pool
from recommender.serving.idempotency import has_store, read
from recommender.serving.schemas.responses import AllianceScale
from recommender.serving.snapshot.snapshot import ServingSnapshot
from recommender.serving.staff import wording
from recommender.serving.staff.page import MODEL, page
from recommender.serving.staff.views.charts import calibration_chart, error_chart, match_pictures
from recommender.serving.staff.views.rating_form import shown_prediction

CARD_FIELDS: Mapping[str, str] = {
    "owner": "Owner",
    "contact": "Contact",
    "intended_use": "Intended use",
    "out_of_scope": "Not for",
    "review": "Review",
}
FACTS: Mapping[str, str] = {
    "mode": "Kind",
    "version": "Version in its registry",
    "digest": "Digest",
    "created_at": "Trained",
    "practice": "Practice definition",
    "ratings": "Ratings in training",
    "pairings": "Pairings with a rating",
    "left_unrated": "Pairings that ended before a rating",
    "first_day": "First pairing started",
    "last_day": "Last pairing started",
    "known_until": "Last rating known",
    "learned_from": "Other practices it started from",
}
STATUS: Mapping[str, str] = {
    "active": "in use",
    "champion": "named by the registry",
    "last_good": "used when another fails",
    "on_disk": "stored on this machine",
}
"""What a model is on this machine, by attribute of `KnownModel`."""

router = APIRouter(include_in_schema=False)


@router.get(MODEL)
async def get_model_page(request: Request) -> Response:
    """Predictions against the latest ratings, and the model in use."""
    state = current_snapshot(request.app)
    matches: tuple[RatedPrediction, ...] | None = None
    counted: dict[str, Exposure] | None = None
    requests = 0
    if has_store(request):
        since = datetime.now(UTC) - timedelta(days=DAYS)
        counted, requests = await read(
            request,
            lambda store: (exposures(store, since=since), requests_counted(store, since=since)),
        )
        rated = await read(request, partial(rated_matches, limit=MAX_MATCHES))
        compare = partial(rated_predictions, rated, shown_prediction, state.model)
        matches = await run_in_pool(request.app, compare)
    groups = group_coverage(matches or (), state)
    verdicts = live_verdicts(
        matches or (),
        groups,
        counted,
        state.encoding.roster.ids,
        state.model.report,
        state.practice.alliance.interval,
        requests=requests,
    )
    return page(
        request,
        "model.html",
        "Is it usually right?",
        verdicts=verdicts,
        lead=COUNTED_IN_USE,
        groups=list(groups.items()),
        coverage=coverage_text(matches, state.practice.alliance.interval),
        facts=_facts(state),
        card=[
            (label, getattr(state.practice.card, name) or "Not stated")
            for name, label in CARD_FIELDS.items()
        ],
        **error_values(matches or (), state),
        **size_values(state),
    )


@router.get(f"{MODEL}/card")
async def get_card_page(request: Request) -> Response:
    """The card of the model in use."""
    state = current_snapshot(request.app)
    card = card_of(state.model)
    return page(
        request,
        "model_card.html",
        card.title,
        verdicts=verdicts_of(state.model.report, state.practice.alliance.interval),
        lead=what_is_counted(state.model),
        sections=[each for each in card.sections if each.heading != VERDICTS],
        digest=state.digest,
    )


@router.get(f"{MODEL}/history")
async def get_history_page(request: Request) -> Response:
    """Which models were used when, and whether clients have changed."""
    state = current_snapshot(request.app)
    used: tuple[ModelUse, ...] = ()
    requests: tuple[Answers, ...] = ()
    if has_store(request):
        recent = partial(intakes, limit=MAX_REQUESTS, without=CONSTRAINTS_ONLY)
        used, requests = await read(request, lambda store: (model_uses(store), recent(store)))
    shifts = await run_in_pool(
        request.app,
        lambda: (answer_shifts(requests, state.model), level_shifts(requests, state.practice)),
    )
    known = []
    for each in known_models(state, app_state(request.app).settings).models:
        texts = [text for name, text in STATUS.items() if getattr(each, name)]
        known.append((each.digest, ", ".join([*texts, *filter(None, [each.rejected])])))
    return page(
        request,
        "model_history.html",
        "Models and clients over time",
        zone=ZoneInfo(state.practice.timezone),
        used=used,
        digest=state.digest,
        claims=claims_of(state.model.report),
        known=known,
        requests=len(requests),
        answer_shifts=shifts[0],
        level_shifts=shifts[1],
    )


def coverage_text(matches: Sequence[RatedPrediction] | None, level: float) -> str:
    """How many ratings fell in the range that was shown; `matches` is None without a store."""
    if matches is None:
        return "This server has no database, so there is nothing to check here."
    coverage = Coverage.of(matches)
    if coverage.rated < MIN_MATCHES:
        return f"{wording.so_far(coverage.rated)}: too few to check. {MIN_MATCHES} are needed."
    return (
        f"Of the last {coverage.rated} rated matches, {coverage.inside} fell in the range that was "
        f"shown; about {level * coverage.rated:.0f} are expected to."
    )


def error_values(matches: Sequence[RatedPrediction], state: ServingSnapshot) -> dict[str, Any]:
    """Calibration and error over time, by the names the template uses."""
    model, bins, windows = state.model, calibration_bins(matches), error_windows(matches)
    low, high = model.linker.low, model.linker.high
    return {
        "scale": wording.scale_points(AllianceScale.of(model)),
        "level": state.practice.alliance.interval,
        "bins": bins,
        "all_bins": calibration_bin(matches) if bins else None,
        "calibration": calibration_chart(bins, low, high) if bins else None,
        "windows": windows,
        "errors": error_chart(windows) if len(windows) > 1 else None,
        "rated": len(matches),
    }


def size_values(state: ServingSnapshot) -> dict[str, Any]:
    """Which matches matter, each with its picture, by the names the template uses.

    Those that are shown have an axis of their own: the others' intervals are much wider.
    """
    report = state.model.report
    sizes = match_sizes(report, state.practice, state.model.manifest.contributors)
    shown = [each for each in sizes if each.is_shown]
    others = [each for each in sizes if not each.is_shown]
    return {
        "sizes": sizes,
        "shown_matches": list(zip(shown, match_pictures(shown), strict=True)),
        "other_matches": list(zip(others, match_pictures(others), strict=True)),
        "no_match_figures": without_sizes(report),
        "match_rated": 0 if report.matches is None else report.matches.rated,
    }


def group_coverage(
    matches: Sequence[RatedPrediction], state: ServingSnapshot
) -> dict[str, GroupCoverage]:
    """The coverage of each group, by question and answer in words and in that order."""
    groups = {}
    for each in coverage_by_group(matches, state.practice):
        level = each.level
        answer = (wording.YES if level else wording.NO) if isinstance(level, bool) else level
        groups[f"{each.field.phrase}: {wording.plain(answer)}"] = each
    return dict(sorted(groups.items()))


def _facts(state: ServingSnapshot) -> list[tuple[str, str]]:
    """Label and value of the facts about the model that are known."""
    manifest, practice = state.model.manifest, state.practice
    values: dict[str, Any] = {name: getattr(manifest, name, None) for name in FACTS}
    values["mode"] = wording.REQUEST_MODES.get(manifest.mode, manifest.mode)
    values |= {"version": state.version, "digest": state.digest[:12]}
    if manifest.created_at:
        at = datetime.fromisoformat(manifest.created_at).astimezone(
            ZoneInfo(state.practice.timezone)
        )
        values["created_at"] = wording.moment(at)
    values["practice"] = f"{practice.title}, {practice.version}"
    values["learned_from"] = ", ".join(
        f"{each.contributor} ({each.share:.0%})" for each in manifest.learned_from
    )
    return [
        (label, str(values[name]))
        for name, label in FACTS.items()
        if values[name] not in ("", None)
    ]
