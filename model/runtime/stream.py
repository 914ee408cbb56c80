"""`predict --jsonl`: articles from a JSON Lines file, documents to another, as many as there are.

A record that is none, or that cannot be read, is reported with its line and skipped. What is in the output already is not read
again.
"""

import gzip
import io
import json
import os
import stat
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TextIO, cast

from .document import atomic_write
from .errors import DataError
from .parallel import BLOCK_ITEMS, BlockReader, Failure, PredictorFactory, Reading, block_size, blocks
from .progress import Progress
from .records import BadRecord, Keys, Record, document_of, json_line, read_records, what_it_is
from .resumable import PART, open_output, same_file, usable

SHOWN = 100
"""Bad records that are reported on standard error; a wrong key makes every record a bad one."""


@dataclass(frozen=True)
class StreamJob:
    """What to read, with what, and where to. `source` and `target` are file names, “-” for standard input and output.

    `errors`: a JSON Lines file for the bad records, with `line`, `id` and `error`. `quiet`: no progress and no summary.
    """

    source: str
    target: str
    load: PredictorFactory
    workers: int = 1
    batch_tokens: int | None = None
    min_score: float = 0.0
    keys: Keys = field(default_factory=Keys)
    overwrite: bool = False
    errors: Path | None = None
    quiet: bool = False


@dataclass
class Counts:
    """Articles read, articles that the output had already, bad records."""

    read: int = 0
    there: int = 0
    bad: int = 0


@dataclass(frozen=True)
class _Placed:
    """A record and how far the input was read when it came, in bytes."""

    record: Record
    position: int


@dataclass(frozen=True)
class Input:
    """An opened input: its lines, how far it is read in bytes, and its size where that is known."""

    lines: IO[bytes]
    position: Callable[[], int]
    size: int | None


class _Report:
    """Bad records, to standard error and to the errors file."""

    def __init__(self, name: str, progress: Progress, counts: Counts, errors: IO[str] | None) -> None:
        self._name = name
        self._progress = progress
        self._counts = counts
        self._errors = errors

    def __call__(self, bad: BadRecord) -> None:
        self._counts.bad += 1
        if self._counts.bad <= SHOWN:
            article = f" ({bad.id})" if bad.id is not None else ""
            self._progress.note(f"{self._name}:{bad.line}: skipped{article}: {bad.reason}")
        elif self._counts.bad == SHOWN + 1:
            self._progress.note("further bad records are counted, not shown; --errors FILE lists them all")
        if self._errors is not None:
            try:
                self._errors.write(json.dumps({"line": bad.line, "id": bad.id, "error": bad.reason}) + "\n")
            except OSError as error:  # BrokenPipeError too, which elsewhere means that standard output was closed
                raise DataError(f"the file of --errors cannot be written ({error.strerror})") from None


def predict_jsonl(job: StreamJob, messages: TextIO | None = None) -> Counts:
    """Reads the records and writes their documents, in order, each block as soon as it is read.

    `messages`: where progress and bad records are written, by default standard error. Raises DataError when a file cannot be
    used or none of its lines is an article, ModelError and WorkerError as `BlockReader` does; what was written until then stays
    for the next run.
    """
    _check_files(job)
    counts = Counts()
    articles = 0
    with (
        open_input(job.source) as source,
        open_output(job.target, job.overwrite) as output,
        _open_errors(job.errors) as errors,
    ):
        progress = Progress(messages or sys.stderr, source.size, job.quiet)
        report = _Report(job.source if job.source != "-" else "stdin", progress, counts, errors)

        def skipped() -> None:
            counts.there += 1

        def placed() -> Iterator[_Placed]:
            nonlocal articles
            with read_errors(job.source):
                for record in read_records(source.lines, job.keys, output.done, report, skipped):
                    if not articles:
                        progress.begin(source.position())
                    articles += 1
                    yield _Placed(record, source.position())

        reader = BlockReader[_Placed](
            job.load,
            lambda item: item.record.text,
            _lines,
            job.workers,
            job.batch_tokens,
            isolate=True,
            min_score=job.min_score,
        )
        try:
            with closing(
                reader.read(blocks(placed(), lambda item: len(item.record.text), block_size(job.batch_tokens), BLOCK_ITEMS))
            ) as readings:
                for block in readings:
                    _write(block, output.write, report, counts, job.target)
                    progress.update(counts.read, block[-1][0].position, counts.bad)
            readable = bool(articles or counts.there or not counts.bad)
            if readable:
                output.complete()
        finally:
            progress.clear()
        if readable and not job.quiet:
            progress.note(_summary(counts, progress, job.target))
    # Here, so that the file of the bad records is written.
    if not readable:
        raise DataError(
            f"{job.source}: none of {counts.bad:,} lines is an article; expected on each line a JSON object with "
            f"“{job.keys.id}” and “{job.keys.text}”, or other keys that --id-key and --text-key name"
        )
    return counts


