"""Opens an exported model folder: settings, tokenizer, ONNX graphs."""

from pathlib import Path

from .lexicon import read_lexicon
from .onnx_network import OnnxNetwork
from .predictor import Predictor
from .settings import TOKENIZER_FILE, read_settings, read_tokenizer


def load_exported(folder: Path, threads: int | None = None) -> Predictor:
    """A predictor on onnxruntime; ModelError when the folder is missing or damaged."""
    settings = read_settings(folder)
    return Predictor(OnnxNetwork(folder, threads), read_tokenizer(folder / TOKENIZER_FILE), settings, read_lexicon(folder))
