import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import lightgbm
import pytest

from recommender.errors import SystemLibraryError
from recommender.system_libraries import (
    missing_library,
    named_libraries,
    require_lightgbm_libraries,
)

NEEDED, ABSENT = b"libgomp.so.1\0", b"libgomq.so.1\0"
SENTENCE = "libgomq.so.1: is a library of the operating system that is not installed"


@pytest.fixture(scope="module")
def without_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a LightGBM whose binary needs a library that no system has."""
    folder = tmp_path_factory.mktemp("masked")
    package = folder / "lightgbm"
    own = Path(lightgbm.__file__).parent
    shutil.copytree(own, package, ignore=shutil.ignore_patterns("__pycache__"))
    binary = package / "lib" / "lib_lightgbm.so"
    if not binary.is_file() or NEEDED not in binary.read_bytes():
        pytest.skip("this LightGBM carries its own libgomp")
    binary.write_bytes(binary.read_bytes().replace(NEEDED, ABSENT))
    return folder


def run(without_library: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """A command of this project with that LightGBM."""
    paths = os.pathsep.join([str(without_library), str(Path.cwd())])
    return subprocess.run(
        [sys.executable, "-m", "recommender.cli", *words],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": paths, "COLUMNS": "200"},
    )


@pytest.mark.slow
def test_a_server_does_not_start_without_a_library_that_lightgbm_needs(
    without_library: Path,
) -> None:
    refused = run(without_library, "serve", "--practice", "psychology")
    assert refused.returncode == 1
    assert SENTENCE in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.slow
def test_doctor_reports_the_library_once_and_goes_on(without_library: Path) -> None:
    report = json.loads(run(without_library, "doctor", "--json", "--bundle", "absent").stdout)
    named = [f"{fault['where']}: {fault['problem']}" for fault in report["faults"]]
    assert named.count(SENTENCE) == 1
    assert any(each.startswith("roster") for each in named)


@pytest.mark.slow
def test_a_refusal_as_json_names_the_library(without_library: Path) -> None:
    refused = run(without_library, "evaluate", "absent", "--json")
    assert [fault["where"] for fault in json.loads(refused.stdout)["faults"]] == ["libgomq.so.1"]


def test_the_loader_names_the_package_of_a_known_library() -> None:
    text = "libgomp.so.1: cannot open shared object file: No such file or directory"
    with pytest.raises(SystemLibraryError, match="apt-get install libgomp1"), named_libraries():
        raise OSError(text)


def test_the_loader_of_macos_is_understood() -> None:
    text = "dlopen(lib_lightgbm.dylib, 0x0006): Library not loaded: @rpath/libomp.dylib\n Reason"
    missing = missing_library(OSError(text))
    assert missing is not None
    assert missing.field == "libomp.dylib"
    assert "brew install libomp" in missing.remedy


def test_other_errors_pass_unchanged() -> None:
    with pytest.raises(FileNotFoundError), named_libraries():
        Path("absent").read_bytes()
    assert missing_library(ModuleNotFoundError("No module named 'mlflow'")) is None


def test_the_libraries_of_this_machine_suffice() -> None:
    require_lightgbm_libraries()
