"""`python -m model.runtime.batch` on a local Ray of two workers: one row for each row, whatever dies on the way."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ray", reason="needs pip install 'dosilink[ray]'")

import psutil
import pyarrow as pa
import pyarrow.parquet as pq

from model.export import export_onnx
from model.network import JointNetwork
from model.runtime import load
from model.runtime.batch_files import Done, Output
from model.runtime.distributed import Job, ray_session, run_job
from model.runtime.errors import DataError
from model.runtime.lexicon import write_lexicon
from model.runtime.predictor import Predictor
from model.runtime.settings import TOKENIZER_FILE, write_settings
from train.data.corpus import Corpus

pytestmark = pytest.mark.slow
REPOSITORY = Path(__file__).parents[2]
ROWS = 64
# Articles are handed out and written some at a time, so that there is a middle to be interrupted in.
BLOCK_BYTES, ROWS_PER_FILE = 12_000, 8
Row = dict[str, Any]


@pytest.fixture(scope="module", autouse=True)
def quiet_ray(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nothing told to anybody, nothing written to the home folder, no processes ahead of need."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_prestart_worker_first_driver", "0")
        yield


@pytest.fixture(scope="module")
def model(tiny_predictor: Callable[..., Predictor], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    predictor = tiny_predictor(threshold=0.4, outside=0.5)
    assert isinstance(predictor.network, JointNetwork)
    export_onnx(predictor.network, folder)
    predictor.tokenizer.save(str(folder / TOKENIZER_FILE))
    write_settings(folder, predictor.settings)
    write_lexicon(folder, predictor.lexicon)
    return folder


@pytest.fixture(scope="module")
def articles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two files; ids of which one is missing and two are the same, a text that is missing and one that is empty."""
    folder = tmp_path_factory.mktemp("articles")
    texts: list[str | None] = [d.text for d in (*Corpus().read("test"), *Corpus().read("dev"))][:ROWS]
    ids: list[int | None] = list(range(ROWS))
    texts[5], texts[40] = None, ""
    ids[7], ids[9] = None, 8
    for number, rows in enumerate((slice(0, 30), slice(30, ROWS))):
        table = pa.table({"number": ids[rows], "body": texts[rows], "section": ["city"] * len(ids[rows])})
        pq.write_table(table, folder / f"{number}.parquet")
    return folder


@pytest.fixture(scope="module")
def expected(articles: Path, model: Path) -> list[Row]:
    """What one process finds."""
    predictor = load(model, threads=1)
    rows = []
    for item in pq.read_table(articles).to_pylist():
        row = {"id": item["number"], "entities": None, "relations": None, "error": "the text is missing"}
        if item["body"] is not None:
            found = predictor.predict(item["body"]).to_dict()
            entities = [entity | {"canonical": entity.get("canonical", entity["text"])} for entity in found["entities"]]
            row |= {"entities": entities, "relations": found["relations"], "error": None}
        rows.append(row)
    assert sum(len(row["entities"] or ()) for row in rows) > ROWS
    return rows


@pytest.fixture(scope="module")
def two_workers(quiet_ray: None) -> Iterator[None]:
    with ray_session(workers=2):
        yield


def _job(articles: Path, output: Path | str, model: Path) -> Job:
    return Job(f"{articles}/*.parquet", str(output), model, "number", "body", 2, 4, ROWS_PER_FILE, BLOCK_BYTES)


def _assert_same(output: Path, expected: list[Row]) -> None:
    table = pq.read_table(output)
    assert table.column_names == ["id", "entities", "relations", "error", "row_hash"]
    assert len(set(table["row_hash"].to_pylist())) == len(table) == len(expected)
    written = sorted(table.drop_columns("row_hash").to_pylist(), key=_known)
    for found, wanted in zip(written, sorted(expected, key=_known), strict=True):
        assert (found["id"], found["error"]) == (wanted["id"], wanted["error"])
        for key in ("entities", "relations"):
            assert _without_scores(found[key]) == _without_scores(wanted[key])
            # What stands in a batch with a text moves its scores in the last digits.
            assert [item["score"] for item in found[key] or ()] == pytest.approx(
                [item["score"] for item in wanted[key] or ()], abs=2e-4
            )


def _known(row: Row) -> tuple[int, str]:
    return -1 if row["id"] is None else row["id"], str(_without_scores(row["entities"]))


