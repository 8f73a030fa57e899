"""Synchronises 50 practitioners and 10,000 appointments, killed 20 times, and prints the figures.

python -m experiments.cliniko_sync [--appointments N] [--practitioners N] [--kills N] [--seed N]
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from experiments.cliniko_sync.invented_account import (
    CANARY,
    NOW,
    PATIENT_IDS,
    AccountSize,
    clinicians_text,
    invented_account,
    mapping_text,
)
from experiments.cliniko_sync.local_cliniko import KEY, LocalCliniko, Unreliability, serving, utc
from recommender.practice.definition import shipped_practice

POLL_SECONDS = 0.002
TABLES = ("clinicians.csv", "pairings.csv")


@dataclass(frozen=True, slots=True)
class SyncFolder:
    """A folder with the files of one synchronisation, and what its runs printed."""

    path: Path

    def command(self, *options: str) -> list[str]:
        """The command that synchronises this folder."""
        files = {
            "--mapping": "cliniko.toml",
            "--roster": "clinicians.csv",
            "--pairings": "pairings.csv",
            "--state": "state/cliniko.db",
            "--key": "pseudonyms.key",
        }
        named = [word for option, name in files.items() for word in (option, str(self.path / name))]
        return [sys.executable, "-m", "recommender.cli", "sync", "cliniko", *named, *options]

    def tables(self) -> dict[str, str]:
        """The tables that were written."""
        return {
            name: (self.path / name).read_text(encoding="utf-8")
            for name in TABLES
            if (self.path / name).exists()
        }


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the figures; 1 where one of them is not what it must be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--appointments", type=int, default=10_000)
    parser.add_argument("--practitioners", type=int, default=50)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    size = AccountSize(options.practitioners, options.appointments)
    cliniko = invented_account(size, options.seed)
    cliniko.unreliable = Unreliability(errors=0.01, dropped=0.005)
    rng = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as folder, serving(cliniko):
        sound = _compare(cliniko, Path(folder), size, options.kills, rng)
    return 0 if sound else 1


def _compare(
    cliniko: LocalCliniko, folder: Path, size: AccountSize, kills: int, rng: random.Random
) -> bool:
    once = _folder(folder / "once", size)
    killed = _folder(folder / "killed", size)
    shutil.copy(_key_of(once, cliniko), killed.path / "pseudonyms.key")
    seconds, whole = _run(once, cliniko)
    _say(f"in one go: {whole['requests']} requests, {seconds:.0f} s")
    _say(f"  {whole['appointments']:,} appointments, {whole['sessions']:,} sessions")
    _say(f"  {whole['pairings']['rows']:,} pairings, {size.practitioners} practitioners")
    times, stopped = _killed_often(killed, cliniko, kills, whole["requests"], rng)
    _, rest = _run(killed, cliniko)
    again = sum(stopped) + rest["requests"] - whole["requests"]
    _say(f"killed (SIGKILL) {times} times at random, then ended: {again} requests more than in one")
    alike = once.tables() == killed.tables()
    _say(f"roster and pairings equal, byte by byte: {_yes(alike)}")
    # What Cliniko does not say, such as hours of an inactive practitioner, stays as it was.
    anew = SyncFolder(folder / "anew")
    shutil.copytree(once.path, anew.path, ignore=shutil.ignore_patterns("state"))
    cliniko.unreliable.per_minute = whole["requests"] // 3
    _change(cliniko, rng)
    _, changed = _run(once, cliniko)
    cliniko.unreliable.per_minute = None
    _run(anew, cliniko)
    incremental = once.tables() == anew.tables()
    _say(
        f"after changes in Cliniko: {changed['read']['records']:,} records in "
        f"{changed['read']['pages']} pages, {changed['refused']} times refused with 429"
    )
    _say(f"equal to everything read anew: {_yes(incremental)}")
    writes = sum(each.method != "GET" for each in cliniko.received)
    leaks = sum(_leaks(each) for each in (once, killed, anew))
    _say(f"requests received: {len(cliniko.received):,}, of them other than GET: {writes}")
    _say(f"files and outputs with a client's name, note, id, or the key: {leaks}")
    return alike and incremental and not writes and not leaks and times == kills


def _folder(path: Path, size: AccountSize) -> SyncFolder:
    path.mkdir()
    practice = shipped_practice()
    text = clinicians_text(practice, size.practitioners)
    (path / "clinicians.csv").write_text(text, encoding="utf-8")
    (path / "cliniko.toml").write_text(mapping_text(size.practitioners), encoding="utf-8")
    return SyncFolder(path)


def _key_of(folder: SyncFolder, cliniko: LocalCliniko) -> Path:
    """The key file, made by the project's own code so that two folders share it."""
    from recommender.importing.pseudonyms import read_pseudonyms

    path = folder.path / "pseudonyms.key"
    read_pseudonyms(path)
    return path


