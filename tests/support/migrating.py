"""A process that migrates a database and is killed before its n-th statement; run as a module."""

import os
import signal
import sys
from typing import Any

from sqlalchemy import event

from recommender.store.database import connect, migrate


def main(url: str, statements: int) -> None:
    store, left = connect(url), [statements]

    @event.listens_for(store.engine, "before_cursor_execute")
    def count(*_: Any) -> None:
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    migrate(store)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
