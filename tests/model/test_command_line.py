"""`python -m model predict`: formats, standard input, one clear line for what cannot be read."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from model.checkpoint import save_model
from model.network import JointNetwork
from model.runtime.document import document_from_dict
from model.runtime.predictor import Predictor

REPOSITORY = Path(__file__).parents[2]
TEXT = "부산시, 후쿠오카와 협력\n부산시는 3일 후쿠오카시를 방문해 수소 분야 협력을 논의했다."
Build = Callable[..., Predictor]


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory, tiny_predictor: Build) -> Path:
    folder = tmp_path_factory.mktemp("run")
    predictor = tiny_predictor(threshold=0.3)
    assert isinstance(predictor.network, JointNetwork)
    save_model(folder / "model", predictor.network, predictor.tokenizer, predictor.settings, predictor.lexicon)
    return folder


def _call(run_folder: Path, *arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "model", "predict", "--model", str(run_folder), *arguments]
    return subprocess.run(command, cwd=REPOSITORY, input=given, capture_output=True, check=False)


def test_jsonl_is_the_schemas_form(run_folder: Path, tmp_path: Path) -> None:
    for name in ("first", "second"):
        (tmp_path / f"{name}.txt").write_text(TEXT, encoding="utf-8")
    done = _call(run_folder, str(tmp_path / "first.txt"), str(tmp_path / "second.txt"), "--format", "jsonl")
    assert done.returncode == 0, done.stderr
    objects = [json.loads(line) for line in done.stdout.decode().splitlines()]
    assert [o["id"] for o in objects] == ["first", "second"]
    for item in objects:
        assert item["text"] == TEXT and item["entities"]
        for entity in item["entities"]:
            assert entity.keys() >= {"id", "start", "end", "label", "text", "score"}
            assert TEXT[entity["start"] : entity["end"]] == entity["text"]
        assert all(r.keys() >= {"head", "tail", "type", "score"} for r in item["relations"])
        assert document_from_dict(item, "output").entities


def test_files_of_one_name_in_several_folders(run_folder: Path, tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("a/news.txt", "b/news.txt", "b/other.txt")]
    for file in files:
        file.parent.mkdir(exist_ok=True)
        file.write_text(TEXT, encoding="utf-8")
    done = _call(run_folder, *map(str, files), "--format", "jsonl")
    assert [json.loads(line)["id"] for line in done.stdout.splitlines()] == [str(files[0]), str(files[1]), "other"]
    done = _call(run_folder, str(files[0]), str(files[0]), "--format", "jsonl")
    assert done.returncode == 2 and f"several articles would have the id {files[0]}" in done.stderr.decode()


def test_a_full_disk_under_standard_output(run_folder: Path) -> None:
    # Both ways of Python to write it: at once, and when it ends.
    for buffering in ("", "1"):
        for arguments in (["-"], ["-", "--format", "jsonl"], ["--jsonl", "-"]):
            given = TEXT if arguments[0] == "-" else json.dumps({"id": "a", "text": TEXT})
            with Path("/dev/full").open("wb") as full:
                done = subprocess.run(
                    [sys.executable, "-m", "model", "predict", "--model", str(run_folder), *arguments],
                    cwd=REPOSITORY,
                    env=os.environ | {"PYTHONUNBUFFERED": buffering},
                    input=given.encode(),
                    stdout=full,
                    stderr=subprocess.PIPE,
                    check=False,
                )
            error = done.stderr.decode()
            assert done.returncode == 2 and error.startswith("error: ") and "No space left" in error
            assert len(error.splitlines()) == 1


def test_a_closed_pipe_is_no_error(run_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "news.txt").write_text(TEXT * 200, encoding="utf-8")
    command = [sys.executable, "-m", "model", "predict", "--model", str(run_folder), str(tmp_path / "news.txt")]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout and process.stderr
        process.stdout.close()
        assert (process.stderr.read(), process.wait(60)) == (b"", 0)


def test_help_says_which_folders_are_models() -> None:
    for module, said in (("model", "run folder, or the model folder of a run"), ("model.runtime", "folder of an exported model")):
        command = [sys.executable, "-m", module, "predict", "--help"]
        shown = subprocess.run(command, cwd=REPOSITORY, capture_output=True, check=True).stdout.decode()
        assert said in " ".join(shown.split()), shown


def test_standard_input(run_folder: Path) -> None:
    done = _call(run_folder, "-", "--format", "jsonl", given=TEXT.encode())
    assert json.loads(done.stdout)["id"] == "stdin"


def test_min_score(run_folder: Path) -> None:
    everything = json.loads(_call(run_folder, "-", "--format", "jsonl", given=TEXT.encode()).stdout)
    limit = max(entity["score"] for entity in everything["entities"]) - 1e-3
    left = json.loads(_call(run_folder, "-", "--format", "jsonl", "--min-score", str(limit), given=TEXT.encode()).stdout)
    assert [e["start"] for e in left["entities"]] == [e["start"] for e in everything["entities"] if e["score"] >= limit]


def test_min_score_outside_of_zero_and_one(run_folder: Path) -> None:
    done = _call(run_folder, "nowhere.txt", "--min-score", "1.5")
    assert done.returncode == 2
    assert done.stderr.decode() == "error: min_score 1.5: should be a number from 0 to 1\n"


def test_table_and_brat(run_folder: Path) -> None:
    assert "label" in _call(run_folder, "-", given=TEXT.encode()).stdout.decode()
    brat = _call(run_folder, "-", "--format", "brat", given=TEXT.encode()).stdout.decode()
    first = brat.splitlines()[0].split("\t")
    start, end = first[1].split()[1:]
    assert first[0] == "T1" and TEXT[int(start) : int(end)] == first[2]


def test_a_text_file_of_windows(run_folder: Path, tmp_path: Path) -> None:
    text = TEXT.replace("\n", "\r\n")
    (tmp_path / "news.txt").write_bytes(b"\xef\xbb\xbf" + text.encode())
    document = json.loads(_call(run_folder, str(tmp_path / "news.txt"), "--format", "jsonl").stdout)
    assert (document["title"], document["text"]) == ("부산시, 후쿠오카와 협력", text)


def test_a_stream_through_workers(run_folder: Path) -> None:
    records = "".join(json.dumps({"id": name, "text": TEXT}) + "\n" for name in "abc").encode()
    done = _call(run_folder, "--jsonl", "-", "--workers", "2", "--batch-tokens", "4", "--quiet", given=records)
    assert (done.returncode, done.stderr) == (0, b"")
    documents = [document_from_dict(json.loads(line), "output") for line in done.stdout.splitlines()]
    assert [d.id for d in documents] == ["a", "b", "c"] and all(d.entities for d in documents)


def test_an_empty_file_is_an_article_without_mentions(run_folder: Path) -> None:
    done = _call(run_folder, "-", "--format", "jsonl")
    assert done.returncode == 0 and json.loads(done.stdout)["entities"] == []


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("missing.txt", None, "cannot be read"),
        ("cp949.txt", "부산시".encode("cp949"), "is not UTF-8"),
        (".", None, "cannot be read"),
    ],
)
def test_what_cannot_be_read(run_folder: Path, tmp_path: Path, name: str, content: bytes | None, said: str) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    done = _call(run_folder, str(path))
    error = done.stderr.decode()
    assert done.returncode == 2 and error.startswith("error: ") and str(path) in error and said in error
    assert len(error.strip().splitlines()) == 1


def test_a_missing_model(tmp_path: Path) -> None:
    done = _call(tmp_path / "nowhere", "-", given=TEXT.encode())
    assert done.returncode == 2 and b"there is no such model folder" in done.stderr and b"Traceback" not in done.stderr


def test_importing_the_package_does_not_import_torch() -> None:
    code = "import sys, model; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, check=False).returncode == 0
