"""Where a run comes from."""

import hashlib
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

import pytest

from train import provenance as module
from train.data.corpus import Corpus
from train.provenance import data_hashes, provenance

HEAD = "0123456789ab"


def git_says(monkeypatch: pytest.MonkeyPatch, head: str | Exception, status: str = "") -> None:
    """Answers for git, so that no test depends on the state of the repository."""

    def answer(command: str, *_: str) -> str:
        if isinstance(head, Exception):
            raise head
        return {"rev-parse": head, "status": status}[command]

    monkeypatch.setattr(module, "_git", answer)


def commit(tmp_path: Path) -> str:
    return str(provenance(Corpus(tmp_path), seed=13)["commit"])


def test_a_clean_tree_is_its_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git_says(monkeypatch, HEAD)
    assert commit(tmp_path) == HEAD


def test_a_changed_tree_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git_says(monkeypatch, HEAD, " M train/run.py")
    assert commit(tmp_path) == f"{HEAD}+changes"


@pytest.mark.parametrize(
    "error", [FileNotFoundError("git"), subprocess.CalledProcessError(128, "git")], ids=["no git", "no repository"]
)
def test_without_git_the_commit_is_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    git_says(monkeypatch, error)
    assert commit(tmp_path) == "unknown"


def test_git_is_asked_about_the_code_and_not_about_the_working_folder(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def run(command: list[str], *, cwd: Path, **_: object) -> subprocess.CompletedProcess[str]:
        asked.append((command[:2], Path(cwd).resolve()))
        return subprocess.CompletedProcess(command, 0, stdout=f"{HEAD}\n" if "rev-parse" in command else "")

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.chdir(tmp_path)
    assert commit(tmp_path) == HEAD
    code = (repository / "train").resolve()
    assert asked == [(["git", "rev-parse"], code), (["git", "status"], code)]


def test_data_are_named_by_their_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git_says(monkeypatch, HEAD)
    corpus = Corpus(tmp_path)
    corpus.jsonl("train").write_bytes(b"a\n")
    corpus.jsonl("dev").write_bytes(b"b\n")
    facts = provenance(corpus, seed=13)
    assert facts["train.jsonl sha256"] == hashlib.sha256(b"a\n").hexdigest()
    assert facts["dev.jsonl sha256"] == hashlib.sha256(b"b\n").hexdigest()
    assert facts["test.jsonl sha256"] == "missing"
    assert {name: facts[name] for name in data_hashes(corpus)} == data_hashes(corpus)


def test_seed_versions_and_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git_says(monkeypatch, HEAD)
    facts = provenance(Corpus(tmp_path), seed=42)
    assert facts["seed"] == 42
    assert facts["python"] == platform.python_version()
    assert {name: facts[name] for name in ("torch", "transformers")} == {
        name: version(name) for name in ("torch", "transformers")
    }
    assert platform.machine() in facts["machine"]
    assert facts["threads"] == 1  # as `tests/conftest.py` sets it
