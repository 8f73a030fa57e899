"""Every command that a message or a page prints runs as printed, or names what it needs."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.documented_commands import (
    BLOCK,
    PAGES,
    PROGRAM,
    ROOT,
    commands_of,
    missing_of,
)

MODULES = sorted((ROOT / "recommender").rglob("*.py"))
COMMANDS: dict[str, Any] = getattr(PROGRAM, "commands", {})
STARTS = rf"(?<![\w-])recommender (?:{'|'.join(COMMANDS)})\b"
COMMAND = re.compile(rf"{STARTS}(?:(?!{STARTS})[^`\n])*")
END = re.compile(r"[.;,)](?= |$)| \(| >| …")
VALUE = "{}"
"""Stands for what a message fills in."""
DESCRIBED = (
    "that `recommender backup` wrote",
    "written by `recommender share export`",
    "Every `recommender train` registers",
    "`recommender rollback` sets it back",
    "`recommender allocate` has no limit",
    "each endpoint of `recommender webhooks add` that subscribed",
)
"""What says which command did something, and asks nobody to run it."""


def texts_of(module: ast.Module) -> Iterator[str]:
    """The texts of a module that are no docstrings, with `VALUE` where something is filled in."""
    formatted = [node for node in ast.walk(module) if isinstance(node, ast.JoinedStr)]
    apart = {part for node in formatted for part in node.values}
    apart |= {node.value for node in ast.walk(module) if isinstance(node, ast.Expr)}
    for node in formatted:
        text = "".join(
            str(part.value) if isinstance(part, ast.Constant) else VALUE for part in node.values
        )
        # Directly after a word only options are filled in.
        yield re.sub(rf"(?<=\w){re.escape(VALUE)}", "", text)
    for each in ast.walk(module):
        if isinstance(each, ast.Constant) and isinstance(each.value, str) and each not in apart:
            yield each.value


def commands_in(text: str) -> Iterator[str]:
    """The commands in a text, each up to the end of its clause."""
    for described in DESCRIBED:
        text = text.replace(described, "")
    for found in COMMAND.findall(text):
        yield END.split(found)[0]


def lacking_of(line: str) -> list[str]:
    """What a command needs and a line does not give, unless the environment may have it."""
    words: list[str] = line.split()[1:]
    command: Any = PROGRAM
    while words and words[0] in getattr(command, "commands", ()):
        command = command.commands[words.pop(0)]
    if command.context_settings.get("ignore_unknown_options") or "--help" in words:
        return []
    options = [each for each in command.params if each.param_type_name == "option"]
    arguments = [each for each in command.params if each.param_type_name == "argument"]
    with_value = {name for each in options if not each.is_flag for name in each.opts}
    given, values = set(), 0
    while words:
        word = words.pop(0)
        name, has_value, _ = word.partition("=")
        if not word.startswith("-"):
            values += 1
        elif name in with_value and not has_value and words:
            words.pop(0)
        given.add(name)
    needed = [each.name for each in arguments if each.required][values:]
    missed = [each for each in options if each.required and not each.envvar]
    return [*needed, *(each.opts[0] for each in missed if given.isdisjoint(each.opts))]


def test_nobody_who_runs_the_command_of_a_message_is_refused_for_a_missing_argument() -> None:
    found = [
        (path.relative_to(ROOT), line, lacking)
        for path in MODULES
        for text in texts_of(ast.parse(path.read_text(encoding="utf-8")))
        for line in commands_in(text)
        if (lacking := [*missing_of(line), *lacking_of(line)])
    ]
    assert found == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_nobody_who_copies_a_block_of_a_page_is_refused_for_a_missing_argument(page: Path) -> None:
    blocks = "\n".join(
        f"```\n{block}```" for block in BLOCK.findall(page.read_text(encoding="utf-8"))
    )
    wrong = {line: found for line in commands_of(blocks) if (found := lacking_of(line))}
    assert wrong == {}


def test_what_a_command_lacks_is_found() -> None:
    text = (
        "see `recommender check` first, or `recommender keys create NAME --role admin`; then end "
        "it: recommender trial stop. Next: recommender promote --dry-run"
    )
    assert {line: lacking_of(line) for line in commands_in(text)} == {
        "recommender check": ["data"],
        "recommender keys create NAME --role admin": [],
        "recommender trial stop": ["--reason"],
        "recommender promote --dry-run": [],
    }
