"""How far a long run is: a line that is drawn over on a terminal, a line now and then in a log.

Not tqdm: the runtime has three dependencies, the share that is done is known in bytes while the speed is wanted in articles, and
a log is not to be filled with carriage returns.
"""

import time
from collections.abc import Callable
from typing import TextIO

_SECONDS_ON_A_TERMINAL = 0.2
_SECONDS_IN_A_LOG = 30.0


class Progress:
    """Writes to `out` how many articles are read, how fast, and how long the rest will take.

    `total`: bytes of the input, None when it is not known, as for standard input. Nothing is written when `quiet`.
    """

    def __init__(
        self, out: TextIO, total: int | None = None, quiet: bool = False, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._out = out
        self._total = total
        self._quiet = quiet
        self._clock = clock
        self._live = out.isatty()
        self._width = 0
        self._began = self._drawn = clock()
        self._first_byte = 0

    def begin(self, position: int) -> None:
        """The first article that is to be read stands before this byte; speed and remaining time count from here."""
        self._began = self._drawn = self._clock()
        self._first_byte = position

    def update(self, articles: int, position: int, bad: int = 0) -> None:
        """So many articles are read, and the input up to this byte."""
        now = self._clock()
        if self._quiet or now - self._drawn < (_SECONDS_ON_A_TERMINAL if self._live else _SECONDS_IN_A_LOG):
            return
        self._drawn = now
        line = self._line(articles, position, bad, now - self._began)
        if self._live:
            self._out.write("\r" + line.ljust(self._width))
            self._width = len(line)
        else:
            self._out.write(line + "\n")
        self._out.flush()

    def speed(self, articles: int) -> float:
        """Articles a second since the beginning."""
        return articles / max(self._clock() - self._began, 1e-9)

    def note(self, message: str) -> None:
        """A line that stays, quiet or not."""
        self.clear()
        self._out.write(message + "\n")
        self._out.flush()

    def clear(self) -> None:
        """Takes the line off the terminal."""
        if self._width:
            self._out.write("\r" + " " * self._width + "\r")
            self._out.flush()
            self._width = 0

    def _line(self, articles: int, position: int, bad: int, seconds: float) -> str:
        parts = [f"{articles:,} articles", f"{articles / max(seconds, 1e-9):.1f}/s"]
        if self._total:
            parts.append(f"{min(1.0, position / self._total):.0%}")
            if position > self._first_byte:
                left = seconds * max(0, self._total - position) / (position - self._first_byte)
                parts.append(f"{_duration(left)} left")
        if bad:
            parts.append(f"{bad:,} skipped")
        return "   ".join(parts)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"
