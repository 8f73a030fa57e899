"""Two versions of the code, asked the same requests in turn.

Two whole runs of one version differ more on a shared machine than most changes do. Here both run at
once and answer alternately, so that whatever else the machine does slows both.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median
from typing import Any

HERE = Path(__file__).parents[2]
WORKER = Path(__file__).with_name("version_worker.py")
AT_ONCE = 20
"""Requests that one version answers before the other does."""
Answered = Sequence[tuple[float, str]]
Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Requests answered by the code of another checkout and by this one.

    Attributes
    ----------
    clients
        How many are counted.
    equal
        To how many both gave the same bytes.
    new, known : (other, this)
        Milliseconds of processor time of each request: of clients asked for the first time, and of
        the same clients asked again.
    """

    clients: int
    equal: int
    new: tuple[Sequence[float], Sequence[float]]
    known: tuple[Sequence[float], Sequence[float]]


def compare_versions(other: Path, bundle: Path, roster: Path, bodies: Sequence[Body]) -> Comparison:
    """Asks both checkouts each of the bodies twice; the first `AT_ONCE` are not counted.

    Raises
    ------
    subprocess.CalledProcessError
        When the other checkout cannot answer, for example because it cannot read the bundle.
    """
    first, *rest = [bodies[at : at + AT_ONCE] for at in range(0, len(bodies), AT_ONCE)]
    runs: dict[bool, list[tuple[Answered, Answered]]] = {True: [], False: []}
    with _answering(other, bundle, roster) as theirs, _answering(HERE, bundle, roster) as ours:
        _in_turn((theirs, ours), first, 0)
        for number, some in enumerate(rest):
            for is_new in (True, False):
                runs[is_new].append(_in_turn((theirs, ours), some, number))
    both = [pair for run in runs[True] for pair in zip(*run, strict=True)]
    return Comparison(
        clients=len(both),
        equal=sum(one[1] == another[1] for one, another in both),
        new=_milliseconds(runs[True]),
        known=_milliseconds(runs[False]),
    )


def shares(taken: tuple[Sequence[float], Sequence[float]]) -> tuple[float, float, float, float]:
    """Median of the other and of this version, and this over the other: medians, then means."""
    theirs, ours = taken
    medians = median(theirs), median(ours)
    return *medians, medians[1] / medians[0], mean(ours) / mean(theirs)


@contextmanager
def _answering(checkout: Path, bundle: Path, roster: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        # Without -P the folder of the worker would be on the path before the checkout.
        [sys.executable, "-P", str(WORKER), str(bundle), str(roster)],
        env=os.environ | {"PYTHONPATH": str(checkout.resolve())},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def _in_turn(
    versions: tuple[subprocess.Popen[str], subprocess.Popen[str]],
    some: Sequence[Body],
    number: int,
) -> tuple[Answered, Answered]:
    """The answers of both; which is asked first changes from one number to the next."""
    order = versions if number % 2 else versions[::-1]
    found = {process.pid: _ask(process, some) for process in order}
    theirs, ours = versions
    return found[theirs.pid], found[ours.pid]


def _ask(process: subprocess.Popen[str], some: Sequence[Body]) -> Answered:
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(json.dumps(some) + "\n")
        process.stdin.flush()
        line = process.stdout.readline()
    except BrokenPipeError:
        line = ""
    if not line:
        raise subprocess.CalledProcessError(process.wait(), process.args)
    answered: Answered = json.loads(line)
    return answered


def _milliseconds(
    runs: Sequence[tuple[Answered, Answered]],
) -> tuple[Sequence[float], Sequence[float]]:
    theirs, ours = ([taken for run in side for taken, _ in run] for side in zip(*runs, strict=True))
    return theirs, ours
