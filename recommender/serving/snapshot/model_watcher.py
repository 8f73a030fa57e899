"""Looks at the shelf and lets what the registry offers there answer, while requests go on.

The registry itself is never asked from here: another process does that, so that a registry that is
slow or away costs no request anything. Imported by `serving.app`.
"""

import threading

import structlog

from recommender.errors import BundleError, RecommenderError
from recommender.practice.definition import Practice
from recommender.rollout.bundle_cache import BundleCache, RegistryPointer
from recommender.serving.snapshot.holder import SnapshotHolder
from recommender.serving.snapshot.snapshot import (
    REFUSED,
    ServingSnapshot,
    read_cached_bundle,
    with_model,
)
from recommender.settings import Settings

AWAY, BACK = "registry_away", "registry_back"

log = structlog.get_logger()


class ModelWatcher:
    """A thread that follows one shelf.

    Parameters
    ----------
    bundle_cache
        Where another process puts what the registry names.
    snapshot_holder
        What it changes.
    settings
        Of the server.
    expected
        The definition bundles must have learned with; any when not given.
    """

    def __init__(
        self,
        bundle_cache: BundleCache,
        snapshot_holder: SnapshotHolder,
        settings: Settings,
        expected: Practice | None,
    ) -> None:
        self._shelf = bundle_cache
        self._succession = snapshot_holder
        self._settings = settings
        self._expected = expected
        self._seen: RegistryPointer | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="watch", daemon=True)

    def start(self) -> None:
        """Begins to look, and keeps what answers now as the last good one."""
        self._keep()
        self._thread.start()

    def stop(self) -> None:
        """Looks no more; a model that is being taken up is taken up first."""
        self._stop.set()
        self._thread.join()

    def look(self) -> None:
        """Takes up what is offered unless it answers already, or says why it may not."""
        offer = self._shelf.read_pointer()
        if offer is None or offer == self._seen:
            return
        self._tell_of_registry(offer)
        self._seen = offer
        if offer.unreachable:
            return
        self._succession.alert = False
        if offer.rejected is not None:
            self._refuse(offer.digest, offer.rejected)
        elif offer.digest is not None:
            self._take(offer.digest, offer.version)

    def _follow(self) -> None:
        while not self._stop.wait(self._settings.look_seconds):
            try:
                self.look()
            except Exception as error:
                # The thread outlives whatever a foreign bundle or a full disk makes of one look.
                self._refuse(None, type(error).__name__)

    def _take(self, digest: str, version: int | None) -> None:
        current = self._succession.current
        if current is not None and current.digest == digest:
            self._keep()
            return
        try:
            model, _ = read_cached_bundle(self._shelf, digest, self._expected)

            def succeeded(state: ServingSnapshot) -> ServingSnapshot:
                return with_model(state, model, digest, self._settings, version)

            self._succession.swap(succeeded)
        except RecommenderError as error:
            where = error.field if isinstance(error, BundleError) else None
            self._refuse(digest, type(error).__name__, where)
        else:
            self._keep()

    def _refuse(self, digest: str | None, error: str, where: str | None = None) -> None:
        self._succession.reject()
        log.error(REFUSED, model=digest, error=error, where=where)

    def _tell_of_registry(self, offer: RegistryPointer) -> None:
        was_away = self._seen is not None and self._seen.unreachable
        if offer.unreachable and not was_away:
            self._succession.alert = True
            log.warning(AWAY)
        elif was_away and not offer.unreachable:
            log.info(BACK)

    def _keep(self) -> None:
        """Notes what answers as the last good one, unless it was made of the definition alone."""
        current = self._succession.current
        if current is not None and self._shelf.bundle(current.digest).is_dir():
            self._shelf.store_last_good(current.digest)
