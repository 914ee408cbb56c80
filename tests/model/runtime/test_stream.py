"""`predict --jsonl` from file to file: order, bad records, compressed files, workers. Outputs: `test_resumable.py`."""

import gzip
import io
import json
import os
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from letters import BAD, DEADLY, fragile_predictor, letter_predictor
from stream_files import IDS, LINE, ids_of, run_job, write_records

from model.runtime.document import read_jsonl
from model.runtime.errors import DataError, WorkerError
from model.runtime.predictor import Predictor
from model.runtime.records import Keys
from model.runtime.resumable import open_output
from model.runtime.stream import Counts, StreamJob, predict_jsonl


@pytest.mark.parametrize("names", [("in.jsonl", "out.jsonl"), ("in.jsonl.gz", "sub/out.jsonl.gz")])
@pytest.mark.parametrize("workers", [1, 2])
def test_every_article_in_order(tmp_path: Path, names: tuple[str, str], workers: int) -> None:
    source = write_records(tmp_path / names[0])
    target = tmp_path / names[1]
    counts, said = run_job(StreamJob(str(source), str(target), letter_predictor, workers=workers, batch_tokens=1))
    assert counts == Counts(read=25) and said.startswith("25 articles read (") and str(target) in said
    assert ids_of(target) == IDS
    assert [p.name for p in target.parent.iterdir() if p != source and p.is_file()] == [target.name]


def test_input_and_output_are_two_files(job: StreamJob) -> None:
    with pytest.raises(DataError, match="is the input and the output"):
        run_job(replace(job, target=job.source, overwrite=True))
    assert len(Path(job.source).read_bytes().splitlines()) == 25


@pytest.mark.parametrize("workers", [1, 2])
def test_bad_records_are_reported_and_skipped(job: StreamJob, tmp_path: Path, workers: int) -> None:
    lines = Path(job.source).read_bytes().splitlines()[:6]
    lines[1:1] = [b"oops", b'{"id": "a"}', '{"id": "b", "text": "부"}'.encode("cp949")]
    lines += [lines[0], json.dumps({"id": "고장난", "text": BAD}).encode()]
    Path(job.source).write_bytes(b"\n".join(lines))
    errors = tmp_path / "errors.jsonl"
    # All in one block: what is beside the failing article is read.
    counts, said = run_job(replace(job, load=fragile_predictor, workers=workers, errors=errors, batch_tokens=4_096))
    assert counts == Counts(read=6, bad=5)
    assert ids_of(Path(job.target)) == IDS[:6]
    found = [json.loads(line) for line in errors.read_text().splitlines()]
    assert [(e["line"], e["id"]) for e in found] == [(2, None), (3, None), (4, None), (10, IDS[0]), (11, "고장난")]
    assert f"{job.source}:2: skipped: not valid JSON" in said and "11: skipped (고장난): could not be read (Arith" in said
    assert "5 skipped" in said


@pytest.mark.parametrize("bad", [1, 2, 5])
@pytest.mark.parametrize("workers", [1, 2])
def test_articles_that_fail_do_not_block_the_next_run(job: StreamJob, bad: int, workers: int) -> None:
    wrong = [f"고장-{place}" for place in range(bad)]
    write_records(Path(job.source), [*IDS[:6], *wrong], dict.fromkeys(wrong, BAD))
    job = replace(job, load=fragile_predictor, workers=workers, batch_tokens=4_096)
    assert run_job(job)[0] == Counts(read=6, bad=bad)
    # Only those that fail are left, a block of their own.
    assert run_job(job)[0] == Counts(there=6, bad=bad)
    assert ids_of(Path(job.target)) == IDS[:6]


@pytest.mark.parametrize("name", ["in.jsonl", "out.jsonl", "out.jsonl.part", "symlink", "hard link", "other/../out.jsonl"])
@pytest.mark.parametrize("there", [True, False])
def test_the_errors_file_is_none_of_the_others(job: StreamJob, tmp_path: Path, name: str, there: bool) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "symlink").symlink_to("out.jsonl")
    (tmp_path / "hard link").hardlink_to(tmp_path / "in.jsonl")
    if there:
        run_job(job)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    with pytest.raises(DataError, match=r"is the (input|output); give --errors another name"):
        run_job(replace(job, errors=tmp_path / name))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == before


