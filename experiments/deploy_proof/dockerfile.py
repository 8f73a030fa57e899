"""Stages and instructions of a Dockerfile."""

import json
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path

KNOWN = frozenset(
    {"ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "HEALTHCHECK", "RUN", "USER", "WORKDIR"}
)


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction: its keyword in capitals, and the rest of its line."""

    keyword: str
    text: str

    @property
    def words(self) -> list[str]:
        """The arguments: of the JSON form, or as a shell splits them."""
        return json.loads(self.text) if self.text.startswith("[") else shlex.split(self.text)


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage: its name, the image or stage it begins with, and its instructions in order."""

    name: str
    base: str
    instructions: list[Instruction] = field(default_factory=list)


def read_dockerfile(path: Path) -> list[Stage]:
    """The stages of a Dockerfile in order.

    Raises
    ------
    ValueError
        For an instruction that is not among those that this project uses.
    """
    stages: list[Stage] = []
    for line in _lines(path.read_text("utf-8")):
        keyword, _, rest = line.partition(" ")
        keyword, rest = keyword.upper(), rest.strip()
        if keyword == "FROM":
            base, _, name = re.split(r"\s+(as)\s+", rest, maxsplit=1, flags=re.IGNORECASE)
            stages.append(Stage(name, base))
        elif keyword in KNOWN and stages:
            stages[-1].instructions.append(Instruction(keyword, rest))
        else:
            raise ValueError(f"{path.name}: {keyword} is not an instruction that is understood")
    return stages


def _lines(text: str) -> list[str]:
    """Lines without comments, continued lines joined."""
    rows = [row for row in text.splitlines() if not row.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(rows))
    return [row.strip() for row in joined.splitlines() if row.strip()]
