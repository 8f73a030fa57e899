"""What keeps strangers out: the store, the pepper, the keys, and passwords everybody knows."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from urllib.parse import unquote, urlsplit

from recommender.cli.doctor.deployment import Deployment
from recommender.errors import Fault, StoreError
from recommender.security.keys import PEPPER_LENGTH, KeyFacts, Pepper, list_keys
from recommender.security.sessions import LOOPBACK
from recommender.store.database import Store, connect
from recommender.store.migration import newest_version, schema_version

SOON = timedelta(days=30)
DEFAULTS = frozenset(
    {"", "admin", "changeme", "mlflow", "password", "password1234", "postgres", "recommender"}
)
"""Passwords that come with programs and examples."""
MIN_DISTINCT = 10


def check_open(found: Deployment) -> Iterator[Fault]:
    """A server that other machines reach asks for keys, and knows its own name."""
    if found.store is None and found.host not in LOOPBACK:
        remedy = "set RECOMMENDER_STORE and RECOMMENDER_PEPPER, or listen on 127.0.0.1"
        yield Fault("store", "is not configured, so that anybody on the network could ask", remedy)
    if found.host not in LOOPBACK and LOOPBACK.issuperset(found.allowed_hosts):
        remedy = 'set RECOMMENDER_ALLOWED_HOSTS, such as ["match.example.org"]'
        yield Fault("allowed_hosts", "names this machine only; others are refused", remedy)


def check_store(found: Deployment) -> Iterator[Fault]:
    """The store can be reached and has the schema this code knows."""
    if found.store is None:
        return
    if not found.store_there:
        remedy = "run `recommender keys create website`, which makes it, or mend RECOMMENDER_STORE"
        yield Fault("store", "is not there yet", remedy)
        return
    try:
        with _opened(found.store) as store:
            version = schema_version(store)
    except StoreError as error:
        yield Fault(error.field, error.problem, error.remedy)
        return
    if version != newest_version():
        remedy = "start the server or run `recommender keys list`: either brings it up to date"
        yield Fault("store", "has another schema than this version", remedy)


def check_pepper(found: Deployment) -> Iterator[Fault]:
    """The pepper is one, and the one that live keys were made with."""
    if found.store is None:
        return
    remedy = "set RECOMMENDER_PEPPER to the output of `openssl rand -base64 32`"
    pepper = found.pepper or ""
    if len(pepper) < PEPPER_LENGTH:
        yield Fault("pepper", f"has fewer than {PEPPER_LENGTH} characters", remedy)
        return
    if len(set(pepper)) < MIN_DISTINCT:
        yield Fault("pepper", "can be guessed", f"{remedy}, and rotate every key")
    foreign = [k.name for k in _live_keys(found) if k.pepper_mark != Pepper.of(pepper).mark]
    if foreign:
        names = ", ".join(sorted(set(foreign)))
        remedy_for_keys = "set the pepper they were made with, or rotate them"
        yield Fault("pepper", f"is not the one these keys were made with: {names}", remedy_for_keys)


def check_keys(found: Deployment) -> Iterator[Fault]:
    """There is a key, and none ends soon without another to follow it."""
    if not found.store_there:
        return
    live = _live_keys(found)
    if not live:
        remedy = "run `recommender keys create website`"
        yield Fault("keys", "has no live key, so that no program is answered", remedy)
    ends = {key.name: key.expires_at for key in sorted(live, key=lambda key: key.expires_at)}
    for name, end in ends.items():
        if end - found.now < SOON:
            remedy = f"run `recommender keys rotate {name}`"
            yield Fault(f"key {name}", f"ends in {(end - found.now).days} days", remedy)


def check_passwords(found: Deployment) -> Iterator[Fault]:
    """No password is one that everybody knows."""
    for name, address in (("store", found.store), ("registry", found.registry)):
        with suppress(ValueError):
            parts = urlsplit(address or "")
            if parts.username and unquote(parts.password or "x") in DEFAULTS | {parts.username}:
                yield Fault(name, "has a password that everybody knows", "change it there and here")
    if found.environment.get("MLFLOW_TRACKING_PASSWORD") in DEFAULTS:
        remedy = "change it on the registry, then in MLFLOW_TRACKING_PASSWORD"
        yield Fault("registry", "has a password that everybody knows", remedy)


@contextmanager
def _opened(url: str) -> Iterator[Store]:
    store = connect(url)
    try:
        yield store
    finally:
        store.close()


def _live_keys(found: Deployment) -> list[KeyFacts]:
    """Every live key; none when the store cannot say, which is another check's to tell."""
    if found.store is None or not found.store_there:
        return []
    try:
        with _opened(found.store) as store:
            if schema_version(store) != newest_version():
                return []
            with store.reading() as connection:
                return [key for key in list_keys(connection) if key.live(found.now)]
    except StoreError:
        return []
