"""What is counted and timed, for Prometheus: labels from closed sets only, never from a request.

Imported by `serving.app` and `serving.routes`.
"""

import time
from datetime import UTC, datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from recommender.model.manifest import EVIDENCE_PRIOR, MODEL
from recommender.recommendation.recommend import CONSTRAINTS_ONLY
from recommender.serving.http.request_context import method_of, route_of

MEDIA_TYPE = CONTENT_TYPE_PLAIN_0_0_4
MODES = (MODEL, EVIDENCE_PRIOR, CONSTRAINTS_ONLY)
TAKEN_UP, REFUSED = "taken_up", "refused"
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """Everything one server counts."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "recommender_requests",
            "Requests answered.",
            ("route", "method", "status_class", "mode"),
            registry=self.registry,
        )
        self.seconds = Histogram(
            "recommender_request_seconds",
            "Time from the first byte of a request to the last of its response.",
            ("route", "method", "status_class", "mode"),
            buckets=SECONDS,
            registry=self.registry,
        )
        self.refusals = Counter(
            "recommender_refusals",
            "Requests refused, by the problem that was answered (see /problems/{problem}).",
            ("problem",),
            registry=self.registry,
        )
        self.models = Counter(
            "recommender_models",
            "Models that came to answer, and models that were offered and may not.",
            ("outcome",),
            registry=self.registry,
        )
        self.rosters = Counter(
            "recommender_roster_changes",
            "Times another version of the roster came to answer.",
            registry=self.registry,
        )
        self.age = Gauge(
            "recommender_availability_age_seconds",
            "Since what is known of the clinicians was written.",
            registry=self.registry,
        )
        for outcome in (TAKEN_UP, REFUSED):
            self.models.labels(outcome)

    def snapshot_swapped(
        self, *, model_changed: bool, roster_changed: bool, taken_at: datetime
    ) -> None:
        """Counts a snapshot that answers from now on; `taken_at` is when its roster was read."""
        if model_changed:
            self.models.labels(TAKEN_UP).inc()
        if roster_changed:
            self.rosters.inc()
        self.age.set_function(lambda: (datetime.now(UTC) - taken_at).total_seconds())

    def bundle_rejected(self) -> None:
        """Counts a model that may not answer."""
        self.models.labels(REFUSED).inc()

    def request_completed(self, scope: Scope, status: int, seconds: float) -> None:
        """Counts a request."""
        mode = scope["state"].get("mode")
        labels = (
            route_of(scope),
            method_of(scope),
            f"{status // 100}xx",
            mode if mode in MODES else "none",
        )
        self.requests.labels(*labels).inc()
        self.seconds.labels(*labels).observe(seconds)
        if "problem" in scope["state"]:
            self.refusals.labels(scope["state"]["problem"]).inc()

    def text(self) -> bytes:
        """All of it as Prometheus reads it."""
        return generate_latest(self.registry)


class MetricsMiddleware:
    """ASGI middleware around everything else."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on and counts what came of it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        scope.setdefault("state", {})
        status, started = 500, time.perf_counter()

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, noting)
        finally:
            self.metrics.request_completed(scope, status, time.perf_counter() - started)
