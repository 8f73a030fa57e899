"""A browser, an office to look at, and what a page is looked at with.

Where the machine has no Chromium and none can be installed, the tests say so and are skipped; on a
build server (`CI` in the environment) they fail instead.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from experiments.screenshots.chromium import MISSING, chromium, opened
from experiments.screenshots.office import Office, running_counter, running_office
from experiments.trust.subject import Subject, simulated_subject

AXE = Path(__file__).parents[2] / "var" / "browser" / "node_modules" / "axe-core" / "axe.min.js"


def missing(said: str) -> None:
    """Skips, or fails where nothing may be skipped."""
    (pytest.fail if os.environ.get("CI") else pytest.skip)(said)


@pytest.fixture(scope="session")
def axe() -> str:
    """The program that looks for barriers, to be run within a page."""
    if not AXE.exists():
        missing("no axe-core in var/browser: run `make browser`, which needs npm")
    return AXE.read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    """A small practice and a model that learned from it."""
    return simulated_subject(tmp_path_factory.mktemp("office"), clinicians=24, ratings=400)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Closed with the module: while it runs, nothing else in this process may run a loop."""
    program = chromium()
    if program is None:
        missing(MISSING)
    assert program is not None
    with sync_playwright() as playwright:
        running = opened(playwright, program)
        yield running
        running.close()


@pytest.fixture(scope="module")
def office(
    browser: Browser, subject: Subject, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Office]:
    """A server that keeps what it is told, with nothing in it yet."""
    workspace = tmp_path_factory.mktemp("workspace")
    fresh = Subject(subject.bundle, subject.roster, subject.request, workspace)
    with running_office(fresh) as running:
        yield running


@pytest.fixture(scope="module")
def counter(browser: Browser, subject: Subject) -> Iterator[Office]:
    """A server that keeps nothing and has learned nothing."""
    with running_counter(subject.roster) as running:
        yield running
