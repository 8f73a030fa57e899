"""Progress in a notebook is one line that changes; elsewhere output stays clean."""

import sys
from types import SimpleNamespace

import pytest

from recommender.notebook.progress import shown_progress


class Handle:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def update(self, line: str) -> None:
        self.lines.append(line)


def test_a_notebook_shows_each_step_escaped_and_then_the_seconds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    handle = Handle()
    shown = SimpleNamespace(display=lambda line, display_id: handle, HTML=str)
    kernel = SimpleNamespace(get_ipython=lambda: SimpleNamespace(kernel=True), display=shown)
    monkeypatch.setitem(sys.modules, "IPython", kernel)
    monkeypatch.setitem(sys.modules, "IPython.display", shown)
    with shown_progress("Fitting", show=True) as report:
        report("<b>trees</b>", 0.5)

    assert "&lt;b&gt;trees" in handle.lines[0]
    assert 'value="0.50"' in handle.lines[0]
    assert handle.lines[1].startswith("<small>Fitting: done in ")


@pytest.mark.parametrize("show", [True, False])
def test_output_to_a_file_has_no_progress(show: bool, capsys: pytest.CaptureFixture[str]) -> None:
    with shown_progress("Fitting", show=show) as report:
        report("trees", 0.5)

    assert capsys.readouterr() == ("", "")


def test_a_terminal_shows_the_step_on_standard_error_and_removes_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    with shown_progress("Fitting", show=True) as report:
        report("trees", 1.0)

    printed = capsys.readouterr()
    assert printed.out == ""
    assert "Fitting: trees" in printed.err
