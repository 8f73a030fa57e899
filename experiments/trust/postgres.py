"""A throw-away PostgreSQL on loopback, for tests and measurements that need the real one.

It syncs to disk as a practice's server would, listens on 127.0.0.1 alone and asks for a password
made for it.
"""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

_PLACES = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin")
_ACCOUNTS = ("postgres", "nobody")
_USER = "owner"
_STARTS = 5
"""Times another port is tried: between choosing one and listening, somebody else may take it."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """A running server: where it listens, and the password of its owner."""

    port: int
    password: str

    def url(self, database: str) -> str:
        """The address of a database, as `open_store` reads it."""
        host = f"127.0.0.1:{self.port}"
        return f"postgresql+psycopg://{_USER}:{self.password}@{host}/{database}"

    def create(
        self, database: str, template: str = "template0", encoding: str | None = None
    ) -> str:
        """A new database, with the template's encoding or another, and its address."""
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
            sql.Identifier(database), sql.Identifier(template)
        )
        if encoding is not None:
            statement += sql.SQL(" ENCODING {} LOCALE 'C'").format(sql.Literal(encoding))
        with self._connected() as connection:
            connection.execute(statement)
        return self.url(database)

    def drop(self, database: str) -> None:
        """Removes a database, whoever is still connected to it."""
        statement = sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(database))
        with self._connected() as connection:
            connection.execute(statement)

    def _connected(self) -> "psycopg.Connection[Any]":
        return psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            user=_USER,
            password=self.password,
            dbname="postgres",
            autocommit=True,
            connect_timeout=5,
        )


def binaries() -> Path | None:
    """The folder with the newest `initdb` and `postgres` of this machine, None without."""
    found = [path for place in _PLACES for path in Path("/").glob(place[1:])]
    on_path = shutil.which("initdb")
    if on_path:
        found.append(Path(on_path).resolve().parent)
    whole = [path for path in found if (path / "initdb").exists() and (path / "postgres").exists()]
    return max(whole, key=_release, default=None)


@contextmanager
def running_cluster(bin_directory: Path) -> Iterator[Cluster]:
    """A new cluster in a folder of its own, gone when the block ends."""
    with tempfile.TemporaryDirectory(prefix="recommender-pg-") as folder:
        data, secret = Path(folder) / "data", Path(folder) / "password"
        password = secrets.token_hex(16)
        secret.write_text(password, encoding="utf-8")
        account = _account()
        if account:
            for path in (Path(folder), secret):
                shutil.chown(path, account["user"], account["group"])
        _initialise(bin_directory, data, secret, account)
        process, cluster = _started(bin_directory, data, password, account)
        try:
            yield cluster
        finally:
            # A fast shutdown: connections are cut, nothing is lost.
            process.send_signal(signal.SIGINT)
            process.wait(timeout=60)


def _release(path: Path) -> tuple[int, ...]:
    digits = "".join(c if c.isdigit() else " " for c in str(path)).split()
    return tuple(map(int, digits))


def _account() -> Mapping[str, Any]:
    """Who runs it: PostgreSQL refuses root. Nothing to say for anybody else."""
    if os.getuid() != 0:
        return {}
    import grp
    import pwd

    entry = next(pwd.getpwnam(name) for name in _ACCOUNTS if _is_known(name))
    group = grp.getgrgid(entry.pw_gid).gr_name
    return {"user": entry.pw_name, "group": group, "extra_groups": []}


def _is_known(name: str) -> bool:
    import pwd

    return any(entry.pw_name == name for entry in pwd.getpwall())


def _initialise(bin_directory: Path, data: Path, secret: Path, account: Mapping[str, Any]) -> None:
    command = [str(bin_directory / "initdb"), "-D", str(data), "-U", _USER, f"--pwfile={secret}"]
    command += ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C"]
    done = subprocess.run(command, capture_output=True, text=True, cwd="/", **account)
    if done.returncode:
        raise RuntimeError(f"initdb failed: {done.stderr}")


def _started(
    bin_directory: Path, data: Path, password: str, account: Mapping[str, Any]
) -> tuple[subprocess.Popen[bytes], Cluster]:
    for _ in range(_STARTS):
        cluster = Cluster(_free_port(), password)
        settings = ("listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=on")
        command = [str(bin_directory / "postgres"), "-D", str(data), "-p", str(cluster.port)]
        command += [part for setting in settings for part in ("-c", setting)]
        log = (data.parent / "log").open("ab")
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd="/", **account)
        log.close()
        if _answers(process, cluster):
            return process, cluster
    raise RuntimeError("PostgreSQL did not start")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _answers(process: subprocess.Popen[bytes], cluster: Cluster) -> bool:
    """Whether it takes connections before it ends or half a minute is over."""
    until = time.monotonic() + 30
    while process.poll() is None and time.monotonic() < until:
        try:
            cluster._connected().close()
            return True
        except psycopg.OperationalError:
            time.sleep(0.05)
    if process.poll() is None:
        process.kill()
    process.wait()
    return False
