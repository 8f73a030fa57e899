"""The browser of this machine: one that is there, or Debian's where it may be installed.

For the tests and the pictures alike. `python -m experiments.screenshots.chromium` says which, and
installs the one that takes least time where that may be.
"""

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

from playwright.sync_api import Browser, Playwright, ViewportSize

WIDE: ViewportSize = {"width": 1280, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}
DEBIAN = ("chromium-headless-shell", "chromium")
"""Packages and programs. The first draws no window around a page, and takes a third less processor
time for the same pages; not every distribution has it."""
NAMES = (*DEBIAN, "chromium-browser", "google-chrome")
MISSING = "no Chromium on this machine, and none could be installed: install Debian's `chromium`"
_APT = ("apt-get", "-q", "-y", "-o", "DPkg::Lock::Timeout=300", "--no-install-recommends")


@cache
def chromium() -> Path | None:
    """The browser's program; installed from Debian's archive by root, None where that fails."""
    return _found() or _installed()


def opened(playwright: Playwright, program: Path) -> Browser:
    """The browser without a window; root cannot have the sandbox."""
    return playwright.chromium.launch(
        executable_path=program,
        chromium_sandbox=os.geteuid() != 0,
        # There is no graphics card to run a process of its own for.
        args=["--lang=en-AU", "--disable-gpu", "--in-process-gpu"],
        env={**os.environ, "LANGUAGE": "en_AU"},
    )


def _found() -> Path | None:
    paths = (shutil.which(name) for name in NAMES)
    return next((Path(path) for path in paths if path), None)


def _installed() -> Path | None:
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return None
    _apt("update")
    for name in DEBIAN:
        _apt("install", name, "fonts-dejavu-core")
        if shutil.which(name):
            break
    return _found()


def _apt(*words: str) -> None:
    surroundings = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run((*_APT, *words), env=surroundings, capture_output=True, check=False)


if __name__ == "__main__":
    if shutil.which(DEBIAN[0]) is None:
        _installed()
    print(chromium() or MISSING)  # noqa: T201
