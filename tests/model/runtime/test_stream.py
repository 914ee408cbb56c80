"""`predict --jsonl` from file to file: order, interruptions at any byte, bad records, compressed files, workers."""

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

from model.runtime.document import document_from_dict, read_jsonl
from model.runtime.errors import DataError, WorkerError
from model.runtime.predictor import Predictor
from model.runtime.records import Keys
from model.runtime.resumable import ResumableOutput, open_output
from model.runtime.stream import Counts, StreamJob, predict_jsonl

IDS = [f"기사-{place}" for place in range(25)]
LINE = b'{"id": "a", "text": "", "entities": [], "relations": []}\n'
"""A document of this program."""


def _records(path: Path, ids: list[str] = IDS, texts: dict[str, str] | None = None) -> Path:
    items = [{"id": i, "text": (texts or {}).get(i, f"{i} 부산시는 후쿠오카를 방문했다."), "url": f"u{i}"} for i in ids]
    data = "".join(json.dumps(item, ensure_ascii=False) + "\n" for item in items).encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def _ids(path: Path) -> list[str]:
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    documents = [document_from_dict(json.loads(line), "line") for line in data.decode().splitlines()]
    assert all(d.text.startswith(d.id) and d.meta == {"url": f"u{d.id}"} and d.entities for d in documents)
    return [d.id for d in documents]


@pytest.fixture
def job(tmp_path: Path) -> StreamJob:
    source = _records(tmp_path / "in.jsonl")
    # A block is of eight characters a token: one article each.
    return StreamJob(str(source), str(tmp_path / "out.jsonl"), letter_predictor, batch_tokens=1)


def _run(job: StreamJob) -> tuple[Counts, str]:
    messages = io.StringIO()
    return predict_jsonl(job, messages), messages.getvalue()


@pytest.mark.parametrize("names", [("in.jsonl", "out.jsonl"), ("in.jsonl.gz", "sub/out.jsonl.gz")])
@pytest.mark.parametrize("workers", [1, 2])
def test_every_article_in_order(tmp_path: Path, names: tuple[str, str], workers: int) -> None:
    source = _records(tmp_path / names[0])
    target = tmp_path / names[1]
    counts, said = _run(StreamJob(str(source), str(target), letter_predictor, workers=workers, batch_tokens=1))
    assert counts == Counts(read=25) and said.startswith("25 articles read (") and str(target) in said
    assert _ids(target) == IDS
    assert [p.name for p in target.parent.iterdir() if p != source and p.is_file()] == [target.name]


class _Interrupting(Predictor):
    """Is interrupted at the ninth article."""

    def _read_chunk(self, articles: object, *rest: object) -> object:  # type: ignore[override]
        if articles[0][0].startswith(IDS[8]):  # type: ignore[index]
            raise KeyboardInterrupt
        return super()._read_chunk(articles, *rest)  # type: ignore[arg-type]


def _interrupting() -> Predictor:
    predictor = letter_predictor()
    predictor.__class__ = _Interrupting
    return predictor


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_an_interrupted_run_is_gone_on_with(job: StreamJob, suffix: str) -> None:
    job = replace(job, target=job.target + suffix)
    target, part = Path(job.target), Path(job.target + ".part")
    with pytest.raises(KeyboardInterrupt):
        _run(replace(job, load=_interrupting))
    assert not target.exists() and len(part.read_bytes().splitlines()) == 8
    counts, said = _run(job)
    assert counts == Counts(read=17, there=8) and "8 were there already" in said
    assert _ids(target) == IDS and not part.exists()


def test_a_run_killed_at_any_byte_is_gone_on_with(job: StreamJob) -> None:
    _records(Path(job.source), IDS[:10])
    _run(job)
    target, part = Path(job.target), Path(job.target + ".part")
    whole = target.read_bytes()
    step = len(whole) // 15
    ends = [place + 1 for place, byte in enumerate(whole) if byte == ord("\n")]
    for cut in sorted({0, 1, *range(0, len(whole), step), *(e for e in ends[:4]), *(e - 1 for e in ends[-2:]), len(whole)}):
        target.unlink(missing_ok=True)
        part.write_bytes(whole[:cut])
        counts, _ = _run(job)
        assert target.read_bytes() == whole and not part.exists()
        assert counts.there == whole[:cut].count(b"\n") and counts.read + counts.there == 10


