"""A digest of what a figure came from: whatever changes it calls for a rerun, and prose does not.

What counts is the code, and of the definition what is learned from. Comments and docstrings do not
count, nor does what only says who may be offered.
"""

import ast
import hashlib
import json
import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from experiments.bake_off.answer import Entrant

ROOT = Path(__file__).parents[2]
CLOSURE = "closure of "
WORLD = ("experiments.simulated_practice.*", "recommender.values.kinds")
MEASURED = (
    "experiments.known_truth",
    "experiments.bake_off.arena",
    "experiments.bake_off.later",
    "experiments.bake_off.figures",
)


UNLEARNED = (
    "recommender.practice.funding",
    "recommender.practice.week_calendar",
    *(
        f"recommender.practice.rules.{name}"
        for name in (
            "catalogue",
            "constraint",
            "declaration",
            "functions",
            "minimal_changes",
            "rule_input",
            "time_rules",
        )
    ),
    "experiments.simulated_practice.paperwork",
)
"""Who may be offered, and the fields that only this reads: a fit runs none of it, and no cell or
truth that a learner sees depends on it. Both are tested."""
PRACTICES = ROOT / "recommender" / "practice" / "shipped"
PROSE = frozenset({"phrase", "otherwise", "purpose", "missing", "source", "title"})
HEADING = ("id", "timezone", "currency", "consent")
"""Of the practice itself. Its version is not among them, since any change of a rule makes a new
one."""


def version_of(entrant: Entrant) -> str:
    """Twelve digits that change with the learner, the simulator, the figures or what is learned."""
    reached = {name for each in (*entrant.modules, *WORLD, *MEASURED) for name in _all(each)}
    modules = sorted(reached - set(UNLEARNED))
    digest = hashlib.sha256(_definition())
    for module in modules:
        digest.update(f"{module}\n{_code(module)}\n".encode())
    return digest.hexdigest()[:12]


@cache
def _definition() -> bytes:
    instruments = tomllib.loads((PRACTICES / "instruments.toml").read_text(encoding="utf-8"))
    practice = tomllib.loads((PRACTICES / "psychology.toml").read_text(encoding="utf-8"))
    told = (learned_of(practice), instruments)
    return json.dumps(told, default=str).encode()


def learned_of(practice: Mapping[str, Any]) -> dict[str, Any]:
    """What a learner reads of a definition, prose left out.

    The order of what remains counts: columns stand in the order of the file.
    """
    matches = practice["matches"]
    kept = {
        "practice": {name: practice["practice"].get(name) for name in HEADING},
        "groups": list(practice["groups"]),
    }
    for name in ("alliance", "instruments", "history"):
        kept[name] = _without_prose(practice.get(name, {}))
    for side in ("client", "clinician"):
        compared = {name for match in matches.values() for name in _names(match[side])}
        kept[side] = {
            name: _without_prose(field)
            for name, field in practice[side].items()
            if field["use"] == "score" or name in compared
        }
    return {**kept, "matches": {name: _without_prose(match) for name, match in matches.items()}}


def _names(declared: str | list[str]) -> list[str]:
    return [declared] if isinstance(declared, str) else declared


def _without_prose(declared: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: _without_prose(value) if isinstance(value, dict) else value
        for key, value in declared.items()
        if key not in PROSE
    }


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
