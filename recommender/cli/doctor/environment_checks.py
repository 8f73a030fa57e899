"""What stands around the server: its settings, the registry, the clock and its zones, the port."""

import base64
import http.client
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from recommender.cli.doctor.deployment import SQLITE, Deployment
from recommender.errors import Fault, StoreError
from recommender.settings import Settings
from recommender.store.database import connect, database_time

PREFIX = "RECOMMENDER_"
KNOWN = frozenset({"RECOMMENDER_KEY", "RECOMMENDER_PRACTICE"})
"""Variables that commands read and servers do not."""
PATIENCE_SECONDS = 3.0
APART = timedelta(seconds=30)
ZONES = ("UTC", "Australia/Sydney")
SHIPPED_WITH_MLFLOW = base64.b64encode(b"admin:password1234").decode()


def check_settings(found: Deployment) -> Iterator[Fault]:
    """Every RECOMMENDER_ variable is one that is read: a misspelt one would change nothing."""
    read = {PREFIX + name.upper() for name in Settings.model_fields} | KNOWN
    for name in sorted(found.environment):
        if name.upper().startswith(PREFIX) and name.upper() not in read:
            yield Fault("environment", f"sets {name}, which nothing reads", "mend its spelling")


def check_registry(found: Deployment) -> Iterator[Fault]:
    """The registry answers within seconds, and not to a password that ships with it."""
    if found.registry is None:
        return
    if not found.registry.startswith(("http://", "https://")):
        file = Path(found.registry.removeprefix(SQLITE))
        if found.registry.startswith(SQLITE) and not file.is_file():
            remedy = "run `recommender train` first, or mend --registry"
            yield Fault("registry", "is not there", remedy)
        return
    address = f"{found.registry.rstrip('/')}/api/2.0/mlflow/experiments/search?max_results=1"
    status = _status(address)
    if status is None:
        remedy = "start it, or mend --registry; until then the last good model answers"
        yield Fault("registry", f"does not answer within {PATIENCE_SECONDS:.0f} seconds", remedy)
    elif status == 401 and _status(address, SHIPPED_WITH_MLFLOW) == 200:
        remedy = "change the password of its `admin` account"
        yield Fault("registry", "lets in everybody who knows mlflow's first password", remedy)


def check_clock(found: Deployment) -> Iterator[Fault]:
    """The zones of the world are known, and this clock and the store's agree."""
    zones = {*ZONES, *([found.practice.timezone] if found.practice else [])}
    for name in sorted(zones):
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError):
            yield Fault(f"zone {name}", "is not known here", "install the package tzdata")
    if found.store is None or not found.store_there:
        return
    try:
        with closing(connect(found.store)) as store, store.reading() as connection:
            apart = abs(database_time(connection) - found.now)
    except StoreError:
        return
    if apart > APART:
        problem = f"differs from the database's by {apart.total_seconds():.0f} seconds"
        yield Fault("clock", problem, "set both by NTP")


def check_port(found: Deployment) -> Iterator[Fault]:
    """The port is free, or this server has it already."""
    family = socket.AF_INET6 if ":" in found.host else socket.AF_INET
    with socket.socket(family) as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((found.host, found.port))
        except OSError:
            if not _is_ours(found):
                remedy = "stop what has it, or choose another with --port"
                yield Fault(f"port {found.port}", "cannot be listened on", remedy)


def _is_ours(found: Deployment) -> bool:
    host = "127.0.0.1" if found.host in ("0.0.0.0", "::") else found.host
    try:
        with closing(
            http.client.HTTPConnection(host, found.port, timeout=PATIENCE_SECONDS)
        ) as line:
            line.request("GET", "/livez", headers={"host": found.allowed_hosts[0]})
            return line.getresponse().read() == b'{"status":"alive"}'
    except (OSError, http.client.HTTPException, IndexError):
        return False


def _status(address: str, basic: str | None = None) -> int | None:
    """What an address answers to a question; None when it does not in time."""
    headers = {"Authorization": f"Basic {basic}"} if basic else {}
    try:
        asked = urllib.request.Request(address, headers=headers)
        with urllib.request.urlopen(asked, timeout=PATIENCE_SECONDS) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except (OSError, ValueError, http.client.HTTPException):
        return None
