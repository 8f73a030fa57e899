"""Removes what an image does not run from a virtual environment, and compiles what it does.

    python3 slim_environment.py ENVIRONMENT MODULE...

Removed are packages' own tests, C headers and static libraries. Compiled are the modules that
importing the named ones loads: the rest would double the size of an image and is rarely run.
"""

import compileall
import py_compile
import shutil
import subprocess
import sys
from pathlib import Path

NUMERICAL = ("numpy", "pandas", "pyarrow", "scipy", "sklearn")
"""Packages that ship their tests, which nothing else imports."""
IMPORTED = """
import importlib, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
print(*(m.__file__ for m in sys.modules.values() if getattr(m, "__file__", None)), sep="\\n")
"""


def remove_tests(packages: Path) -> None:
    """Removes tests, headers and static libraries of the numerical packages."""
    for package in NUMERICAL:
        for folder in sorted((packages / package).rglob("*")):
            if folder.is_dir() and folder.name in ("tests", "include"):
                shutil.rmtree(folder)
        for file in (packages / package).rglob("*.a"):
            file.unlink()


def compile_imported(python: Path, modules: list[str]) -> int:
    """Compiles every module that importing these loads; the number of files."""
    done = subprocess.run(
        [python, "-c", IMPORTED, *modules], check=True, capture_output=True, text=True
    )
    inside = str(python.parents[1])
    files = {each for each in done.stdout.split() if each.endswith(".py") and inside in each}
    for file in files:
        # Not by time of the source: copying an image's layer may change it.
        mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
        compileall.compile_file(file, quiet=1, invalidation_mode=mode)
    return len(files)


def main() -> None:
    """Slims the environment named on the command line."""
    environment, *modules = sys.argv[1:]
    root = Path(environment)
    (packages,) = (root / "lib").glob("python3*/site-packages")
    remove_tests(packages)
    compiled = compile_imported(root / "bin" / "python3", modules)
    size = sum(each.lstat().st_size for each in root.rglob("*") if each.is_file())
    sys.stdout.write(f"{compiled} modules compiled; {size / 1e6:.0f} MB\n")


if __name__ == "__main__":
    main()
