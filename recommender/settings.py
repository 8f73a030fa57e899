"""What a running server is told: by the constructor, else by RECOMMENDER_* in the environment.

Imported by `serving` and `cli` only; nothing inside reads the environment.
"""

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from recommender.recommendation.recommend import DEFAULT_TOP_K, MAX_TOP_K


class Settings(BaseSettings):
    """Settings of one server.

    Attributes
    ----------
    bundle
        Directory of the one bundle that answers; no other is taken up while it does.
    bundles
        Directory of a bundle cache in place of a bundle: the model its pointer names is loaded at
        the start and while running; where there is none, the evidence prior answers.
    practice
        The definition that bundles must have learned with and that the evidence prior is made of: a
        shipped name or a `.toml`. When not given, a bundle's own; without a bundle, `psychology`.
    roster
        The clinicians, `.csv` or `.parquet`.
    host, port
        Where it listens; this machine alone unless told otherwise.
    allowed_hosts
        Names by which callers may address it; `*.example.org` stands for subdomains.
    top_k
        How many clinicians are shown when a request does not say.
    body_limit
        Largest request in bytes.
    workers
        Requests computed at the same time.
    queue_limit
        Requests that may wait for a worker; further ones are told to come back.
    patience_seconds
        How long the last of them may have to wait, by what requests took lately; one for each
        worker may wait however long that is.
    look_seconds
        How often the shelf is looked at.
    grace_seconds
        How long requests in flight may take to finish when the server is stopped.
    store
        The database, `sqlite:///...` or `postgresql+psycopg://...`. With one the roster is kept
        there, seeded once from the file; without one nothing is kept, no keys are asked for, and
        only this machine may ask.
    pepper
        The secret that keys are hashed with, 32 characters or more; needed with a store.
    calls_per_minute
        How often each key or account may call.
    stale_hours
        Age at which what is known of the clinicians is warned of: a nightly update missed once.
    processes
        Servers that share the port, each with a model of its own in memory.
    receive_seconds
        How long the head of a request, and then its body, may take to arrive.
    connections
        Open at a time in one process; beyond, the one that has said nothing for longest is closed.
    roster_limit
        Largest body of a whole roster in bytes.
    list_limit
        Largest body of a waiting list in bytes.
    anchors
        The file that `recommender audit anchor` adds to, outside the database.
    payload_months, rating_months, audit_months
        Ages at which `recommender sweep` deletes; see `journal.retention.Ages`. 0 keeps for ever.
    """

    model_config = SettingsConfigDict(env_prefix="RECOMMENDER_", frozen=True, extra="forbid")

    bundle: Path | None = None
    bundles: Path | None = None
    practice: str | None = None
    roster: Path
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=1, le=65535)
    allowed_hosts: tuple[str, ...] = ("127.0.0.1", "localhost")
    top_k: int = Field(default=DEFAULT_TOP_K, ge=1, le=MAX_TOP_K)
    body_limit: int = Field(default=256 * 1024, ge=1024)
    workers: int = Field(default=1, ge=1)
    queue_limit: int = Field(default=64, ge=0)
    patience_seconds: float = Field(default=0.02, gt=0)
    look_seconds: float = Field(default=1.0, gt=0)
    grace_seconds: int = Field(default=10, ge=0)
    store: SecretStr | None = None
    pepper: SecretStr | None = None
    calls_per_minute: int = Field(default=1200, ge=1)
    stale_hours: float = Field(default=36, gt=0)
    processes: int = Field(default=1, ge=1, le=64)
    receive_seconds: float = Field(default=10, gt=0)
    connections: int = Field(default=2048, ge=8)
    roster_limit: int = Field(default=16 * 1024 * 1024, ge=1024)
    list_limit: int = Field(default=4 * 1024 * 1024, ge=1024)
    anchors: Path | None = None
    payload_months: int = Field(default=24, ge=0)
    rating_months: int = Field(default=84, ge=0)
    audit_months: int = Field(default=84, ge=0)
