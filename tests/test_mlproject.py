"""`mlflow run` finds our commands, and each command takes what the project file gives it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]
from typer.testing import CliRunner

from recommender.cli.main import app
from tests.support.builders import DEFINITION, some_rows, write_rows
from tests.support.registries import empty_registry

ROOT = Path(__file__).parents[1]
PROJECT = yaml.safe_load((ROOT / "MLproject").read_text(encoding="utf-8"))
ENTRIES = PROJECT["entry_points"]
LOCAL = ("--env-manager", "local")


@pytest.mark.parametrize("entry", ENTRIES)
def test_a_command_is_given_every_parameter_of_its_entry_and_no_other(entry: str) -> None:
    declared = set(ENTRIES[entry].get("parameters", {}))

    assert set(re.findall(r"{(\w+)}", ENTRIES[entry]["command"])) == declared


@pytest.mark.parametrize("entry", ENTRIES)
def test_a_command_has_every_option_the_project_gives_it(entry: str) -> None:
    python, minus_m, module, *words = ENTRIES[entry]["command"].split()
    assert (python, minus_m) == ("python", "-m")
    if module != "recommender.cli":
        assert (ROOT / module.replace(".", "/") / "__main__.py").is_file()
        return
    told = CliRunner().invoke(app, [words[0], "--help"], env={"COLUMNS": "200"})
    assert told.exit_code == 0, told.output
    assert [o for o in words if o.startswith("--") and o not in told.output] == []


def test_the_environment_is_the_locked_one() -> None:
    environment = yaml.safe_load((ROOT / PROJECT["python_env"]).read_text(encoding="utf-8"))

    assert environment["build_dependencies"] == ["-r requirements.lock"]
    assert environment["dependencies"] == ["."]
    assert (ROOT / "requirements.lock").is_file()


@pytest.mark.long
def test_mlflow_runs_a_training_and_keeps_it_in_the_registry(tmp_path: Path) -> None:
    write_rows(tmp_path, some_rows(pairings=160))
    uri = empty_registry(tmp_path)
    given = {"data": str(tmp_path), "practice": str(DEFINITION), "registry": uri, "seed": "3"}
    words = [word for name, value in given.items() for word in ("-P", f"{name}={value}")]
    here = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [sys.executable, "-m", "mlflow", "run", str(ROOT), "-e", "train", *words, *LOCAL],
        cwd=tmp_path,
        env=os.environ | {"PATH": here, "MLFLOW_TRACKING_URI": uri},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Published as challenger, version 1" in done.stdout
