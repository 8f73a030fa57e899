"""Checks of access: the store, the pepper, the keys, and default passwords."""

from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import timedelta
from typing import TypeVar
from urllib.parse import unquote, urlsplit

from recommender.cli.doctor.deployment import Deployment
from recommender.errors import Fault, StoreError
from recommender.security.keys import PEPPER_LENGTH, KeyFacts, Pepper, list_keys
from recommender.security.origins import is_local
from recommender.security.sessions import LOOPBACK
from recommender.store.database import Connection, connect, newest_version, schema_version
from recommender.webhooks.endpoints import list_endpoints

Rows = TypeVar("Rows")
SOON = timedelta(days=30)
FAILING_FOR = timedelta(hours=1)
"""An endpoint that has failed for so long needs somebody to look at it."""
DEFAULTS = frozenset(
    {"", "admin", "changeme", "mlflow", "password", "password1234", "postgres", "recommender"}
)
"""Default passwords of programs and examples."""
MIN_DISTINCT = 10


def check_open(deployment: Deployment) -> Iterator[Fault]:
    """A server that other machines can reach needs keys and its own host name."""
    if deployment.store is None and deployment.host not in LOOPBACK:
        remedy = "set RECOMMENDER_STORE and RECOMMENDER_PEPPER, or listen on 127.0.0.1"
        yield Fault("store", "is not configured, so that anybody on the network has access", remedy)
    if deployment.host not in LOOPBACK and LOOPBACK.issuperset(deployment.allowed_hosts):
        remedy = 'set RECOMMENDER_ALLOWED_HOSTS, such as ["match.example.org"]'
        yield Fault("allowed_hosts", "names this machine only; other hosts are refused", remedy)


def check_store(deployment: Deployment) -> Iterator[Fault]:
    """The store can be reached and has the current schema."""
    if deployment.store is None:
        return
    if not deployment.store_there:
        remedy = "run `recommender keys create website`, which creates it, or fix RECOMMENDER_STORE"
        yield Fault("store", "database does not exist yet", remedy)
        return
    try:
        with closing(connect(deployment.store)) as store:
            version = schema_version(store)
    except StoreError as error:
        yield Fault(error.field, error.problem, error.remedy)
        return
    if version != newest_version():
        remedy = "start the server or run `recommender keys list`: either upgrades it"
        yield Fault("store", "database has another schema than this version", remedy)


def check_pepper(deployment: Deployment) -> Iterator[Fault]:
    """The pepper is strong, and the one that live keys were created with."""
    if deployment.store is None:
        return
    remedy = "set RECOMMENDER_PEPPER to the output of `openssl rand -base64 32`"
    pepper = deployment.pepper or ""
    if len(pepper) < PEPPER_LENGTH:
        yield Fault("pepper", f"has fewer than {PEPPER_LENGTH} characters", remedy)
        return
    if len(set(pepper)) < MIN_DISTINCT:
        yield Fault("pepper", "can be guessed", f"{remedy}, and rotate every key")
    foreign = [k.name for k in _live_keys(deployment) if k.pepper_mark != Pepper.of(pepper).mark]
    if foreign:
        names = ", ".join(sorted(set(foreign)))
        fix_keys = "set the pepper they were created with, or rotate them"
        yield Fault("pepper", f"is not the one these keys were created with: {names}", fix_keys)


def check_keys(deployment: Deployment) -> Iterator[Fault]:
    """There is a live key, and none expires soon without a successor."""
    if not deployment.store_there:
        return
    live = _live_keys(deployment)
    if not live:
        remedy = "run `recommender keys create website`"
        yield Fault("keys", "has no live key, so that every program is refused", remedy)
    ends = {key.name: key.expires_at for key in sorted(live, key=lambda key: key.expires_at)}
    for name, end in ends.items():
        if end - deployment.now < SOON:
            remedy = f"run `recommender keys rotate {name}`"
            yield Fault(f"key {name}", f"expires in {(end - deployment.now).days} days", remedy)


def check_webhooks(deployment: Deployment) -> Iterator[Fault]:
    """Every endpoint of webhooks is on, accepts messages, and can be signed for."""
    mark = Pepper(deployment.pepper.encode()).mark if deployment.pepper else None
    for endpoint in read_store(deployment, list_endpoints) or ():
        name = f"webhook {endpoint.endpoint_id}"
        if endpoint.off_since is not None:
            remedy = f"run `recommender webhooks enable {endpoint.endpoint_id}`, or `remove` it"
            yield Fault(name, f"is off ({endpoint.off_reason})", remedy)
        elif endpoint.pepper_mark != mark:
            remedy = f"set that pepper, or run `recommender webhooks rotate {endpoint.endpoint_id}`"
            yield Fault(name, "has a secret of another pepper, so that nothing is sent", remedy)
        elif endpoint.failing_since and deployment.now - endpoint.failing_since > FAILING_FOR:
            remedy = "look at `recommender webhooks deliveries`, and at the receiver"
            yield Fault(name, f"has failed since {endpoint.failing_since:%Y-%m-%d %H:%M}", remedy)


def check_special_keys(deployment: Deployment) -> Iterator[Fault]:
    """Publishable keys are for public pages, and something is stored."""
    live = _live_keys(deployment)
    if deployment.host not in LOOPBACK:
        for key in live:
            if any(map(is_local, key.origins)) and not key.sandbox:
                remedy = f"run `recommender keys revoke {key.key_id}`, and create one without"
                problem = "accepts pages on anybody's own machine, such as http://localhost"
                yield Fault(f"key {key.name}", problem, remedy)
    if live and all(key.sandbox for key in live):
        remedy = "run `recommender keys create website`"
        yield Fault("keys", "are sandbox keys only, so that nothing is stored", remedy)


def check_passwords(deployment: Deployment) -> Iterator[Fault]:
    """No password is a default."""
    for name, address in (("store", deployment.store), ("registry", deployment.registry)):
        with suppress(ValueError):
            parts = urlsplit(address or "")
            if parts.username and unquote(parts.password or "x") in DEFAULTS | {parts.username}:
                yield Fault(name, "has a default password", "change it there and here")
    if deployment.environment.get("MLFLOW_TRACKING_PASSWORD") in DEFAULTS:
        remedy = "change it on the registry, then in MLFLOW_TRACKING_PASSWORD"
        yield Fault("registry", "has a default password", remedy)


def _live_keys(deployment: Deployment) -> list[KeyFacts]:
    keys = read_store(deployment, list_keys) or ()
    return [key for key in keys if key.live(deployment.now)]


def read_store(deployment: Deployment, listed: Callable[[Connection], Rows]) -> Rows | None:
    """What the store lists; None when it cannot be read, which another check reports."""
    if deployment.store is None or not deployment.store_there:
        return None
    try:
        with closing(connect(deployment.store)) as store:
            if schema_version(store) != newest_version():
                return None
            with store.reading() as connection:
                return listed(connection)
    except StoreError:
        return None
