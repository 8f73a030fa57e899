"""Keeps a process that follows the registry, for as long as a server runs. Imported by `service`.

A process and not a thread: mlflow takes seconds to load and minutes to give up on a registry that
hangs, and neither may cost a request anything.
"""

import hashlib
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from recommender.rollout.bundle_cache import BundleCache, RegistryPointer

LOOK_SECONDS = 4.0
"""Between two questions to the registry: a rollback is taken up within ten."""
PATIENCE_SECONDS = 20.0
"""How long a start waits for the registry's first word before it goes on without."""
RESTART_SECONDS = (1.0, 60.0)
"""Before a process that ended is started again: at first, and at most."""
STOP_SECONDS = 5.0


@contextmanager
def following(uri: str, bundles: Path) -> Iterator[BundleCache]:
    """The shelf on which another process puts what this registry names, while within.

    Bundles of several registries never mix: each has a directory of its own.
    """
    bundle_cache = BundleCache(bundles / hashlib.sha256(uri.encode()).hexdigest()[:12])
    bundle_cache.clear_pointer()
    stop = threading.Event()
    journal_writer = threading.Thread(
        target=_keep_running, args=(uri, bundle_cache, stop), daemon=True
    )
    journal_writer.start()
    try:
        yield bundle_cache
    finally:
        stop.set()
        journal_writer.join()


def wait_for_offer(
    bundle_cache: BundleCache, patience: float = PATIENCE_SECONDS
) -> RegistryPointer:
    """What the registry names; as if it were away where it says nothing in time."""
    until = time.monotonic() + patience
    while time.monotonic() < until:
        offer = bundle_cache.read_pointer()
        if offer is not None:
            return offer
        time.sleep(0.05)
    return RegistryPointer(unreachable=True)


def _keep_running(uri: str, bundle_cache: BundleCache, stop: threading.Event) -> None:
    line = [sys.executable, "-m", "recommender.rollout.poller", str(bundle_cache.directory)]
    pause, longest = RESTART_SECONDS
    while not stop.is_set():
        # The address can hold a password, and a command line is for everyone on the machine to see.
        process = subprocess.Popen(line, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
        _hand_over(process, uri)
        while process.poll() is None and not stop.wait(0.2):
            pass
        _end(process)
        stop.wait(pause)
        pause = min(2 * pause, longest)


def _hand_over(process: subprocess.Popen[bytes], uri: str) -> None:
    """Tells the process the address; it ends by itself once nobody holds the other end."""
    assert process.stdin is not None
    try:
        process.stdin.write(f"{uri}\n".encode())
        process.stdin.flush()
    except BrokenPipeError:
        return


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.communicate(timeout=STOP_SECONDS)
    except (subprocess.TimeoutExpired, BrokenPipeError):
        process.kill()
        process.wait()
