"""Puts a finished run's numbers where they are read: docs/results/<name>/ and the marked parts of the README.

python -m train.publish runs/embedded
"""

import json
import shutil
from pathlib import Path
from typing import Annotated

import typer

from model import load
from model.runs import METRICS_FILE, RECIPE_FILE, REPORT_FILE
from model.runtime.document import Document
from model.runtime.errors import DataError
from model.runtime.schema import LABELS, RELATIONS

from .console import console, run
from .report import put_between

_FILES = (RECIPE_FILE, METRICS_FILE, "provenance.json", REPORT_FILE)

app = typer.Typer(add_completion=False)


@app.command()
def publish(
    run_folder: Annotated[Path, typer.Argument(metavar="RUN", help="finished run")],
    readme: Annotated[Path, typer.Option(help="file with marked parts")] = Path("README.md"),
    results: Annotated[Path, typer.Option(help="folder of published runs")] = Path("docs/results"),
) -> None:
    """Copy a run's report, metrics, provenance and recipe, and renew the README's scores and example."""
    missing = [name for name in _FILES if not (run_folder / name).is_file()]
    if missing:
        raise DataError(f"{run_folder}: is no finished run, {', '.join(missing)} is missing")
    put_between(readme, *_marks("scores"), scores(run_folder))
    put_between(readme, *_marks("example"), example(readme.read_text(encoding="utf-8"), run_folder))
    target = results / run_folder.name
    target.mkdir(parents=True, exist_ok=True)
    for name in _FILES:
        shutil.copy(run_folder / name, target / name)
    console.print(f"written: {target}, {readme}", markup=False)


def scores(run_folder: Path) -> str:
    """The tables of a run's scores, in Markdown."""
    metrics, facts = (json.loads((run_folder / name).read_text(encoding="utf-8")) for name in (METRICS_FILE, "provenance.json"))
    dev, test = metrics["dev"], metrics["test"]
    rows = [
        f"One run (seed {facts['seed']}, {_epochs(facts['epochs'])} in {facts['minutes']} minutes on {facts['machine']}); "
        "relations end to end.",
        "",
        f"| | dev ({dev['documents']} articles) | test ({test['documents']} articles) |",
        "|---|---|---|",
    ]
    kinds = {
        "mentions, strict micro F1": "entities",
        "relations, end to end, micro F1": "relations",
        "relations, gold mentions given, micro F1": "relations_gold",
    }
    rows += [f"| {name} | {dev[key]['micro']['f1']:.3f} | {test[key]['micro']['f1']:.3f} |" for name, key in kinds.items()]
    rows += ["", "| test | P | R | F1 | gold |", "|---|---|---|---|---|"]
    for part, names in (("entities", LABELS), ("relations", RELATIONS)):
        for name in names:
            score = test[part]["by_name"][name]
            rows.append(f"| {name} | {score['precision']:.3f} | {score['recall']:.3f} | {score['f1']:.3f} | {score['support']} |")
    return "\n".join(rows)


def _epochs(number: float) -> str:
    return f"{number:.0f} epoch{'' if round(number) == 1 else 's'}"


def example(readme: str, run_folder: Path) -> str:
    """What the README's example prints with the run's model; the article is the string in the example's code."""
    article = readme.split('predict("""', 1)[1].split('"""', 1)[0]
    return f"```\n{printed(load(run_folder).predict(article))}\n```"


def printed(document: Document) -> str:
    """The output of the example's code."""
    name = {e.id: e.text for e in document.entities}
    lines = [f"{e.start:3}–{e.end:<3} {e.label:6} {e.score:.2f} {e.text}" for e in document.entities]
    lines += [f"{r.score:.2f} {r.type}({name[r.head]}, {name[r.tail]})" for r in document.relations]
    return "\n".join(lines)


def _marks(part: str) -> tuple[str, str]:
    return f"<!-- {part}: written by train.publish -->", f"<!-- /{part} -->"


if __name__ == "__main__":
    run(app)
