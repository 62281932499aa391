"""Progress bars in a log."""

from hnn.parallel.progress import steps_of


def test_steps_of_prints_lines_to_a_log_and_nothing_without_a_label(capsys):
    assert list(steps_of(3, None)) == [1, 2, 3]
    assert capsys.readouterr().err == ""
    bar = steps_of(2, "fit")
    bar.delay = 0
    assert list(bar) == [1, 2]
    assert "\r" not in capsys.readouterr().err


def test_steps_of_several_bars_moves_no_cursor_in_a_log(capsys):
    bars = [steps_of(2, f"fit {k}") for k in range(3)]
    for bar in bars:
        bar.delay = 0
    for _ in zip(*bars, strict=True):
        pass
    printed = capsys.readouterr().err
    assert "\x1b" not in printed
    assert "\r" not in printed
    assert all(f"fit {k}: 100%" in printed for k in range(3))