def _without_scores(items: list[Row] | None) -> list[Row] | None:
    return None if items is None else [{key: value for key, value in item.items() if key != "score"} for item in items]


def test_as_a_single_process(two_workers: None, articles: Path, model: Path, expected: list[Row], tmp_path: Path) -> None:
    assert run_job(_job(articles, tmp_path / "out", model)) == Done(ROWS, 1)
    _assert_same(tmp_path / "out", expected)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_to_a_url(two_workers: None, articles: Path, model: Path, expected: list[Row], tmp_path: Path) -> None:
    run_job(_job(articles, f"file://{tmp_path}/out", model))
    assert (tmp_path / "out/_SUCCESS").is_file()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    _assert_same(tmp_path / "out", expected)


def test_a_killed_worker(two_workers: None, articles: Path, model: Path, expected: list[Row], tmp_path: Path) -> None:
    killed: list[int] = []
    over = threading.Event()

    def kill_one_at_work() -> None:
        while not over.is_set() and not killed:
            for process in psutil.Process().children(recursive=True):
                try:
                    # Ray writes into a worker's title what it is doing; `submit` is Ray Data's word for a block in work.
                    if "MapWorker" in (title := " ".join(process.cmdline())) and "submit" in title:
                        process.send_signal(signal.SIGKILL)
                        killed.append(process.pid)
                        break
                except psutil.Error:
                    continue
            time.sleep(0.002)

    killer = threading.Thread(target=kill_one_at_work)
    killer.start()
    try:
        done = run_job(_job(articles, tmp_path / "out", model))
    finally:
        over.set()
        killer.join()
    assert killed, "no worker was caught at work"
    assert done == Done(ROWS, 1)
    _assert_same(tmp_path / "out", expected)


def test_what_a_crash_leaves_behind(
    two_workers: None, articles: Path, model: Path, expected: list[Row], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that was not begun, one that was written and not committed, and others that are finished and stay as they are."""
    job = _job(articles, tmp_path / "out", model)
    with monkeypatch.context() as patch, pytest.raises(InterruptedError):
        patch.setattr(Output, "publish", _interrupt)
        run_job(job)
    state = tmp_path / ".out.partial"
    lost, uncommitted, *finished = sorted(path.stem for path in (state / "checkpoint").iterdir())
    assert len(finished) > 2
    (state / f"checkpoint/{lost}.parquet").unlink()
    (state / f"data/{lost}-0.parquet").unlink()
    (state / f"checkpoint/{uncommitted}.parquet").rename(state / f"checkpoint/{uncommitted}.pending.parquet")
    with pytest.raises(DataError, match="another text column"):
        run_job(replace(job, text_column="section"))
    assert run_job(job) == Done(ROWS, 1)
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert {f"{name}-0.parquet" for name in finished} < names and f"{uncommitted}-0.parquet" not in names
    _assert_same(tmp_path / "out", expected)


def _interrupt(output: object) -> None:
    raise InterruptedError


def test_a_killed_job_goes_on(articles: Path, model: Path, expected: list[Row], tmp_path: Path) -> None:
    job = _job(articles, tmp_path / "out", model)
    code = (
        "from pathlib import PosixPath\n"
        "from model.runtime.distributed import Job, ray_session, run_job\n"
        f"with ray_session(workers=2):\n    print(run_job({job!r}))"
    )
    state = tmp_path / ".out.partial"
    first = subprocess.Popen([sys.executable, "-c", code], cwd=REPOSITORY, start_new_session=True)
    try:
        while len(list(state.glob("checkpoint/*[!g].parquet"))) < 2:
            assert first.poll() is None, "the job was over before it could be killed"
            time.sleep(0.002)
    finally:
        os.killpg(first.pid, signal.SIGKILL)
        first.wait()
    assert not (tmp_path / "out").exists()
    kept = {path.name.rsplit(".", 1)[0] for path in state.glob("checkpoint/*.parquet") if ".pending." not in path.name}
    second = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert second.returncode == 0, second.stderr
    assert f"Done(rows={ROWS}, errors=1)" in second.stdout
    names = [path.name for path in (tmp_path / "out").iterdir()]
    assert all(any(name.startswith(begun) for name in names) for begun in kept)
    assert len(names) > len(kept)
    _assert_same(tmp_path / "out", expected)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
