"""The command line over streams, as processes: exit codes, pipes, interruptions. Files and formats: `test_command_line`."""

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from letters import BAD

from model.runtime import __version__

REPOSITORY = Path(__file__).parents[3]
# A process started in the background of a shell ignores SIGINT, and so would its children.
PROGRAM = (
    "import signal, sys, letters; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "from model.runtime.cli import main; sys.exit(main(letters.load, 'dosilink'))"
)
ENVIRONMENT = os.environ | {"PYTHONPATH": f"{REPOSITORY}{os.pathsep}{Path(__file__).parent}"}


def _start(*arguments: str) -> subprocess.Popen[bytes]:
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", PROGRAM, "predict", *arguments]
    return subprocess.Popen(command, env=ENVIRONMENT, stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True)


def _call(*arguments: str, given: bytes = b"") -> tuple[int, bytes, str]:
    with _start(*arguments) as process:
        out, error = process.communicate(given, timeout=60)
        return process.returncode, out, error.decode()


def _lines(count: int, first: int = 0) -> bytes:
    return b"".join(json.dumps({"id": i, "text": f"{i} 부산시는"}).encode() + b"\n" for i in range(first, first + count))


def test_from_standard_input_to_standard_output() -> None:
    code, out, error = _call("--jsonl", "-", given=_lines(5))
    assert code == 0 and [json.loads(line)["id"] for line in out.splitlines()] == list("01234")
    assert error.startswith("5 articles read")
    assert _call("--jsonl", "-", "--quiet", given=_lines(5)) == (0, out, "")


def test_skipped_records_show_in_the_exit_code() -> None:
    code, out, error = _call("--jsonl", "-", "--quiet", given=_lines(2) + b"oops\n")
    assert code == 1 and len(out.splitlines()) == 2 and error.startswith("stdin:3: skipped: not valid JSON")


def test_a_users_error_is_one_line(tmp_path: Path) -> None:
    code, _, error = _call("--jsonl", str(tmp_path / "missing.jsonl"))
    assert (code, len(error.splitlines())) == (2, 1) and error.startswith("error: ")
    code, _, error = _call("--jsonl", "-", "-o", str(tmp_path / "out"), "--model", "nowhere", given=_lines(1))
    assert code == 2 and "no such model folder" in error and not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["a.txt", "--jsonl", "-"],
        ["a.txt", "--overwrite"],
        ["a.txt", "--errors", "x"],
        ["a.txt", "--workers", "2"],
        ["--jsonl", "-", "--format", "brat"],
        ["a.txt", "b.txt", "--format", "brat"],
        ["--jsonl", "-", "--workers", "0"],
        ["--jsonl", "-", "--batch-tokens", "many"],
    ],
)
def test_what_does_not_go_together(arguments: list[str]) -> None:
    code, _, error = _call(*arguments)
    assert code == 2 and "usage:" in error and "Traceback" not in error


def test_an_output_that_cannot_be_used_is_no_run_with_bad_records(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for option in ("-o", "--errors"):
        code, _, error = _call("--jsonl", "-", option, str(tmp_path / "file/out.jsonl"), given=_lines(1))
        assert code == 2 and error.startswith("error: ") and "cannot be written" in error and len(error.splitlines()) == 1


def test_a_full_disk_is_told_of_in_one_line(tmp_path: Path) -> None:
    arguments = ["predict", "--jsonl", "-", "--quiet", "-o", str(tmp_path / "out.jsonl")]
    full = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100)); {PROGRAM}"
    command = [sys.executable, "-c", full, *arguments]
    done = subprocess.run(command, env=ENVIRONMENT, input=_lines(3), capture_output=True, check=False)
    error = done.stderr.decode()
    assert done.returncode == 2 and "goes on once it can" in error and len(error.splitlines()) == 1
    assert _call(*arguments[1:], given=_lines(3))[0] == 0
    found = [json.loads(line)["id"] for line in (tmp_path / "out.jsonl").read_bytes().splitlines()]
    assert found == ["0", "1", "2"]


def test_errors_over_what_a_shell_redirected(tmp_path: Path) -> None:
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_bytes(_lines(3))
    for errors, said in ((source, "is the input"), (target, "is the output")):
        command = [sys.executable, "-c", PROGRAM, "predict", "--jsonl", "-", "--errors", str(errors)]
        with source.open("rb") as given, target.open("wb") as out:
            done = subprocess.run(command, env=ENVIRONMENT, stdin=given, stdout=out, stderr=subprocess.PIPE, check=False)
        assert done.returncode == 2 and said in done.stderr.decode()
    assert source.read_bytes() == _lines(3)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_reader_that_has_enough(workers: str) -> None:
    with _start("--jsonl", "-", "--batch-tokens", "16", "--workers", workers) as process:
        assert process.stdin and process.stdout and process.stderr
        process.stdin.write(_lines(200))
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["id"] == "0"
        process.stdout.close()
        process.stdin.close()
        assert process.wait(60) == 0
        assert b"Error" not in process.stderr.read()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_ctrl_c_and_on_again(tmp_path: Path, workers: str) -> None:
    source, target, part = tmp_path / "in.jsonl", tmp_path / "out.jsonl", tmp_path / "out.jsonl.part"
    slow = json.dumps({"id": "slow", "text": "느린"}).encode() + b"\n"
    source.write_bytes(_lines(20) + slow + _lines(20, 20))
    arguments = ["--jsonl", str(source), "-o", str(target), "--batch-tokens", "1", "--workers", workers]
    with _start(*arguments) as process:
        deadline = time.monotonic() + 30
        while not (part.exists() and part.read_bytes().count(b"\n") >= 3) and time.monotonic() < deadline:
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        _, error = process.communicate(timeout=30)
        assert process.returncode == 130 and b"Traceback" not in error and b"goes on from here" in error
    kept = part.read_bytes().count(b"\n")
    assert kept >= 3 and not target.exists()
    code, _, said = _call(*arguments)
    assert code == 0 and f"{kept} were there already" in said
    found = [json.loads(line)["id"] for line in target.read_bytes().splitlines()]
    assert found == [*map(str, range(20)), "slow", *map(str, range(20, 40))]


