"""Is memory flat over thousands of articles?

    python -m benchmarks.speed.memory MODEL                  # an exported model folder, 10,000 articles, one process
    python -m benchmarks.speed.memory MODEL --workers 2

The articles are stretches of the corpus's, of one sentence to a whole article, made as they are asked for. Prints a table with
the resident memory now and at most, every thousand articles. Linux only: it reads /proc.
"""

import argparse
import multiprocessing
import os
import random
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from model.runtime import predict_iter
from model.runtime.sentences import sentence_spans
from train.data.corpus import Corpus

from .resident import statuses

# One article in so many is a whole one, the others are up to so many sentences.
_WHOLE, _SENTENCES = 20, 8
_EVERY = 1_000
_MIB = 1024


@dataclass(frozen=True)
class Memory:
    """Resident memory in MiB, of this process and its workers together."""

    now: float
    peak: float


def generated_articles(texts: list[str], count: int, seed: int = 13) -> Iterator[str]:
    """`count` stretches of the texts, each of whole sentences, always the same ones for a seed."""
    chance = random.Random(seed)
    cut = [(text, sentence_spans(text)) for text in texts]
    for place in range(count):
        text, spans = chance.choice(cut)
        first = 0 if place % _WHOLE == 0 else chance.randrange(len(spans))
        last = len(spans) if place % _WHOLE == 0 else min(len(spans), first + chance.randint(1, _SENTENCES))
        yield text[spans[first][0] : spans[last - 1][1]]


def memory() -> Memory:
    """Of now; the peak is the sum of the processes' peaks, which may have been at different times."""
    workers = [child.pid for child in multiprocessing.active_children() if child.pid is not None]
    found = [statuses(pid) for pid in (os.getpid(), *workers)]
    return Memory(sum(s["VmRSS"] for s in found) / _MIB, sum(s["VmHWM"] for s in found) / _MIB)


def measure(model: Path, articles: Iterator[str], workers: int, threads: int | None) -> Iterator[tuple[int, int, float, Memory]]:
    """Articles and characters read, seconds and memory, each thousand articles."""
    began = time.perf_counter()
    characters = 0
    for place, document in enumerate(predict_iter(articles, workers=workers, threads=threads, path=model), 1):
        characters += len(document.text)
        if place % _EVERY == 0:
            yield place, characters, time.perf_counter() - began, memory()


def main() -> int:
    """Prints the table; 1 when the peak after the last article is over `--allowed` times that after the first thousand."""
    parser = argparse.ArgumentParser(description="Memory over thousands of articles")
    parser.add_argument("model", type=Path, help="exported model folder")
    parser.add_argument("--articles", type=int, default=10_000, help="default: %(default)s")
    parser.add_argument("--workers", type=int, default=1, help="default: %(default)s")
    parser.add_argument("--threads", type=int, default=1, help="of onnxruntime, a process; default: %(default)s")
    parser.add_argument("--allowed", type=float, default=1.1, help="growth of the peak; default: %(default)s")
    options = parser.parse_args()
    if options.articles < 2 * _EVERY:
        parser.error(f"at least {2 * _EVERY} articles")
    texts = [document.text for document in Corpus().read("train")]
    print("| articles | characters | articles/s | memory (MiB) | peak (MiB) |\n|---|---|---|---|---|")
    peaks = []
    for count, characters, seconds, now in measure(
        options.model, generated_articles(texts, options.articles), options.workers, options.threads
    ):
        print(f"| {count:,} | {characters:,} | {count / seconds:.1f} | {now.now:.0f} | {now.peak:.0f} |", flush=True)
        peaks.append(now.peak)
    growth = peaks[-1] / peaks[0]
    print(f"\nThe peak after {options.articles:,} articles is {growth:.3f} times that after {_EVERY:,}.")
    return int(growth > options.allowed)


if __name__ == "__main__":
    sys.exit(main())
