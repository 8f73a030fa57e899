"""Clients with equal answers, so that what the answers decide is computed once."""

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Places = NDArray[np.intp]


def rows_by_answers(
    answers: Sequence[NDArray[Any]], *more: Sequence[Hashable]
) -> dict[Hashable, Places]:
    """The rows of each different combination of answers, ascending, by a key of that.

    Parameters
    ----------
    answers
        Encoded answers of C clients, (C, ...) each.
    more
        What else of them is to be equal.

    Examples
    --------
    >>> [rows.tolist() for rows in rows_by_answers([np.array([1.0, np.nan, 1.0])]).values()]
    [[0, 2], [1]]
    """
    keys: list[Sequence[Hashable]] = [*more]
    keys += (each.tolist() for each in answers if each.dtype == object)
    numbers = [each.reshape(len(each), -1) for each in answers if each.dtype != object]
    if numbers:
        together = np.concatenate(numbers, axis=1)
        content, width = together.tobytes(), together.strides[0]
        keys.append([content[at : at + width] for at in range(0, len(content), width)])
    rows: dict[Hashable, list[int]] = {}
    for row, key in enumerate(keys[0] if len(keys) == 1 else zip(*keys, strict=True)):
        rows.setdefault(key, []).append(row)
    return {key: np.array(each) for key, each in rows.items()}
