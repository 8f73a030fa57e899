"""What a notebook shows: every text escaped, long tables cut, nothing for what is missing."""

import numpy as np
import pandas as pd

from recommender.notebook import html

HOSTILE = '<script>alert("x")</script>'


def test_every_text_is_escaped() -> None:
    frame = pd.DataFrame({HOSTILE: [HOSTILE, (HOSTILE, 1)]})
    shown = html.block(
        HOSTILE,
        html.paragraph(HOSTILE),
        html.bullets([HOSTILE], HOSTILE),
        html.table(frame, HOSTILE),
    )

    assert "<script" not in shown
    assert shown.count("&lt;script&gt;") == 8


def test_a_long_table_is_cut_and_says_so() -> None:
    shown = html.table(pd.DataFrame({"n": range(1_234)}))

    assert shown.count("<tr") == html.MAX_ROWS + 1
    assert "20 of 1,234 rows" in shown


def test_missing_cells_are_empty_and_numbers_are_rounded() -> None:
    shown = html.table(pd.DataFrame({"x": [1.2345, np.nan]}))

    assert "1.23" in shown
    assert "nan" not in shown.lower()


def test_nothing_is_shown_of_nothing() -> None:
    assert html.table(pd.DataFrame()) == html.bullets([]) == ""
