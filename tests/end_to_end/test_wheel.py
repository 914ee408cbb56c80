"""The exported wheel: the same answers as the torch model, without torch."""

import json
import subprocess
import sys
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from model.checkpoint import save_model
from model.export import export_onnx
from model.network import JointNetwork
from model.runtime.errors import DataError
from model.runtime.onnx_network import OnnxNetwork
from model.runtime.predictor import Predictor
from train.data.corpus import Corpus
from train.export import Precision, export_run

sys.path.insert(0, str(Path(__file__).parents[1] / "train"))

from tiny_corpus import write_tiny_corpus

pytestmark = pytest.mark.slow
Build = Callable[..., Predictor]


@pytest.fixture(scope="module")
def torch_predictor(tiny_predictor: Build) -> Predictor:
    return tiny_predictor(threshold=0.4, length=128)


@pytest.fixture(scope="module")
def onnx_predictor(torch_predictor: Predictor, tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    folder = tmp_path_factory.mktemp("onnx")
    assert isinstance(torch_predictor.network, JointNetwork)
    export_onnx(torch_predictor.network, folder)
    return Predictor(OnnxNetwork(folder, threads=1), torch_predictor.tokenizer, torch_predictor.settings, torch_predictor.lexicon)


def test_both_networks_read_the_test_split_alike(torch_predictor: Predictor, onnx_predictor: Predictor) -> None:
    texts = [document.text for document in Corpus().read("test")][:6]
    pairs = list(zip(torch_predictor.predict(texts), onnx_predictor.predict(texts), strict=True))
    assert sum(len(a.relations) for a, _ in pairs) > 100
    for a, b in pairs:
        assert [(e.start, e.end, e.label) for e in a.entities] == [(e.start, e.end, e.label) for e in b.entities]
        assert [(r.head, r.tail, r.type) for r in a.relations] == [(r.head, r.tail, r.type) for r in b.relations]
        scores = [np.array([x.score for x in (*d.entities, *d.relations)]) for d in (a, b)]
        np.testing.assert_allclose(scores[0], scores[1], atol=1e-3)


@pytest.mark.parametrize("text", ["", "가", "부산시는 웃었다."])
def test_small_texts(torch_predictor: Predictor, onnx_predictor: Predictor, text: str) -> None:
    assert len(onnx_predictor.predict(text).entities) == len(torch_predictor.predict(text).entities)


@pytest.fixture(scope="module")
def run_folder(torch_predictor: Predictor, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run as training leaves it, of the untrained model."""
    folder = tmp_path_factory.mktemp("runs") / "tiny"
    assert isinstance(torch_predictor.network, JointNetwork)
    save_model(
        folder / "model", torch_predictor.network, torch_predictor.tokenizer, torch_predictor.settings, torch_predictor.lexicon
    )
    (folder / "report.md").write_text("# tiny\n\nThe scores.\n", encoding="utf-8")
    return folder


@pytest.mark.parametrize("precision", [Precision.FP32, Precision.INT8])
def test_the_wheel_in_an_empty_environment(
    precision: Precision, run_folder: Path, torch_predictor: Predictor, tmp_path: Path
) -> None:
    data = write_tiny_corpus(tmp_path / "data")
    exported = export_run(run_folder, tmp_path / "dist", precision, data)
    wheel = exported.wheel
    assert [p.name for p in (tmp_path / "dist").iterdir()] == [wheel.name]
    _check_contents(wheel, precision)
    environment = tmp_path / "environment"
    venv.create(environment, with_pip=True)
    python = environment / "bin/python"
    constraints = Path(__file__).parents[2] / "constraints.txt"
    subprocess.run([python, "-m", "pip", "install", "--quiet", "-c", constraints, wheel], check=True, cwd=tmp_path)
    text = "부산시는 3일 후쿠오카시를 방문해 수소 분야 협력을 논의했다."
    printed = subprocess.run([python, "-c", _CODE, text], check=True, capture_output=True, text=True, cwd=tmp_path).stdout
    report = json.loads(printed)
    print(f"{precision}: import {report['import']:.2f} s, first prediction {report['first']:.2f} s")
    # An idle core needs a third of this; the limits say only that nothing heavy has crept in.
    assert report["import"] < 3 and report["first"] < 6
    assert report["torch"] is False and report["precision"] == precision and report["written"] == []
    command = [environment / "bin/dosilink", "predict", "-", "--format", "jsonl"]
    done = subprocess.run(command, input=text, check=True, capture_output=True, text=True, cwd=tmp_path)
    printed_scores = [[name, round(score, 4)] for name, score in report["entities"]]
    assert [[e["text"], e["score"]] for e in json.loads(done.stdout)["entities"]] == printed_scores
    assert report["entities"]
    if precision is Precision.FP32:
        expected = torch_predictor.predict(text).entities
        assert [name for name, _ in report["entities"]] == [e.text for e in expected]
        np.testing.assert_allclose([score for _, score in report["entities"]], [e.score for e in expected], atol=1e-3)


_CODE = """
import importlib.util, json, sys, time
from pathlib import Path
started = time.perf_counter()
import dosilink
imported = time.perf_counter()
folder = Path(dosilink.__file__).parent
before = {p for p in folder.rglob("*") if "__pycache__" not in p.parts}
document = dosilink.predict(sys.argv[1])
read = time.perf_counter()
print(json.dumps({
    "import": imported - started,
    "first": read - imported,
    "torch": importlib.util.find_spec("torch") is not None,
    "precision": dosilink.load().settings.precision,
    "written": [str(p) for p in {p for p in folder.rglob("*") if "__pycache__" not in p.parts} - before],
    "entities": [[e.text, e.score] for e in document.entities],
}))
"""


def _check_contents(wheel: Path, precision: Precision) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        assert not any("torch" in name or name.startswith("train") for name in names)
        metadata = archive.read(next(name for name in names if name.endswith("METADATA"))).decode()
    wanted = [line.removeprefix("Requires-Dist: ") for line in metadata.splitlines() if line.startswith("Requires-Dist")]
    required = {line.split(">")[0] for line in wanted if "extra ==" not in line}
    assert required == {"numpy", "onnxruntime", "tokenizers"}
    assert f"Precision of the weights: {precision}" in metadata and "The scores." in metadata
    assert ("F1 of int8 minus fp32 on dev" in metadata) is (precision is Precision.INT8)


def test_a_second_export_replaces_the_first_ones_words(run_folder: Path, tmp_path: Path) -> None:
    report = run_folder / "report.md"
    for precision in (Precision.INT8, Precision.FP32):
        export_run(run_folder, tmp_path / "dist", precision, write_tiny_corpus(tmp_path / precision))
        text = report.read_text(encoding="utf-8")
        assert text.startswith("# tiny") and text.count("## Export") == 1 and f"Precision of the wheel: {precision};" in text


def test_int8_without_articles(run_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="int8 needs the articles"):
        export_run(run_folder, tmp_path / "dist", Precision.INT8, tmp_path / "nowhere")
