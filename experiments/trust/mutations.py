"""Bundles broken on purpose: none may bring the process down, none that is damaged may be loaded.

Byte flips, and edits of indices, arrays and facts under listings made anew, so that the checks
behind the digest are tried too.
"""

import shutil
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

from experiments.trust.line import Line
from experiments.trust.mutant import BEGINS, DAMAGED, ENDED, REFUSED, SOUND
from experiments.trust.subject import Subject

CRASHED = "crashed"
AT_ONCE = 2
SILENT_SECONDS = 120.0
"""A process that says nothing for so long hangs, which counts as a crash."""

Found = Counter[tuple[str, str]]


def measure(count: int, subject: Subject) -> Sequence[Line]:
    """How many of so many mutations crashed, were damaged and loaded, or were refused."""
    found = outcomes(count, subject)
    ended: Counter[str] = Counter()
    for (_, verdict), times in found.items():
        ended[verdict] += times
    failed = {verdict: times for verdict, times in ended.items() if verdict.startswith("failed")}
    crashes = ended[CRASHED] + sum(failed.values())
    kinds = len({kind for kind, _ in found})
    figure = f"{crashes} crashes, {ended[DAMAGED]} damaged accepted; {ended[REFUSED]:,} refused, "
    figure += f"{ended[SOUND]:,} still sound"
    return (
        Line(
            "mutated bundles",
            f"{count:,} byte flips and edits of {kinds} kinds, loaded in child processes",
            figure + "".join(f"; {times} {verdict}" for verdict, times in failed.items()),
            "0 crashes, 0 damaged accepted",
            crashes == 0 and ended[DAMAGED] == 0 and sum(ended.values()) == count,
        ),
    )


def outcomes(count: int, subject: Subject) -> Found:
    """How often each kind of mutation ended how."""
    place = subject.workspace / "mutations"
    shutil.copytree(subject.bundle, place / "bundle")
    edges = [count * part // AT_ONCE for part in range(AT_ONCE + 1)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        parts = pool.map(
            lambda span: _try_all(place / "bundle", subject.roster, *span), pairwise(edges)
        )
        return sum(parts, Counter())


def _try_all(bundle: Path, roster: Path, first: int, last: int) -> Found:
    """Tries all from one number to another, going on behind whatever a process died of."""
    found: Found = Counter()
    while first < last:
        first = _try_some(bundle, roster, first, last, found)
    return found


def _try_some(bundle: Path, roster: Path, first: int, last: int, found: Found) -> int:
    """Tries mutations until the process ends; gives the number to go on with."""
    words = [str(word) for word in (bundle, roster, first, last)]
    line = [sys.executable, "-m", "experiments.trust.mutant", *words]
    begun = ""
    with subprocess.Popen(
        line, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        for said in _lines(process):
            what, _, told = said.partition(" ")
            if what == BEGINS:
                number, _, begun = told.partition(" ")
                first = int(number) + 1
            elif what == ENDED:
                found[begun, told] += 1
                begun = ""
    if begun:
        found[begun, CRASHED] += 1
    elif process.returncode != 0:
        raise SystemExit("the process that loads mutations cannot start; run it by itself")
    return first


def _lines(process: subprocess.Popen[str]) -> Iterator[str]:
    """What the process says, line by line; it is killed where it says nothing for too long."""
    hangs = _end_after(process)
    for said in process.stdout or ():
        hangs.cancel()
        yield said.rstrip("\n")
        hangs = _end_after(process)
    hangs.cancel()


def _end_after(process: subprocess.Popen[str]) -> threading.Timer:
    timer = threading.Timer(SILENT_SECONDS, process.kill)
    timer.daemon = True
    timer.start()
    return timer
