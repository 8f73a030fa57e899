"""Settings of a server, given to the constructor or as environment variables RECOMMENDER_*."""

import re
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from recommender.errors import Fault, FaultsError
from recommender.values.limits import DEFAULT_TOP_K, DRAFT_HOURS, MAX_TOP_K
from recommender.values.table_format import DateOrder, DecimalMark, TableFormat, ThousandsMark

ENVIRONMENT_PREFIX = "RECOMMENDER_"
READ_BY_COMMANDS = frozenset({"FHIR_TOKEN", "KEY", "PRACTICE"})
"""Names after the prefix that commands read and the server does not."""
RENAMED: Mapping[str, str] = {
    "SHELF": "BUNDLES",
    "PATIENCE_SECONDS": "QUEUE_WAIT_SECONDS",
    "LOOK_SECONDS": "POLL_SECONDS",
    "GRACE_SECONDS": "SHUTDOWN_SECONDS",
}
"""Settings of earlier versions and their present names."""
OWN_PATHS = ("v1", "docs", "staff", "problems")
"""First parts of addresses, which a root path must differ from to be recognised."""
_ORIGIN = re.compile(
    r"https://[A-Za-z0-9.-]+(:[0-9]{1,5})?|http://(localhost|127\.0\.0\.1)(:[0-9]{1,5})?"
)
_ROOT_PATH = re.compile(r"(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+")


def _root_path(path: str) -> str:
    normal = "/" + path.strip("/") if path.strip("/") else ""
    if normal and _ROOT_PATH.fullmatch(normal) is None:
        raise ValueError("is not a path such as /match")
    if normal.split("/")[1:2] in [[first] for first in OWN_PATHS]:
        raise ValueError(f"begins like an address of this server ({', '.join(OWN_PATHS)})")
    return normal


def _proxies(addresses: tuple[str, ...]) -> tuple[str, ...]:
    for address in addresses:
        try:
            if address != "*":
                ip_network(address, strict=False)
        except ValueError:
            raise ValueError("has an entry that is neither an IP address nor a network") from None
    return addresses


def _origins(origins: tuple[str, ...]) -> tuple[str, ...]:
    if not all(map(_ORIGIN.fullmatch, origins)):
        raise ValueError("has an entry that is no origin such as https://www.example.org")
    return origins