def _write(
    block: list[tuple[_Placed, Reading]], write: Callable[[bytes], None], report: _Report, counts: Counts, target: str
) -> None:
    lines = []
    for item, reading in block:
        if isinstance(reading, Failure):
            report(BadRecord(item.record.line, reading.reason, item.record.id))
        else:
            lines.append(json_line(document_of(item.record, reading).to_dict()))
    try:
        write(b"".join(lines))
    except BrokenPipeError:
        raise
    except OSError as error:
        raise DataError(f"{target}: cannot be written ({error.strerror}); the same command goes on once it can") from None
    counts.read += len(lines)


@contextmanager
def read_errors(name: str) -> Iterator[None]:
    """DataError when the file cannot be read on."""
    try:
        yield
    except BrokenPipeError:
        raise
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{name}: cannot be read to its end ({error})") from None


def _lines(block: list[_Placed]) -> str:
    return f"the lines {block[0].record.line} to {block[-1].record.line}"


def _summary(counts: Counts, progress: Progress, target: str) -> str:
    parts = [f"{counts.read:,} articles read"]
    if counts.read:
        parts[0] += f" ({progress.speed(counts.read):.1f}/s)"
    if counts.there:
        parts.append(f"{counts.there:,} were there already (left as they are; --overwrite reads them anew)")
    if counts.bad:
        parts.append(f"{counts.bad:,} skipped")
    return ", ".join(parts) + ("" if target == "-" else f": {target}")


def _check_files(job: StreamJob) -> None:
    """DataError when the output would be written over the input, or the bad records over one of them."""
    # Where “-” was redirected, the system has the file under these names too.
    source = Path("/dev/stdin" if job.source == "-" else job.source)
    target = Path("/dev/stdout" if job.target == "-" else job.target)
    outputs = (target, Path(os.path.realpath(target) + PART))
    if "-" not in (job.source, job.target) and any(same_file(path, source) for path in outputs):
        raise DataError(f"{source}: is the input and the output; give the output another name")
    if job.errors is None or _is_special(job.errors):
        return
    for path, what in ((source, "input"), *((path, "output") for path in outputs)):
        if same_file(job.errors, path):
            raise DataError(f"{job.errors}: is the {what}; give --errors another name")


def _is_special(path: Path) -> bool:
    """A pipe, a device or a folder: nothing that a file may be renamed over."""
    with suppress(OSError):
        return not stat.S_ISREG(path.stat().st_mode)
    return False


@contextmanager
def _open_errors(path: Path | None) -> Iterator[IO[str] | None]:
    """Where bad records go to. What is no regular file is written as it is; of a symlink, the file that it leads to."""
    if path is None:
        yield None
        return
    with ExitStack() as stack:
        with usable(path):
            errors = stack.enter_context(_unbuffered(path) if _is_special(path) else atomic_write(os.path.realpath(path)))
        yield errors
        with usable(path):
            stack.close()


def _unbuffered(path: Path) -> IO[str]:
    """Who reads the pipe sees each record at once, and closing a broken one has nothing left to fail on."""
    return io.TextIOWrapper(path.open("wb", buffering=0), encoding="utf-8", newline="\n", write_through=True)


@contextmanager
def open_input(name: str) -> Iterator[Input]:
    """The input `name`, “-” for standard input; decompressed by its suffix. DataError when it is no text of lines."""
    if name == "-":
        _check_beginning("stdin", sys.stdin.buffer)
        yield Input(sys.stdin.buffer, lambda: 0, None)
        return
    try:
        raw = Path(name).open("rb")  # noqa: SIM115 – closed below; an error inside the block is not one of opening
    except OSError as error:
        raise DataError(f"{name}: cannot be read ({error.strerror})") from None
    with raw:
        status = os.fstat(raw.fileno())
        size = status.st_size if stat.S_ISREG(status.st_mode) else None
        if not name.endswith(".gz"):
            _check_beginning(name, raw)
        lines = gzip.GzipFile(fileobj=raw) if name.endswith(".gz") else raw
        yield Input(cast("IO[bytes]", lines), raw.tell if size is not None else lambda: 0, size)


def _check_beginning(name: str, lines: object) -> None:
    if isinstance(lines, io.BufferedReader):
        with read_errors(name):
            said = what_it_is(lines.peek(4))
        if said is not None:
            raise DataError(f"{name}: {said}")