def test_new_articles_are_added_to_a_whole_output(job: StreamJob) -> None:
    _records(Path(job.source), IDS[:10])
    _run(job)
    target = Path(job.target)
    before = target.stat()
    assert _run(job)[0] == Counts(there=10)
    assert target.stat().st_ino == before.st_ino and target.stat().st_mtime_ns == before.st_mtime_ns
    _records(Path(job.source))
    with pytest.raises(DataError):  # however it ends, the whole file stays whole
        _run(replace(job, load=lambda: _raise(DataError("no"))))
    assert _ids(target) == IDS[:10]
    assert _run(job)[0] == Counts(read=15, there=10)
    assert _ids(target) == IDS


def _raise(error: Exception) -> Predictor:
    raise error


def test_overwrite_reads_all_again(job: StreamJob) -> None:
    Path(job.target).write_text("something else\n")
    Path(job.target + ".part").write_text("something else\n")
    with pytest.raises(DataError, match=r"part:1: is no document.*--overwrite"):
        _run(job)
    assert _run(replace(job, overwrite=True))[0].read == 25
    assert _ids(Path(job.target)) == IDS


def test_a_foreign_file_is_not_added_to(job: StreamJob) -> None:
    Path(job.target).write_text("my notes\n")
    with pytest.raises(DataError, match=r"out.jsonl:1: is no document"):
        _run(job)
    assert Path(job.target).read_text() == "my notes\n"


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize(
    "foreign",
    [
        b'{"nodes":[1]}',
        b"my notes",
        b'{"id": "a", "text": "an article"}\n',
        b'{"id": "a", "text": "", "entities": []}\n',
        b'["id", "text", "entities", "relations"]\n',
        b"[" * 100_000 + b"\n",
        LINE[:-1],
        LINE + b"my notes",
        LINE + LINE[:20],
    ],
)
def test_a_file_of_another_program_stays_as_it_is(job: StreamJob, suffix: str, foreign: bytes) -> None:
    job = replace(job, target=job.target + suffix)
    content = gzip.compress(foreign) if suffix else foreign
    Path(job.target).write_bytes(content)
    with pytest.raises(DataError, match=r"out\.jsonl.*:[12]: is no document of this program.*--overwrite"):
        _run(job)
    assert Path(job.target).read_bytes() == content and not Path(job.target + ".part").exists()
    assert _run(replace(job, overwrite=True))[0].read == 25 and _ids(Path(job.target)) == IDS


@pytest.mark.parametrize(
    "foreign",
    [b'{"nodes":[1]}', b"{}", b'{"id":"a"', b"my notes", LINE + b"my notes", b'my notes\n{"id": "a"', LINE[:30] + b"\n"],
)
def test_nothing_is_cut_off_a_part_file_of_another_program(job: StreamJob, foreign: bytes) -> None:
    part = Path(job.target + ".part")
    part.write_bytes(foreign)
    with pytest.raises(DataError, match=r"part:[12]: is no document of this program.*--overwrite"):
        _run(job)
    assert part.read_bytes() == foreign and not Path(job.target).exists()


def test_an_overwriting_run_is_gone_on_with_from_its_first_moment(job: StreamJob) -> None:
    target, part = Path(job.target), Path(job.target + ".part")
    _run(job)
    stale = target.read_bytes()
    _records(Path(job.source), texts={i: f"{i} 부산시는 수소 협력" for i in IDS})
    # Interrupted before the first block; so is the run that goes on, which was not told to overwrite any more.
    for overwrite in (True, False):
        with pytest.raises(KeyboardInterrupt):
            _run(replace(job, load=_interrupted, overwrite=overwrite))
        assert part.read_bytes() == b"" and target.read_bytes() == stale
    assert _run(job)[0] == Counts(read=25)
    assert _ids(target) == IDS and "수소 협력" in target.read_text() and "방문했다" not in target.read_text()
    assert not part.exists()


