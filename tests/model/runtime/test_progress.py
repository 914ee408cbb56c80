"""The progress line: on a terminal, in a log, with and without an end in sight."""

import io

import pytest

from model.runtime.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_terminals_line_is_drawn_over(clock: Clock) -> None:
    out = Terminal()
    progress = Progress(out, total=1_000, clock=clock)
    clock.now += 50
    progress.begin(200)
    clock.now += 10
    progress.update(40, 400, 2)
    assert out.getvalue() == "\r40 articles   4.0/s   40%   0:00:30 left   2 skipped"
    clock.now += 0.1
    progress.update(41, 410, 2)
    clock.now += 10
    progress.update(2_000, 1_000)
    last = out.getvalue().split("\r")[-1]
    assert out.getvalue().count("\r") == 2 and last.rstrip() == "2,000 articles   99.5/s   100%   0:00:00 left"
    progress.note("a bad one")
    assert out.getvalue().endswith("\r" + " " * len(last.rstrip()) + "\ra bad one\n")


def test_a_log_gets_a_line_now_and_then(clock: Clock) -> None:
    out = io.StringIO()
    progress = Progress(out, clock=clock)
    for second in range(100):
        clock.now += 1
        progress.update(second, 0)
    assert out.getvalue().splitlines() == ["29 articles   1.0/s", "59 articles   1.0/s", "89 articles   1.0/s"]
    progress.clear()
    assert len(out.getvalue().splitlines()) == 3


def test_quiet_tells_only_what_is_wrong(clock: Clock) -> None:
    out = Terminal()
    progress = Progress(out, total=10, quiet=True, clock=clock)
    clock.now += 100
    progress.update(5, 5)
    progress.note("a bad one")
    assert out.getvalue() == "a bad one\n"
