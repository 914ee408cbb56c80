"""Reading blocks of articles in order: in this process, or in several that each hold the model.

A pool of its own rather than `concurrent.futures`: here the parent knows which block a dead worker had and ends workers at once
when it is interrupted, and a worker whose parent is gone ends too (an executor's would wait: each holds both ends of the queue).
"""

import multiprocessing
import signal
import threading
import traceback
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, Generic, Self, TypeVar, cast

from .document import Document
from .errors import ArgumentError, DataError, DosilinkError, ModelError, WorkerError
from .predictor import BATCH_TOKENS, Predictor

T = TypeVar("T")
PredictorFactory = Callable[[], Predictor]

BLOCK_ITEMS = 512
"""Articles of a block at most."""

# Blocks that are read or done and not yet handed out, per worker: one that takes long does not stop the others at once.
_AHEAD = 3
_SECONDS_TO_END = 5

_PLAIN = "부산시는 3일 후쿠오카시와 협약을 맺었다."
"""A sentence that any model can read, to tell one that fails on some articles from one that is broken."""


@dataclass(frozen=True)
class Failure:
    """An article that could not be read, and why."""

    reason: str


Reading = Document | Failure


def blocks(items: Iterable[T], size: Callable[[T], int], limit: int, most: int) -> Iterator[list[T]]:
    """Neighbouring items together, until their sizes reach `limit` or they are `most`."""
    block: list[T] = []
    total = 0
    for item in items:
        block.append(item)
        total += size(item)
        if total >= limit or len(block) == most:
            yield block
            block, total = [], 0
    if block:
        yield block


def read_texts(
    predictor: Predictor, texts: list[str], batch_tokens: int | None, isolate: bool, min_score: float = 0.0
) -> list[Reading]:
    """Documents of the texts. With `isolate` there is a Failure in the place of a text that the predictor fails on.

    ModelError when it fails on every text, and on a plain sentence too: then it is not theirs.
    """
    try:
        return list(predictor.predict_iter(texts, batch_tokens, min_score))
    except Exception as error:  # of whatever kind: the articles beside this one can be read
        if not isolate:
            raise
        readings: list[Reading] = [_failure(error)]
    if len(texts) > 1:
        readings = [_read_alone(predictor, text, batch_tokens, min_score) for text in texts]
    # A run that is gone on with may have nothing left but the articles that failed before.
    if all(isinstance(reading, Failure) for reading in readings):
        plain = _read_alone(predictor, _PLAIN, batch_tokens, min_score)
        if isinstance(plain, Failure):
            raise ModelError(f"the model fails on every text, a plain sentence too: “{_PLAIN}” {plain.reason}")
    return readings


def _read_alone(predictor: Predictor, text: str, batch_tokens: int | None, min_score: float) -> Reading:
    try:
        (document,) = predictor.predict_iter([text], batch_tokens, min_score)
    except Exception as error:  # of whatever kind: it becomes the text's
        return _failure(error)
    return document


def _failure(error: Exception) -> Failure:
    return Failure(f"could not be read ({type(error).__name__}: {error})")


@dataclass(frozen=True)
class BlockReader(Generic[T]):
    """Reads blocks of items with a predictor that `load` makes.

    `text` gives an item's text, `name` says in an error which block it is. `workers`: 1 reads in this process; more start
    processes that load the model once each (`load` must be picklable, and a script must start its work under
    `if __name__ == "__main__":`). `isolate`: see `read_texts`. Raises ArgumentError when there is no worker.
    """

    load: PredictorFactory
    text: Callable[[T], str]
    name: Callable[[list[T]], str]
    workers: int = 1
    batch_tokens: int | None = None
    isolate: bool = False
    min_score: float = 0.0

    def __post_init__(self) -> None:
        check_workers(self.workers)

    def read(self, source: Iterable[list[T]]) -> Generator[list[tuple[T, Reading]], None, None]:
        """The blocks in order, each item with its document; takes at most 3 × workers blocks ahead of the consumer.

        Raises WorkerError when a worker died or failed, else what the predictor raised. Closing the iterator ends the workers.
        """
        return self._read_here(source) if self.workers == 1 else self._read_in_workers(source)

    def _read_here(self, source: Iterable[list[T]]) -> Generator[list[tuple[T, Reading]], None, None]:
        predictor = self.load()
        for block in source:
            readings = read_texts(predictor, [self.text(item) for item in block], self.batch_tokens, self.isolate, self.min_score)
            yield list(zip(block, readings, strict=True))

    def _read_in_workers(self, source: Iterable[list[T]]) -> Generator[list[tuple[T, Reading]], None, None]:
        numbered = enumerate(source)
        begun: dict[int, list[T]] = {}
        done: dict[int, list[Reading]] = {}
        next_out = 0
        exhausted = False
        with _Pool(_Task(self.load, self.batch_tokens, self.isolate, self.min_score), self.workers) as pool:
            while True:
                while pool.idle and not exhausted and len(begun) < _AHEAD * self.workers:
                    if (following := next(numbered, None)) is None:
                        exhausted = True
                    else:
                        number, begun[number] = following
                        pool.give(number, self.name(begun[number]), [self.text(item) for item in begun[number]])
                if next_out in done:
                    yield list(zip(begun.pop(next_out), done.pop(next_out), strict=True))
                    next_out += 1
                elif exhausted and not begun:
                    return
                else:
                    done.update(pool.take())


