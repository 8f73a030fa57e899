"""What a checkup looks at. Imported by the rest of `doctor` and by `commands`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from recommender.practice.definition import Practice

SQLITE = "sqlite:///"


@dataclass(frozen=True, slots=True)
class Deployment:
    """One server as it is configured, and the moment it is looked at.

    Attributes
    ----------
    bundle, roster
        What it answers with.
    practice
        The definition it should have learned with; None where a bundle brings its own.
    store, pepper
        Where keys and the journal are kept, and what keys are hashed with.
    registry
        mlflow's address.
    host, port, allowed_hosts
        Where it listens, and by which names it may be called.
    environment
        The environment, of which only names that begin with RECOMMENDER_ are looked at.
    now
        UTC.
    """

    bundle: Path | None
    roster: Path
    practice: Practice | None
    store: str | None = field(repr=False)
    pepper: str | None = field(repr=False)
    registry: str | None = field(repr=False)
    host: str
    port: int
    allowed_hosts: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)
    now: datetime

    @property
    def store_file(self) -> Path | None:
        """The file of the store; None when it is none."""
        if self.store is None or not self.store.startswith(SQLITE):
            return None
        return Path(self.store.removeprefix(SQLITE))

    @property
    def store_there(self) -> bool:
        """Whether there is a store to look into; opening a file that is not there would make it."""
        return self.store is not None and (self.store_file is None or self.store_file.is_file())
