"""Polls the registry for a new champion, in a process beside the server.

`python -m recommender.rollout.poller CACHE` reads the registry's address from standard input, then
polls: it downloads the champion's bundle, smoke-tests it and writes the pointer of the cache. A
process and not a thread: mlflow takes seconds to load and minutes to give up on a registry that
hangs, and neither may delay a request. `python -m recommender.rollout.poller --smoke-test BUNDLE`
loads one bundle and exits.
"""

import select
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from recommender.errors import BundleError, RecommenderError, RegistryError
from recommender.model.bundle.archive import read_files
from recommender.registry.versions import CHAMPION, Version, tracking_reachable
from recommender.rollout.bundle_cache import BundleCache, RegistryPointer
from recommender.rollout.registry_cache import registry_cache

POLL_SECONDS = 4.0
"""Between two polls: a rollback is active within ten seconds."""
FIRST_POLL_SECONDS = 20.0
"""How long a server's start waits for the first poll before it continues without one."""
RESTART_SECONDS = (1.0, 60.0)
"""Before a poller that ended is started again: at first, and at most."""
STOP_SECONDS = 5.0
SMOKE_TEST_SECONDS = 120.0
CONNECT_SECONDS = 2.0
CRASHED = "Crashed"
"""The `rejected` of a bundle whose smoke test crashed or hung."""
REJECTED_EXIT = 3
"""Exit code for a rejected bundle; 1 is Python's for an unexpected error."""
_SMOKE_TEST = "--smoke-test"
_COMMAND = (sys.executable, "-m", "recommender.rollout.poller")
_PORTS = {"http": 80, "https": 443}


class ChampionSource(Protocol):
    """The part of a registry that is polled."""

    def alias(self, alias: str) -> Version | None:
        """The version an alias points to."""

    def fetch(self, alias_or_version: str | int, into: Path) -> Path:
        """The directory of a bundle, downloaded unless it is there."""


@contextmanager
def polling(uri: str, bundles: Path) -> Iterator[BundleCache]:
    """The cache that a poller process fills from this registry, for as long as the block runs.

    Each registry has a cache of its own below `bundles`.
    """
    bundle_cache = registry_cache(bundles, uri)
    bundle_cache.clear_pointer()
    stop = threading.Event()
    thread = threading.Thread(target=_keep_running, args=(uri, bundle_cache, stop), daemon=True)
    thread.start()
    try:
        yield bundle_cache
    finally:
        stop.set()
        thread.join()


def wait_for_pointer(
    bundle_cache: BundleCache, patience: float = FIRST_POLL_SECONDS
) -> RegistryPointer:
    """What the registry names; as if it were unreachable where no poll ends in time."""
    until = time.monotonic() + patience
    while time.monotonic() < until:
        pointer = bundle_cache.read_pointer()
        if pointer is not None:
            return pointer
        time.sleep(0.05)
    return RegistryPointer(unreachable=True)


def poll(registry: ChampionSource, bundle_cache: BundleCache) -> None:
    """Asks the registry once and writes the pointer where something changed."""
    before = bundle_cache.read_pointer()
    try:
        champion = registry.alias(CHAMPION)
    except RegistryError:
        return _update(bundle_cache, RegistryPointer(unreachable=True))
    if champion is None:
        return _update(bundle_cache, RegistryPointer())
    if (
        before is not None
        and before.digest == champion.digest
        and before.rejected in (None, BundleError.__name__, CRASHED)
        and bundle_cache.bundle(champion.digest).is_dir()
    ):
        return None
    try:
        _remove_damaged(bundle_cache, champion.digest)
        rejected = smoke_test(registry.fetch(champion.version, bundle_cache.directory))
    except RecommenderError as error:
        rejected = type(error).__name__
    return _update(
        bundle_cache, RegistryPointer(champion.digest, rejected, False, champion.version)
    )