def test_the_errors_file_of_a_symlink_is_what_it_leads_to(job: StreamJob, tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "errors").symlink_to("logs/today")
    for _ in range(2):  # there is no file yet, there is one
        with pytest.raises(DataError, match="none of 25 lines is an article"):
            run_job(replace(job, errors=tmp_path / "errors", keys=Keys(text="body"), overwrite=True))
        assert (tmp_path / "errors").is_symlink()
        assert len((tmp_path / "logs/today").read_text().splitlines()) == 25


def test_the_errors_may_go_to_a_pipe(job: StreamJob, tmp_path: Path) -> None:
    pipe, found = tmp_path / "pipe", list[str]()
    os.mkfifo(pipe)
    # Opened for both, it takes a writer without waiting for one that reads.
    reader = os.open(pipe, os.O_RDWR)
    try:
        with pytest.raises(DataError, match="none of 25 lines is an article"):
            run_job(replace(job, errors=pipe, keys=Keys(text="body")))
        assert pipe.is_fifo()
        found = os.read(reader, 2**16).decode().splitlines()
    finally:
        os.close(reader)
    assert [json.loads(line)["line"] for line in found] == list(range(1, 26))


def test_errors_to_a_pipe_that_nobody_reads(job: StreamJob, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: os.close(os.open(pipe, os.O_RDONLY)))
    reader.start()

    def load() -> Predictor:
        reader.join()
        return fragile_predictor()

    write_records(Path(job.source), ["x", *IDS], {"x": BAD})
    with pytest.raises(DataError, match="--errors cannot be written"):
        run_job(replace(job, errors=pipe, load=load))
    assert pipe.is_fifo()


def test_a_wrong_key_does_not_fill_the_terminal(job: StreamJob, tmp_path: Path) -> None:
    write_records(Path(job.source), [str(place) for place in range(300)])
    messages = io.StringIO()
    with pytest.raises(DataError, match=r"none of 300 lines is an article.*“id” and “body”.*--id-key and --text-key"):
        predict_jsonl(replace(job, keys=Keys(text="body"), errors=tmp_path / "errors"), messages)
    said = messages.getvalue()
    assert len(said.splitlines()) == 101 and "--errors FILE" in said and "“body” is missing; --text-key names another" in said
    assert len((tmp_path / "errors").read_text().splitlines()) == 300
    assert sorted(path.name for path in tmp_path.iterdir()) == ["errors", "in.jsonl"]


@pytest.mark.parametrize(
    "content", ['[{"id": 1, "text": "부산"}]', json.dumps({"id": 1, "text": "x"}, indent=1), "부산시는\n3일\n"]
)
@pytest.mark.parametrize("there", [True, False])
def test_an_input_without_articles_is_an_error_and_changes_no_output(job: StreamJob, content: str, there: bool) -> None:
    if there:
        run_job(job)
    before = Path(job.target).read_bytes() if there else None
    Path(job.source).write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=r"in\.jsonl: none of \d lines is an article"):
        run_job(job)
    assert (Path(job.target).read_bytes() if Path(job.target).exists() else None) == before
    assert not Path(job.target + ".part").exists()


@pytest.mark.parametrize(
    ("content", "said"), [(b"%PDF-1.7\n", "is a PDF"), ('{"id": "a", "text": "부"}\n'.encode("utf-16"), "is UTF-16")]
)
def test_an_input_that_is_no_text_is_named(job: StreamJob, content: bytes, said: str) -> None:
    Path(job.source).write_bytes(content)
    with pytest.raises(DataError, match=rf"in\.jsonl: {said}"):
        run_job(job)
    assert not Path(job.target).exists()


def test_what_the_output_has_already_is_said_to_stay(job: StreamJob) -> None:
    run_job(job)
    before = Path(job.target).read_bytes()
    counts, said = run_job(replace(job, min_score=0.99))
    assert counts == Counts(there=25) and "25 were there already (left as they are; --overwrite reads them anew)" in said
    assert Path(job.target).read_bytes() == before


