"""The exported wheel: the same answers as the torch model, without torch."""

import json
import subprocess
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from model.checkpoint import save_model
from model.export import export_onnx, export_wheel
from model.network import JointNetwork
from model.runtime.onnx_network import OnnxNetwork
from model.runtime.predictor import Predictor
from train.data.corpus import Corpus

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


def test_the_wheel_in_an_empty_environment(torch_predictor: Predictor, tmp_path: Path) -> None:
    assert isinstance(torch_predictor.network, JointNetwork)
    save_model(
        tmp_path / "run/model",
        torch_predictor.network,
        torch_predictor.tokenizer,
        torch_predictor.settings,
        torch_predictor.lexicon,
    )
    wheel = export_wheel(tmp_path / "run/model", tmp_path / "dist")
    assert [p.name for p in (tmp_path / "dist").iterdir()] == [wheel.name]
    with zipfile.ZipFile(wheel) as archive:
        assert not any("torch" in name or name.startswith("train") for name in archive.namelist())
    environment = tmp_path / "environment"
    venv.create(environment, with_pip=True)
    python = environment / "bin/python"
    constraints = Path(__file__).parents[2] / "constraints.txt"
    subprocess.run([python, "-m", "pip", "install", "--quiet", "-c", constraints, wheel], check=True, cwd=tmp_path)
    text = "부산시는 3일 후쿠오카시를 방문해 수소 분야 협력을 논의했다."
    code = (
        f"import sys, dosilink; print([e.text for e in dosilink.predict({text!r}).entities]); assert 'torch' not in sys.modules"
    )
    printed = subprocess.run([python, "-c", code], check=True, capture_output=True, text=True, cwd=tmp_path).stdout
    expected = [e.text for e in torch_predictor.predict(text).entities]
    assert printed.strip() == str(expected)
    command = [environment / "bin/dosilink", "predict", "-", "--format", "jsonl"]
    done = subprocess.run(command, input=text, check=True, capture_output=True, text=True, cwd=tmp_path)
    assert [e["text"] for e in json.loads(done.stdout)["entities"]] == expected
