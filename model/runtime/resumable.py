"""The output of a long run, which the next run goes on with.

While it is written, the output is `NAME.part`: plain lines, appended and flushed, so that a killed run loses what it had not yet
written and nothing else. When it is whole it is renamed to NAME, compressed before when NAME ends in `.gz`. So a file under the
name itself is always whole, as everywhere in this project. Of a symlink, all this happens where the file is that it leads to.

A later run with the same name goes on with the part file (its last line is cut off when it is only half there), or with the whole
file: when there are new articles it is copied to a part file, which replaces it in the end. Every line is looked at before: a
file that is not of this program is left as it is.
"""

import gzip
import io
import json
import os
import shutil
import sys
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import IO, BinaryIO, Protocol, cast

from .document import atomic_write
from .errors import DataError
from .records import IdSet

if sys.platform != "win32":
    import fcntl

PART = ".part"

# What a line of `records.json_line` has, and how it begins.
_KEYS = frozenset({"id", "text", "entities", "relations"})
_BEGINNING = b'{"id": '


class Output(Protocol):
    """Where documents go to. `done`: the ids of those that are there already."""

    done: IdSet

    def write(self, lines: bytes) -> None:
        """Appends whole lines, to be seen by others at once."""

    def complete(self) -> None:
        """All that there was to write is written."""


class TextOutput(Protocol):
    """What text is written to."""

    def write(self, text: str, /) -> object:
        """Appends the text as UTF-8, line ends as they are."""


class _StandardOutput:
    # A wrapper of Python's own would close standard output with itself, and makes other line ends on Windows.
    def write(self, text: str, /) -> object:
        return sys.stdout.buffer.write(text.encode())


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
        # The name that was given tells the form, whatever the file is called that a symlink of this name leads to.
        self._compressed = path.suffix == ".gz"
        self._path = Path(os.path.realpath(path))
        self._part_path = self._path.with_name(self._path.name + PART)
        self._part: IO[bytes] | None = None
        with usable(path):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._lock = _Lock(self._path)
            try:
                self._begin(overwrite)
            except BaseException:
                self.close()
                raise

    def _begin(self, overwrite: bool) -> None:
        if self._part_path.exists() or overwrite or not self._path.exists():
            self._part = self._open_part()
            if overwrite:
                self._part.truncate(0)
            self._part.seek(0)
            self.done, whole = _ids(self._part, self._part_path, may_be_cut=True)
            self._part.truncate(whole)
            self._part.seek(0, os.SEEK_END)
        else:
            with self._open_whole() as lines:
                self.done, _ = _ids(lines, self._path, may_be_cut=False)

    def write(self, lines: bytes) -> None:
        if self._part is None:
            self._part = self._copy()
        self._part.write(lines)
        self._part.flush()

    def complete(self) -> None:
        if self._part is None:
            return
        with usable(self._path):
            self._publish(self._part)
        self._part = None

    def _publish(self, part: IO[bytes]) -> None:
        part.flush()
        os.fsync(part.fileno())
        if self._compressed:
            temporary = self._path.with_name(f".{self._path.name}.{os.getpid()}.tmp")
            try:
                part.seek(0)
                with gzip.open(temporary, "wb") as out:
                    shutil.copyfileobj(part, out)
                self._keep_mode(temporary)
                temporary.replace(self._path)
            finally:
                temporary.unlink(missing_ok=True)
            part.close()
            self._part_path.unlink()
        else:
            part.close()
            self._keep_mode(self._part_path)
            self._part_path.replace(self._path)

    def _keep_mode(self, successor: Path) -> None:
        """Gives the successor the mode of the file that it will replace."""
        # There may be none yet, and a file system that refuses has no modes to lose.
        with suppress(OSError):
            shutil.copymode(self._path, successor)

    def close(self) -> None:
        """Leaves the part file for the next run, unless it says nothing to it, and lets other runs have the output.

        An empty one beside a whole file says that the file is to be overwritten, and not gone on with.
        """
        part, self._part = self._part, None
        # What could not be written `write` has told of, and to close the file is to try it again.
        with closing(self._lock), suppress(OSError):
            if part is None:
                return
            part.close()
            if self._part_path.stat().st_size == 0 and not self._path.exists():
                self._part_path.unlink()

    def _open_part(self) -> IO[bytes]:
        return self._part_path.open("a+b")

    @contextmanager
    def _open_whole(self) -> Iterator[IO[bytes]]:
        """The whole file to read, decompressed."""
        with gzip.open(self._path, "rb") if self._compressed else self._path.open("rb") as lines:
            yield cast("IO[bytes]", lines)

    def _copy(self) -> IO[bytes]:
        """The whole file as the beginning of a part file. Renamed once it is whole: half a copy would be gone on with."""
        temporary = self._path.with_name(f".{self._path.name}.{os.getpid()}.tmp")
        try:
            with self._open_whole() as lines, temporary.open("wb") as copy:
                shutil.copyfileobj(lines, copy)
            temporary.replace(self._part_path)
        finally:
            temporary.unlink(missing_ok=True)
        part = self._open_part()
        part.seek(0, os.SEEK_END)
        return part


