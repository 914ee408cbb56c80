"""What 100 million articles cost on how many cores, from the measured articles per second of one core.

python -m benchmarks.speed.scale --results docs/results/speed/threads-1.json --entrant ours-int8
python -m benchmarks.speed.scale --articles-per-second 40 --kept 0.95
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from model.runtime.errors import DataError
from train.console import console, run
from train.report import put_between

BEGIN = "<!-- cost: begin (written by `python -m benchmarks.speed.scale`) -->"
END = "<!-- cost: end -->"
ARTICLES = 100_000_000
CORES = (1, 16, 64, 256, 1024)

app = typer.Typer(add_completion=False)


@app.command()
def main(
    results: Annotated[Path | None, typer.Option(help="result of the speed benchmark")] = None,
    entrant: Annotated[str | None, typer.Option(help="which of its entrants")] = None,
    articles_per_second: Annotated[float | None, typer.Option(min=1e-6, help="of one core, instead of a result")] = None,
    kept: Annotated[
        float, typer.Option(min=0.01, max=1.0, help="share of one process's throughput that a Ray worker keeps")
    ] = 1.0,
    page: Annotated[Path, typer.Option(help="page with the marks")] = Path("docs/scale.md"),
) -> None:
    """Write the table of costs between the marks of the page."""
    if articles_per_second is not None:
        rate, source = articles_per_second, "given on the command line"
    elif results is not None and entrant is not None:
        rate, source = read_rate(results, entrant), f"{entrant} in {results.as_posix()}"
    else:
        raise DataError("give --articles-per-second, or --results and --entrant")
    table = cost_table(rate, kept, source)
    put_between(page, BEGIN, END, table)
    console.print(table, markup=False)


def read_rate(results: Path, entrant: str) -> float:
    """Articles per second of one core: an entrant's median in a file of `make bench-speed` on one thread.

    DataError when the file is none, is of more threads, or lacks the entrant.
    """
    try:
        stored = json.loads(results.read_text(encoding="utf-8"))
        threads = int(stored["threads"])
        rates = {name: float(figures["articles/s"]["median"]) for name, figures in stored["summary"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{results}: is no result of the speed benchmark ({type(error).__name__}: {error})") from None
    if threads != 1:
        raise DataError(f"{results}: was measured on {threads} threads; a core's figure is that of one")
    if entrant not in rates:
        raise DataError(f"{results}: has no entrant “{entrant}”, only {', '.join(rates)}")
    if not rates[entrant] > 0:
        raise DataError(f"{results}: {entrant} reads {rates[entrant]} articles per second")
    return rates[entrant]


def cost_table(rate: float, kept: float, source: str, articles: int = ARTICLES, cores: Sequence[int] = CORES) -> str:
    """Markdown: time and core-hours of so many articles, when every core reads `rate * kept` articles per second."""
    core_seconds = articles / (rate * kept)
    lines = [
        f"{articles:,} articles at {rate:,.1f} articles/s on one core ({source}), of which a worker under Ray keeps {kept:.1%}: "
        f"{core_seconds / 3600:,.0f} core-hours, however many cores share them.",
        "",
        "| cores | time | articles/s |",
        "|---:|---:|---:|",
    ]
    lines += [f"| {count:,} | {duration(core_seconds / count)} | {rate * kept * count:,.0f} |" for count in cores]
    return "\n".join(lines)


def duration(seconds: float) -> str:
    """In the unit that people would use."""
    for unit, size in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:,.1f} {unit}"
    return f"{seconds:.0f} seconds"


if __name__ == "__main__":
    run(app)
