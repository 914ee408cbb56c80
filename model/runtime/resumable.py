"""The output of a long run, which the next run goes on with.

While it is written, the output is `NAME.part`: plain lines, appended and flushed, so that a killed run loses what it had not yet
written and nothing else. When it is whole it is renamed to NAME, compressed before when NAME ends in `.gz`. So a file under the
name itself is always whole, as everywhere in this project.

A later run with the same name goes on with the part file (its last line is cut off when it is only half there), or with the whole
file: when there are new articles it is copied to a part file, which replaces it in the end.
"""

import gzip
import json
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Protocol, cast

from .errors import DataError
from .records import IdSet

if sys.platform != "win32":
    import fcntl

PART = ".part"


class Output(Protocol):
    """Where documents go to. `done`: the ids of those that are there already."""

    done: IdSet

    def write(self, lines: bytes) -> None:
        """Appends whole lines, to be seen by others at once."""

    def complete(self) -> None:
        """All that there was to write is written."""


class StreamOutput:
    """A stream that cannot be gone on with: standard output, a pipe, a device."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.done = IdSet()
        self._stream = stream

    def write(self, lines: bytes) -> None:
        self._stream.write(lines)
        self._stream.flush()

    def complete(self) -> None:
        self._stream.flush()


class ResumableOutput:
    """A file, see above. DataError when it cannot be written, is not of this program, or is being written by another run."""

    def __init__(self, path: Path, overwrite: bool = False) -> None:
        self.done = IdSet()
        self._path = path
        self._part_path = path.with_name(path.name + PART)
        self._part: IO[bytes] | None = None
        path.parent.mkdir(parents=True, exist_ok=True)
        if self._part_path.exists() or overwrite or not path.exists():
            self._part = self._open_part()
            if overwrite:
                self._part.truncate(0)
            self._cut_last_line(self._part)
            self._part.seek(0)
            self.done = _ids(self._part, self._part_path)
            self._part.seek(0, os.SEEK_END)
        else:
            with open_lines(path) as lines:
                self.done = _ids(lines, path)

    def write(self, lines: bytes) -> None:
        if self._part is None:
            self._part = self._copy()
        self._part.write(lines)
        self._part.flush()

    def complete(self) -> None:
        if self._part is None:
            return
        self._part.flush()
        os.fsync(self._part.fileno())
        if self._path.suffix == ".gz":
            temporary = self._path.with_name(f".{self._path.name}.{os.getpid()}.tmp")
            try:
                self._part.seek(0)
                with gzip.open(temporary, "wb") as out:
                    shutil.copyfileobj(self._part, out)
                temporary.replace(self._path)
            finally:
                temporary.unlink(missing_ok=True)
            self._part.close()
            self._part_path.unlink()
        else:
            self._part.close()
            self._part_path.replace(self._path)
        self._part = None

    def close(self) -> None:
        """Leaves the part file for the next run, unless there is nothing in it."""
        if self._part is None:
            return
        self._part.close()
        self._part = None
        if self._part_path.stat().st_size == 0:
            self._part_path.unlink()

    def _open_part(self) -> IO[bytes]:
        part = self._part_path.open("a+b")
        if sys.platform != "win32":
            try:
                fcntl.flock(part, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                part.close()
                raise DataError(f"{self._part_path}: another run is writing it") from None
        return part

    def _copy(self) -> IO[bytes]:
        """The whole file as the beginning of a part file. Renamed once it is whole: half a copy would be gone on with."""
        temporary = self._path.with_name(f".{self._path.name}.{os.getpid()}.tmp")
        try:
            with open_lines(self._path) as lines, temporary.open("wb") as copy:
                shutil.copyfileobj(lines, copy)
            with temporary.open("r+b") as copy:
                self._cut_last_line(copy)
            temporary.replace(self._part_path)
        finally:
            temporary.unlink(missing_ok=True)
        part = self._open_part()
        part.seek(0, os.SEEK_END)
        return part

    @staticmethod
    def _cut_last_line(file: IO[bytes]) -> None:
        """Cuts off what stands after the last end of a line."""
        end = file.seek(0, os.SEEK_END)
        kept = end
        while kept:
            start = max(0, kept - 2**16)
            file.seek(start)
            found = file.read(kept - start).rfind(b"\n")
            kept = start + found + 1 if found >= 0 else start
            if found >= 0:
                break
        if kept < end:
            file.truncate(kept)


def _ids(lines: IO[bytes], path: Path) -> IdSet:
    ids = IdSet()
    for number, line in enumerate(lines, 1):
        if not line.endswith(b"\n"):
            break
        try:
            ids.add(str(json.loads(line)["id"]))
        except (ValueError, TypeError, KeyError):
            raise DataError(
                f"{path}:{number}: is no document of this program; give another output file, or --overwrite to lose this one"
            ) from None
    return ids


@contextmanager
def open_output(name: str, overwrite: bool) -> Iterator[Output]:
    """The output `name`, “-” for standard output. What is no regular file is written as it is."""
    path = Path(name)
    if name == "-":
        yield StreamOutput(sys.stdout.buffer)
    elif path.is_dir():
        raise DataError(f"{path}: is a folder; give the name of a file")
    elif path.exists() and not path.is_file():
        with path.open("wb") as stream:
            yield StreamOutput(stream)
    else:
        output = ResumableOutput(path, overwrite)
        try:
            yield output
        finally:
            output.close()


@contextmanager
def open_lines(path: Path) -> Iterator[IO[bytes]]:
    """A file to read, decompressed when its name ends in `.gz`."""
    with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as lines:
        yield cast("IO[bytes]", lines)
