"""Settings of a server, given to the constructor or as environment variables RECOMMENDER_*."""

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from recommender.recommendation.recommend import DEFAULT_TOP_K, MAX_TOP_K
from recommender.values.table_format import DateOrder, DecimalMark, TableFormat, ThousandsMark


class Settings(BaseSettings):
    """Settings of one server.

    Attributes
    ----------
    bundle
        Directory of the one bundle to serve; excludes `bundles`.
    bundles
        Directory of a bundle cache: the model its pointer names is loaded at startup and whenever
        the pointer changes. Without a usable bundle the evidence prior is served.
    practice
        The practice definition that bundles must be trained with and that the evidence prior is
        built from: a shipped name or a `.toml`. Default: that of the bundle, else `psychology`.
    roster
        Table of the clinicians, `.csv`, `.parquet` or `.xlsx`.
    dates, decimal, thousands, currency
        How that table writes dates and amounts; see `recommender.values.table_format`.
    host, port
        Address to listen on.
    allowed_hosts
        Accepted Host headers; `*.example.org` matches subdomains.
    top_k
        Default length of a shortlist.
    max_body_bytes, max_roster_bytes, max_list_bytes
        Largest request body in bytes; of a roster; of a waiting list.
    workers
        Requests computed concurrently.
    queue_limit
        Requests that may wait for a worker; further ones get 503.
    queue_wait_seconds
        Longest expected wait in that queue, estimated from recent requests; requests that would
        wait longer get 503. One request per worker may always wait.
    poll_seconds
        Interval of checking the bundle cache and the stored roster for changes.
    shutdown_seconds
        Time for requests in progress to finish after SIGTERM.
    store
        Database URL, `sqlite:///...` or `postgresql+psycopg://...`. The roster is stored there,
        initialised from the file. Without a store nothing is recorded, no keys are required and
        only requests from this machine are accepted.
    pepper
        Secret for hashing keys, at least 32 characters; required with a store.
    calls_per_minute
        Rate limit of each key or account.
    stale_hours
        Age of the roster from which responses carry a warning.
    processes
        Number of server processes that share the port; each holds its own model.
    receive_timeout_seconds
        Longest time to receive the head of a request, and then its body.
    max_connections
        Open connections per process; beyond, the connection idle for longest is closed.
    anchors
        File with hashes of the audit log outside the database, see `recommender audit anchor`.
    backups
        Folder of backups; `recommender doctor` checks the age of the newest.
    payload_months, rating_months, audit_months
        Retention periods of `recommender sweep`, see `journal.retention.Ages`; 0 is unlimited.
    """

    model_config = SettingsConfigDict(env_prefix="RECOMMENDER_", frozen=True, extra="forbid")

    bundle: Path | None = None
    bundles: Path | None = None
    practice: str | None = None
    roster: Path
    dates: DateOrder = "iso"
    decimal: DecimalMark = "point"
    thousands: ThousandsMark = "none"
    currency: str = ""
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=1, le=65535)
    allowed_hosts: tuple[str, ...] = ("127.0.0.1", "localhost")
    top_k: int = Field(default=DEFAULT_TOP_K, ge=1, le=MAX_TOP_K)
    max_body_bytes: int = Field(default=256 * 1024, ge=1024)
    workers: int = Field(default=1, ge=1)
    queue_limit: int = Field(default=64, ge=0)
    queue_wait_seconds: float = Field(default=0.02, gt=0)
    poll_seconds: float = Field(default=1.0, gt=0)
    shutdown_seconds: int = Field(default=10, ge=0)
    store: SecretStr | None = None
    pepper: SecretStr | None = None
    calls_per_minute: int = Field(default=1200, ge=1)
    stale_hours: float = Field(default=36, gt=0)
    processes: int = Field(default=1, ge=1, le=64)
    receive_timeout_seconds: float = Field(default=10, gt=0)
    max_connections: int = Field(default=2048, ge=8)
    max_roster_bytes: int = Field(default=16 * 1024 * 1024, ge=1024)
    max_list_bytes: int = Field(default=4 * 1024 * 1024, ge=1024)
    anchors: Path | None = None
    backups: Path | None = None
    payload_months: int = Field(default=24, ge=0)
    rating_months: int = Field(default=84, ge=0)
    audit_months: int = Field(default=84, ge=0)

    @property
    def table_format(self) -> TableFormat:
        """How the roster's file writes dates and amounts."""
        return TableFormat(self.dates, self.decimal, self.thousands, self.currency)
