"""Progress bars in a terminal and lines in a log."""

import sys

from hnn.parallel.progress import steps_of


class Terminal:
    """A stream that claims to be a terminal."""

    def __init__(self):
        self.text = ""

    def write(self, text):
        self.text += text

    def flush(self):
        pass

    def isatty(self):
        return True


def test_steps_of_is_silent_without_a_label(capsys):
    assert list(steps_of(3, None)) == [1, 2, 3]
    assert capsys.readouterr().err == ""


def test_steps_of_several_loops_prints_lines_to_a_log(capsys):
    bars = [steps_of(2, f"fit {k}") for k in range(3)]
    for bar in bars:
        bar.delay = 0
    for _ in zip(*bars, strict=True):
        pass
    printed = capsys.readouterr().err
    assert "\x1b" not in printed
    assert "\r" not in printed
    assert all(f"fit {k}: 100%" in printed for k in range(3))


def test_steps_of_in_a_terminal_leaves_the_last_state_as_a_line(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    assert list(steps_of(2, "fit")) == [1, 2]
    assert terminal.text.rstrip("\n").split("\r")[-1].startswith("fit: 100%")
    assert terminal.text.endswith("\n")
