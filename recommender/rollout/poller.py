"""Follows one registry: `python -m recommender.rollout.poller SHELF`, the address on its input.

Asks again and again who is champion, fetches the bundle, tries it in a process of its own, and says
on the shelf what came of it. Started by `following`; ends when whoever started it is gone.
"""

import select
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from recommender.errors import BundleError, RecommenderError, RegistryError
from recommender.model.bundle.archive import read_files
from recommender.registry.versions import CHAMPION, Version, tracking_reachable
from recommender.rollout.bundle_cache import BundleCache, RegistryPointer
from recommender.rollout.poller_process import LOOK_SECONDS
from recommender.rollout.smoke_test import REFUSED

CRASHED = "Crashed"
"""What is said of a bundle at whose trial the process died."""
TRIAL_SECONDS = 120.0
CALL_SECONDS = 2.0
PORTS = {"http": 80, "https": 443}


class Names(Protocol):
    """A registry, as far as it is followed."""

    def alias(self, alias: str) -> Version | None:
        """The version an alias stands for."""

    def fetch(self, alias_or_version: str | int, into: Path) -> Path:
        """The directory of a bundle, downloaded unless it is there."""


def look(registry: Names, bundle_cache: BundleCache) -> None:
    """Asks once, and says on the shelf what is new."""
    before = bundle_cache.read_pointer()
    try:
        champion = registry.alias(CHAMPION)
    except RegistryError:
        now = RegistryPointer(unreachable=True)
    else:
        known = champion is not None and before is not None and before.digest == champion.digest
        if known and before is not None and _is_settled(before, bundle_cache):
            return
        now = RegistryPointer() if champion is None else _fetched(registry, champion, bundle_cache)
    _tell(bundle_cache, now)


def _tell(bundle_cache: BundleCache, now: RegistryPointer) -> None:
    if now != bundle_cache.read_pointer():
        bundle_cache.write_pointer(now)


def try_bundle(bundle: Path) -> str | None:
    """The class of the error with which a bundle is refused, or None.

    In a process of its own: should LightGBM's parser be brought down after all, it is not ours.
    """
    line = [sys.executable, "-m", "recommender.rollout.smoke_test", str(bundle)]
    try:
        tried = subprocess.run(line, capture_output=True, timeout=TRIAL_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return CRASHED
    if tried.returncode == 0:
        return None
    return BundleError.__name__ if tried.returncode == REFUSED else CRASHED


def _is_settled(offer: RegistryPointer, bundle_cache: BundleCache) -> bool:
    """Whether asking again for the same bundle could bring nothing new."""
    there = offer.digest is not None and bundle_cache.bundle(offer.digest).is_dir()
    return there and offer.rejected in (None, BundleError.__name__, CRASHED)


def _fetched(registry: Names, champion: Version, bundle_cache: BundleCache) -> RegistryPointer:
    try:
        _clear_damaged(bundle_cache, champion.digest)
        refused = try_bundle(registry.fetch(champion.version, bundle_cache.directory))
    except RecommenderError as error:
        refused = type(error).__name__
    return RegistryPointer(champion.digest, refused, version=champion.version)


def _clear_damaged(bundle_cache: BundleCache, digest: str) -> None:
    """Removes a bundle that is no longer what it was, so that it is fetched again."""
    kept = (
        {path.name for path in bundle_cache.directory.iterdir()}
        if bundle_cache.directory.is_dir()
        else set()
    )
    if digest in kept:
        try:
            sound = read_files(bundle_cache.bundle(digest)).digest == digest
        except BundleError:
            sound = False
        if not sound:
            shutil.rmtree(bundle_cache.bundle(digest))


def _is_left(seconds: float) -> bool:
    """Waits, and says whether whoever holds the other end of our input has gone meanwhile."""
    readable, _, _ = select.select([sys.stdin], [], [], seconds)
    return bool(readable)


def is_listening(uri: str) -> bool:
    """Whether somebody takes calls at the address; mlflow takes seconds to find that nobody does.

    What is reached through a proxy is taken to listen, and so is what is no address.
    """
    parts = urlsplit(uri)
    host, proxied = parts.hostname, getproxies().get(parts.scheme)
    if parts.scheme not in PORTS or host is None or (proxied and not proxy_bypass(host)):
        return True
    try:
        where = host, parts.port or PORTS[parts.scheme]
        socket.create_connection(where, timeout=CALL_SECONDS).close()
    except (OSError, ValueError):
        return False
    return True


def _registry(uri: str) -> Names:
    # Late, because it loads mlflow, and a start may be waiting for the first word.
    from recommender.registry.registry import Registry

    return Registry(uri)


def main() -> None:
    """Follows until left alone."""
    bundle_cache, uri = BundleCache(Path(sys.argv[1])), sys.stdin.readline().strip()
    while True:
        # Asking for a database that is not there would make one.
        if not tracking_reachable(uri):
            _tell(bundle_cache, RegistryPointer(unreachable=bundle_cache.last_good() is not None))
        elif not is_listening(uri):
            _tell(bundle_cache, RegistryPointer(unreachable=True))
        else:
            look(_registry(uri), bundle_cache)
        if _is_left(LOOK_SECONDS):
            return


if __name__ == "__main__":
    main()
