"""Scoring a run from the command line: where the results go, which data they name, what is taken and what refused."""

import hashlib
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

sys.path.insert(0, str(Path(__file__).parent / "compare"))

from samples import write_checkpoint, write_corpus, write_run

from model.checkpoint import save_model
from model.export import export_onnx
from model.network import JointNetwork
from model.runtime.document import read_jsonl
from model.runtime.errors import ConfigError, ModelError
from model.runtime.predictor import Predictor
from train.config import Recipe
from train.evaluate import app, data_suffix

Build = Callable[..., Predictor]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_predictor: Build) -> Path:
    """A run whose model can be opened, and the shipped data's place."""
    monkeypatch.chdir(tmp_path)
    write_corpus(Path("data/annotations"))
    write_run(Path("runs/a"), Recipe(name="a"), {})
    predictor = tiny_predictor(outside=0.5)
    assert isinstance(predictor.network, JointNetwork)
    save_model(Path("runs/a/model"), predictor.network, predictor.tokenizer, predictor.settings, predictor.lexicon)
    return tmp_path


def command(*arguments: str) -> str:
    done = CliRunner().invoke(app, arguments)
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0
    return done.stdout


def test_results_on_other_data_stand_apart_and_name_their_data(here: Path) -> None:
    write_corpus(Path("my/other"))
    Path("my/other/test.jsonl").write_bytes(Path("my/other/train.jsonl").read_bytes())
    for data, folder in (("data/annotations", "runs/a/evaluation"), ("my/other", "runs/a/evaluation-other")):
        said = command("runs/a", "--data", data)
        digits = hashlib.sha256(Path(data, "test.jsonl").read_bytes()).hexdigest()[:12]
        found = json.loads(Path(folder, "test.json").read_text())
        assert (found["split"], found["data"], found["data_sha256"]) == ("test", data, digits)
        articles = len(list(read_jsonl(Path(folder, "test.predictions.jsonl"))))
        assert found["documents"] == articles == len(list(read_jsonl(Path(data, "test.jsonl"))))
        heading = f"## test of {data}, sha256 {digits} ({articles} articles)"
        assert Path(folder, "test.md").read_text().startswith(heading) and heading in said
        assert f"written to {folder}" in said
    command("runs/a/model", "--data", "my/other", "--split", "dev", "--output", "out")
    assert Path("out/dev.json").is_file()


def test_the_shipped_data_by_any_name_has_no_suffix(here: Path) -> None:
    assert data_suffix(Path("data/annotations")) == data_suffix(here / "data/../data/annotations") == ""
    assert data_suffix(Path("my data/")) == "-my-data" and data_suffix(Path("/")) == "-data"


def test_a_split_that_is_not_there(here: Path) -> None:
    with pytest.raises(ConfigError, match="--split valid: the splits of data/annotations are train, dev, test"):
        command("runs/a", "--split", "valid")
    Path("data/annotations/test.jsonl").unlink()
    with pytest.raises(ConfigError, match=r"--split test: the splits of data/annotations are train, dev$"):
        command("runs/a")
    with pytest.raises(ConfigError, match="nowhere holds none of train, dev, test"):
        command("runs/a", "--data", "nowhere")


def test_a_checkpoint_is_scored_beside_its_run(here: Path) -> None:
    folder = write_checkpoint(Path("runs/a"), 7, [])
    (folder / "model.safetensors").write_bytes(Path("runs/a/model/model.safetensors").read_bytes())
    command("runs/a/checkpoints/checkpoint-7")
    command("runs/a")
    checkpoint, final = (Path("runs/a", name, "test.predictions.jsonl") for name in ("evaluation-checkpoint-7", "evaluation"))
    assert checkpoint.read_text() == final.read_text()


def test_what_is_no_model(here: Path) -> None:
    Path("pred.jsonl").write_text("")
    for place, said in (("nowhere", "no such model folder"), ("pred.jsonl", "train.data agreement"), ("runs", "is no run")):
        with pytest.raises(ModelError, match=said):
            command(place)


@pytest.mark.slow
def test_exported_folders_and_wheels_are_scored_under_their_names(here: Path, tiny_predictor: Build) -> None:
    import zipfile  # noqa: PLC0415

    folder = Path("exported")
    folder.mkdir()
    network = tiny_predictor(outside=0.5).network
    assert isinstance(network, JointNetwork)
    export_onnx(network, folder)
    for name in ("dosilink.json", "tokenizer.json", "lexicon.json"):
        (folder / name).write_bytes(Path("runs/a/model", name).read_bytes())
    Path("dist").mkdir()
    with zipfile.ZipFile("dist/dosilink-0.1.0-py3-none-any.whl", "w") as archive:
        for path in folder.iterdir():
            archive.write(path, f"dosilink/weights/{path.name}")
    command("runs/a")
    expected = json.loads(Path("runs/a/evaluation/test.json").read_text())
    for place, name in (("exported", "exported"), ("dist/dosilink-0.1.0-py3-none-any.whl", "dosilink-0.1.0-py3-none-any")):
        command(place)
        assert json.loads(Path(f"reports/{name}-evaluation/test.json").read_text()) == expected
