"""Which run `predict` reads with."""

import os
from pathlib import Path

import pytest

from model.runs import default_run, model_folder
from model.runtime.errors import ModelError


def _finished(folder: Path, time: int) -> Path:
    folder.mkdir(parents=True)
    (folder / "metrics.json").write_text("{}")
    os.utime(folder / "metrics.json", (time, time))
    return folder


def test_the_run_finished_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DOSILINK_RUN", raising=False)
    _finished(Path("runs/new"), 200)
    _finished(Path("runs/old"), 100)
    _finished(Path("runs/.old.20260101-000000"), 300)
    Path("runs/unfinished").mkdir()
    assert default_run() == Path("runs/new")


def test_the_environment_names_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    _finished(Path("runs/new"), 200)
    monkeypatch.setenv("DOSILINK_RUN", "elsewhere/run")
    assert default_run() == Path("elsewhere/run")


def test_none_yet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DOSILINK_RUN", raising=False)
    with pytest.raises(ModelError, match="make train"):
        default_run()


def test_a_run_or_the_model_in_it(tmp_path: Path) -> None:
    (tmp_path / "run/model").mkdir(parents=True)
    (tmp_path / "run/model/dosilink.json").write_text("{}")
    assert model_folder(tmp_path / "run") == model_folder(tmp_path / "run/model") == tmp_path / "run/model"
