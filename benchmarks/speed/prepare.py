"""What the entrants load, made from one run: exported graphs, a Hugging Face folder, a CRF; and how large each is."""

import shutil
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForTokenClassification, PreTrainedTokenizerFast

import model.export
from benchmarks.quality.config import CrfSettings
from benchmarks.quality.result import read_result
from model.checkpoint import ENCODER_FOLDER, load_model
from model.runtime.document import Document
from model.runtime.errors import ConfigError
from model.runtime.lexicon import LEXICON_FILE
from model.runtime.schema import TAGS
from model.runtime.sentences import sentence_spans
from model.runtime.settings import FILE_NAME, TOKENIZER_FILE
from train.console import console
from train.data.corpus import Corpus
from train.metrics import character_tags

from .config import Benchmark, Entrant
from .readers import _quality_module

_MODEL = "model"
_QUALITY_WORK, _QUALITY_RESULTS = Path("runs/quality"), Path("docs/results/quality")
# A small CRF reads as fast as a large one: time goes into features.
_CRF_ARTICLES, _CRF_ITERATIONS = 60, 20
_CALIBRATION_ARTICLES = 64


def texts_of(benchmark: Benchmark) -> list[str]:
    """The configured number of articles: test, then dev, then again."""
    corpus = Corpus(benchmark.data)
    texts = [document.text for split in ("test", "dev") for document in corpus.read(split)]
    return list(islice(cycle(texts), benchmark.articles))


def prepare(benchmark: Benchmark, entrant: Entrant) -> Path | None:
    """What the entrant loads; None when this version of the project cannot make it and none is given."""
    if entrant.path is not None:
        if not entrant.path.exists():
            raise ConfigError(f"{entrant.name}: {entrant.path} is not there")
        return entrant.path.resolve()
    source, work = benchmark.run / _MODEL, benchmark.work
    if not source.is_dir():
        raise ConfigError(f"{benchmark.run}: is no finished run, {_MODEL}/ is missing; train one or give another")
    if entrant.kind == "torch":
        return source.resolve()
    console.print(f"{entrant.name}: preparing", markup=False)
    work.mkdir(parents=True, exist_ok=True)
    if entrant.kind == "huggingface":
        return _huggingface(source, work / "huggingface").resolve()
    if entrant.kind == "crf":
        return _crf(benchmark, work / "crf.crfsuite").resolve()
    return _exported(benchmark, source, entrant.precision)


def _exported(benchmark: Benchmark, source: Path, precision: str) -> Path | None:
    # Both anew each time: what lies there may be of an earlier run.
    plain, whole = benchmark.work / ("fp32" if precision == "fp32" else "int8-before"), benchmark.work / "int8"
    _export_plain(source, _emptied(plain))
    if precision == "fp32":
        return plain.resolve()
    quantize: Any = getattr(model.export, "quantize_graphs", None)
    if quantize is None:
        return None
    quantize(plain, _emptied(whole), list(islice(Corpus(benchmark.data).read("train"), _CALIBRATION_ARTICLES)))
    return whole.resolve()


def _export_plain(source: Path, target: Path) -> None:
    export: Any = getattr(model.export, "export_graphs", None)
    if export is not None:
        export(source, target)
        return
    network, _, _, _ = load_model(source)
    model.export.export_onnx(network, target)
    for name in (FILE_NAME, TOKENIZER_FILE, LEXICON_FILE):
        shutil.copy(source / name, target / name)


def _emptied(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _huggingface(source: Path, target: Path) -> Path:
    """The run's encoder with a fresh token-classification head that calls everything outside.

    Its weights make no difference to the products' time, and a head that finds nothing gives the pipeline the least to put
    together.
    """
    network, tokenizer, settings, _ = load_model(source)
    labels = dict(enumerate(TAGS))
    config = AutoConfig.from_pretrained(
        source / ENCODER_FOLDER, num_labels=len(TAGS), id2label=labels, label2id={name: i for i, name in labels.items()}
    )
    classifier = AutoModelForTokenClassification.from_config(config)
    classifier.base_model.load_state_dict(network.encoder.state_dict())
    head = classifier.get_submodule("classifier")
    last = [layer for layer in head.modules() if isinstance(layer, torch.nn.Linear)][-1]
    with torch.no_grad():
        last.weight.zero_()
        last.bias.zero_()
        last.bias[0] = 5.0
    classifier.save_pretrained(_emptied(target))
    window = settings.window
    names = {
        name: tokenizer.id_to_token(index)
        for name, index in (("cls_token", window.cls_id), ("sep_token", window.sep_id), ("pad_token", window.pad_id))
    }
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=config.max_position_embeddings, **names).save_pretrained(
        target
    )
    return target


def _crf(benchmark: Benchmark, target: Path) -> Path:
    if benchmark.crf_model is not None:
        if not benchmark.crf_model.is_file():
            raise ConfigError(f"{benchmark.crf_model}: there is no such CRF model")
        return benchmark.crf_model
    # The work folder may hold others, of a learning curve or a grid.
    found = [_QUALITY_WORK / read_result(path).work / "model.crfsuite" for path in sorted(_QUALITY_RESULTS.glob("crf-*.json"))]
    if found and found[0].is_file():
        return found[0]
    if not target.is_file():
        _train_crf(islice(Corpus(benchmark.data).read("train"), _CRF_ARTICLES), target)
    return target


def _train_crf(articles: Iterator[Document], target: Path) -> None:
    features = _quality_module("crf_features").sentence_features
    settings = CrfSettings(name="crf", kind="crf", max_iterations=_CRF_ITERATIONS)
    # Only this entrant needs the peers' packages.
    import pycrfsuite  # noqa: PLC0415

    trainer = pycrfsuite.Trainer(algorithm="lbfgs", verbose=False)
    for document in articles:
        tags = character_tags(document.text, document.entities)
        for start, end in sentence_spans(document.text):
            trainer.append(features(document.text[start:end]), tags[start:end])
    trainer.set_params({"c1": settings.c1, "c2": settings.c2, "max_iterations": settings.max_iterations})
    temporary = target.with_name(f".{target.name}.tmp")
    trainer.train(str(temporary))
    temporary.replace(target)


def size_of(path: Path) -> int:
    """Bytes on disk of a file or of all files of a folder."""
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return sum(file.stat().st_size for file in files)
