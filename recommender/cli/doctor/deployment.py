"""The deployment that the checks examine."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path

from recommender.errors import BundleError, SystemLibraryError
from recommender.model.alliance_model import AllianceModel
from recommender.model.bundle.io import load_bundle
from recommender.practice.definition import Practice
from recommender.settings import Settings
from recommender.values.table_format import STANDARD, TableFormat

SQLITE = "sqlite:///"


@dataclass(frozen=True)
class Deployment:
    """The configuration of one server, and the current time (UTC).

    Attributes
    ----------
    practice
        The definition its model should have learned with; None for that of the bundle.
    store, pepper
        Address of the database, and the secret of key hashes.
    registry
        Address of mlflow.
    backups
        Folder of backups; None where none is configured.
    table_format
        How the roster's file writes dates and amounts.
    settings
        Of which those of signing in are checked; None for none.
    matching_page, matching_frame_ancestors
        Whether clients are served `/match`, and the origins that may show it in a frame.
    environment
        Environment variables, of which those named RECOMMENDER_* are checked.
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
    backups: Path | None = None
    table_format: TableFormat = STANDARD
    settings: Settings | None = field(default=None, repr=False)
    matching_page: bool = False
    matching_frame_ancestors: tuple[str, ...] = ()

    @cached_property
    def model(self) -> AllianceModel | None:
        """The model of the bundle; None without one that can be loaded."""
        try:
            return load_bundle(self.bundle) if self.bundle else None
        except (BundleError, SystemLibraryError):
            return None

    @property
    def definition(self) -> Practice | None:
        """The definition that is served: the one named, else the bundle's; None without either."""
        if self.practice is not None:
            return self.practice
        model = self.model
        return None if model is None else model.practice

    @property
    def store_file(self) -> Path | None:
        """The SQLite file of the store, or None."""
        if self.store is None or not self.store.startswith(SQLITE):
            return None
        return Path(self.store.removeprefix(SQLITE))

    @property
    def store_there(self) -> bool:
        """Whether the store exists; opening a missing file would create it."""
        return self.store is not None and (self.store_file is None or self.store_file.is_file())
