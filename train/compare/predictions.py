"""What each entrant answers on a split, and how fast; kept on disk under a hash of everything the answers depend on."""

import hashlib
import json
import logging
import os
import platform
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

import model
from model.runs import RUNS
from model.runtime.document import Document, document_from_dict
from model.runtime.errors import DataError
from model.runtime.predictor import Predictor

from ..evaluate import Predictions, predict_end_to_end, predict_with_gold_mentions
from ..report import write_json
from .entrants import Entrant, files_of, fingerprint, opened

CACHE = RUNS / ".predictions"
_FORMAT = 1
_TIMED_ARTICLES = 10
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Speed:
    """Milliseconds an article when articles come one by one (median and 90th percentile), characters a second in batches."""

    median: float
    slow: float
    characters_per_second: float
    articles: int
    where: str
    load: float
    """Processes that wanted the machine when it was measured, per core (one-minute average); 0 where the system does not say."""


@dataclass(frozen=True)
class Answers:
    """An entrant's predictions on a split and its speed."""

    predictions: Predictions
    speed: Speed


def answers(entrant: Entrant, gold: Sequence[Document], threads: int, cache: Path = CACHE, fresh: bool = False) -> Answers:
    """The entrant's answers, from the cache when neither model, data, reading code nor number of threads have changed.

    `fresh` predicts and measures again.
    """
    key = cache_key(entrant, gold, threads)
    path = cache / f"{key}.json"
    if not fresh and (kept := _kept(path, len(gold))):
        return kept
    with opened(entrant, threads) as predictor:
        load = _load()
        found, seconds = _timed(predictor, gold)
        latencies = _latencies(predictor, gold[:_TIMED_ARTICLES])
        where = _where(predictor, threads)
    speed = Speed(
        median=round(float(np.median(latencies)), 1),
        slow=round(float(np.quantile(latencies, 0.9)), 1),
        characters_per_second=round(sum(len(g.text) for g in gold) / seconds),
        articles=len(latencies),
        where=where,
        load=load,
    )
    data = {
        "format": _FORMAT,
        "entrant": str(entrant.path),
        "speed": asdict(speed),
        "end_to_end": [document.to_dict() for document in found.end_to_end],
        "with_gold_mentions": [document.to_dict() for document in found.with_gold_mentions],
    }
    write_json(path, data)
    # Read back, so that a first and a second report see the same rounded scores.
    return _kept(path, len(gold)) or Answers(found, speed)


def cache_key(entrant: Entrant, gold: Sequence[Document], threads: int) -> str:
    """Model files, the split's texts and mentions, the code that reads, the number of threads."""
    digest = hashlib.sha256(f"{_FORMAT} {threads} {entrant.kind} ".encode())
    digest.update(fingerprint(files_of(entrant)).encode())
    for document in gold:
        facts = [document.id, document.text, [[e.id, e.start, e.end, e.label] for e in document.entities]]
        digest.update(json.dumps(facts).encode())
    digest.update(fingerprint(sorted(Path(model.__file__).parent.rglob("*.py"))).encode())
    return digest.hexdigest()[:32]


def _kept(path: Path, articles: int) -> Answers | None:
    """What a cache file holds; None when there is none or it is damaged, which only costs predicting again."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        parts = [[document_from_dict(item, str(path)) for item in data[name]] for name in ("end_to_end", "with_gold_mentions")]
        if data["format"] != _FORMAT or any(len(part) != articles for part in parts):
            return None
        return Answers(Predictions(*parts), Speed(**data["speed"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, DataError) as error:
        _LOG.warning("%s: damaged (%s), predicting again", path, error)
        return None


def _timed(predictor: Predictor, gold: Sequence[Document]) -> tuple[Predictions, float]:
    """Predictions and the seconds that reading the texts takes in batches, warmed up."""
    predictor.predict(gold[0].text)
    started = time.perf_counter()
    found = predict_end_to_end(predictor, gold)
    seconds = time.perf_counter() - started
    return Predictions(found, predict_with_gold_mentions(predictor, gold)), seconds


def _latencies(predictor: Predictor, gold: Sequence[Document]) -> list[float]:
    milliseconds = []
    for document in gold:
        started = time.perf_counter()
        predictor.predict(document.text)
        milliseconds.append(1_000 * (time.perf_counter() - started))
    return milliseconds


def _load() -> float:
    return round(os.getloadavg()[0] / (os.cpu_count() or 1), 2) if hasattr(os, "getloadavg") else 0.0


def _where(predictor: Predictor, threads: int) -> str:
    device = str(getattr(predictor.network, "device", "cpu"))
    place = "CPU" if device == "cpu" else device
    return f"{place}, {threads} thread{'s' if threads != 1 else ''}, {platform.machine()}, {os.cpu_count()} cores"
