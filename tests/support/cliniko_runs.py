"""Synchronisations with the local Cliniko in this process, which can be interrupted."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from experiments.cliniko_sync.invented_account import mapping_text
from experiments.cliniko_sync.local_cliniko import KEY, LocalCliniko
from recommender.importing.cliniko.account import ClinikoAccount
from recommender.importing.cliniko.client import ClinikoClient
from recommender.importing.cliniko.mapping import read_mapping
from recommender.importing.cliniko.request_pace import RequestPace
from recommender.importing.cliniko.state_file import opened_state
from recommender.importing.cliniko.synchronise import Synchronised, SyncTask, synchronise
from recommender.importing.pseudonyms import Pseudonyms
from recommender.practice.definition import shipped_practice

PRACTICE = shipped_practice()
CONTACT = "Invented Practice (it@practice.example)"


class StoppedRun(BaseException):
    """Stands for a process that ends in the middle of a request."""


@dataclass
class SyncRuns:
    """Runs of one practice with one state file.

    Attributes
    ----------
    clock_wrong
        Seconds that this machine's clock is ahead of Cliniko's.
    slept
        Seconds of each wait.
    """

    cliniko: LocalCliniko
    state: Path
    text: str
    address: str = ""
    key: bytes = bytes(32)
    clock_wrong: float = 0.0
    slept: list[float] = field(default_factory=list)

    def task(self) -> SyncTask:
        return SyncTask(read_mapping(self.text, PRACTICE), PRACTICE, Pseudonyms(self.key), True)

    def run(self, *, full: bool = False, stop_after: int | None = None) -> Synchronised:
        """One synchronisation; `stop_after` so many requests it is interrupted."""
        left = [stop_after]

        def clock() -> float:
            return self.cliniko.now.timestamp() + self.clock_wrong

        def before_request() -> float:
            if left[0] is not None:
                if left[0] <= 0:
                    raise StoppedRun
                left[0] -= 1
            return time.monotonic()

        account = ClinikoAccount(KEY, self.cliniko.address, CONTACT)
        pace = RequestPace(100_000, before_request, self.slept.append)
        client = ClinikoClient(account, pace, clock, self.slept.append)
        address = self.address or "https://api.au1.cliniko.com/v1"
        try:
            with opened_state(self.state) as state:
                return synchronise(client, state, self.task(), address=address, full=full)
        finally:
            client.close()


def some_runs(
    cliniko: LocalCliniko, folder: Path, name: str = "state", extra: str = ""
) -> SyncRuns:
    """Runs of the invented practice, with a state of its own."""
    people = len(cliniko.lists["practitioners"])
    return SyncRuns(cliniko, folder / f"{name}.db", mapping_text(people, extra=extra))


@contextmanager
def small_pages(size: int) -> Iterator[None]:
    """Cliniko gives so many records a page at most."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("experiments.cliniko_sync.local_cliniko.LARGEST_PAGE", size)
        yield
