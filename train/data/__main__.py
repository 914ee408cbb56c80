"""`python -m train.data`: check the annotated articles, compile them, look at them."""

from pathlib import Path
from typing import Annotated

import typer

from model.runtime.document import read_jsonl
from train.console import console, run

from . import validate
from .corpus import ANNOTATIONS, Corpus, load_articles
from .inline import write_inline
from .statistics import statistics_table

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False)
Folder = Annotated[Path, typer.Option(help="folder that holds inline/<split>/ and <split>.jsonl")]


@app.command()
def check(
    files: Annotated[list[Path] | None, typer.Argument(help="inline or JSON Lines files; none: the whole corpus")] = None,
    folder: Folder = ANNOTATIONS,
    advice: Annotated[bool, typer.Option(help="also list places that want a second look")] = False,
) -> None:
    """Check annotations; each finding names file, line and what to do. Exit code 1 when there is an error."""
    corpus = Corpus(folder)
    paths = files or corpus.inline_files()
    articles, findings = load_articles(paths)
    findings.extend(validate.check(articles))
    if not files:
        findings.extend(corpus.stale())
    for finding in findings:
        console.print(f"error: {finding}", markup=False)
    if advice:
        for finding in validate.advise(articles):
            console.print(f"look: {finding}", markup=False)
    console.print(f"{len(articles)} articles checked, {len(findings)} errors", markup=False)
    raise typer.Exit(1 if findings else 0)


@app.command()
def compile(folder: Folder = ANNOTATIONS) -> None:
    """Compile inline/<split>/*.txt to <split>.jsonl."""
    counts = Corpus(folder).compile()
    console.print(", ".join(f"{split}: {count} articles" for split, count in counts.items()))


@app.command()
def inline(
    source: Annotated[Path, typer.Argument(help="JSON Lines file")],
    target: Annotated[Path, typer.Argument(help="folder for one inline file an article")],
) -> None:
    """Write the articles of a JSON Lines file in the inline form."""
    for document in read_jsonl(source):
        console.print(str(write_inline(document, target)), markup=False)


@app.command()
def statistics(folder: Folder = ANNOTATIONS) -> None:
    """Count articles, mentions and relations a split."""
    console.print(statistics_table(Corpus(folder)))


if __name__ == "__main__":
    run(app)
