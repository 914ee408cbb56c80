"""Takes the entrants in turns and keeps what the clock said."""

import json
import os
import platform
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from typing import Any

import psutil  # type: ignore[import-untyped]

from model.checkpoint import load_model
from model.runtime.predictor import Predictor
from model.runtime.schema import RELATIONS, TAGS
from model.runtime.sentences import sentence_spans
from train.console import console

from .config import Benchmark, Entrant
from .limit import Counting, Shape, Work
from .prepare import size_of, texts_of
from .processes import Worker

_PACKAGES = ("onnxruntime", "torch", "transformers", "tokenizers", "numpy", "python-crfsuite")
BUSY = 0.5
"""Cores that others keep busy, from which on timings are not to be trusted."""


@dataclass
class Timings:
    """What one entrant took; lists have an entry a repeat."""

    entrant: str
    title: str
    bytes: int
    """On disk."""
    batch_size: int | None = None
    """Of the Hugging Face pipeline."""
    seconds: list[float] = field(default_factory=list)
    """All articles at once."""
    processor: list[float] = field(default_factory=list)
    """CPU seconds of the same."""
    single: list[list[float]] = field(default_factory=list)
    """Articles one at a time."""
    cold: list[float] = field(default_factory=list)
    peak_memory: int = 0
    mentions: int = 0


@dataclass
class Result:
    """One run with one number of threads."""

    threads: int
    articles: int
    sentences: int
    characters: int
    facts: dict[str, Any]
    timings: list[Timings]
    work: Work | None = None
    operations: float | None = None
    """Of all articles."""
    window_operations: float | None = None
    """Of a full window with the mean number of characters a piece, mentions and pairs a window."""
    peaks: list[dict[str, float]] = field(default_factory=list)
    """Operations a second, by repeat and type."""
    missing: list[str] = field(default_factory=list)


