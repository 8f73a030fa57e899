"""Sizes of folders and memory of process trees."""

import re
import subprocess
from pathlib import Path

from experiments.deploy_proof.chroots import descendants

MIB = 1024


def folder_mb(folder: Path) -> float:
    """What a folder takes on disk, in MB of 10^6 bytes."""
    shown = subprocess.run(
        ["du", "-s", "--block-size=1000", folder], check=True, capture_output=True, text=True
    )
    return int(shown.stdout.split()[0]) / 1000


def memory_of(pid: int) -> dict[str, tuple[float, float]]:
    """Resident and proportional memory of each process below `pid` in MiB, by process."""
    found = {}
    for each in descendants(pid):
        try:
            text = Path(f"/proc/{each}/smaps_rollup").read_text()
            words = Path(f"/proc/{each}/cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        kilobytes = {
            name: int(re.search(rf"^{name}:\s+(\d+)", text, re.MULTILINE)[1])  # type: ignore[index]
            for name in ("Rss", "Pss")
        }
        label = " ".join(word.decode() for word in words)[:60]
        found[f"{each} {label}"] = (kilobytes["Rss"] / MIB, kilobytes["Pss"] / MIB)
    return found
