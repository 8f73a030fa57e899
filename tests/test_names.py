"""Names a stranger can read: no class twice, no constant twice, no private dialect."""

import ast
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

import recommender

ROOT = Path(recommender.__file__).parent
MODULES = sorted(ROOT.rglob("*.py"))

DIALECT = frozenset(
    [
        "told",
        "said",
        "kept",
        "made",
        "stands",
        "stood",
        "mend",
        "door",
        "shelf",
        "sieve",
        "crowd",
        "whoever",
    ]
)
"""Words that meant something only to their authors; a name says what it holds or does."""

IMPOSED = frozenset(["connection_made"])
"""Names of methods that a library calls."""

PHRASES = (
    r"\bImported (by|within)\b",
    r"\b(mend|mends|mended|whoever|whomever|sieve|crowd|shelf)\b",
    r"told as|stands at the door|takes? up|took up|let in\b|who stands",
    r"reference/|practice brief|methods study",
    r"\b(TODO|FIXME|XXX)\b",
)


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_a_public_class_name_exists_once() -> None:
    places = defaultdict(list)
    for path in MODULES:
        for node in tree_of(path).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(named(path))
    assert {name: where for name, where in places.items() if len(where) > 1} == {}


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_no_module_assigns_an_upper_case_name_twice(path: Path) -> None:
    count = Counter(name for name in constants(tree_of(path).body) if name.isupper())
    assert [name for name, times in count.items() if times > 1] == []


def constants(body: list[ast.stmt]) -> Iterator[str]:
    for node in body:
        targets = node.targets if isinstance(node, ast.Assign) else []
        if isinstance(node, ast.AnnAssign):
            targets = [node.target]
        for target in targets:
            yield from (part.id for part in ast.walk(target) if isinstance(part, ast.Name))


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_no_name_is_a_word_of_a_private_dialect(path: Path) -> None:
    found = {name for name in defined(tree_of(path)) if DIALECT & set(name.lower().split("_"))}
    assert found - IMPOSED == set()


def defined(tree: ast.Module) -> Iterator[str]:
    """Every name that a module gives to something."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr
        elif isinstance(node, ast.alias) and node.asname:
            yield node.asname


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_no_text_of_a_module_is_in_a_private_dialect(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    found = [match.group(0) for phrase in PHRASES for match in re.finditer(phrase, text)]
    assert found == []
