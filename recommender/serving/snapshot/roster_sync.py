"""Keeps the roster of the active snapshot equal to the newest version in the store.

Several servers share one store; each polls for versions newer than its own.
"""

import threading
from collections.abc import Callable

import structlog

from recommender.errors import RecommenderError, UnavailableError
from recommender.journal.idempotency import IdempotencyStore, IdempotencyTicket, StoredReply
from recommender.journal.roster_versions import RosterVersion, current_roster, newest_number
from recommender.practice.definition import Practice
from recommender.serving.http.problems import NO_STORE, ProblemError
from recommender.serving.snapshot.holder import SnapshotHolder
from recommender.serving.snapshot.snapshot import ServingSnapshot, with_roster
from recommender.store.database import Store, Transaction

ROSTER_REJECTED = "roster_rejected"
Write = Callable[[Transaction, Practice], RosterVersion]

log = structlog.get_logger()


class RosterSync:
    """Writes the roster and follows its versions; without a store it does nothing.

    Parameters
    ----------
    store, idempotency
        The database and its idempotent writes; None where the roster is a file.
    snapshots
        Holder of the active snapshot.
    poll_seconds
        Interval of polling for versions written by other servers.
    """

    def __init__(
        self,
        store: Store | None,
        idempotency: IdempotencyStore | None,
        snapshots: SnapshotHolder,
        poll_seconds: float,
    ) -> None:
        self._store = store
        self._idempotency = idempotency
        self._snapshots = snapshots
        self._seconds = poll_seconds
        self._rejected = 0
        self._unreachable = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="rosters", daemon=True)

    def start(self) -> None:
        """Starts polling."""
        if self._store is not None:
            self._thread.start()

    def stop(self) -> None:
        """Stops polling."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def change(self, write: Write) -> tuple[ServingSnapshot, RosterVersion]:
        """Writes a version in one transaction; gives the snapshot with it, and the version.

        Raises
        ------
        ProblemError
            Without a store.
        RecommenderError
            Whatever `write` raises; then nothing is changed.
        """
        if self._store is None:
            raise ProblemError(NO_STORE)
        practice = self._snapshots.require().practice
        with self._store.writing() as connection:
            version = write(connection, practice)
        return self._snapshots.swap(lambda snapshot: with_roster(snapshot, version)), version

    def rehearse(self, write: Write) -> tuple[ServingSnapshot, RosterVersion]:
        """As `change`, but nothing is stored and the roster of the server stays as it is."""
        if self._store is None:
            raise ProblemError(NO_STORE)
        snapshot = self._snapshots.require()
        with self._store.rehearsing() as connection:
            version = write(connection, snapshot.practice)
        return with_roster(snapshot, version), version

    def change_once(
        self, ticket: IdempotencyTicket, write: Callable[[Transaction, Practice], StoredReply]
    ) -> StoredReply:
        """Writes once for each ticket, however often it is sent; raises as `change`."""
        if self._idempotency is None:
            raise ProblemError(NO_STORE)
        practice = self._snapshots.require().practice
        reply = self._idempotency.once(ticket, lambda transaction: write(transaction, practice))
        self.newest()
        return reply

    def newest(self) -> ServingSnapshot:
        """The snapshot with the newest version; the present one if the store is unreachable."""
        snapshot = self._snapshots.require()
        if self._store is None:
            return snapshot
        try:
            return self._catch_up(snapshot, self._store)
        except UnavailableError:
            return snapshot

    def poll(self) -> None:
        """Activates a version that another server wrote."""
        if self._store is None:
            return
        try:
            self._catch_up(self._snapshots.require(), self._store)
            self._log_store(unreachable=False)
        except UnavailableError:
            self._log_store(unreachable=True)

    def _catch_up(self, snapshot: ServingSnapshot, store: Store) -> ServingSnapshot:
        with store.reading() as connection:
            newest = newest_number(connection)
            known = snapshot.roster_version
            if known is None or newest <= max(known.number, self._rejected):
                return snapshot
            version = current_roster(connection)
        try:
            return self._snapshots.swap(lambda before: with_roster(before, version))
        except RecommenderError as error:
            # Remembered, so that it is not rejected and logged again at every poll.
            self._rejected = version.number
            log.error(ROSTER_REJECTED, roster=version.etag, error=type(error).__name__)
            return snapshot

    def _run(self) -> None:
        while not self._stop.wait(self._seconds):
            try:
                self.poll()
            except Exception as error:
                # The thread must survive errors of single rows.
                log.error(ROSTER_REJECTED, error=type(error).__name__)

    def _log_store(self, *, unreachable: bool) -> None:
        if unreachable != self._unreachable:
            self._unreachable = unreachable
            log.warning("store_unreachable" if unreachable else "store_recovered")
