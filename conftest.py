"""What holds for every run: temporary files, memory, the order of modules, docstring examples."""

import gc
import os
import shutil
import sys
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

# Workers of a parallel run inherit a width, which consoles would read when they are imported.
os.environ.pop("COLUMNS", None)

# Set before numpy is imported, and inherited by every process that a test starts. Workers that each
# use every core wait for each other: the small matrices of a test take ten times as long.
for _threads in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(_threads, "1")

# A process that a test starts would compile each module it imports anew, which takes a second.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

_MEMORY, _ENOUGH_BYTES = Path("/dev/shm"), 4 * 2**30


def _has_memory_for_files() -> bool:
    if not os.access(_MEMORY, os.W_OK) or os.statvfs(_MEMORY).f_flag & os.ST_NOEXEC:
        return False
    return shutil.disk_usage(_MEMORY).free >= _ENOUGH_BYTES


# Thousands of commits wait for the disk otherwise; no test cuts the power.
if "TMPDIR" not in os.environ and _has_memory_for_files():
    os.environ["TMPDIR"] = tempfile.tempdir = str(_MEMORY)


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(
    file_path: Path,
) -> Generator[None, list[pytest.Collector], list[pytest.Collector]]:
    """Looks for examples only in files that have one: every worker collects all files."""
    found = yield
    if file_path.suffix == ".py" and b">>> " not in file_path.read_bytes():
        return [each for each in found if type(each) is pytest.Module]
    return found


_ALLOCATIONS = 10_000
"""Objects made before garbage is looked for: with Python's default of 700, tests of the API spent a
tenth of their time on it."""


@pytest.fixture(autouse=True)
def _training_example(request: pytest.FixtureRequest, doctest_namespace: dict[str, Any]) -> None:
    """`folder`, `practice`, `dataset` and `registry` of a small practice with 120 pairings."""
    if not isinstance(request.node, pytest.DoctestItem):
        return
    name = request.node.name
    in_notebook = name.startswith("recommender.notebook")
    if not (in_notebook or name.startswith("recommender.training")):
        return
    from recommender.tables.loader import read_tables
    from recommender.training.dataset import dataset_of
    from tests.support.builders import a_practice, write_tables

    home = request.getfixturevalue("tmp_path")
    folder, practice = home / "tables", a_practice()
    folder.mkdir()
    write_tables(folder, pairings=120)
    doctest_namespace["folder"], doctest_namespace["practice"] = folder, practice
    if in_notebook:
        import recommender

        doctest_namespace["recommender"] = recommender
        doctest_namespace["load_tables"] = recommender.load_tables
        return
    from recommender.registry.registry import Registry

    doctest_namespace["dataset"] = dataset_of(read_tables(folder, practice, None), practice)
    doctest_namespace["registry"] = Registry(f"sqlite:///{home}/mlflow.db", "alliance", home / "a")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks long tests and the example of a whole training as slow; slow modules come first.

    A long module that begins last would leave the other workers of a parallel run without work.
    """
    for item in items:
        is_long = item.get_closest_marker("long") is not None
        if is_long or item.name == "recommender.training.run.train":
            item.add_marker(pytest.mark.slow)
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Excludes what is imported and collected, near a million objects, from garbage collections."""
    gc.disable()
    yield
    gc.freeze()
    gc.set_threshold(_ALLOCATIONS)
    gc.enable()