def smoke_test(bundle: Path) -> str | None:
    """The class of the error with which a bundle is rejected, or None.

    In a process of its own, so that a crash of LightGBM's parser would not be ours.
    """
    command = [*_COMMAND, _SMOKE_TEST, str(bundle)]
    try:
        ended = subprocess.run(
            command, capture_output=True, timeout=SMOKE_TEST_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return CRASHED
    if ended.returncode == 0:
        return None
    return BundleError.__name__ if ended.returncode == REJECTED_EXIT else CRASHED


def is_listening(uri: str) -> bool:
    """Whether the address accepts connections; mlflow takes seconds to find that it does not.

    True for what is reached through a proxy and for what is no network address.
    """
    parts = urlsplit(uri)
    host, proxied = parts.hostname, getproxies().get(parts.scheme)
    if parts.scheme not in _PORTS or host is None or (proxied and not proxy_bypass(host)):
        return True
    try:
        address = host, parts.port or _PORTS[parts.scheme]
        socket.create_connection(address, timeout=CONNECT_SECONDS).close()
    except (OSError, ValueError):
        return False
    return True


def _update(bundle_cache: BundleCache, pointer: RegistryPointer) -> None:
    if pointer != bundle_cache.read_pointer():
        bundle_cache.write_pointer(pointer)


def _remove_damaged(bundle_cache: BundleCache, digest: str) -> None:
    """Removes a bundle that no longer has its digest, so that it is downloaded again."""
    if digest not in bundle_cache.digests():
        return
    try:
        is_sound = read_files(bundle_cache.bundle(digest)).digest == digest
    except BundleError:
        is_sound = False
    if not is_sound:
        shutil.rmtree(bundle_cache.bundle(digest))


def _keep_running(uri: str, bundle_cache: BundleCache, stop: threading.Event) -> None:
    """Runs the poller process until stopped, and starts it again whenever it ends."""
    pause, max_pause = RESTART_SECONDS
    while not stop.is_set():
        # The address can hold a password, and a command line is readable by every user.
        process = subprocess.Popen(
            [*_COMMAND, str(bundle_cache.directory)],
            stdin=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        _send_address(process, uri)
        while process.poll() is None and not stop.wait(0.2):
            pass
        process.terminate()
        try:
            process.communicate(timeout=STOP_SECONDS)
        except (subprocess.TimeoutExpired, BrokenPipeError):
            process.kill()
            process.wait()
        stop.wait(pause)
        pause = min(2 * pause, max_pause)


def _send_address(process: subprocess.Popen[bytes], uri: str) -> None:
    """Writes the address to the process, which ends by itself once the pipe is closed."""
    assert process.stdin is not None
    try:
        process.stdin.write(f"{uri}\n".encode())
        process.stdin.flush()
    except BrokenPipeError:
        return


def main() -> None:
    """Polls until standard input is closed, or smoke-tests one bundle."""
    if sys.argv[1] == _SMOKE_TEST:
        # Late: a poller needs nothing of what loads a model.
        from recommender.model.bundle.io import load_bundle

        try:
            load_bundle(Path(sys.argv[2]))
        except BundleError as error:
            sys.stderr.write(f"{error}\n")
            sys.exit(REJECTED_EXIT)
        return
    bundle_cache, uri = BundleCache(Path(sys.argv[1])), sys.stdin.readline().strip()
    while True:
        # Connecting to a database file that does not exist would create it.
        if not tracking_reachable(uri):
            _update(bundle_cache, RegistryPointer(unreachable=bundle_cache.last_good() is not None))
        elif not is_listening(uri):
            _update(bundle_cache, RegistryPointer(unreachable=True))
        else:
            # Late: it loads mlflow, and a server's start may be waiting for the first poll.
            from recommender.registry.registry import Registry

            poll(Registry(uri), bundle_cache)
        is_closed, _, _ = select.select([sys.stdin], [], [], POLL_SECONDS)
        if is_closed:
            return


if __name__ == "__main__":
    main()
