"""Commands of `recommender` that pages of documentation name, and what is missing of them."""

import re
from collections.abc import Iterator
from pathlib import Path

import typer.main

from recommender.cli.main import app

ROOT = Path(__file__).parents[2]
PAGES = [
    *sorted((ROOT / "docs").rglob("*.md")),
    *(ROOT / name for name in ("README.md", "SECURITY.md", "deploy/README.md")),
]
PROGRAM = typer.main.get_command(app)
BLOCK = re.compile(r"```[a-z]*\n(.*?)```", re.DOTALL)
INLINE = re.compile(r"`([^`]+)`")
ENVIRONMENT = re.compile(r"^(?:\$ )?(?:[A-Z_]+=\S+ )*")


def commands_of(page: str) -> Iterator[str]:
    """Lines of blocks and inline code that call `recommender`, without comments."""
    blocks = "\n".join(BLOCK.findall(page)).replace("\\\n", " ").splitlines()
    inline = INLINE.findall(BLOCK.sub("", page))
    for written in (*blocks, *(" ".join(each.split()) for each in inline)):
        line = ENVIRONMENT.sub("", written.split("#")[0].strip())
        if line.startswith("recommender "):
            yield line


def missing_of(line: str) -> list[str]:
    """Subcommands and options of a line that do not exist."""
    words = line.split()[1:]
    command = PROGRAM
    while words and not words[0].startswith("-"):
        commands = getattr(command, "commands", None)
        if commands is None:
            break
        name = words.pop(0).rstrip(",;")
        if name not in commands:
            return [name]
        command = commands[name]
    if command.context_settings.get("ignore_unknown_options"):  # another program reads them
        return []
    known = {option for each in command.params for option in (*each.opts, *each.secondary_opts)}
    given = {re.split("[=,]", word)[0] for word in words if word.startswith("--")}
    return sorted(given - known - {"--help", "--"})
