"""Reports what `"*"` of a value map stood for: a misspelling would be hidden by it."""

import difflib
from collections.abc import Sequence

from recommender.importing.cell_values import OTHER_VALUES, cell_parts, folded, levels_by_word
from recommender.importing.import_report import ImportLog, shareable_counts
from recommender.importing.mapping_file import Cell
from recommender.importing.source_files import Source
from recommender.practice.fields import Field
from recommender.values.kinds import RawValue, is_missing

SIMILAR = 0.7
"""Similarity from which on a value may be a misspelling of another, as `difflib` has it."""


def note_other_values(
    source: Source, spec: Cell, declared: Field, cells: Sequence[RawValue], log: ImportLog
) -> None:
    """Notes the values that only `"*"` names, with counts; rare ones are counted together."""
    if OTHER_VALUES not in spec.values:
        return
    known = {folded(name) for name in spec.values if name != OTHER_VALUES}
    known |= set(levels_by_word(declared))
    other = [
        part.strip()
        for cell in cells
        if not is_missing(cell)
        for part in cell_parts(spec, cell, declared)
        if folded(part) not in known
    ]
    if not other:
        return
    counts = shareable_counts(other)
    named = [f"{value} ({count:,}{_hint(value, known)})" for value, count in counts.items()]
    rare = len(other) - sum(counts.values())
    if rare:
        named.append(f"{rare:,} with values that are too rare or too many to be listed")
    column = " or ".join(names[0] for names in spec.named)
    meaning = spec.values[OTHER_VALUES]
    meant = "nothing stands" if meaning == "" else f"{str(meaning).lower()} stands"
    log.note(
        f'{source.label}, {column}: {meant} for these values, which only "*" of '
        f"{declared.name} names: {', '.join(named)}."
    )


def _hint(value: str, known: set[str]) -> str:
    near = difflib.get_close_matches(folded(value), sorted(known), n=1, cutoff=SIMILAR)
    return f", did you mean {near[0]}?" if near else ""
