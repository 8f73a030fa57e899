"""Backups killed at random while two writers write, and restored.

Each writer says of every decision when it was acknowledged. A backup that was killed must leave
nothing under its name; one that ended is restored and must have every decision acknowledged before
it began, no half of one, a valid audit log and every published bundle.
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Timer

from sqlalchemy import Connection, select

from experiments.trust.kills import forking_process, half_written
from experiments.trust.line import Line
from experiments.trust.postgres import Cluster, binaries, running_cluster
from experiments.trust.subject import Subject
from recommender.backup.restoring import restore_backup
from recommender.backup.writing import BackupSources, write_backup
from recommender.errors import RecommenderError
from recommender.journal.audit_log import verify
from recommender.model.bundle.io import bundle_digest, load_bundle
from recommender.registry.registry import Registry
from recommender.store.database import Store, connect, open_store
from recommender.store.schema import decisions
from recommender.training.mlflow_run import tracked_run

WRITERS = ("one", "other")
TARGET = "0 acknowledged before lost, 0 half, every log valid, every backup whole or absent"


class Writer:
    """A process that writes decisions, and how many of them were acknowledged."""

    def __init__(self, url: str, run: str) -> None:
        code = "import sys; from experiments.trust.kills import write_until_killed as write; "
        self._process = subprocess.Popen(
            [sys.executable, "-c", f"{code}write(*sys.stdin.read().split())"],
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._process.stdin is not None
        # An address holds a password, and a command line is readable by every user.
        self._process.stdin.write(f"{url} {run}")
        self._process.stdin.close()
        self.run, self.acknowledged = run, 0
        self._reader = threading.Thread(target=self._count)
        self._reader.start()

    def _count(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.acknowledged = int(line.split()[1]) + 1

    def stop(self) -> None:
        """Kills the process."""
        self._process.kill()
        self._reader.join()
        self._process.wait()


@dataclass(frozen=True, slots=True)
class Drill:
    """Where the backups of one database come from and go to."""

    url: str
    registry: str
    folder: Path
    cluster: Cluster | None

    def restored(self, backup: Path, number: int) -> tuple[Path, str]:
        """Restores a backup; into PostgreSQL and into SQLite in turn where there is both."""
        into, database = self.folder / f"restored{number}", None
        if self.cluster is not None and number % 2:
            database = self.cluster.create(f"restored{number}")
        restore_backup(
            backup,
            into,
            database=database,
            replace=False,
            now=datetime.now(UTC),
            progress=lambda step, share: None,
        )
        return into, database or f"sqlite:///{into}/recommender.db"


def fork_on_request() -> None:
    """Reads lines of store, registry and target, and forks a process for each that backs up.

    Everything is imported once, so that a life costs milliseconds.
    """
    for line in sys.stdin:
        store, registry, target = line.split()
        child = os.fork()
        if child == 0:
            write_backup(
                BackupSources(store, registry, None, {}),
                Path(target),
                now=datetime.now(UTC),
                progress=lambda step, share: None,
            )
            os._exit(0)
        os.write(1, f"born {child}\n".encode())
        _, status = os.waitpid(child, 0)
        os.write(1, f"dead {status}\n".encode())


def measure(count: int, subject: Subject) -> Sequence[Line]:
    """A line a database: SQLite, and PostgreSQL where its server is on this machine."""
    registry = _registry(subject)
    url = f"sqlite:///{subject.workspace / 'journal.db'}"
    open_store(url).close()
    lines = [_drilled(Drill(url, registry, subject.workspace / "sqlite", None), count)]
    found = binaries()
    if found is None:
        why = "its server is not on this machine"
        return [*lines, Line("backup and restore, postgresql", "-", why, TARGET, passed=False)]
    with running_cluster(found) as cluster:
        url = cluster.create("drill")
        open_store(url).close()
        folder = subject.workspace / "postgresql"
        return [*lines, _drilled(Drill(url, registry, folder, cluster), count)]


def _registry(subject: Subject) -> str:
    """The address of a registry with one published bundle."""
    uri = f"sqlite:///{subject.workspace / 'mlflow.db'}"
    registry, practice = Registry(uri), load_bundle(subject.bundle).practice
    with tracked_run(registry, "trust", "published", {}) as run:
        registry.publish(run.run_id, subject.bundle, practice, bundle_digest(subject.bundle), {})
    return uri


def _drilled(drill: Drill, count: int) -> Line:
    drill.folder.mkdir()
    rng, total, begun = random.Random(0), Counter[str](), time.monotonic()
    longest = 60.0
    with ExitStack() as running:
        writers = [Writer(drill.url, run) for run in WRITERS]
        for writer in writers:
            running.callback(writer.stop)
        starter = running.enter_context(forking_process(__name__))
        while not all(writer.acknowledged for writer in writers):
            time.sleep(0.05)
        for number in range(count + 1):
            # The first is not killed: one that ends says how long the next may take.
            seconds = rng.uniform(0, longest) if number else longest
            before = {writer.run: writer.acknowledged for writer in writers}
            target = drill.folder / f"backup{number}"
            ended, took = _one_life(starter, drill, target, seconds)
            if ended == 0:
                longest = 3 * took
            total["failed"] += ended not in (0, signal.SIGKILL)
            total["killed"] += ended == signal.SIGKILL
            if target.exists():
                total["whole"] += 1
                total.update(_judged(drill, target, number, before))
                total["before"] += sum(before.values())
                shutil.rmtree(target)
    wrong = sum(total[name] for name in ("failed", "lost", "half", "invalid", "refused"))
    database = drill.url.partition(":")[0].partition("+")[0]
    return Line(
        f"backup and restore, {database}",
        f"{count + 1} backups while two writers write, {total['killed']} killed; "
        f"{total['whole']} restored with {total['before']:,} decisions acknowledged before; "
        f"{time.monotonic() - begun:.0f} s",
        f"{total['lost']} lost, {total['half']} half, {total['invalid']} invalid logs, "
        f"{total['refused']} not whole, {total['failed']} failed",
        TARGET,
        wrong == 0 and total["whole"] > 0,
    )


def _judged(drill: Drill, backup: Path, number: int, before: dict[str, int]) -> dict[str, int]:
    try:
        into, url = drill.restored(backup, number)
    except RecommenderError:
        return {"refused": 1}
    try:
        fetched = Registry(f"sqlite:///{into}/mlflow.db").fetch(1, into / "fetched")
        with closing(connect(url)) as store:
            return {"refused": not fetched.is_dir(), **_counted(store, before)}
    finally:
        shutil.rmtree(into)


def _counted(store: Store, before: dict[str, int]) -> dict[str, int]:
    with store.reading() as connection:
        return {
            "lost": sum(_lost(connection, run, count) for run, count in before.items()),
            "half": half_written(connection),
            "invalid": not verify(connection).holds,
        }


def _lost(connection: Connection, run: str, acknowledged: int) -> int:
    there = select(decisions.c.clinician_id).where(decisions.c.recommendation_id == run)
    expected = {f"k{number}" for number in range(acknowledged)}
    return len(expected - set(connection.execute(there).scalars()))


def _one_life(
    starter: "subprocess.Popen[str]", drill: Drill, target: Path, seconds: float
) -> tuple[int, float]:
    """The status of a backup that is killed after so many seconds, and the seconds it lived."""
    if starter.stdin is None or starter.stdout is None:
        raise RuntimeError("the starting process has no pipes")
    starter.stdin.write(f"{drill.url} {drill.registry} {target}\n")
    starter.stdin.flush()
    timer, born = None, time.monotonic()
    for line in starter.stdout:
        said, _, number = line.strip().partition(" ")
        if said == "born":
            born = time.monotonic()
            timer = Timer(seconds, _kill, (int(number),))
            timer.start()
            continue
        if timer:
            timer.cancel()
        return int(number), time.monotonic() - born
    raise RuntimeError("the starting process ended")


def _kill(process: int) -> None:
    try:
        os.kill(process, signal.SIGKILL)
    except ProcessLookupError:
        return