def test_what_was_read_before_a_worker_died_is_kept(job: StreamJob) -> None:
    write_records(Path(job.source), [*IDS, "x"], {"x": DEADLY})
    with pytest.raises(WorkerError, match="while it read the lines 26 to 26"):
        run_job(replace(job, load=fragile_predictor, workers=2))
    part = Path(job.target + ".part")
    kept = [json.loads(line)["id"] for line in part.read_text().splitlines()] if part.exists() else []
    assert kept == IDS[: len(kept)] and len(kept) >= 25 - 2 * 3
    write_records(Path(job.source))
    assert run_job(replace(job, workers=2))[0] == Counts(read=25 - len(kept), there=len(kept))
    assert ids_of(Path(job.target)) == IDS


@pytest.mark.parametrize("spoil", [lambda data: data[:-20], lambda data: data[:60] + b"\xff" * 20 + data[80:]])
def test_a_damaged_compressed_input(job: StreamJob, tmp_path: Path, spoil: Callable[[bytes], bytes]) -> None:
    source = write_records(tmp_path / "in.jsonl.gz")
    source.write_bytes(spoil(source.read_bytes()))
    with pytest.raises(DataError, match=r"in.jsonl.gz: cannot be read to its end"):
        run_job(replace(job, source=str(source)))
    assert not Path(job.target).exists()


def test_files_that_cannot_be_used(job: StreamJob, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"missing\.jsonl: cannot be read"):
        run_job(replace(job, source=str(tmp_path / "missing.jsonl")))
    with pytest.raises(DataError, match="is a folder"):
        run_job(replace(job, target=str(tmp_path)))


def test_outputs_that_cannot_be_used(job: StreamJob, tmp_path: Path) -> None:
    (tmp_path / "a file").touch()
    with pytest.raises(DataError, match=r"out: cannot be written .*a file is no folder"):
        run_job(replace(job, target=str(tmp_path / "a file/out")))
    for wrong in ("a file/out.jsonl", "a file/sub/out.jsonl.gz"):
        with pytest.raises(DataError, match=f"{wrong}: cannot be written"):
            run_job(replace(job, target=str(tmp_path / wrong)))
        with pytest.raises(DataError, match=f"{wrong}: cannot be written"):
            run_job(replace(job, errors=tmp_path / wrong))
    with pytest.raises(DataError, match="cannot be written"):
        run_job(replace(job, errors=tmp_path))
    with pytest.raises(DataError, match="is a folder"):
        run_job(replace(job, target="."))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a file", "in.jsonl"]


WHOLE = gzip.compress(LINE * 9)


@pytest.mark.parametrize("content", [b"my notes\n", WHOLE[:-9], WHOLE[:10] + b"\xff" * 9 + WHOLE[19:]])
def test_a_whole_output_that_is_no_gzip(job: StreamJob, tmp_path: Path, content: bytes) -> None:
    job = replace(job, target=str(tmp_path / "out.jsonl.gz"))
    Path(job.target).write_bytes(content)
    with pytest.raises(DataError, match=r"out.jsonl.gz: is no whole gzip file .*--overwrite"):
        run_job(job)
    assert Path(job.target).read_bytes() == content
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.jsonl", "out.jsonl.gz"]
    assert run_job(replace(job, overwrite=True))[0].read == 25 and ids_of(Path(job.target)) == IDS


def test_an_output_that_cannot_be_finished(tmp_path: Path) -> None:
    with open_output(str(tmp_path / "out"), False) as output:
        output.write(b'{"id": "a"}\n')
        (tmp_path / "out").mkdir()
        with pytest.raises(DataError, match="out: cannot be written"):
            output.complete()
    assert (tmp_path / "out.part").read_bytes() == b'{"id": "a"}\n'


def test_an_empty_input_gives_an_empty_output(job: StreamJob) -> None:
    Path(job.source).write_bytes(b"")
    assert run_job(job)[0] == Counts()
    assert list(read_jsonl(job.target)) == []
