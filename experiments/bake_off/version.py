"""A digest of the code a figure came from, so that changed code calls for a rerun and prose not.

Comments and docstrings do not count. Imported by `run` and `tables`.
"""

import ast
import hashlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from experiments.bake_off.answer import Entrant

ROOT = Path(__file__).parents[2]
CLOSURE = "closure of "
WORLD = ("experiments.simulated_practice.*", "recommender.definition.encoding")
MEASURED = (
    "experiments.known_truth",
    "experiments.bake_off.arena",
    "experiments.bake_off.later",
    "experiments.bake_off.figures",
)


def version_of(entrant: Entrant) -> str:
    """Twelve digits that change with the learner, the simulator, the figures or the definition."""
    modules = sorted(
        {name for each in (*entrant.modules, *WORLD, *MEASURED) for name in _all(each)}
    )
    digest = hashlib.sha256(_definition())
    for module in modules:
        digest.update(f"{module}\n{_code(module)}\n".encode())
    return digest.hexdigest()[:12]


@cache
def _definition() -> bytes:
    return (ROOT / "recommender" / "practices" / "psychology.toml").read_bytes()


@cache
def _all(name: str) -> tuple[str, ...]:
    """The modules a name stands for: itself, a whole folder, or all that one imports of ours."""
    if name.startswith(CLOSURE):
        return tuple(sorted(_reached([name.removeprefix(CLOSURE)])))
    if not name.endswith(".*"):
        return (name,)
    folder = ROOT / name.removesuffix(".*").replace(".", "/")
    files = sorted(path for path in folder.glob("*.py") if not path.name.startswith("__"))
    return tuple(f"{name.removesuffix('.*')}.{path.stem}" for path in files)


def _reached(names: Iterable[str]) -> set[str]:
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found and _path(name).exists():
            found.add(name)
            waiting += _imported(name)
    return found


@cache
def _imported(name: str) -> tuple[str, ...]:
    """Modules of ours that a module names in an import."""
    tree = ast.parse(_path(name).read_text(encoding="utf-8"))
    named = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            named += [node.module, *(f"{node.module}.{part.name}" for part in node.names)]
        elif isinstance(node, ast.Import):
            named += [part.name for part in node.names]
    return tuple(each for each in named if each.startswith(("recommender", "experiments")))


@cache
def _code(name: str) -> str:
    """A module as code alone."""
    tree = ast.parse(_path(name).read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            # A bare string says something and does nothing: docstrings of all kinds.
            node.body = [part for part in body if not _is_prose(part)]  # type: ignore[attr-defined]
    return ast.unparse(tree)


def _is_prose(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _path(name: str) -> Path:
    return ROOT / f"{name.replace('.', '/')}.py"
