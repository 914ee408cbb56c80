"""The entrants as functions from texts to a number of mentions."""

# Each imports what it needs and nothing else: imports are timed.
# ruff: noqa: PLC0415

import importlib.util
import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from types import ModuleType
from typing import Any

Read = Callable[[Sequence[str]], int]


def exported(folder: Path, threads: int) -> Read:
    """Exported graphs on onnxruntime."""
    from model.runtime.exported import load_exported

    predictor = load_exported(folder, threads)
    return lambda texts: sum(len(document.entities) for document in predictor.predict(list(texts)))


def torch_model(folder: Path, threads: int, bf16: bool) -> Read:
    """The run's network in torch, its matrix products in bf16 where asked for."""
    import torch

    from model.checkpoint import load_predictor

    torch.set_num_threads(threads)
    predictor = load_predictor(folder, "cpu")

    def read(texts: Sequence[str]) -> int:
        with torch.autocast("cpu", dtype=torch.bfloat16) if bf16 else nullcontext():
            return sum(len(document.entities) for document in predictor.predict(list(texts)))

    return read


def huggingface(folder: Path, threads: int, batch_size: int) -> Read:
    """`pipeline("token-classification")` over sentences, cut as this project cuts them."""
    import torch
    from transformers import pipeline

    from model.runtime.sentences import sentence_spans

    torch.set_num_threads(threads)
    pipe: Any = pipeline(
        "token-classification", model=str(folder), aggregation_strategy="simple", batch_size=batch_size, device="cpu"
    )

    def read(texts: Sequence[str]) -> int:
        sentences = [text[start:end] for text in texts for start, end in sentence_spans(text)]
        return sum(len(found) for found in pipe(sentences))

    return read


def crf(model: Path) -> Read:
    """CRFsuite over the features of `benchmarks.quality`. CRFsuite has one thread."""
    import pycrfsuite

    from model.runtime.sentences import sentence_spans

    features, spans = (_quality_module(name) for name in ("crf_features", "spans"))
    tagger = pycrfsuite.Tagger()
    tagger.open(str(model))

    def read(texts: Sequence[str]) -> int:
        count = 0
        for text in texts:
            for start, end in sentence_spans(text):
                count += len(list(spans.spans_of_tags(tagger.tag(features.sentence_features(text[start:end])))))
        return count

    return read


def _quality_module(name: str) -> ModuleType:
    """A module of the quality benchmark's entrants without its package, which imports torch for the others."""
    path = Path(__file__).parents[1] / "quality" / "entrants" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"quality_{name}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
