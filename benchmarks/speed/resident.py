"""Resident memory of a process."""

import resource
import sys
from pathlib import Path

_KIB = 1024


def statuses(pid: int | str = "self") -> dict[str, int]:
    """What Linux says of a process's memory, in KiB: `VmRSS` now, `VmHWM` at most."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    fields = [line.split() for line in lines]
    return {field[0].removesuffix(":"): int(field[1]) for field in fields if field[-1] == "kB"}


def peak() -> int:
    """The largest resident size of this process, in bytes.

    On Linux not `ru_maxrss`: a process inherits that from the one that started it, however small it is itself.
    """
    if sys.platform.startswith("linux"):
        return statuses()["VmHWM"] * _KIB
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else _KIB)
