"""Runs the code blocks of these pages: every Python block, and shell blocks after `<!-- run -->`.

The blocks of a page share one namespace and one empty working folder. A Python block after
`<!-- skip: next -->` is not run.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from sybil import Sybil
from sybil.example import Example
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser, SkipParser

collect_ignore = ["conf.py"]


@pytest.fixture(scope="session")
def practice_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tables of a small simulated practice."""
    from tests.support.simulated_world import write_simulated_tables

    folder: Path = tmp_path_factory.mktemp("practice")
    write_simulated_tables(folder)
    return folder


def run_shell(example: Example) -> str | None:
    """Runs a block that is marked to be run; an exit code other than 0 is a failure."""
    before = example.document.text[: example.region.start].rstrip()
    if not before.endswith("<!-- run -->"):
        return None
    paths = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = os.environ | {"PATH": paths, "PYTHONPATH": str(Path(__file__).parents[1])}
    shell = ["sh", "-e", "-c", example.parsed]
    result = subprocess.run(
        shell, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    return None if result.returncode == 0 else result.stdout


def enter_folder(namespace: dict[str, Any]) -> None:
    """Enters an empty folder that the blocks of one page share."""
    namespace["_folder"] = tempfile.TemporaryDirectory()
    namespace["_before"] = Path.cwd()
    os.chdir(namespace["_folder"].name)


def leave_folder(namespace: dict[str, Any]) -> None:
    """Returns to the folder before, and removes that of the page."""
    os.chdir(namespace["_before"])
    namespace["_folder"].cleanup()


pytest_collect_file = Sybil(
    parsers=[
        PythonCodeBlockParser(),
        CodeBlockParser(language="sh", evaluator=run_shell),
        SkipParser(),
    ],
    pattern="*.md",
    setup=enter_folder,
    teardown=leave_folder,
    fixtures=["practice_folder"],
).pytest()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks the blocks as slow: they train models."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.slow)
