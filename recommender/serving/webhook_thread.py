"""The thread of a server that delivers webhooks; several servers share the work of one store."""

import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import structlog

from recommender.errors import UnavailableError
from recommender.journal.webhook_events import DELIVERED
from recommender.security.keys import Pepper
from recommender.serving.auth_backend import CredentialStore
from recommender.serving.http.metrics import Metrics
from recommender.settings import Settings
from recommender.store.database import Store, database_time
from recommender.webhooks.deliveries import BATCH, deliver_due, oldest_waiting
from recommender.webhooks.sending import TOTAL_SECONDS, send

log = structlog.get_logger()


class WebhookThread:
    """Delivers what is due every `poll_seconds`; without a store it does nothing."""

    def __init__(
        self, credentials: CredentialStore | None, metrics: Metrics, settings: Settings
    ) -> None:
        self._credentials = credentials
        self._metrics = metrics
        self._seconds = settings.poll_seconds
        self._send = partial(send, private_hosts=frozenset(settings.webhook_private_hosts))
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="webhooks", daemon=True)

    def start(self) -> None:
        """Starts delivering."""
        if self._credentials is not None:
            self._thread.start()

    def stop(self) -> None:
        """Stops; attempts in progress end first, which takes seconds at most."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(TOTAL_SECONDS)

    def _run(self) -> None:
        if self._credentials is None:
            return
        store, pepper = self._credentials.store, self._credentials.pepper
        with ThreadPoolExecutor(BATCH, thread_name_prefix="webhook") as workers:
            while not self._stop.wait(self._seconds):
                try:
                    while self._deliver(store, pepper, workers) and not self._stop.is_set():
                        pass
                    self._measure(store)
                except UnavailableError:
                    # The thread that follows the roster logs it; the claims end by themselves.
                    continue
                except Exception as error:
                    # The thread must survive errors of single rows.
                    log.error("webhooks_failed", error=type(error).__name__)

    def _deliver(self, store: Store, pepper: Pepper, workers: ThreadPoolExecutor) -> bool:
        """Attempts what is due, and says whether more may be."""
        results = deliver_due(store, pepper, self._send, workers)
        for result in results:
            self._metrics.webhooks.labels(result.became).inc()
            if result.switched_off:
                log.warning("webhook_switched_off", endpoint=result.endpoint_id)
            elif result.became != DELIVERED:
                log.warning(
                    "webhook_not_delivered",
                    endpoint=result.endpoint_id,
                    outcome=result.outcome,
                    became=result.became,
                )
        return bool(results)

    def _measure(self, store: Store) -> None:
        with store.reading() as connection:
            oldest, now = oldest_waiting(connection), database_time(connection)
        self._metrics.oldest_webhook.set(0 if oldest is None else (now - oldest).total_seconds())