def test_the_same_command_again_with_articles_that_fail(tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    bad = [json.dumps({"id": name, "text": BAD}).encode() + b"\n" for name in ("x", "y")]
    source.write_bytes(_lines(3) + b"".join(bad))
    for _ in range(2):
        code, _, error = _call("--jsonl", str(source), "-o", str(tmp_path / "out.jsonl"))
        assert code == 1 and "4: skipped (x)" in error and "5: skipped (y)" in error


def test_a_file_of_another_program_is_not_written_over(tmp_path: Path) -> None:
    graph = tmp_path / "graph.json"
    graph.write_text('{"nodes":[1]}')
    code, _, error = _call("--jsonl", "-", "-o", str(graph), given=_lines(3))
    assert code == 2 and "--overwrite" in error and len(error.splitlines()) == 1
    assert graph.read_text() == '{"nodes":[1]}'


def test_an_article_that_fails_is_named(tmp_path: Path) -> None:
    record = json.dumps({"id": "x", "text": BAD}).encode()
    code, out, error = _call("--jsonl", "-", "--errors", str(tmp_path / "e.jsonl"), given=_lines(1) + record)
    assert code == 1 and len(out.splitlines()) == 1 and "stdin:2: skipped (x): could not be read" in error
    assert json.loads((tmp_path / "e.jsonl").read_text())["id"] == "x"


def test_json_lines_are_not_read_as_prose(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_bytes(b"")
    (tmp_path / "in.txt").write_bytes(b"\xef\xbb\xbf\n \n" + _lines(2))
    for name, given in ((str(tmp_path / "in.jsonl"), b""), (str(tmp_path / "in.txt"), b""), ("-", _lines(2))):
        code, out, error = _call(name, given=given)
        assert (code, out) == (2, b"") and error == f"error: {name}: looks like JSON Lines; give it with --jsonl\n"
    (tmp_path / "in.txt").write_text("{부산시는}\n")
    assert _call(str(tmp_path / "in.txt"))[0] == 0


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"%PDF-1.7\n%\xe2\xe3", "is a PDF"),
        ("부산시는".encode("utf-16"), "is UTF-16; convert it, e.g. with iconv -f utf-16"),
        (b"PK\x03\x04 hwpx", "document of a word processor"),
        ("부산시는".encode("cp949"), "iconv -f cp949"),
    ],
)
def test_a_file_of_another_kind_is_told_what_to_do_with(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "news").write_bytes(content)
    code, _, error = _call(str(tmp_path / "news"))
    assert code == 2 and error.startswith(f"error: {tmp_path / 'news'}: ") and said in error and len(error.splitlines()) == 1


def test_files_to_an_output(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.txt").write_text(f"{name} 부산시는")
    files, out = [str(tmp_path / "a.txt"), str(tmp_path / "b.txt")], tmp_path / "sub/out.jsonl"
    shown = _call(*files, "--format", "jsonl")[1]
    assert _call(*files, "--format", "jsonl", "-o", str(out)) == (0, b"", "")
    assert out.read_bytes() == shown and [path.name for path in out.parent.iterdir()] == ["out.jsonl"]
    out.write_text("my notes\n")
    code, _, error = _call(*files, "--format", "jsonl", "-o", str(out))
    assert code == 2 and "is there already" in error and "--overwrite" in error and out.read_text() == "my notes\n"
    assert _call(*files, "--format", "jsonl", "-o", str(out), "--overwrite")[0] == 0 and out.read_bytes() == shown
    assert _call(*files, "--format", "jsonl", "-o", str(out) + ".gz")[0] == 0
    assert gzip.decompress((tmp_path / "sub/out.jsonl.gz").read_bytes()) == shown
    assert _call(*files, "-o", str(tmp_path / "table"))[0] == 0 and (tmp_path / "table").read_text().startswith("# a\n")


def test_a_failed_run_over_files_leaves_the_output(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("부산시는")
    (tmp_path / "out").write_text("before")
    code, _, _ = _call(str(tmp_path / "a.txt"), "-o", str(tmp_path / "out"), "--overwrite", "--model", "nowhere")
    assert code == 2 and (tmp_path / "out").read_text() == "before"
    code, _, error = _call(str(tmp_path / "a.txt"), "-o", str(tmp_path / "a.txt"), "--overwrite")
    assert code == 2 and "is the input and the output" in error and (tmp_path / "a.txt").read_text() == "부산시는"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.txt", "out"]


def test_the_version_is_told() -> None:
    program = [sys.executable, "-c", PROGRAM, "--version"]
    done = subprocess.run(program, env=ENVIRONMENT, capture_output=True, check=True)
    assert done.stdout.decode().strip() == f"dosilink {__version__}"
