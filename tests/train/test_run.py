"""Training as the user starts it: learns by heart, repeats itself, survives a kill, says what is wrong in one line."""

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import datetime, tzinfo
from pathlib import Path

import pytest
from tiny_corpus import TINY, write_tiny_corpus

from model import load
from model.runtime.document import read_jsonl
from model.runtime.errors import ConfigError, DataError, ModelError
from model.runtime.schema import LABELS
from model.runtime.settings import read_settings
from train.config import Recipe, load_recipe, recipe_yaml
from train.data.corpus import Corpus
from train.provenance import data_hashes
from train.resuming import start_folder
from train.run import train

FAST = ["training.encoder_rate=2e-3", "training.head_rate=1e-2"]
REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    return _recipe(tmp_path)


def _recipe(tmp_path: Path, *overrides: str) -> Recipe:
    data = tmp_path / "data"
    if not data.exists():
        write_tiny_corpus(data)
    return load_recipe(REPOSITORY / "configs/random.yaml", [*TINY, f"data={data}", "training.epochs=4", *overrides])


def _metrics(runs: Path) -> str:
    return (runs / "random" / "metrics.json").read_text()


def test_learns_by_heart(tmp_path: Path) -> None:
    finished = train(_recipe(tmp_path, "training.epochs=60", "training.evaluate_every=10", *FAST), tmp_path / "runs")
    assert finished.evaluations["test"].entities.micro.f1 == 1.0
    assert finished.evaluations["test"].relations.micro.f1 > 0.9
    folder = finished.folder
    present = {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}
    assert {
        "config.yaml",
        "metrics.json",
        "report.md",
        "provenance.json",
        "predictions/dev.jsonl",
        "predictions/test.jsonl",
    } <= present
    assert {"model/dosilink.json", "model/model.safetensors", "model/tokenizer.json", "model/encoder/config.json"} <= present
    assert any(name.startswith("tensorboard/") for name in present)
    assert "## Scores as probabilities" in finished.report.read_text(encoding="utf-8")
    reliability = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))["test"]["calibration"]
    assert {"raw", "calibrated", "raw_loss", "calibrated_loss"} == set(reliability["mentions"])
    gold = next(iter(read_jsonl(tmp_path / "data/test.jsonl")))
    predicted = next(iter(read_jsonl(folder / "predictions/test.jsonl")))
    assert predicted.id == gold.id
    assert [(e.start, e.end, e.label) for e in load(folder).predict(gold.text).entities] == [
        (e.start, e.end, e.label) for e in predicted.entities
    ]


def test_one_seed_gives_one_result(tmp_path: Path, recipe: Recipe) -> None:
    for runs in ("a", "b"):
        train(recipe, tmp_path / runs)
    assert _metrics(tmp_path / "a") == _metrics(tmp_path / "b")
    predictions = [(tmp_path / r / "random/predictions/test.jsonl").read_text() for r in ("a", "b")]
    assert predictions[0] == predictions[1]


def test_calibration_changes_scores_and_nothing_else(tmp_path: Path) -> None:
    found = []
    for name, switch in (("on", "true"), ("off", "false")):
        folder = train(_recipe(tmp_path, f"calibrate={switch}"), tmp_path / name).folder
        assert load(folder).settings.calibration == (calibration := read_settings(folder / "model").calibration)
        assert bool(calibration.mentions) == (name == "on")
        found.append(list(read_jsonl(folder / "predictions/dev.jsonl")))
    assert found[0] != found[1]
    for on, off in zip(*found, strict=True):
        assert [replace(e, score=None, canonical="") for e in on.entities] == [
            replace(e, score=None, canonical="") for e in off.entities
        ]
        assert [replace(r, score=None) for r in on.relations] == [replace(r, score=None) for r in off.relations]
    assert "calibration" not in json.loads((tmp_path / "off/random/metrics.json").read_text())["dev"]


def test_a_mention_threshold_leaves_out_what_is_less_probable(tmp_path: Path) -> None:
    found = {}
    for threshold in (0.0, 0.5):
        folder = train(_recipe(tmp_path, f"mention_threshold={threshold}"), tmp_path / str(threshold)).folder
        least = read_settings(folder / "model").mention_thresholds
        assert set(least) == (set(LABELS) if threshold else set())
        found[threshold] = list(read_jsonl(folder / "predictions/dev.jsonl"))
    everything, probable = ({(d.id, e.start, e.end, e.label) for d in found[t] for e in d.entities} for t in found)
    assert probable < everything
    ends = {(d.id, r.head) for d in found[0.5] for r in d.relations} | {(d.id, r.tail) for d in found[0.5] for r in d.relations}
    assert ends <= {(d.id, e.id) for d in found[0.5] for e in d.entities}
    with pytest.raises(ConfigError, match="needs calibrate"):
        _recipe(tmp_path, "mention_threshold=0.5", "calibrate=false")


def test_another_run_of_the_name_keeps_the_older_one(tmp_path: Path, recipe: Recipe) -> None:
    first = train(recipe, tmp_path / "runs").folder.joinpath("metrics.json").read_text()
    train(recipe, tmp_path / "runs")
    kept = [p for p in (tmp_path / "runs").iterdir() if p.name.startswith(".random.") and p.is_dir()]
    assert len(kept) == 1 and (kept[0] / "metrics.json").read_text() == first


