"""What share of one process's throughput a single Ray worker keeps, on the same articles with the same model.

taskset -c 0 python -m benchmarks.speed.ray_overhead MODEL --output docs/results/speed/ray.json

Pairs are interleaved, medians taken. Starting a job (actors, model, listing) costs seconds whatever its size, so a job of one
article is timed in each round too and taken off.
"""

import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from typing import Annotated

import pyarrow as pa
import pyarrow.parquet as pq
import typer

from model.runtime import load
from model.runtime.distributed import Job, ray_session, run_job
from model.runtime.errors import DosilinkError
from train.console import console, run
from train.data.corpus import Corpus
from train.report import write_json

app = typer.Typer(add_completion=False)


@dataclass(frozen=True)
class Overhead:
    """Seconds of the rounds, and what they come to."""

    articles: int
    one_process: list[float]
    ray_job: list[float]
    ray_job_of_one_article: list[float]
    start_seconds: float
    """A job of one article, median."""
    kept: float
    """Throughput under Ray, start taken off, by throughput of one process; median over the rounds."""


@app.command()
def main(
    model: Annotated[Path, typer.Argument(help="exported model folder")],
    articles: Annotated[int, typer.Option(min=2, help="how many; those of the corpus, over and over")] = 500,
    rounds: Annotated[int, typer.Option(min=1)] = 5,
    output: Annotated[Path | None, typer.Option(help="JSON file to write")] = None,
) -> None:
    """Time one process and a Ray job of one worker in turn."""
    found = measure(model, articles, rounds)
    if output is not None:
        write_json(output, asdict(found))
    console.print(f"kept {found.kept:.3f}, start {found.start_seconds:.1f} s", markup=False)


def measure(model: Path, articles: int, rounds: int) -> Overhead:
    """Times both in turn; DosilinkError when the job is too short to be told from its start."""
    corpus = [document.text for split in ("train", "dev", "test") for document in Corpus().read(split)]
    texts = list(islice(cycle(corpus), articles))
    predictor = load(model, threads=1)
    predictor.predict(texts[:8])
    single: list[float] = []
    jobs: list[float] = []
    starts: list[float] = []
    with tempfile.TemporaryDirectory() as scratch, ray_session(workers=1):
        folder = Path(scratch)
        for name, count in (("all", articles), ("one", 1)):
            pq.write_table(pa.table({"id": range(count), "text": texts[:count]}), folder / f"{name}.parquet")
        run_job(Job(f"{folder}/one.parquet", f"{folder}/warm", model, workers=1))
        for number in range(rounds):
            single.append(_seconds(lambda: predictor.predict(texts)))
            for name, times in (("all", jobs), ("one", starts)):
                job = Job(f"{folder}/{name}.parquet", f"{folder}/{name}-{number}", model, workers=1)
                times.append(_seconds(partial(run_job, job)))
    if min(job - start for job, start in zip(jobs, starts, strict=True)) <= 0:
        raise DosilinkError("the jobs were over as fast as those of one article; take more articles")
    kept = [alone / (job - start) for alone, job, start in zip(single, jobs, starts, strict=True)]
    return Overhead(articles, single, jobs, starts, statistics.median(starts), statistics.median(kept))


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    run(app)
