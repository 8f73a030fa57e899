"""Said beside true: pairs are counted once, where they belong."""

import numpy as np

from experiments.tie_calibration.__main__ import page, rows


def test_every_pair_stands_in_the_range_of_what_was_said_of_it() -> None:
    said = np.array([0.5, 0.59, 0.6, 0.95, 1.0])
    right = np.array([1.0, 0.0, 1.0, 1.0, 0.0])

    found = list(rows(said, right))
    assert [(span, pairs) for span, pairs, *_ in found] == [
        ("0.5 to 0.6", 2),
        ("0.6 to 0.7", 1),
        ("0.9 to 1.0", 2),
    ]
    assert [share for *_, share in found] == [0.5, 1.0, 0.5]


def test_practices_of_one_size_are_read_as_one() -> None:
    one = (np.array([0.7, 0.7]), np.array([1.0, 1.0]))
    other = (np.array([0.7, 0.7]), np.array([0.0, 1.0]))

    text = page({300: [one, other]}, 10)
    assert "## 300 ratings (2 practices, 10 test clients each)" in text
    assert "| 0.7 to 0.8 | 4 | 0.700 | 0.750 |" in text
