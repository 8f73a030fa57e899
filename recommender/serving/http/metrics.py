"""Prometheus metrics; label values come from closed sets, never from a request."""

from datetime import UTC, datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from starlette.types import Scope

from recommender.journal.webhook_events import DELIVERED, FAILED
from recommender.model.alliance_model import MODEL, PRIORS
from recommender.recommendation.recommend import CONSTRAINTS_ONLY
from recommender.recommendation.trial_orders import TRIAL
from recommender.serving.http.request_context import method_of, request_info, route_of
from recommender.webhooks.deliveries import RETRIED

MEDIA_TYPE = CONTENT_TYPE_PLAIN_0_0_4
MODES = (MODEL, *PRIORS, CONSTRAINTS_ONLY, TRIAL)
LOADED, REJECTED = "loaded", "rejected"
WEBHOOK_STATES = (DELIVERED, RETRIED, FAILED)
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """The metrics of one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "recommender_requests",
            "Completed requests.",
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
            "Requests refused, by problem type (see /problems/{problem}).",
            ("problem",),
            registry=self.registry,
        )
        self.models = Counter(
            "recommender_models",
            "Models that were loaded, and models that were rejected.",
            ("outcome",),
            registry=self.registry,
        )
        self.rosters = Counter(
            "recommender_roster_changes",
            "Changes of the active roster version.",
            registry=self.registry,
        )
        self.age = Gauge(
            "recommender_availability_age_seconds",
            "Age of the active roster version.",
            registry=self.registry,
        )
        self.webhooks = Counter(
            "recommender_webhook_attempts",
            "Attempts to deliver a webhook, by what became of the delivery.",
            ("outcome",),
            registry=self.registry,
        )
        self.oldest_webhook = Gauge(
            "recommender_webhook_oldest_waiting_seconds",
            "Age of the oldest event that waits for a delivery; 0 when none waits.",
            registry=self.registry,
        )
        # By labels, of which there are few: looking them up in both takes longer than counting.
        self._completed: dict[tuple[str, ...], tuple[Counter, Histogram]] = {}
        for outcome in WEBHOOK_STATES:
            self.webhooks.labels(outcome)
        for outcome in (LOADED, REJECTED):
            self.models.labels(outcome)

    def snapshot_swapped(
        self, *, model_changed: bool, roster_changed: bool, taken_at: datetime
    ) -> None:
        """Counts a swap of the snapshot; `taken_at` is when its roster was written."""
        if model_changed:
            self.models.labels(LOADED).inc()
        if roster_changed:
            self.rosters.inc()
        self.age.set_function(lambda: (datetime.now(UTC) - taken_at).total_seconds())

    def bundle_rejected(self) -> None:
        """Counts a rejected model."""
        self.models.labels(REJECTED).inc()

    def request_completed(self, scope: Scope, status: int, seconds: float) -> None:
        """Counts and times a request."""
        info = request_info(scope)
        labels = (
            route_of(scope),
            method_of(scope),
            f"{status // 100}xx",
            info.mode if info.mode in MODES else "none",
        )
        completed = self._completed.get(labels)
        if completed is None:
            completed = self.requests.labels(*labels), self.seconds.labels(*labels)
            self._completed[labels] = completed
        completed[0].inc()
        completed[1].observe(seconds)
        if info.problem is not None:
            self.refusals.labels(info.problem).inc()

    def text(self) -> bytes:
        """All metrics in the Prometheus text format."""
        return generate_latest(self.registry)
