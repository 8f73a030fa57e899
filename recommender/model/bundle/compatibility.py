"""Differences between the names and definitions that a bundle learned with and those of now."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from recommender.practice.definition import Practice

MAX_NAMES = 5
"""Names listed of each kind; more are counted."""
NAMED = ("groups", "instruments", "client", "clinician", "matches", "constraints")
SINGLE = ("id", "version", "title", "timezone", "currency", "consent")
WHOLE = ("card", "alliance", "history", "funding")
_PLAIN = re.compile(r"[A-Za-z0-9_.:=-]{1,120}")


@dataclass(frozen=True, slots=True)
class DeclarationDiff:
    """Names that were added, removed, moved to another position, or changed in their meaning."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    moved: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.moved or self.changed)

    def __str__(self) -> str:
        kinds = ("added", "removed", "moved", "changed")
        return ", ".join(
            _describe(kind, getattr(self, kind)) for kind in kinds if getattr(self, kind)
        )


def diff_names(learned: Sequence[str], now: Sequence[str]) -> DeclarationDiff:
    """How a list of names differs from the one a model learned with."""
    ours, theirs = set(now), set(learned)
    both = [name for name in learned if name in ours]
    here = [name for name in now if name in theirs]
    in_place = {
        name
        for block in SequenceMatcher(None, both, here, autojunk=False).get_matching_blocks()
        for name in both[block.a : block.a + block.size]
    }
    return DeclarationDiff(
        added=tuple(name for name in now if name not in theirs),
        removed=tuple(name for name in learned if name not in ours),
        moved=tuple(name for name in here if name not in in_place),
    )


def diff_practices(learned: Practice, now: Practice) -> DeclarationDiff:
    """How a definition differs from the one a model learned with; comments do not count."""
    before, after = _declared(learned), _declared(now)
    names = diff_names(tuple(before), tuple(after))
    changed = (name for name in after if name in before and before[name] != after[name])
    return DeclarationDiff(names.added, names.removed, names.moved, tuple(changed))


def _declared(practice: Practice) -> dict[str, object]:
    """Every declaration, by the name it has in the file."""
    declared = {f"practice.{name}": getattr(practice, name) for name in SINGLE}
    declared |= {name: getattr(practice, name) for name in WHOLE}
    for section in NAMED:
        each = getattr(practice, section)
        declared |= {f"{section}.{name}": value for name, value in each.items()}
    return declared


def _describe(kind: str, names: tuple[str, ...]) -> str:
    # A foreign bundle chooses its names, and they are printed and logged.
    shown = [
        name if _PLAIN.fullmatch(name) else "an unprintable name" for name in names[:MAX_NAMES]
    ]
    more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    return f"{kind} {' '.join(shown)}{more}"
