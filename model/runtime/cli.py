"""Command line: read articles from files, print what was found. The exported wheel has the same one, called `dosilink`."""

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from .document import Document, check_score
from .errors import DataError, DosilinkError
from .predictor import Predictor
from .render import brat, table

Loader = Callable[[str | Path | None], Predictor]


def main(load: Loader, program: str, arguments: Sequence[str] | None = None) -> int:
    """Runs the command line; returns the exit code: 0, or 2 with one line on standard error for a user's error."""
    options = _parser(program).parse_args(arguments)
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8")
    try:
        check_score(options.min_score)
        articles = list(_read(options.files))
        predictor = load(options.model)
        documents = predictor.predict([text for _, text in articles], options.min_score)
        for (name, _), document in zip(articles, documents, strict=True):
            _print(name, document, options.format)
    except DosilinkError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    return 0


def _parser(program: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=program, description="Who cooperates with whom, about what and when, from Korean news.")
    commands = parser.add_subparsers(dest="command", required=True)
    predict = commands.add_parser("predict", help="read articles and print mentions and relations")
    predict.add_argument("files", nargs="+", metavar="FILE", help="UTF-8 text, one article a file; “-” for standard input")
    predict.add_argument("--format", choices=("jsonl", "table", "brat"), default="table", help="default: %(default)s")
    predict.add_argument("--model", help="run or model folder; default: the run that finished last")
    predict.add_argument(
        "--min-score",
        type=float,
        default=0.0,
        metavar="SCORE",
        help="leave out what is less likely to be right, from 0 to 1; default: %(default)s",
    )
    return parser


def _read(files: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Name and text of each file. The name is the file's stem, `stdin` for standard input."""
    for file in files:
        try:
            data = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        except OSError as error:
            raise DataError(f"{file}: cannot be read ({error.strerror})") from None
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError as error:
            raise DataError(
                f"{file}: is not UTF-8 text (byte {error.start}); convert it, e.g. with iconv -f cp949 -t utf-8"
            ) from None
        yield ("stdin" if file == "-" else Path(file).stem), text


def _print(name: str, document: Document, form: str) -> None:
    if form == "jsonl":
        data = document.to_dict() | {"id": name}
        print(json.dumps(data, ensure_ascii=False))
    elif form == "brat":
        print(brat(document), end="")
    else:
        print(f"# {name}")
        print(table(document), end="")