class _Lock:
    """Keeps other runs from an output, from before the first look at it. DataError when another run has it.

    A file of its own beside the output: the part file is renamed and replaced, and a lock goes with the file, not with the name.
    Where Python cannot lock files (Windows) it does nothing.
    """

    def __init__(self, output: Path) -> None:
        self._output = output
        self._path = output.with_name(f".{output.name}.lock")
        self._file: IO[bytes] | None = None
        if sys.platform != "win32":
            while self._file is None:
                self._file = self._take()

    def close(self) -> None:
        if self._file is None:
            return
        # Removed while it is still locked: afterwards it may be another run's.
        with suppress(OSError):
            self._path.unlink()
        self._file.close()
        self._file = None

    def _take(self) -> IO[bytes] | None:
        """The locked file; None when the run that had it removed it meanwhile, which leaves a lock that no other run sees."""
        with ExitStack() as stack:
            file = stack.enter_context(self._path.open("ab"))
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise DataError(f"{self._output}: another run is writing it") from None
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(file.fileno()), self._path.stat()):
                    stack.pop_all()
                    return file
        return None


def _ids(lines: IO[bytes], path: Path, may_be_cut: bool) -> tuple[IdSet, int]:
    """The ids of the documents, and the bytes up to the end of the last whole line.

    DataError unless each line is a document of this program; with `may_be_cut` the last one may also be the beginning of one.
    """
    ids = IdSet()
    whole = 0
    for number, line in enumerate(lines, 1):
        if not line.endswith(b"\n") and may_be_cut and line.startswith(_BEGINNING[: len(line)]):
            break
        article = _id(line)
        if article is None:
            raise DataError(
                f"{path}:{number}: is no document of this program; give another output file, or --overwrite to lose this one"
            )
        ids.add(article)
        whole += len(line)
    return ids, whole


def _id(line: bytes) -> str | None:
    """The id of a document of this program; None when the line is none, or has no end, which this program always writes."""
    try:
        data = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return str(data["id"]) if line.endswith(b"\n") and isinstance(data, dict) and data.keys() >= _KEYS else None


@contextmanager
def open_output(name: str, overwrite: bool) -> Iterator[Output]:
    """The output `name`, “-” for standard output. What is no regular file is written as it is."""
    with ExitStack() as stack:
        yield StreamOutput(sys.stdout.buffer) if name == "-" else _open(Path(name), overwrite, stack)


@contextmanager
def open_whole(name: str, overwrite: bool) -> Iterator[TextOutput]:
    """An output that is written in one go: `name` is there once it is whole, compressed when it ends in `.gz`; “-” is standard
    output. DataError when there is such a file already (unless `overwrite`), or when it cannot be written.
    """
    if name == "-":
        yield _StandardOutput()
        sys.stdout.buffer.flush()
        return
    path = Path(name)
    with usable(path):
        if path.is_dir():
            raise DataError(f"{path}: is a folder; give the name of a file")
        if path.is_file() and not overwrite:
            raise DataError(f"{path}: is there already; give another output file, or --overwrite to lose this one")
        with ExitStack() as stack:
            if path.exists() and not path.is_file():
                yield stack.enter_context(path.open("w", encoding="utf-8", newline="\n"))
                return
            out = stack.enter_context(atomic_write(path))
            yield stack.enter_context(_compressing(out)) if path.suffix == ".gz" else out


def _compressing(out: IO[str]) -> IO[str]:
    return gzip.open(cast("BinaryIO", cast("io.TextIOWrapper", out).buffer), "wt", encoding="utf-8", newline="\n")


def same_file(one: Path, other: Path) -> bool:
    """One file under both names, or one place where there is no file yet."""
    with suppress(OSError):
        return one.samefile(other)
    return os.path.realpath(one) == os.path.realpath(other)


def _open(path: Path, overwrite: bool, stack: ExitStack) -> Output:
    """The output; `stack` closes it."""
    with usable(path):
        if path.is_dir():
            raise DataError(f"{path}: is a folder; give the name of a file")
        if path.exists() and not path.is_file():
            return StreamOutput(stack.enter_context(path.open("wb")))
        return stack.enter_context(closing(ResumableOutput(path, overwrite)))


@contextmanager
def usable(path: Path) -> Iterator[None]:
    """DataError for what the system or a broken file says: a traceback's exit code is that of a run with bad records."""
    try:
        yield
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(
            f"{path}: is no whole gzip file ({error}); give another output file, or --overwrite to lose this one"
        ) from None
    except FileExistsError as error:  # of making its folder
        raise DataError(f"{path}: cannot be written ({error.filename} is no folder)") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be written ({error.strerror or error})") from None
