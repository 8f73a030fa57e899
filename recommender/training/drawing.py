"""Where the parts of a figure are placed, computed once for all the files that it is saved as."""

from collections.abc import Iterator
from contextlib import contextmanager

from matplotlib.figure import Figure


@contextmanager
def placed(figure: Figure) -> Iterator[None]:
    """Computes the layout of a figure once; what is saved within uses it.

    `Figure.savefig` computes it anew for every file, and draws the figure a second time for that,
    which takes as long as the drawing itself. The figure has its layout engine again afterwards.
    """
    engine = figure.get_layout_engine()
    if engine is None:
        yield
        return
    engine.execute(figure)
    # With the placeholder that "none" sets, `savefig` would draw twice all the same.
    figure.set_layout_engine(None)
    try:
        yield
    finally:
        figure.set_layout_engine(engine)