def _environment(cliniko: LocalCliniko) -> dict[str, str]:
    return {**os.environ, "CLINIKO_API_KEY": KEY, "CLINIKO_ADDRESS": cliniko.address}


def _run(folder: SyncFolder, cliniko: LocalCliniko) -> tuple[float, dict[str, Any]]:
    """Seconds and what the command says, with the requests it sent and the refusals it got."""
    before, begun = len(cliniko.received), time.monotonic()
    refused = cliniko.statuses.count(429)
    done = subprocess.run(
        folder.command("--json"),
        env=_environment(cliniko),
        capture_output=True,
        text=True,
        check=False,
    )
    (folder.path / f"output-{before}.txt").write_text(done.stdout + done.stderr, encoding="utf-8")
    if done.returncode:
        raise SystemExit(f"the synchronisation failed:\n{done.stdout}{done.stderr}")
    facts: dict[str, Any] = json.loads(done.stdout)
    facts["requests"] = len(cliniko.received) - before
    facts["refused"] = cliniko.statuses.count(429) - refused
    return time.monotonic() - begun, facts


def _killed_often(
    folder: SyncFolder, cliniko: LocalCliniko, kills: int, requests: int, rng: random.Random
) -> tuple[int, list[int]]:
    """How often the command was killed, and how many requests each run had sent until then.

    The moments are drawn over the requests of a whole run and within a request.
    """
    sent = []
    per_run = max(2 * requests // (kills + 1) // 2, 2)
    for _ in range(kills):
        before = len(cliniko.received)
        after, pause = before + rng.randint(1, per_run), rng.random() * 0.02
        process = subprocess.Popen(
            folder.command("--json"),
            env=_environment(cliniko),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        while len(cliniko.received) < after and process.poll() is None:
            time.sleep(POLL_SECONDS)
        time.sleep(pause)
        if process.poll() is not None:
            break
        process.kill()
        process.wait()
        sent.append(len(cliniko.received) - before)
    return len(sent), sent


def _change(cliniko: LocalCliniko, rng: random.Random) -> None:
    """A day passes: appointments are cancelled, archived, marked, moved; people come and go."""
    cliniko.now = NOW + timedelta(days=1)
    appointments = cliniko.lists["individual_appointments"]
    now = utc(cliniko.now)
    for each in rng.sample(appointments, min(200, len(appointments))):
        what: Mapping[str, Any] = rng.choice(
            (
                {"cancelled_at": now},
                {"archived_at": now, "deleted_at": now},
                {"patient_arrived": True, "did_not_arrive": False},
                {"practitioner": rng.choice(appointments)["practitioner"]},
            )
        )
        cliniko.touch("individual_appointments", each["id"], **what)
    new = dict(appointments[0])
    new |= {"id": "999999", "created_at": now, "updated_at": now, "starts_at": now}
    appointments.append({**new, "cancelled_at": None, "archived_at": None})
    for each in rng.sample(cliniko.lists["unavailable_blocks"], 10):
        cliniko.touch("unavailable_blocks", each["id"], archived_at=now)
    hours = cliniko.lists["daily_availabilities"]
    del hours[:: max(len(hours) // 5, 1)]
    cliniko.inactive.add(cliniko.lists["practitioners"][0]["id"])


def _leaks(folder: SyncFolder) -> int:
    """Files with something that must not leave Cliniko."""
    found = 0
    for path in folder.path.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            patients = (f"/{PATIENT_IDS + number}".encode() for number in range(1, 50))
            secrets = (CANARY.encode(), KEY.encode(), b"10.0.0.43", *patients)
            found += any(each in content for each in secrets)
    return found


def _yes(holds: bool) -> str:
    return "yes" if holds else "NO"


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
