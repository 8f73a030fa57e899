"""The walkthrough runs from its first cell to its last, as a newcomer would run it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from experiments import walkthrough

SCRIPT = Path(walkthrough.__file__).with_name("__main__.py")
ROOT = SCRIPT.parents[2]


def test_every_cell_of_code_has_a_heading_of_its_own_before_it() -> None:
    marks = re.findall(r"^# %%.*$", SCRIPT.read_text(encoding="utf-8"), flags=re.MULTILINE)
    headings = re.findall(r"^# ## (\d+)  ", SCRIPT.read_text(encoding="utf-8"), flags=re.MULTILINE)

    assert marks == ["# %% [markdown]", "# %%"] * len(headings)
    assert headings == [str(number) for number in range(1, 11)]


def test_what_it_says_to_read_is_there() -> None:
    named = re.findall(
        r'^    "((?:recommender|experiments)/\S+)":', SCRIPT.read_text(), re.MULTILINE
    )

    assert len(named) == 6
    assert [path for path in named if not (ROOT / path).exists()] == []


@pytest.mark.long
def test_it_walks_through_a_whole_retraining() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "experiments.walkthrough"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    told = re.split(r"^(\d+)  [A-Z].* ─+$", done.stdout, flags=re.MULTILINE)
    sections = dict(zip(told[1::2], told[2::2], strict=True))

    assert list(sections) == [str(number) for number in range(1, 11)]
    assert "400 pairings have an early rating" in sections["2"]
    assert "They sum to the prediction" in sections["5"]
    assert "clinician average" in sections["7"]
    assert "R² by fold: ours" in sections["8"]
    assert "The gate on version 1" in sections["9"]