def read_stream(
    texts: Iterable[str],
    load: PredictorFactory,
    workers: int = 1,
    batch_tokens: int | None = None,
    min_score: float = 0.0,
) -> Iterator[Document]:
    """Documents of any number of texts, in order.

    See `BlockReader`, and `Predictor.predict_iter` for `batch_tokens` and `min_score`.
    """
    if workers == 1:
        yield from load().predict_iter(texts, batch_tokens, min_score)
        return
    reader = BlockReader(load, _text, _places, workers, batch_tokens, min_score=min_score)
    for block in reader.read(blocks(_checked(texts), lambda item: len(item[1]), block_size(batch_tokens), BLOCK_ITEMS)):
        for (place, _), document in block:
            assert isinstance(document, Document)
            yield replace(document, id=str(place))


def check_workers(workers: int) -> None:
    """ArgumentError unless there is one at least: without any, reading would wait for ever."""
    if workers < 1:
        raise ArgumentError(f"workers {workers}: should be 1 or more")


def block_size(batch_tokens: int | None) -> int:
    """Characters of a block: four batches of Korean news."""
    return 4 * 2 * (batch_tokens or BATCH_TOKENS)


def _checked(texts: Iterable[str]) -> Iterator[tuple[int, str]]:
    for place, text in enumerate(texts):
        if not isinstance(text, str):
            raise DataError(f"text {place}: expected a string, found {type(text).__name__}")
        yield place, text


def _text(item: tuple[int, str]) -> str:
    return item[1]


def _places(block: list[tuple[int, str]]) -> str:
    return f"the texts {block[0][0]} to {block[-1][0]}"


@dataclass(frozen=True)
class _Task:
    """What a worker is to do, sent to it when it starts."""

    load: PredictorFactory
    batch_tokens: int | None
    isolate: bool
    min_score: float


@dataclass(frozen=True)
class _Ready:
    """A worker's first word: it has the model."""


@dataclass(frozen=True)
class _Broken:
    """A worker's last word: an exception that it cannot go on after."""

    error: DosilinkError
    trace: str


def _serve(connection: "Connection[Any, Any]", task: _Task) -> None:
    """Main function of a worker: reads block after block until the parent closes the connection or is no more."""
    # In a terminal ctrl-C reaches every process; the parent is the one to end the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(EOFError, ConnectionError):
        try:
            predictor = task.load()
        except Exception as error:  # the parent raises it
            connection.send(_broken(error))
            return
        connection.send(_Ready())
        while True:
            texts = connection.recv()
            try:
                message: Any = read_texts(predictor, texts, task.batch_tokens, task.isolate, task.min_score)
            except Exception as error:  # the parent raises it
                message = _broken(error)
            connection.send(message)


def _broken(error: Exception) -> _Broken:
    # An exception of another kind may not survive pickling.
    known = (
        error if isinstance(error, DosilinkError) else WorkerError(f"a worker process failed ({type(error).__name__}: {error})")
    )
    return _Broken(known, traceback.format_exc())


class _Pool:
    """Worker processes, each with one block at most. A worker has the model when it is in `idle` for the first time."""

    def __init__(self, task: _Task, workers: int) -> None:
        self.idle: list[Connection[Any, Any]] = []
        self._task = task
        self._size = workers
        self._processes: dict[Connection[Any, Any], BaseProcess] = {}
        # The number and the name of the block that a worker has; None while it loads the model.
        self._busy: dict[Connection[Any, Any], tuple[int, str] | None] = {}

    def __enter__(self) -> Self:
        context = multiprocessing.get_context("spawn")
        with _interrupts_ignored():
            for _ in range(self._size):
                ours, theirs = context.Pipe()
                process = context.Process(target=_serve, args=(theirs, self._task), daemon=True)
                process.start()
                # With the only other end in the worker, its death is the end of the stream here.
                theirs.close()
                self._processes[ours] = process
                self._busy[ours] = None
        return self

    def __exit__(self, *_: object) -> None:
        for connection, process in self._processes.items():
            process.terminate()
            connection.close()
        for process in self._processes.values():
            process.join(_SECONDS_TO_END)
            if process.is_alive():
                process.kill()
                process.join()

    def give(self, number: int, name: str, texts: list[str]) -> None:
        """Sends a block to an idle worker."""
        connection = self.idle.pop()
        self._busy[connection] = number, name
        try:
            connection.send(texts)
        except OSError:
            raise self._died(connection) from None

    def take(self) -> dict[int, list[Reading]]:
        """Waits until a worker has done something; what it has read, by the number of the block."""
        taken: dict[int, list[Reading]] = {}
        for connection in cast("list[Connection[Any, Any]]", wait(list(self._busy))):
            try:
                message = connection.recv()
            except (EOFError, OSError):
                raise self._died(connection) from None
            if isinstance(message, _Broken):
                message.error.add_note(f"In the worker process:\n{message.trace}")
                raise message.error
            block = self._busy.pop(connection)
            self.idle.append(connection)
            if block is not None:
                taken[block[0]] = message
        return taken

    def _died(self, connection: "Connection[Any, Any]") -> WorkerError:
        process = self._processes[connection]
        process.join(_SECONDS_TO_END)
        code = process.exitcode
        how = f"was ended by {signal.Signals(-code).name}" if code and code < 0 else f"ended with exit code {code}"
        block = self._busy[connection]
        if block is None:
            return WorkerError(
                f"the worker process {process.pid} {how} before it had the model; "
                'in a script, start the work under “if __name__ == "__main__":”'
            )
        return WorkerError(
            f"the worker process {process.pid} {how} while it read {block[1]}; when memory ran out, fewer workers need less"
        )


@contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """A process that is started in it ignores ctrl-C from its first moment on."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