def _interrupted() -> Predictor:
    raise KeyboardInterrupt


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_the_output_of_a_symlink_is_what_it_leads_to(job: StreamJob, tmp_path: Path, suffix: str) -> None:
    job = replace(job, target=job.target + suffix)
    store = tmp_path / "store"
    store.mkdir()
    # The name of the link tells the form, not that of the file.
    Path(job.target).symlink_to("store/blob")
    _records(Path(job.source), IDS[:10])
    assert _run(job)[0] == Counts(read=10)  # there is no file yet
    _records(Path(job.source))
    assert _run(job)[0] == Counts(read=15, there=10)
    assert _run(replace(job, overwrite=True))[0] == Counts(read=25)
    assert Path(job.target).is_symlink() and _ids(Path(job.target)) == IDS
    assert [path.name for path in store.iterdir()] == ["blob"]
    assert (store / "blob").read_bytes().startswith(b"\x1f\x8b") == bool(suffix)


def test_two_links_to_one_file_are_one_output(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("out.jsonl")
    output = ResumableOutput(tmp_path / "out.jsonl")
    with pytest.raises(DataError, match="another run is writing it"):
        ResumableOutput(tmp_path / "link")
    output.close()


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("overwrite", [True, False])
def test_the_output_keeps_its_mode(job: StreamJob, suffix: str, overwrite: bool) -> None:
    job = replace(job, target=job.target + suffix)
    _records(Path(job.source), IDS[:10])
    _run(job)
    Path(job.target).chmod(0o640)
    _records(Path(job.source))
    _run(replace(job, overwrite=overwrite))
    assert _ids(Path(job.target)) == IDS and Path(job.target).stat().st_mode & 0o7777 == 0o640


def test_two_runs_do_not_write_one_file(job: StreamJob) -> None:
    other = ResumableOutput(Path(job.target))
    with pytest.raises(DataError, match="another run is writing it"):
        _run(job)
    other.close()
    assert _run(job)[0].read == 25


def test_two_runs_do_not_extend_one_whole_output(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    path.write_bytes(LINE.replace(b'"a"', b'"old"'))
    first = ResumableOutput(path)
    with pytest.raises(DataError, match="another run is writing it"):
        ResumableOutput(path)
    first.write(LINE)
    with pytest.raises(DataError, match="another run is writing it"):
        ResumableOutput(path, overwrite=True)
    first.complete()
    first.close()
    second = ResumableOutput(path)
    assert "a" in second.done
    second.write(LINE.replace(b'"a"', b'"b"'))
    second.complete()
    second.close()
    assert [json.loads(line)["id"] for line in path.read_text().splitlines()] == ["old", "a", "b"]
    assert list(tmp_path.iterdir()) == [path]


def test_the_lock_of_a_killed_run_does_not_matter(job: StreamJob, tmp_path: Path) -> None:
    (tmp_path / ".out.jsonl.lock").touch()
    assert _run(job)[0].read == 25
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.jsonl", "out.jsonl"]


def test_a_lock_that_was_removed_meanwhile_is_taken_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fcntl = pytest.importorskip("fcntl")
    lock, take = tmp_path / ".out.jsonl.lock", fcntl.flock
    removed = []

    def flock(file: object, how: int) -> None:
        if not removed:
            removed.append(lock.unlink())
        take(file, how)

    monkeypatch.setattr(fcntl, "flock", flock)
    output = ResumableOutput(tmp_path / "out.jsonl")
    with pytest.raises(DataError, match="another run is writing it"):
        ResumableOutput(tmp_path / "out.jsonl")
    output.close()
    assert removed and not list(tmp_path.iterdir())


def test_input_and_output_are_two_files(job: StreamJob) -> None:
    with pytest.raises(DataError, match="is the input and the output"):
        _run(replace(job, target=job.source, overwrite=True))
    assert len(Path(job.source).read_bytes().splitlines()) == 25


@pytest.mark.parametrize("workers", [1, 2])
def test_bad_records_are_reported_and_skipped(job: StreamJob, tmp_path: Path, workers: int) -> None:
    lines = Path(job.source).read_bytes().splitlines()[:6]
    lines[1:1] = [b"oops", b'{"id": "a"}', '{"id": "b", "text": "부"}'.encode("cp949")]
    lines += [lines[0], json.dumps({"id": "고장난", "text": BAD}).encode()]
    Path(job.source).write_bytes(b"\n".join(lines))
    errors = tmp_path / "errors.jsonl"
    # All in one block: what is beside the failing article is read.
    counts, said = _run(replace(job, load=fragile_predictor, workers=workers, errors=errors, batch_tokens=4_096))
    assert counts == Counts(read=6, bad=5)
    assert _ids(Path(job.target)) == IDS[:6]
    found = [json.loads(line) for line in errors.read_text().splitlines()]
    assert [(e["line"], e["id"]) for e in found] == [(2, None), (3, None), (4, None), (10, IDS[0]), (11, "고장난")]
    assert f"{job.source}:2: skipped: not valid JSON" in said and "11: skipped (고장난): could not be read (Arith" in said
    assert "5 skipped" in said


@pytest.mark.parametrize("bad", [1, 2, 5])
@pytest.mark.parametrize("workers", [1, 2])
def test_articles_that_fail_do_not_block_the_next_run(job: StreamJob, bad: int, workers: int) -> None:
    wrong = [f"고장-{place}" for place in range(bad)]
    _records(Path(job.source), [*IDS[:6], *wrong], dict.fromkeys(wrong, BAD))
    job = replace(job, load=fragile_predictor, workers=workers, batch_tokens=4_096)
    assert _run(job)[0] == Counts(read=6, bad=bad)
    # Only those that fail are left, a block of their own.
    assert _run(job)[0] == Counts(there=6, bad=bad)
    assert _ids(Path(job.target)) == IDS[:6]


@pytest.mark.parametrize("name", ["in.jsonl", "out.jsonl", "out.jsonl.part", "symlink", "hard link", "other/../out.jsonl"])
@pytest.mark.parametrize("there", [True, False])
def test_the_errors_file_is_none_of_the_others(job: StreamJob, tmp_path: Path, name: str, there: bool) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "symlink").symlink_to("out.jsonl")
    (tmp_path / "hard link").hardlink_to(tmp_path / "in.jsonl")
    if there:
        _run(job)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    with pytest.raises(DataError, match=r"is the (input|output); give --errors another name"):
        _run(replace(job, errors=tmp_path / name))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == before


def test_the_errors_file_of_a_symlink_is_what_it_leads_to(job: StreamJob, tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "errors").symlink_to("logs/today")
    for _ in range(2):  # there is no file yet, there is one
        _run(replace(job, errors=tmp_path / "errors", keys=Keys(text="body"), overwrite=True))
        assert (tmp_path / "errors").is_symlink()
        assert len((tmp_path / "logs/today").read_text().splitlines()) == 25


def test_the_errors_may_go_to_a_pipe(job: StreamJob, tmp_path: Path) -> None:
    pipe, found = tmp_path / "pipe", list[str]()
    os.mkfifo(pipe)
    # Opened for both, it takes a writer without waiting for one that reads.
    reader = os.open(pipe, os.O_RDWR)
    try:
        _run(replace(job, errors=pipe, keys=Keys(text="body")))
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

    _records(Path(job.source), ["x", *IDS], {"x": BAD})
    with pytest.raises(DataError, match="--errors cannot be written"):
        _run(replace(job, errors=pipe, load=load))
    assert pipe.is_fifo()


def test_a_wrong_key_does_not_fill_the_terminal(job: StreamJob, tmp_path: Path) -> None:
    _records(Path(job.source), [str(place) for place in range(300)])
    counts, said = _run(replace(job, keys=Keys(text="body"), errors=tmp_path / "errors"))
    assert counts == Counts(bad=300) and len(said.splitlines()) == 102 and "--errors FILE" in said
    assert len((tmp_path / "errors").read_text().splitlines()) == 300
    assert Path(job.target).read_bytes() == b""


def test_what_was_read_before_a_worker_died_is_kept(job: StreamJob) -> None:
    _records(Path(job.source), [*IDS, "x"], {"x": DEADLY})
    with pytest.raises(WorkerError, match="while it read the lines 26 to 26"):
        _run(replace(job, load=fragile_predictor, workers=2))
    part = Path(job.target + ".part")
    kept = [json.loads(line)["id"] for line in part.read_text().splitlines()] if part.exists() else []
    assert kept == IDS[: len(kept)] and len(kept) >= 25 - 2 * 3
    _records(Path(job.source))
    assert _run(replace(job, workers=2))[0] == Counts(read=25 - len(kept), there=len(kept))
    assert _ids(Path(job.target)) == IDS


@pytest.mark.parametrize("spoil", [lambda data: data[:-20], lambda data: data[:60] + b"\xff" * 20 + data[80:]])
def test_a_damaged_compressed_input(job: StreamJob, tmp_path: Path, spoil: Callable[[bytes], bytes]) -> None:
    source = _records(tmp_path / "in.jsonl.gz")
    source.write_bytes(spoil(source.read_bytes()))
    with pytest.raises(DataError, match=r"in.jsonl.gz: cannot be read to its end"):
        _run(replace(job, source=str(source)))
    assert not Path(job.target).exists()


def test_files_that_cannot_be_used(job: StreamJob, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"missing\.jsonl: cannot be read"):
        _run(replace(job, source=str(tmp_path / "missing.jsonl")))
    with pytest.raises(DataError, match="is a folder"):
        _run(replace(job, target=str(tmp_path)))


def test_outputs_that_cannot_be_used(job: StreamJob, tmp_path: Path) -> None:
    (tmp_path / "a file").touch()
    with pytest.raises(DataError, match=r"out: cannot be written .*a file is no folder"):
        _run(replace(job, target=str(tmp_path / "a file/out")))
    for wrong in ("a file/out.jsonl", "a file/sub/out.jsonl.gz"):
        with pytest.raises(DataError, match=f"{wrong}: cannot be written"):
            _run(replace(job, target=str(tmp_path / wrong)))
        with pytest.raises(DataError, match=f"{wrong}: cannot be written"):
            _run(replace(job, errors=tmp_path / wrong))
    with pytest.raises(DataError, match="cannot be written"):
        _run(replace(job, errors=tmp_path))
    with pytest.raises(DataError, match="is a folder"):
        _run(replace(job, target="."))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a file", "in.jsonl"]


WHOLE = gzip.compress(LINE * 9)


@pytest.mark.parametrize("content", [b"my notes\n", WHOLE[:-9], WHOLE[:10] + b"\xff" * 9 + WHOLE[19:]])
def test_a_whole_output_that_is_no_gzip(job: StreamJob, tmp_path: Path, content: bytes) -> None:
    job = replace(job, target=str(tmp_path / "out.jsonl.gz"))
    Path(job.target).write_bytes(content)
    with pytest.raises(DataError, match=r"out.jsonl.gz: is no whole gzip file .*--overwrite"):
        _run(job)
    assert Path(job.target).read_bytes() == content
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.jsonl", "out.jsonl.gz"]
    assert _run(replace(job, overwrite=True))[0].read == 25 and _ids(Path(job.target)) == IDS


def test_an_output_that_cannot_be_finished(tmp_path: Path) -> None:
    with open_output(str(tmp_path / "out"), False) as output:
        output.write(b'{"id": "a"}\n')
        (tmp_path / "out").mkdir()
        with pytest.raises(DataError, match="out: cannot be written"):
            output.complete()
    assert (tmp_path / "out.part").read_bytes() == b'{"id": "a"}\n'


def test_an_empty_input_gives_an_empty_output(job: StreamJob) -> None:
    Path(job.source).write_bytes(b"")
    assert _run(job)[0] == Counts()
    assert list(read_jsonl(job.target)) == []
