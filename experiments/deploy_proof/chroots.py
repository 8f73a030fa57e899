"""Runs a program in a root folder with namespaces of its own, as a container engine would."""

import os
import shlex
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

PROGRAMS = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class Chroot:
    """How programs run in a root.

    Attributes
    ----------
    root
        The folder that becomes `/`.
    environment
        All environment variables.
    user
        `uid:gid`, empty for root.
    workdir
        The working directory inside.
    mounts
        Paths outside by absolute path inside; `:ro` at the end of the latter mounts it read-only.
    network
        Process id of the holder of a network namespace; None for the machine's network.
    read_only
        Whether `/` is mounted read-only.
    privileges
        Whether the program keeps the capabilities of root; those in `capabilities` in any case.
    """

    root: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    user: str = ""
    workdir: str = "/"
    mounts: Mapping[str, Path] = field(default_factory=dict)
    network: int | None = None
    read_only: bool = False
    privileges: bool = True
    capabilities: Sequence[str] = ()

    def command(self, words: Sequence[str]) -> list[str]:
        """The command outside that runs these words inside, as process 1 of its namespace."""
        entered = [] if self.network is None else ["nsenter", f"--net=/proc/{self.network}/ns/net"]
        isolated = ["unshare", "--mount", "--pid", "--fork", "--kill-child=SIGKILL"]
        return [*entered, *isolated, "sh", "-ec", self._script(words)]

    def run(
        self, words: Sequence[str], *, check: bool = True, log: IO[bytes] | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        """Runs to the end; output goes to `log`, or where this process writes."""
        errors = None if log is None else subprocess.STDOUT
        return subprocess.run(self.command(words), check=check, stdout=log, stderr=errors)

    def start(self, words: Sequence[str], log: IO[bytes]) -> int:
        """Starts a program that outlives this process; the id of its `unshare`."""
        process = subprocess.Popen(
            self.command(words),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        return process.pid

    def _script(self, words: Sequence[str]) -> str:
        root = shlex.quote(str(self.root))
        lines = [
            f"mount --bind {root} {root}",
            f"mount -t proc proc {root}/proc",
            f"mount --rbind /dev {root}/dev",
            f"mount -t tmpfs -o mode=1777 tmp {root}/tmp",
        ]
        for inside, outside in self.mounts.items():
            path, _, mode = inside.partition(":")
            at = shlex.quote(f"{self.root}{path}")
            lines.append(f"mount --bind {shlex.quote(str(outside))} {at}")
            if mode == "ro":
                lines.append(f"mount -o remount,bind,ro {at}")
        if self.read_only:
            lines.append(f"mount -o remount,bind,ro {root}")
        dropped = ["--no-new-privs"] if not self.privileges else []
        if self.user:
            uid, _, gid = self.user.partition(":")
            dropped += [f"--reuid={uid}", f"--regid={gid or uid}", "--clear-groups"]
        if not self.privileges:
            added = "".join(f",+{each.lower()}" for each in self.capabilities)
            dropped += [f"--bounding-set=-all{added}"]
        settings = [f"{name}={value}" for name, value in self.environment.items()]
        inner = f"cd {shlex.quote(self.workdir)} && exec {shlex.join(words)}"
        lowered = ["setpriv", *dropped] if dropped else []
        inside_words = [*lowered, "env", "-i", *settings, "sh", "-c", inner]
        lines.append(f"exec chroot {root} {shlex.join(inside_words)}")
        return "\n".join(lines)

    def prepare_mounts(self) -> None:
        """Creates the places of mounts in the root."""
        for inside, outside in self.mounts.items():
            place = Path(f"{self.root}{inside.partition(':')[0]}")
            if outside.is_dir():
                place.mkdir(parents=True, exist_ok=True)
            elif not place.exists():
                place.parent.mkdir(parents=True, exist_ok=True)
                place.touch()


def children(pid: int) -> list[int]:
    """Processes that a process, in any of its threads, started and that run."""
    found: list[int] = []
    for listed in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            found += [int(each) for each in listed.read_text().split()]
    return found


def descendants(pid: int) -> list[int]:
    """All processes below a process."""
    return [each for child in children(pid) for each in (child, *descendants(child))]


def terminate(pid: int) -> None:
    """Asks the program that `Chroot.start` started to end, as an engine's stop does."""
    for child in children(pid):
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGTERM)


def kill(pid: int) -> None:
    """Ends the program that `Chroot.start` started at once."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def is_running(pid: int) -> bool:
    """Whether the program that `Chroot.start` started runs."""
    return bool(children(pid))
