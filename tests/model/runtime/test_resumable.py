"""Outputs that a later run goes on with: interruptions at any byte, files of others, links and modes, locks."""

import gzip
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from letters import letter_predictor
from stream_files import IDS, LINE, ids_of, run_job, write_records

from model.runtime.errors import DataError
from model.runtime.predictor import Predictor
from model.runtime.resumable import ResumableOutput
from model.runtime.stream import Counts, StreamJob


class _Interrupting(Predictor):
    """Is interrupted at the ninth article."""

    def _read_chunk(self, articles: Any, *rest: Any) -> Any:
        if articles[0][0].startswith(IDS[8]):
            raise KeyboardInterrupt
        return super()._read_chunk(articles, *rest)


def _interrupting() -> Predictor:
    predictor = letter_predictor()
    predictor.__class__ = _Interrupting
    return predictor


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_an_interrupted_run_is_gone_on_with(job: StreamJob, suffix: str) -> None:
    job = replace(job, target=job.target + suffix)
    target, part = Path(job.target), Path(job.target + ".part")
    with pytest.raises(KeyboardInterrupt):
        run_job(replace(job, load=_interrupting))
    assert not target.exists() and len(part.read_bytes().splitlines()) == 8
    counts, said = run_job(job)
    assert counts == Counts(read=17, there=8) and "8 were there already" in said
    assert ids_of(target) == IDS and not part.exists()


def test_a_run_killed_at_any_byte_is_gone_on_with(job: StreamJob) -> None:
    write_records(Path(job.source), IDS[:10])
    run_job(job)
    target, part = Path(job.target), Path(job.target + ".part")
    whole = target.read_bytes()
    step = len(whole) // 15
    ends = [place + 1 for place, byte in enumerate(whole) if byte == ord("\n")]
    for cut in sorted({0, 1, *range(0, len(whole), step), *(e for e in ends[:4]), *(e - 1 for e in ends[-2:]), len(whole)}):
        target.unlink(missing_ok=True)
        part.write_bytes(whole[:cut])
        counts, _ = run_job(job)
        assert target.read_bytes() == whole and not part.exists()
        assert counts.there == whole[:cut].count(b"\n") and counts.read + counts.there == 10


def test_new_articles_are_added_to_a_whole_output(job: StreamJob) -> None:
    write_records(Path(job.source), IDS[:10])
    run_job(job)
    target = Path(job.target)
    before = target.stat()
    assert run_job(job)[0] == Counts(there=10)
    assert target.stat().st_ino == before.st_ino and target.stat().st_mtime_ns == before.st_mtime_ns
    write_records(Path(job.source))
    with pytest.raises(DataError):  # however it ends, the whole file stays whole
        run_job(replace(job, load=lambda: _raise(DataError("no"))))
    assert ids_of(target) == IDS[:10]
    assert run_job(job)[0] == Counts(read=15, there=10)
    assert ids_of(target) == IDS


def _raise(error: Exception) -> Predictor:
    raise error


def test_overwrite_reads_all_again(job: StreamJob) -> None:
    Path(job.target).write_text("something else\n")
    Path(job.target + ".part").write_text("something else\n")
    with pytest.raises(DataError, match=r"part:1: is no document.*--overwrite"):
        run_job(job)
    assert run_job(replace(job, overwrite=True))[0].read == 25
    assert ids_of(Path(job.target)) == IDS


def test_a_foreign_file_is_not_added_to(job: StreamJob) -> None:
    Path(job.target).write_text("my notes\n")
    with pytest.raises(DataError, match=r"out.jsonl:1: is no document"):
        run_job(job)
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
        run_job(job)
    assert Path(job.target).read_bytes() == content and not Path(job.target + ".part").exists()
    assert run_job(replace(job, overwrite=True))[0].read == 25 and ids_of(Path(job.target)) == IDS


@pytest.mark.parametrize(
    "foreign",
    [b'{"nodes":[1]}', b"{}", b'{"id":"a"', b"my notes", LINE + b"my notes", b'my notes\n{"id": "a"', LINE[:30] + b"\n"],
)
def test_nothing_is_cut_off_a_part_file_of_another_program(job: StreamJob, foreign: bytes) -> None:
    part = Path(job.target + ".part")
    part.write_bytes(foreign)
    with pytest.raises(DataError, match=r"part:[12]: is no document of this program.*--overwrite"):
        run_job(job)
    assert part.read_bytes() == foreign and not Path(job.target).exists()


def test_an_overwriting_run_is_gone_on_with_from_its_first_moment(job: StreamJob) -> None:
    target, part = Path(job.target), Path(job.target + ".part")
    run_job(job)
    stale = target.read_bytes()
    write_records(Path(job.source), texts={i: f"{i} 부산시는 수소 협력" for i in IDS})
    # Interrupted before the first block; so is the run that goes on, which was not told to overwrite any more.
    for overwrite in (True, False):
        with pytest.raises(KeyboardInterrupt):
            run_job(replace(job, load=_interrupted, overwrite=overwrite))
        assert part.read_bytes() == b"" and target.read_bytes() == stale
    assert run_job(job)[0] == Counts(read=25)
    assert ids_of(target) == IDS and "수소 협력" in target.read_text() and "방문했다" not in target.read_text()
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
    write_records(Path(job.source), IDS[:10])
    assert run_job(job)[0] == Counts(read=10)  # there is no file yet
    write_records(Path(job.source))
    assert run_job(job)[0] == Counts(read=15, there=10)
    assert run_job(replace(job, overwrite=True))[0] == Counts(read=25)
    assert Path(job.target).is_symlink() and ids_of(Path(job.target)) == IDS
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
    write_records(Path(job.source), IDS[:10])
    run_job(job)
    Path(job.target).chmod(0o640)
    write_records(Path(job.source))
    run_job(replace(job, overwrite=overwrite))
    assert ids_of(Path(job.target)) == IDS and Path(job.target).stat().st_mode & 0o7777 == 0o640


def test_two_runs_do_not_write_one_file(job: StreamJob) -> None:
    other = ResumableOutput(Path(job.target))
    with pytest.raises(DataError, match="another run is writing it"):
        run_job(job)
    other.close()
    assert run_job(job)[0].read == 25


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
    assert run_job(job)[0].read == 25
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
