"""The tutorial notebooks run as a reader runs them, without a warning, and give what they show."""

import os
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

import recommender

ROOT = Path(recommender.__file__).parents[1]
TUTORIALS = ROOT / "docs" / "tutorials"
NOTEBOOKS = sorted(TUTORIALS.glob("*.ipynb"))
AGAIN = "run `jupyter execute --inplace docs/tutorials/*.ipynb` and look at what changed"


def read(path: Path) -> Any:
    return nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]


def results(cell: Any) -> list[str]:
    """What a cell printed, then the texts of what it shows; pictures and progress by type alone."""
    outputs = cell.get("outputs", [])
    printed = "".join(each.text for each in outputs if each.output_type == "stream")
    shown = [each.data["text/plain"] for each in outputs if "data" in each]
    return [printed, *shown]


def test_there_is_a_notebook_for_each_task_and_the_index_names_them() -> None:
    index = (TUTORIALS / "index.md").read_text(encoding="utf-8")

    assert len(NOTEBOOKS) == 5
    assert [path.stem for path in NOTEBOOKS if path.stem not in index] == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_stored_with_the_outputs_of_one_run_in_order(path: Path) -> None:
    cells = [cell for cell in read(path).cells if cell.cell_type == "code"]

    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"/(home|root|tmp|work)/", text), "it shows a path of one machine"


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_without_a_warning_and_gives_what_it_shows(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))
    stored, again = read(path), read(path)
    resources = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(again, timeout=300, kernel_name="python3", resources=resources).execute()

    for before, after in zip(stored.cells, again.cells, strict=True):
        warned = [each.text for each in after.get("outputs", []) if each.get("name") == "stderr"]
        assert warned == [], after.source
        assert results(after) == results(before), f"{after.source}\n{AGAIN}"
