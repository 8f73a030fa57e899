"""The roster while requests go on: a change is kept first, then answers; others' changes are seen.

Several servers share one store, and each looks for a newer version than its own. Imported by
`serving.app` and by the routes of the roster.
"""

import threading
from collections.abc import Callable

import structlog

from recommender.errors import RecommenderError, UnavailableError
from recommender.journal.idempotency import IdempotencyStore, IdempotencyTicket, StoredReply
from recommender.journal.roster_versions import RosterVersion, current_roster, newest_number
from recommender.practice.definition import Practice
from recommender.serving.http.problems import NO_STORE, NOT_READY, RETRY_SOON, ProblemError
from recommender.serving.snapshot.holder import SnapshotHolder
from recommender.serving.snapshot.snapshot import ServingSnapshot, with_roster
from recommender.store.database import Store, Transaction

REFUSED, AWAY, BACK = "refused_roster", "store_away", "store_back"
Write = Callable[[Transaction, Practice], RosterVersion]

log = structlog.get_logger()


class RosterSync:
    """What a server does with the clinicians its store keeps; nothing where it has no store.

    Parameters
    ----------
    store
        None where the roster is a file.
    snapshot_holder
        What it changes.
    look_seconds
        How often it looks for what other servers wrote.
    """

    def __init__(
        self, store: Store | None, snapshot_holder: SnapshotHolder, look_seconds: float
    ) -> None:
        self._store = store
        self._requests = None if store is None else IdempotencyStore(store)
        self._succession = snapshot_holder
        self._seconds = look_seconds
        self._refused = 0
        self._away = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="rosters", daemon=True)

    def start(self) -> None:
        """Begins to look."""
        if self._store is not None:
            self._thread.start()

    def stop(self) -> None:
        """Looks no more."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def change(self, write: Write) -> tuple[ServingSnapshot, RosterVersion]:
        """A change written in one transaction, and the snapshot it answers in from now on.

        Raises
        ------
        ProblemError
            When there is no store.
        RecommenderError
            Whatever `write` raises; then nothing is changed.
        """
        if self._store is None:
            raise ProblemError(NO_STORE)
        practice = self.current().practice
        with self._store.writing() as connection:
            kept = write(connection, practice)
        return self._succession.swap(lambda state: with_roster(state, kept)), kept

    def count(
        self, ticket: IdempotencyTicket, count: Callable[[Transaction, Practice], StoredReply]
    ) -> StoredReply:
        """A change done once, however often it is sent; raises as `change`."""
        if self._requests is None:
            raise ProblemError(NO_STORE)
        practice = self.current().practice
        reply = self._requests.once(ticket, lambda transaction: count(transaction, practice))
        self.newest()
        return reply

    def newest(self) -> ServingSnapshot:
        """The snapshot of the newest version; what is known here where the store is away."""
        state = self.current()
        if self._store is None:
            return state
        try:
            return self._caught_up(state, self._store)
        except UnavailableError:
            return state

    def look(self) -> None:
        """Takes up what other servers wrote."""
        if self._store is None:
            return
        try:
            self._caught_up(self.current(), self._store)
            self._tell(away=False)
        except UnavailableError:
            self._tell(away=True)

    def _caught_up(self, state: ServingSnapshot, store: Store) -> ServingSnapshot:
        with store.reading() as connection:
            newest = newest_number(connection)
            if state.roster_version is None or newest <= max(
                state.roster_version.number, self._refused
            ):
                return state
            kept = current_roster(connection)
        try:
            return self._succession.swap(lambda before: with_roster(before, kept))
        except RecommenderError as error:
            # Asked again at every look it would be refused again, and logged again.
            self._refused = kept.number
            log.error(REFUSED, roster=kept.etag, error=type(error).__name__)
            return state

    def _follow(self) -> None:
        while not self._stop.wait(self._seconds):
            try:
                self.look()
            except Exception as error:
                # The thread outlives whatever a foreign row makes of one look.
                log.error(REFUSED, error=type(error).__name__)

    def _tell(self, *, away: bool) -> None:
        if away != self._away:
            self._away = away
            log.warning(AWAY if away else BACK)

    def current(self) -> ServingSnapshot:
        """The snapshot that answers now; raises `ProblemError` before the first."""
        state = self._succession.current
        if state is None:
            raise ProblemError(NOT_READY, headers=RETRY_SOON)
        return state