@pytest.mark.parametrize("split", ["train", "dev", "test"])
def test_an_article_that_cannot_be_read_is_named_before_anything_is_put_away(tmp_path: Path, recipe: Recipe, split: str) -> None:
    kept = tmp_path / "runs/random/metrics.json"
    kept.parent.mkdir(parents=True)
    kept.write_text("{}")
    shutil.rmtree(recipe.data / "inline")
    path = recipe.data / f"{split}.jsonl"
    first, *rest = path.read_text(encoding="utf-8").splitlines()
    data = json.loads(first)
    path.write_text("\n".join([json.dumps(data | {"text": data["text"] + "\u00a0끝"}), *rest]), encoding="utf-8")
    with pytest.raises(DataError, match=rf"{split}\.jsonl: {data['id']}: .*normal form"):
        train(recipe, tmp_path / "runs")
    assert kept.read_text() == "{}"


@pytest.mark.parametrize("resume", [False, True])
def test_a_name_that_another_process_trains_under_is_refused(tmp_path: Path, recipe: Recipe, resume: bool) -> None:
    runs = tmp_path / "runs"
    folder = _interrupted(runs, recipe)
    with (runs / ".random.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(ConfigError, match=r"is being trained by another process.*name="):
            train(recipe, runs, resume)
    assert [p.name for p in folder.iterdir()] == ["config.yaml"]
    assert sorted(p.name for p in runs.iterdir()) == [".random.lock", "random"]


def _interrupted(runs: Path, recipe: Recipe) -> Path:
    """The folder of a run that was stopped before its first checkpoint, as older versions left it."""
    folder = runs / recipe.name
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text(recipe_yaml(recipe), encoding="utf-8")
    return folder


def test_runs_that_follow_one_another_within_a_second_are_all_kept(
    tmp_path: Path, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Now(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> "Now":
            return cls(2026, 3, 2, 9, 30)

    monkeypatch.setattr("train.resuming.datetime", Now)
    for number in range(4):
        start_folder(tmp_path / "run", recipe, {})
        (tmp_path / "run/number.txt").write_text(str(number))
    kept = sorted(tmp_path.glob(".run.*"))
    assert [path.name for path in kept] == [".run.20260302-093000", ".run.20260302-093000-2", ".run.20260302-093000-3"]
    assert [(path / "number.txt").read_text() for path in (*kept, tmp_path / "run")] == ["0", "1", "2", "3"]


def test_resuming_takes_the_last_whole_checkpoint_and_counts_the_minutes_before(tmp_path: Path, recipe: Recipe) -> None:
    runs = tmp_path / "runs"
    folder = train(recipe, runs).folder
    whole = _metrics(runs)
    first = json.loads((folder / "provenance.json").read_text())
    assert json.loads((folder / "data.json").read_text()) == data_hashes(Corpus(recipe.data))
    assert 0 < json.loads((folder / "minutes.json").read_text())["minutes"] < first["minutes"] + 0.1
    assert "resumed from" not in first
    checkpoints = folder / "checkpoints"
    last = max(checkpoints.iterdir(), key=lambda path: int(path.name.rpartition("-")[2]))
    # What kills leave behind: weights alone, and a state cut off.
    for name, state in (("checkpoint-98", None), ("checkpoint-99", '{"epoch": 3')):
        shutil.copytree(last, checkpoints / name)
        (checkpoints / name / "trainer_state.json").unlink()
        if state:
            (checkpoints / name / "trainer_state.json").write_text(state)
    (folder / "minutes.json").write_text('{"minutes": 100}')
    train(recipe, runs, resume=True)
    resumed = json.loads((folder / "provenance.json").read_text())
    assert resumed["resumed from"] == last.name and 100 <= resumed["minutes"] < 110
    assert _metrics(runs) == whole
    # As a run of an older version: neither hashes nor minutes.
    for name in ("data.json", "minutes.json"):
        (folder / name).unlink()
    train(recipe, runs, resume=True)
    resumed = json.loads((folder / "provenance.json").read_text())
    assert resumed["resumed from"] == f"{last.name}; the minutes before are not known" and resumed["minutes"] < 100


@pytest.mark.slow
def test_resuming_after_a_kill_ends_where_an_uninterrupted_run_ends(tmp_path: Path) -> None:
    recipe = _recipe(tmp_path, "training.epochs=30")
    train(recipe, tmp_path / "whole")
    runs = tmp_path / "killed"
    command = [
        sys.executable,
        "-m",
        "train.run",
        "--config",
        "configs/random.yaml",
        "--runs",
        str(runs),
        "--dist",
        str(tmp_path / "dist"),
    ]
    command += [*TINY, f"data={tmp_path / 'data'}", "training.epochs=30"]
    process = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ)
    checkpoints = runs / "random/checkpoints"
    deadline = time.monotonic() + 120
    while not any(p.name == "checkpoint-6" and (p / "trainer_state.json").exists() for p in checkpoints.glob("*")):
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (runs / "random/metrics.json").exists()
    train(recipe, runs, resume=True)
    assert _metrics(runs) == _metrics(tmp_path / "whole")


def test_resuming_what_had_stopped_early_stops_again(tmp_path: Path) -> None:
    still = ["training.encoder_rate=1e-30", "training.head_rate=1e-30", "training.patience=2", "training.epochs=9"]
    recipe = _recipe(tmp_path, "training.evaluate_every=1", *still)
    folder = train(recipe, tmp_path / "runs").folder
    first, metrics = json.loads((folder / "provenance.json").read_text()), _metrics(tmp_path / "runs")
    assert first["epochs"] == 3
    train(recipe, tmp_path / "runs", resume=True)
    again = json.loads((folder / "provenance.json").read_text())
    assert again["epochs"] < 4 and again["best checkpoint"] == first["best checkpoint"]
    assert _metrics(tmp_path / "runs") == metrics


def test_resuming_another_recipe_is_refused(tmp_path: Path, recipe: Recipe) -> None:
    train(recipe, tmp_path / "runs")
    with pytest.raises(ConfigError, match="another recipe"):
        train(_recipe(tmp_path, "seed=99"), tmp_path / "runs", resume=True)


def test_resuming_with_other_data_is_refused(tmp_path: Path, recipe: Recipe) -> None:
    folder = _interrupted(tmp_path / "runs", recipe)
    (folder / "data.json").write_text(json.dumps(data_hashes(Corpus(recipe.data))))
    dev = recipe.data / "dev.jsonl"
    dev.write_text(dev.read_text(encoding="utf-8").splitlines()[0] + "\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"started with another dev\.jsonl;"):
        train(recipe, tmp_path / "runs", resume=True)


def test_resuming_a_folder_without_its_recipe_is_refused(tmp_path: Path, recipe: Recipe) -> None:
    (tmp_path / "runs/random").mkdir(parents=True)
    with pytest.raises(ConfigError, match=r"its config\.yaml is missing"):
        train(recipe, tmp_path / "runs", resume=True)


def test_resuming_nothing_is_refused(tmp_path: Path, recipe: Recipe) -> None:
    with pytest.raises(ConfigError, match="no such run"):
        train(recipe, tmp_path / "runs", resume=True)


def test_an_encoder_that_is_not_there_leaves_no_finished_run(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such folder"):
        train(_recipe(tmp_path, "encoder.name=./nowhere"), tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["train.run", "--config", "nowhere.yaml"], "nowhere.yaml: cannot be read"),
        (["train.run", "--config", "configs/random.yaml", "training.epoch=3"], "training.epoch: unknown key"),
        (["train.run", "--config", "configs/random.yaml", "data=nowhere"], "nowhere/train.jsonl: cannot be read"),
        (["train.evaluate", "nowhere"], "nowhere: there is no such model folder"),
        (["train.export", "nowhere"], "nowhere: there is no such model folder"),
    ],
)
def test_one_clear_line_and_exit_code_2(arguments: list[str], said: str) -> None:
    done = subprocess.run([sys.executable, "-m", *arguments], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ") and said in done.stderr and "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_annotations_that_are_not_compiled_are_refused_before_training(tmp_path: Path, recipe: Recipe) -> None:
    inline = recipe.data / "inline/train"
    shutil.copy(inline / "train-0.txt", inline / "new.txt")
    with pytest.raises(DataError) as raised:
        train(recipe, tmp_path / "runs")
    command = f"python -m train.data compile --folder {recipe.data}"
    assert str(raised.value) == f"{recipe.data}/train.jsonl:1: is not what the inline files compile to; run `{command}`"
    (inline / "new.txt").write_text("source: 시험\n---\n[부산/C1\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"new\.txt:3: a mark is not closed"):
        train(recipe, tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_a_resumed_run_goes_on_while_annotations_are_written(tmp_path: Path, recipe: Recipe) -> None:
    # Compiling would change the data that the run began with, and leaving it would refuse the run.
    (recipe.data / "inline/train/new.txt").write_text("source: 시험\n---\n[부산/C1\n", encoding="utf-8")
    with pytest.raises(ConfigError):  # there is nothing to resume; the annotations are not in the way
        train(recipe, tmp_path / "runs", resume=True)


def test_a_broken_annotation_file_is_named_with_its_line(tmp_path: Path, recipe: Recipe) -> None:
    shutil.rmtree(recipe.data / "inline")
    path = tmp_path / "data/train.jsonl"
    path.write_text(path.read_text() + "{broken\n")
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "train.run",
            "--config",
            "configs/random.yaml",
            f"data={tmp_path / 'data'}",
            "--runs",
            str(tmp_path / "r"),
        ],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2 and f"{path}:4: not valid JSON" in done.stderr
    assert not (tmp_path / "r").exists()


def test_provenance_says_where_a_run_comes_from(tmp_path: Path, recipe: Recipe) -> None:
    facts = json.loads((train(recipe, tmp_path / "runs").folder / "provenance.json").read_text())
    assert facts["seed"] == recipe.seed and len(facts["train.jsonl sha256"]) == 64 and facts["torch"]
