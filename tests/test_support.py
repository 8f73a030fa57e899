"""Test modules share through `tests/support`, and its index is complete."""

import ast
from pathlib import Path

TESTS = Path(__file__).parent


def imported_modules(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}


def test_test_modules_import_from_no_other_test_module() -> None:
    for path in TESTS.rglob("*.py"):
        others = {
            name
            for name in imported_modules(path)
            if name.startswith("tests.") and not name.startswith("tests.support")
        }
        assert not others, f"{path}: move what is shared to tests/support"


def test_the_index_names_every_module_of_support() -> None:
    index = (TESTS / "support" / "README.md").read_text(encoding="utf-8")
    modules = {path.stem for path in (TESTS / "support").glob("*.py")} - {"__init__"}
    assert {name for name in modules if f"`{name}`" not in index} == set()
