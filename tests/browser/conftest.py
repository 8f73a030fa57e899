"""A browser, an office to look at, and what a page is looked at with.

Where the machine has no Chromium and none can be installed, the tests say so and are skipped; on a
build server (`CI` in the environment) they fail instead.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from experiments.screenshots.chromium import MISSING, chromium, opened
from experiments.screenshots.office import Office, running_counter, running_office
from experiments.trust.subject import Subject, simulated_subject, subject_in
from tests.support.browser_checks import missing
from tests.support.made_once import made_once

AXE = Path(__file__).parents[2] / "var" / "browser" / "node_modules" / "axe-core" / "axe.min.js"


@pytest.fixture(scope="session")
def axe() -> str:
    """The program that looks for barriers, to be run within a page."""
    if not AXE.exists():
        missing("no axe-core in var/browser: run `make browser`, which needs npm")
    return AXE.read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    """A small practice and a model that learned from it."""
    directory = made_once(
        tmp_path_factory,
        "office",
        lambda folder: simulated_subject(folder, clinicians=24, ratings=400),
    )
    return subject_in(directory, tmp_path_factory.mktemp("workspace"))


@pytest.fixture(scope="session")
def program() -> Path:
    """The browser's program."""
    found = chromium()
    if found is None:
        missing(MISSING)
    assert found is not None
    return found


@pytest.fixture(scope="package")
def browser(program: Path) -> Iterator[Browser]:
    """Closed before a test of another package: beside it, no test may run a loop of its own."""
    with sync_playwright() as playwright:
        running = opened(playwright, program)
        yield running
        running.close()


@pytest.fixture(scope="session")
def office(program: Path, subject: Subject) -> Iterator[Office]:
    """A server that keeps what it is told."""
    with running_office(subject) as running:
        yield running


@pytest.fixture(scope="module")
def new_office(
    program: Path, subject: Subject, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Office]:
    """The same with nothing in it yet."""
    workspace = tmp_path_factory.mktemp("workspace")
    with running_office(replace(subject, workspace=workspace)) as running:
        yield running


@pytest.fixture(scope="session")
def counter(program: Path, subject: Subject) -> Iterator[Office]:
    """A server that keeps nothing and has learned nothing."""
    with running_counter(subject.roster) as running:
        yield running
