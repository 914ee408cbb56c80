"""The commands of the README as the user types them."""

import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
sys.path.insert(0, str(REPOSITORY / "tests/train"))

from tiny_corpus import TINY, write_tiny_corpus  # noqa: E402

pytestmark = pytest.mark.slow


def test_train_prints_scores_report_and_export(tmp_path: Path) -> None:
    data = write_tiny_corpus(tmp_path / "data")
    command = [sys.executable, "-m", "train.run", "--config", "configs/random.yaml", "--runs", str(tmp_path / "runs")]
    command += ["--dist", str(tmp_path / "dist"), *TINY, f"data={data}", "training.epochs=3"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert "mentions F1" in done.stdout
    said = dict(line.split(": ", 1) for line in done.stdout.splitlines() if line.startswith(("report: ", "export: ")))
    assert Path(said["report"]).read_text().startswith("# random") and Path(said["export"]).suffix == ".whl"
    evaluate = [sys.executable, "-m", "train.evaluate", str(tmp_path / "runs/random"), "--split", "dev", "--data", str(data)]
    done = subprocess.run(evaluate, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert "Relations, end to end" in done.stdout
    assert (tmp_path / "runs/random/evaluation-data/dev.json").is_file()


def test_help_lists_every_target() -> None:
    done = subprocess.run(["make", "help"], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    for target in ("setup", "train", "test", "evaluate", "export", "check-data", "lint", "clean"):
        assert f"make {target}" in done.stdout
