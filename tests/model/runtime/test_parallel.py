"""Reading in blocks: order, bounded reading ahead, workers that fail, die or lose their parent."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from letters import BAD, DEADLY, SLOW, broken_model, fragile_predictor, letter_predictor, missing_model, same

import model
from model import runtime
from model.runtime.document import Document
from model.runtime.errors import ArgumentError, DataError, ModelError, WorkerError
from model.runtime.parallel import BlockReader, Failure, blocks, read_stream, read_texts
from model.runtime.predictor import Predictor

REPOSITORY = Path(__file__).parents[3]
TEXTS = [f"{place} 부산시는 후쿠오카를 방문했다. " * (place % 5) for place in range(60)]


def _reader(load: Callable[[], Predictor], workers: int = 2) -> BlockReader[str]:
    return BlockReader(load, text=str, name=lambda block: f"from {block[0]}", workers=workers, isolate=True)


def test_blocks_are_full_and_whole() -> None:
    made = list(blocks([3, 4, 1, 9, 1, 1, 1, 1], size=lambda item: item, limit=7, most=3))
    assert made == [[3, 4], [1, 9], [1, 1, 1], [1]]


def test_workers_read_as_one_process_does_and_in_order() -> None:
    expected = letter_predictor().predict(TEXTS)
    found = list(read_stream(iter(TEXTS), letter_predictor, workers=2, batch_tokens=16))
    assert [d.id for d in found] == [d.id for d in expected]
    assert all(same(a, b) for a, b in zip(expected, found, strict=True))


def test_texts_are_taken_as_needed_with_workers_too() -> None:
    taken = 0

    def endless() -> Iterator[list[str]]:
        nonlocal taken
        while True:
            taken += 1
            yield [f"{taken}"]

    readings = _reader(letter_predictor).read(endless())
    for handed_out in range(1, 200):
        next(readings)
        assert taken <= handed_out + 3 * 2
    readings.close()


@pytest.mark.parametrize("workers", [0, -2])
def test_without_a_worker_nothing_is_begun(workers: int) -> None:
    for predict_iter in (model.predict_iter, runtime.predict_iter):
        with pytest.raises(ArgumentError, match=f"workers {workers}: should be 1 or more"):
            predict_iter(TEXTS, workers=workers)
    with pytest.raises(ArgumentError, match="1 or more"):
        _reader(letter_predictor, workers)


def test_a_slow_block_does_not_change_the_order() -> None:
    source = [[SLOW], *([str(place)] for place in range(20))]
    found = [item for block in _reader(fragile_predictor).read(source) for item, _ in block]
    assert found == [SLOW, *map(str, range(20))]


def test_an_article_that_fails_is_alone_in_it() -> None:
    readings = read_texts(fragile_predictor(), ["부산시", BAD, "후쿠오카"], None, isolate=True)
    assert [type(r) for r in readings] == [Document, Failure, Document]
    assert readings[1] == Failure("could not be read (ArithmeticError: no such letter)")
    assert read_texts(fragile_predictor(), [BAD], None, isolate=True) == [readings[1]]
    with pytest.raises(ArithmeticError):
        read_texts(fragile_predictor(), ["부산시", BAD], None, isolate=False)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_block_of_nothing_but_articles_that_fail(count: int) -> None:
    failure = Failure("could not be read (ArithmeticError: no such letter)")
    assert read_texts(fragile_predictor(), [BAD] * count, None, isolate=True) == [failure] * count


class _Broken(Predictor):
    def _read_chunk(self, articles: Any, *rest: Any) -> Any:
        raise ArithmeticError("no letters at all")


@pytest.mark.parametrize("count", [1, 2])
def test_when_a_plain_sentence_fails_too_it_is_the_model(count: int) -> None:
    predictor = letter_predictor()
    predictor.__class__ = _Broken
    with pytest.raises(ModelError, match=r"fails on every text.* could not be read .ArithmeticError: no letters at all"):
        read_texts(predictor, TEXTS[1 : 1 + count], None, isolate=True)


def test_a_dead_worker_is_named_with_its_block() -> None:
    found = []
    with pytest.raises(WorkerError, match=r"SIGKILL while it read from 치명적.*memory"):
        found.extend(_reader(fragile_predictor).read([["a"], ["b"], ["c"], ["d"], [DEADLY], ["e"]]))
    assert [block[0][0] for block in found] == ["a", "b", "c", "d"][: len(found)]


def test_what_a_worker_raises_is_raised() -> None:
    with pytest.raises(WorkerError, match="ArithmeticError: no such letter") as raised:
        list(read_stream(["부산", BAD], fragile_predictor, workers=2))
    assert "letters.py" in raised.value.__notes__[0]


def test_a_model_that_workers_cannot_load() -> None:
    with pytest.raises(ModelError, match="no such model folder"):
        list(read_stream(TEXTS, missing_model, workers=2))
    with pytest.raises(WorkerError, match="ArithmeticError"):
        list(read_stream(TEXTS, broken_model, workers=2))


def test_a_worker_that_ends_before_it_has_the_model() -> None:
    with pytest.raises(WorkerError, match="exit code 3 before it had the model"):
        list(read_stream(TEXTS, _exit, workers=2))  # type: ignore[arg-type]


def _exit() -> None:
    os._exit(3)


def test_what_is_not_text_is_named_by_its_place() -> None:
    with pytest.raises(DataError, match="text 2: expected a string, found int"):
        list(read_stream(["부산", "서울", 3], letter_predictor, workers=2))  # type: ignore[list-item]


def test_workers_end_when_the_iterator_is_closed() -> None:
    readings = _reader(letter_predictor).read([[text] for text in TEXTS])
    next(readings)
    assert len(multiprocessing.active_children()) == 2
    readings.close()
    assert not multiprocessing.active_children()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_workers_end_with_their_parent(how: signal.Signals) -> None:
    code = (
        "import itertools, letters, signal\n"
        "from model.runtime.parallel import read_stream\n"
        "if __name__ == '__main__':\n"
        # A process started in the background of a shell ignores SIGINT, and so would its children.
        "    signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "    for document in read_stream(map(str, itertools.count()), letters.letter_predictor, 2, 16):\n"
        "        print(document.id, flush=True)\n"
    )
    environment = os.environ | {"PYTHONPATH": f"{REPOSITORY}{os.pathsep}{Path(__file__).parent}"}
    with subprocess.Popen(
        [sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None and parent.stdout.readline() == b"0\n"
        workers = _children(parent.pid)
        assert len(workers) >= 2
        parent.send_signal(how)
        parent.communicate(timeout=30)
    deadline = time.monotonic() + 20
    while _running(workers) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _running(workers)


def _children(pid: int) -> list[int]:
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(status.read_text().rsplit(")", 1)[1].split()[1]) == pid:
                found.append(int(status.parent.name))
        except OSError:
            continue
    return found


def _running(pids: list[int]) -> list[int]:
    """Those that are there and no zombies."""
    found = []
    for pid in pids:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except OSError:
            continue
        if state != "Z":
            found.append(pid)
    return found
