"""A writer killed at random instants.

The writer takes decisions under idempotency keys and says of each when it was acknowledged. After
every kill the journal must have every acknowledged decision once, at most the one in flight beside
them, and no half of one; the one in flight is then sent again. A kill is no power cut: what the
operating system has taken it keeps.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Timer

from sqlalchemy import Connection, func, select

from experiments.trust.line import Line
from experiments.trust.postgres import binaries, running_cluster
from experiments.trust.subject import Subject
from recommender.errors import InFlightError
from recommender.journal.audit_log import verify
from recommender.journal.idempotency import IdempotencyStore, StoredReply, ticket_for
from recommender.journal.recommendations import OVERRIDE, Decision, record_decision
from recommender.store.database import PATIENCE_MS, Store, connect, open_store
from recommender.store.schema import audit, decisions, idempotency

LONGEST = 0.4
"""Seconds a writer lives at most; the shortest are killed before they have a connection."""
TARGET = "0 acknowledged writes lost, 0 doubled"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one database's kills.

    Attributes
    ----------
    acknowledged
        Decisions the writer was told of.
    lost, doubled
        Of those: not there, and there more than once, also after being sent again.
    half
        Decisions without their audit row or their reply, or these without their decision.
    unexplained
        Decisions there that were neither acknowledged nor the one in flight.
    """

    database: str
    cycles: int
    acknowledged: int
    lost: int
    doubled: int
    half: int
    unexplained: int
    chain_holds: bool
    seconds: float

    @property
    def clean(self) -> bool:
        """Whether nothing went wrong."""
        wrong = self.lost + self.doubled + self.half + self.unexplained
        return wrong == 0 and self.chain_holds


def decide(requests: IdempotencyStore, run: str, number: int) -> StoredReply:
    """One decision of a run; sent again it is the same one."""
    decision = Decision(run, f"k{number}", OVERRIDE, "killed")

    def write(connection: Connection) -> StoredReply:
        return StoredReply(201, record_decision(connection, decision, actor="writer").encode())

    return requests.once(ticket_for("writer", "POST /decisions", f"{run}-{number}", {}), write)


def kill_writers(url: str, cycles: int, seed: int = 0) -> Outcome:
    """Starts and kills so many writers, one after another, and counts what they left."""
    rng, begun = random.Random(seed), time.monotonic()
    store, total = connect(url), Counter[str]()
    requests = IdempotencyStore(store)
    with forking_process(__name__) as starter:
        for cycle in range(cycles):
            run = f"run{seed}.{cycle}"
            acknowledged = _one_life(starter, url, run, rng.uniform(0, LONGEST))
            total.update(_judged(store, run, acknowledged))
            # The client never heard of the one in flight, so it sends it again.
            _send_again(requests, run, acknowledged)
            total.update(_judged(store, run, acknowledged + 1))
            total["acknowledged"] += acknowledged + 1
    with store.reading() as connection:
        holds = verify(connection).holds
        half = half_written(connection)
    store.close()
    told = ("acknowledged", "lost", "doubled")
    counts = {name: total[name] for name in told}
    return Outcome(
        database=url.partition(":")[0].partition("+")[0],
        cycles=cycles,
        **counts,
        half=half,
        unexplained=total["unexplained"],
        chain_holds=holds,
        seconds=time.monotonic() - begun,
    )


def write_until_killed(url: str, run: str) -> None:
    """The writer: says the number of each decision once it was acknowledged."""
    requests, number = IdempotencyStore(connect(url)), 0
    while True:
        decide(requests, run, number)
        os.write(1, f"done {number}\n".encode())
        number += 1


def fork_on_request() -> None:
    """Reads address and run from standard input and forks a writer for each.

    Everything is imported once, so that a life costs milliseconds.
    """
    for line in sys.stdin:
        url, run = line.split()
        child = os.fork()
        if child == 0:
            write_until_killed(url, run)
        os.write(1, f"born {child}\n".encode())
        os.waitpid(child, 0)
        os.write(1, b"dead\n")


@contextmanager
def forking_process(module: str) -> Iterator["subprocess.Popen[str]"]:
    """A process that runs `fork_on_request` of a module; it ends with its standard input."""
    command = [sys.executable, "-c", f"from {module} import fork_on_request as run; run()"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, text=True, stdin=pipe, stdout=pipe) as process:
        yield process
        if process.stdin:
            process.stdin.close()


def _one_life(starter: "subprocess.Popen[str]", url: str, run: str, seconds: float) -> int:
    """How many decisions a writer was told of before it was killed."""
    if starter.stdin is None or starter.stdout is None:
        raise RuntimeError("the starting process has no pipes")
    starter.stdin.write(f"{url} {run}\n")
    starter.stdin.flush()
    done, timer = 0, None
    for line in starter.stdout:
        said, _, number = line.strip().partition(" ")
        if said == "born":
            timer = Timer(seconds, os.kill, (int(number), signal.SIGKILL))
            timer.start()
        elif said == "done":
            done = int(number) + 1
        else:
            break
    if timer:
        # A writer that ended by itself must not have its number's next owner killed.
        timer.cancel()
    return done


def _send_again(requests: IdempotencyStore, run: str, number: int) -> None:
    """PostgreSQL may still be at work on what its killed client began, and says so."""
    until = time.monotonic() + PATIENCE_MS / 1000
    while True:
        try:
            decide(requests, run, number)
            return
        except InFlightError:
            if time.monotonic() > until:
                raise
            time.sleep(0.01)


def _judged(store: Store, run: str, acknowledged: int) -> dict[str, int]:
    with store.reading() as connection:
        there = Counter(
            connection.execute(
                select(decisions.c.clinician_id).where(decisions.c.recommendation_id == run)
            ).scalars()
        )
    expected = {f"k{number}" for number in range(acknowledged)}
    beside = set(there) - expected - {f"k{acknowledged}"}
    return {
        "lost": len(expected - set(there)),
        "doubled": sum(times - 1 for times in there.values()),
        "unexplained": len(beside),
    }


def half_written(connection: Connection) -> int:
    """Decisions without their audit row or their reply, or these without their decision."""
    whole, told, answered = (
        int(connection.execute(select(func.count()).select_from(table)).scalar_one())
        for table in (decisions, audit, idempotency)
    )
    return abs(whole - told) + abs(whole - answered)


def measure(count: int, subject: Subject) -> Sequence[Line]:
    """A line a database: SQLite, and PostgreSQL where its server is on this machine."""
    url = f"sqlite:///{subject.workspace / 'journal.db'}"
    open_store(url).close()
    lines = [_line(kill_writers(url, count))]
    found = binaries()
    if found is None:
        why = "its server is not on this machine"
        return [*lines, Line("kill -9 while writing, postgresql", "-", why, TARGET, passed=False)]
    with running_cluster(found) as cluster:
        url = cluster.create("kills")
        open_store(url).close()
        return [*lines, _line(kill_writers(url, count))]


def _line(outcome: Outcome) -> Line:
    lost = f"{outcome.lost} lost, {outcome.doubled} doubled, {outcome.half} half written"
    chain = "chain holds" if outcome.chain_holds else "chain broken"
    return Line(
        f"kill -9 while writing, {outcome.database}",
        f"{outcome.cycles} writers killed; {outcome.acknowledged:,} decisions acknowledged",
        f"{lost}, {outcome.unexplained} unexplained, {chain}",
        TARGET,
        outcome.clean,
    )
