"""Names a missing shared library of the operating system that a compiled package needs."""

import ctypes
import importlib.util
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from recommender.errors import SystemLibraryError

_MISSING = re.compile(
    r"(?P<linux>[\w.+-]+\.so[.\d]*): cannot open shared object file"
    r"|Library not loaded: (?:\S*/)?(?P<macos>[\w.+-]+\.dylib)"
)
"""How the loaders of Linux and macOS name a library that is missing."""
INSTALLED_BY: Mapping[str, str] = {
    "libgomp.so.1": "run `apt-get install libgomp1` (Debian, Ubuntu) or `dnf install libgomp`",
    "libstdc++.so.6": "run `apt-get install libstdc++6` (Debian) or `dnf install libstdc++`",
    "libomp.dylib": "run `brew install libomp`",
}
"""The command that installs a library, by its name."""
LIGHTGBM_NAMES = ("lib_lightgbm.so", "lib_lightgbm.dylib", "lib_lightgbm.dll")


def missing_library(error: BaseException) -> SystemLibraryError | None:
    """The error that names the missing shared library; None where another reason caused `error`.

    >>> text = "libgomp.so.1: cannot open shared object file: No such file or directory"
    >>> print(missing_library(OSError(text)))
    libgomp.so.1: is a library of the operating system that is not installed; \
run `apt-get install libgomp1` (Debian, Ubuntu) or `dnf install libgomp`
    """
    if not isinstance(error, OSError | ImportError):
        return None
    found = _MISSING.search(str(error))
    if found is None:
        return None
    name = found["linux"] or found["macos"]
    remedy = INSTALLED_BY.get(name, "install the package of this system that contains it")
    return SystemLibraryError(
        name, "is a library of the operating system that is not installed", remedy
    )


@contextmanager
def named_libraries() -> Iterator[None]:
    """Turns the loader's error for a missing shared library into one with its name and remedy.

    Raises
    ------
    SystemLibraryError
        When a compiled package cannot be loaded because a shared library is missing.
    """
    try:
        yield
    except (OSError, ImportError) as error:
        missing = missing_library(error)
        if missing is None:
            raise
        raise missing from None


def require_lightgbm_libraries() -> None:
    """Loads LightGBM's shared library without LightGBM itself, which takes a second.

    Raises
    ------
    SystemLibraryError
        When a library of the operating system that it needs is missing.
    """
    found = importlib.util.find_spec("lightgbm")
    folders = [] if found is None else found.submodule_search_locations or []
    files = (Path(folder) / "lib" / name for folder in folders for name in LIGHTGBM_NAMES)
    for file in files:
        if file.is_file():
            with named_libraries():
                ctypes.CDLL(str(file))
            return