class Settings(BaseSettings):
    """Settings of one server.

    Attributes
    ----------
    bundle
        Directory of the one bundle to serve; excludes `bundles`.
    shadow
        Directory of the bundle of a second model, which scores every request and is never shown;
        it is read once, at the start.
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
    root_path
        Path at which a reverse proxy shows this server, such as `/match`; every link, redirect and
        cookie is within it. The proxy may remove it from the requests it forwards or not.
    forwarded_allow_ips
        Addresses or networks of reverse proxies whose X-Forwarded-For and X-Forwarded-Proto are
        believed; `*` for any. Those of other senders are ignored.
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
        wait longer get 503. Eight per worker may wait in any case; for a second after a refusal,
        one.
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
    oidc_issuer, oidc_client_id, oidc_client_secret
        The OpenID provider that staff may sign in with, as its discovery document names it, and
        what it knows this server as.
    oidc_name
        What staff call the provider: "Microsoft" for *Sign in with Microsoft*.
    passwords
        Whether staff may sign in with a password; false needs a provider.
    calls_per_minute
        Rate limit of each key or account.
    matching_page
        Whether clients are served the page `/match`, from `[matching_page]` of the definition.
    matching_frame_ancestors
        Origins of sites that may show that page in a frame, such as `https://www.example.org`.
    matching_calls_per_minute, matching_results_per_minute
        Rate limits of that page for each network address: of all its pages, and of lists and
        wishes.
    browser_calls_per_minute, browser_calls_per_address
        Lower rate limits of publishable keys: calls a minute with each key, and calls a minute
        with such keys from each network address.
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
    webhook_private_hosts
        Hosts in a private network that webhooks may be sent to; this machine always, under the
        names localhost and 127.0.0.1.
    payload_months, rating_months, audit_months
        Retention periods of `recommender sweep`, see `journal.retention.Ages`; 0 is unlimited.
    draft_hours
        How long answers typed into the staff form and not sent are stored.
    """

    model_config = SettingsConfigDict(env_prefix=ENVIRONMENT_PREFIX, frozen=True, extra="forbid")

    bundle: Path | None = None
    shadow: Path | None = None
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
    root_path: Annotated[str, BeforeValidator(_root_path)] = ""
    forwarded_allow_ips: Annotated[tuple[str, ...], AfterValidator(_proxies)] = ()
    top_k: int = Field(default=DEFAULT_TOP_K, ge=1, le=MAX_TOP_K)
    max_body_bytes: int = Field(default=256 * 1024, ge=1024)
    workers: int = Field(default=1, ge=1)
    queue_limit: int = Field(default=64, ge=0)
    queue_wait_seconds: float = Field(default=0.03, gt=0)
    poll_seconds: float = Field(default=1.0, gt=0)
    shutdown_seconds: int = Field(default=10, ge=0)
    store: SecretStr | None = None
    pepper: SecretStr | None = None
    oidc_issuer: str | None = None
    oidc_client_id: str | None = None
    oidc_client_secret: SecretStr | None = None
    oidc_name: str = Field(default="your organisation", min_length=1, max_length=60)
    passwords: bool = True
    calls_per_minute: int = Field(default=1200, ge=1)
    matching_page: bool = False
    matching_frame_ancestors: Annotated[tuple[str, ...], AfterValidator(_origins)] = ()
    matching_calls_per_minute: int = Field(default=120, ge=1)
    matching_results_per_minute: int = Field(default=12, ge=1)
    browser_calls_per_minute: int = Field(default=300, ge=1)
    browser_calls_per_address: int = Field(default=20, ge=1)
    stale_hours: float = Field(default=36, gt=0)
    processes: int = Field(default=1, ge=1, le=64)
    receive_timeout_seconds: float = Field(default=10, gt=0)
    max_connections: int = Field(default=2048, ge=8)
    max_roster_bytes: int = Field(default=16 * 1024 * 1024, ge=1024)
    max_list_bytes: int = Field(default=4 * 1024 * 1024, ge=1024)
    anchors: Path | None = None
    backups: Path | None = None
    webhook_private_hosts: tuple[str, ...] = ()
    payload_months: int = Field(default=24, ge=0)
    rating_months: int = Field(default=84, ge=0)
    audit_months: int = Field(default=84, ge=0)
    draft_hours: int = Field(default=DRAFT_HOURS, ge=1, le=24 * 31)

    @property
    def table_format(self) -> TableFormat:
        """How the roster's file writes dates and amounts."""
        return TableFormat(self.dates, self.decimal, self.thousands, self.currency)


def read_settings(**given: Any) -> Settings:
    """The settings of a server, from what is given and the environment.

    Raises
    ------
    FaultsError
        With each setting that cannot be used, without its value, which may be a secret.
    """
    try:
        return Settings(**given)
    except SettingsError as error:
        name = str(error).partition('"')[2].partition('"')[0]
        remedy = 'write a list as JSON, such as ["match.example.org"]'
        raise FaultsError([Fault(_variable(name), "cannot be read", remedy)]) from None
    except ValidationError as error:
        remedy = "fix it, or the option of the same name"
        raise FaultsError(
            Fault(_variable(str(each["loc"][0])), _problem(each["msg"]), remedy)
            for each in error.errors(include_url=False, include_input=False)
        ) from None


def _variable(name: str) -> str:
    return ENVIRONMENT_PREFIX + name.upper()


def _problem(message: str) -> str:
    """A sentence of pydantic as the problem of a fault."""
    message = message.removeprefix("Value error, ")
    return message.replace("Input should be", "is not").replace("Field required", "is required")


def unknown_variables(environment: Iterable[str]) -> Iterator[tuple[str, str | None]]:
    """Variables RECOMMENDER_* that nothing reads, and for each the name that was probably meant.

    Examples
    --------
    >>> list(unknown_variables(["RECOMMENDER_STROE", "RECOMMENDER_SHELF", "RECOMMENDER_PORT"]))
    [('RECOMMENDER_SHELF', 'RECOMMENDER_BUNDLES'), ('RECOMMENDER_STROE', 'RECOMMENDER_STORE')]
    """
    known = [*(name.upper() for name in Settings.model_fields), *READ_BY_COMMANDS]
    for variable in sorted(environment):
        name = variable.upper().removeprefix(ENVIRONMENT_PREFIX)
        if name in known or name == variable.upper():
            continue
        near = RENAMED.get(name) or next(iter(get_close_matches(name, known, n=1)), None)
        yield variable, near and ENVIRONMENT_PREFIX + near
