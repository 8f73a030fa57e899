"""Whatever resources hold, an import ends with tables and reasons, never with a traceback."""

import copy
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.examples import examples
from tests.support.fhir_practice import imported, whole_practice

JUNK: st.SearchStrategy[Any] = st.sampled_from(
    [
        None,
        "",
        "x",
        0,
        -1,
        1e9,
        True,
        [],
        {},
        [None],
        [{}],
        {"reference": "#x"},
        "2026",
        "Patient/1042",
    ]
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of all parts of a value."""
    if isinstance(value, dict):
        found = [places(each, (*path, key)) for key, each in value.items()]
    elif isinstance(value, list):
        found = [places(each, (*path, number)) for number, each in enumerate(value)]
    else:
        return [path]
    return [path, *(each for several in found for each in several)]


PRACTICE = whole_practice()
PLACES = [(number, p) for number, each in enumerate(PRACTICE) for p in places(each) if p]
DAMAGE = st.lists(st.tuples(st.sampled_from(PLACES), st.booleans(), JUNK), min_size=1, max_size=8)


@settings(max_examples=examples(20, 2000), deadline=None)
@given(DAMAGE)
def test_an_import_of_damaged_resources_accounts_for_all_of_them(
    damage: list[tuple[tuple[int, tuple[Any, ...]], bool, Any]],
) -> None:
    resources = copy.deepcopy(PRACTICE)
    for (number, path), is_removed, junk in damage:
        _damage(resources[number], path, is_removed=is_removed, junk=junk)
    _, report = imported(resources)
    for source in report.sources:
        assert source.read == source.used + sum(source.left_out.values())
    assert "Quandong" not in json.dumps(report.to_json())


def _damage(part: Any, path: tuple[Any, ...], *, is_removed: bool, junk: Any) -> None:
    """Removes or replaces a part; nothing where an earlier damage took the way to it."""
    for step in path[:-1]:
        if not _has(part, step):
            return
        part = part[step]
    if not _has(part, path[-1]):
        return
    if is_removed:
        del part[path[-1]]
    else:
        part[path[-1]] = junk


def _has(part: Any, step: Any) -> bool:
    if isinstance(part, list):
        return isinstance(step, int) and step < len(part)
    return isinstance(part, dict) and step in part
