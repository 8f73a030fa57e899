import io

import pytest
from matplotlib.figure import Figure

from recommender.training.drawing import placed
from recommender.training.plots import importance


def a_figure() -> Figure:
    return importance(["style", "concerns and focus", "times"], [[0.1, 0.2, 0.3]], "points").figure


def as_png(figure: Figure) -> bytes:
    written = io.BytesIO()
    figure.savefig(written, format="png", dpi=150)
    return written.getvalue()


def test_a_picture_is_the_one_that_matplotlib_lays_out_by_itself() -> None:
    figure = a_figure()
    with placed(figure):
        once = as_png(figure)

    assert once == as_png(a_figure())


def test_the_layout_is_computed_once_for_several_files(monkeypatch: pytest.MonkeyPatch) -> None:
    figure = a_figure()
    engine = figure.get_layout_engine()
    assert engine is not None
    computed: list[Figure] = []
    compute = engine.execute

    def counted(fig: Figure) -> None:
        computed.append(fig)
        compute(fig)

    monkeypatch.setattr(engine, "execute", counted)
    with placed(figure):
        as_png(figure)
        figure.savefig(io.BytesIO(), format="svg")

    assert computed == [figure]


def test_a_figure_has_its_layout_engine_again_also_after_an_error() -> None:
    figure = a_figure()
    engine = figure.get_layout_engine()
    with pytest.raises(OSError, match="no space"), placed(figure):
        raise OSError("no space")

    assert engine is not None
    assert figure.get_layout_engine() is engine


def test_a_figure_without_a_layout_engine_is_left_as_it_is() -> None:
    figure = Figure()
    axes = figure.subplots()
    before = axes.get_position().bounds
    with placed(figure):
        as_png(figure)

    assert axes.get_position().bounds == before
