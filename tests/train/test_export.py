"""In which precision a run is packed, when int8 cannot be had. The wheel itself: `tests/end_to_end/test_wheel.py`."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tiny_corpus import write_tiny_corpus

from model.checkpoint import save_model
from model.network import JointNetwork
from model.runtime.errors import ModelError
from model.runtime.predictor import Predictor
from train import export as module
from train.export import Precision, export_run

REASON = "no sentence to measure ranges on"


@pytest.fixture
def run_folder(tiny_predictor: Callable[..., Predictor], tmp_path: Path) -> Path:
    predictor = tiny_predictor()
    assert isinstance(predictor.network, JointNetwork)
    save_model(tmp_path / "run/model", predictor.network, predictor.tokenizer, predictor.settings, predictor.lexicon)
    (tmp_path / "run/report.md").write_text("# tiny\n", encoding="utf-8")
    return tmp_path / "run"


@pytest.fixture(autouse=True)
def without_ranges(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spares the graphs and the wheel, which take long; int8 says what it says of articles without two mentions in a sentence."""

    def pack(folder: Path, dist: Path, card: str = "") -> Path:
        dist.mkdir()
        (dist / "tiny.whl").write_text(f"{folder.name} {card}", encoding="utf-8")
        return dist / "tiny.whl"

    def quantize(*_: object) -> None:
        raise ModelError(REASON)

    monkeypatch.setattr(module, "export_graphs", lambda *_: None)
    monkeypatch.setattr(module, "quantize_graphs", quantize)
    monkeypatch.setattr(module, "pack_wheel", pack)


def test_a_run_is_packed_in_fp32_when_int8_cannot_be_measured(
    run_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    exported = export_run(run_folder, tmp_path / "dist", Precision.AUTO, write_tiny_corpus(tmp_path / "data"))
    assert (exported.precision, exported.comparisons) == ("fp32", ())
    assert exported.wheel.read_text(encoding="utf-8").startswith("fp32 ")
    assert f"export: in fp32 ({REASON})" in capsys.readouterr().out
    assert "Precision of the wheel: fp32;" in (run_folder / "report.md").read_text(encoding="utf-8")


def test_int8_that_was_asked_for_and_cannot_be_measured(run_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=REASON):
        export_run(run_folder, tmp_path / "dist", Precision.INT8, write_tiny_corpus(tmp_path / "data"))
    assert not (tmp_path / "dist").exists()