def facts() -> dict[str, Any]:
    """Machine, versions, load."""
    versions = {}
    for name in _PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = "missing"
    return {
        "machine": f"{_processor()}, {os.cpu_count()} cores",
        "usable cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        **versions,
        # Not the system's mean over a minute, in which this benchmark's own preparations are.
        "load at start": round(psutil.cpu_percent(interval=1.0) / 100 * (os.cpu_count() or 1), 2),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    name = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())
    flags = next((line.split(":", 1)[1].split() for line in lines if line.startswith("flags")), [])
    kinds = [flag for flag in ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_int8", "amx_bf16") if flag in flags]
    return f"{name} ({', '.join(kinds)})" if kinds else name


def measure(benchmark: Benchmark, paths: Mapping[str, Path | None], threads: int, cold: bool) -> Result:
    """All entrants on so many threads. `paths`: what each loads; `cold`: also fresh processes, one after the other."""
    about = facts()
    usable = about["usable cores"]
    if about["load at start"] > BUSY:
        console.print(f"warning: {about['load at start']} cores are busy already; timings will be off", markup=False)
    if threads > usable:
        console.print(f"warning: {threads} threads on {usable} usable cores", markup=False)
    texts = texts_of(benchmark)
    sentences = sum(len(sentence_spans(text)) for text in texts)
    result = Result(threads, len(texts), sentences, sum(map(len, texts)), about, [])
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        (folder / "texts.json").write_text(json.dumps(texts), encoding="utf-8")
        jobs = _jobs(benchmark, result, threads, folder / "texts.json", paths)
        workers = {name: stack.enter_context(Worker(name, job)) for name, job in jobs.items()}
        product = {"kind": "peak", "threads": threads, "matrix": benchmark.matrix} | _texts(folder)
        peak = stack.enter_context(Worker("peak", product))
        _warm_up(workers)
        for repeat in range(benchmark.repeats):
            console.print(f"{threads} thread(s), repeat {repeat + 1} of {benchmark.repeats}", markup=False)
            result.peaks.append(peak.ask(do="peak")["peaks"])
            shift = repeat % len(result.timings)
            for timings in result.timings[shift:] + result.timings[:shift]:
                _take_turn(timings, workers[timings.entrant], benchmark, len(texts), repeat)
        for timings in result.timings:
            timings.peak_memory = workers[timings.entrant].ask(do="memory")["bytes"]
    if cold:
        with tempfile.TemporaryDirectory() as name:
            one = _texts(Path(name))
            Path(one["texts"]).write_text(json.dumps(texts[:1]), encoding="utf-8")
            _cold_starts(benchmark, result, {entrant: job | one for entrant, job in jobs.items()})
    _count(benchmark, result, texts)
    return result


def _texts(folder: Path) -> dict[str, str]:
    return {"texts": str(folder / "texts.json")}


def _jobs(
    benchmark: Benchmark, result: Result, threads: int, texts: Path, paths: Mapping[str, Path | None]
) -> dict[str, dict[str, Any]]:
    """What each worker is told. Entrants that cannot be made are named in the result."""
    jobs = {}
    for entrant in benchmark.entrants:
        path = paths[entrant.name]
        if path is None:
            result.missing.append(entrant.name)
            continue
        job = {"kind": entrant.kind, "path": str(path), "threads": threads, "texts": str(texts), "bf16": entrant.bf16}
        timings = Timings(entrant.name, entrant.shown, size_of(path))
        if entrant.kind == "huggingface":
            timings.batch_size = job["batch_size"] = _fastest_batch(benchmark, entrant, job)
        jobs[entrant.name] = job
        result.timings.append(timings)
    return jobs


def _fastest_batch(benchmark: Benchmark, entrant: Entrant, job: dict[str, Any]) -> int:
    """The best of the configured batch sizes over some articles, the better of two times each."""
    if len(benchmark.batch_sizes) == 1:
        return benchmark.batch_sizes[0]
    taken = {}
    last = min(benchmark.articles, 2 * benchmark.single)
    for size in benchmark.batch_sizes:
        with Worker(entrant.name, job | {"batch_size": size}) as worker:
            taken[size] = min(worker.ask(do="read", first=0, last=last)["seconds"][0] for _ in range(2))
    return min(taken, key=taken.__getitem__)


def _warm_up(workers: dict[str, Worker]) -> None:
    """Arenas and caches grow at the first batches; that is not what is timed."""
    for worker in workers.values():
        worker.ask(do="read", first=0, last=8)


def _take_turn(timings: Timings, worker: Worker, benchmark: Benchmark, articles: int, repeat: int) -> None:
    whole = worker.ask(do="read", first=0, last=articles)
    timings.seconds += whole["seconds"]
    timings.processor.append(whole["processor"])
    timings.mentions = whole["mentions"]
    first = repeat * benchmark.single % articles
    alone = worker.ask(do="single", first=first, last=min(articles, first + benchmark.single))
    timings.single.append(alone["seconds"])


def _cold_starts(benchmark: Benchmark, result: Result, jobs: dict[str, dict[str, Any]]) -> None:
    for _ in range(benchmark.cold_starts):
        for timings in result.timings:
            with Worker(timings.entrant, jobs[timings.entrant]) as worker:
                timings.cold.append(worker.cold_seconds)


def _count(benchmark: Benchmark, result: Result, texts: Sequence[str]) -> None:
    """Operations of the articles, by reading them once with a network that counts."""
    network, tokenizer, settings, lexicon = load_model(benchmark.run / "model")
    counting = Counting(network)
    Predictor(counting, tokenizer, settings, lexicon).predict(list(texts))
    config, size = network.encoder.config, network.size
    shape = Shape(
        layers=config.num_hidden_layers,
        h=config.hidden_size,
        i=config.intermediate_size,
        e=getattr(config, "embedding_size", config.hidden_size),
        d=size.char_dim + size.lexicon_dim,
        H=size.hidden,
        k=size.kernel,
        T=len(TAGS),
        W=size.relation_hidden,
        R=len(RELATIONS),
    )
    work, length = counting.work, settings.window.length
    result.work, result.operations = work, shape.operations(work)
    characters = round(length * work.characters / work.pieces)
    full = Work(1, length, length**2, characters, round(work.mentions / work.windows), round(work.pairs / work.windows))
    result.window_operations = shape.operations(full)


def best(result: Result, kind: str) -> float:
    """Median over the repeats of the machine's peak for a type."""
    return median(peak[kind] for peak in result.peaks)


__all__ = ["BUSY", "Result", "Timings", "best", "facts", "measure"]
