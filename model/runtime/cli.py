"""Command line: read articles from files, print what was found. The exported wheel has the same one, called `dosilink`."""

import argparse
import json
import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from . import __version__
from .arguments import positive
from .document import check_score
from .edges import FORMS, TYPES, EdgesJob, write_edges
from .errors import DataError, DosilinkError
from .predictor import Predictor
from .records import Keys, what_it_is
from .render import rendered
from .resumable import open_whole, same_file
from .schema import RELATIONS
from .stream import StreamJob, predict_jsonl

DONE, SOME_SKIPPED, USER_ERROR, INTERRUPTED = 0, 1, 2, 130
"""Exit codes: everything read; all but bad records read; nothing more to do before the user mends something; ctrl-C."""


if TYPE_CHECKING:
    _Commands = argparse._SubParsersAction[argparse.ArgumentParser]


class Loader(Protocol):
    """Opens a model: `model.load` or, in the wheel, `dosilink.load`. Worker processes import it by its name."""

    def __call__(self, path: str | Path | None = None, *, threads: int | None = None) -> Predictor: ...


def main(load: Loader, program: str, arguments: Sequence[str] | None = None, model_help: str = "model folder") -> int:
    """Runs the command line; returns the exit code, see `DONE` and what follows it.

    `model_help`: which folders `load` opens, and which one when it is given none.
    """
    parser = _parser(program, model_help)
    options = parser.parse_args(arguments)
    if options.command == "predict":
        _check(parser, options)
    for stream, errors in ((sys.stdin, "strict"), (sys.stdout, "strict"), (sys.stderr, "backslashreplace")):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors=errors)
    try:
        check_score(options.min_score)
        if options.command == "edges":
            return _write_edges(options)
        return _predict_files(load, options) if options.jsonl is None else _predict_stream(load, options)
    except DosilinkError as error:
        print(f"error: {error}", file=sys.stderr)
        _leave_output()
        return USER_ERROR
    except BrokenPipeError:  # who read standard output has closed it
        _leave_output()
        return DONE
    except KeyboardInterrupt:  # of a stream, see `_predict_stream`
        print("interrupted", file=sys.stderr)
        return INTERRUPTED


def _leave_output() -> None:
    """What standard output did not take must go somewhere: Python tries again when it ends, and fails again."""
    try:
        print(end="", flush=True)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _predict_files(load: Loader, options: argparse.Namespace) -> int:
    articles = list(_read(options.files))
    if options.output != "-" and (same := [f for f in options.files if f != "-" and same_file(Path(f), Path(options.output))]):
        raise DataError(f"{same[0]}: is the input and the output; give the output another name")
    with _writing(), open_whole(options.output, options.overwrite) as out:
        predictor = load(options.model, threads=options.threads)
        documents = predictor.predict([text for _, text in articles], options.min_score)
        for (name, _), document in zip(articles, documents, strict=True):
            out.write(rendered(name, document, options.format or "table"))
    return DONE


def _write_edges(options: argparse.Namespace) -> int:
    job = EdgesJob(options.files, options.output, options.types, options.min_score, options.format, options.overwrite)
    with _writing():
        return DONE if write_edges(job) else SOME_SKIPPED


@contextmanager
def _writing() -> Iterator[None]:
    """DataError when standard output cannot be written; a closed pipe stays a BrokenPipeError."""
    try:
        yield
        print(end="", flush=True)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise DataError(f"standard output cannot be written ({error.strerror})") from None


def _predict_stream(load: Loader, options: argparse.Namespace) -> int:
    threads = options.threads or (1 if options.workers > 1 else None)
    job = StreamJob(
        source=options.jsonl,
        target=options.output,
        load=partial(load, options.model, threads=threads),
        workers=options.workers,
        batch_tokens=options.batch_tokens,
        min_score=options.min_score,
        keys=Keys(options.id_key, options.text_key),
        overwrite=options.overwrite,
        errors=options.errors,
        quiet=options.quiet,
    )
    try:
        counts = predict_jsonl(job)
    except KeyboardInterrupt:
        hint = "" if options.output == "-" else "; the same command (without --overwrite) goes on from here"
        print(f"interrupted{hint}", file=sys.stderr)
        return INTERRUPTED
    return SOME_SKIPPED if counts.bad else DONE


def _parser(program: str, model_help: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=program, description="Who cooperates with whom, about what and when, from Korean news.")
    parser.add_argument("--version", action="version", version=f"dosilink {__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    _add_predict(commands, model_help)
    _add_edges(commands)
    return parser


def _add_predict(commands: "_Commands", model_help: str) -> None:
    predict = commands.add_parser("predict", help="read articles and print mentions and relations")
    predict.add_argument("files", nargs="*", metavar="FILE", help=_FILES_HELP)
    predict.add_argument("--format", choices=("jsonl", "table", "brat"), help="default: table, and always jsonl with --jsonl")
    predict.add_argument("--model", metavar="FOLDER", help=model_help)
    predict.add_argument("--threads", type=positive, metavar="N", help="of a process; default: one a core, one with --workers")
    _add_min_score(predict)
    predict.add_argument("-o", "--output", metavar="OUT", help="also .gz; default: “-”, standard output")
    predict.add_argument(
        "--overwrite",
        action="store_true",
        help="write OUT anew; else a file that is there is refused, or with --jsonl gone on with",
    )
    stream = predict.add_argument_group(
        "any number of articles",
        "Exit code 0: all are read; 1: all but bad records, which are reported with their line and skipped; 2: an error; "
        "130: ctrl-C. While it runs, the output is OUT.part; after an interruption the same command goes on with it.",
    )
    stream.add_argument("--jsonl", metavar="IN", help="JSON Lines with an id and a text each, also .gz; “-” for standard input")
    stream.add_argument("--errors", type=Path, metavar="FILE", help="bad records as JSON Lines")
    stream.add_argument("--id-key", metavar="KEY", help="default: id")
    stream.add_argument("--text-key", metavar="KEY", help="default: text")
    stream.add_argument("--batch-tokens", type=positive, metavar="N", help="pieces of one pass, padding counted; default: 4096")
    stream.add_argument("--workers", type=positive, metavar="N", help="processes; default: 1")
    stream.add_argument("--quiet", action="store_true", help="no progress, no summary; bad records are reported all the same")


def _add_edges(commands: "_Commands") -> None:
    edges = commands.add_parser(
        "edges",
        help="a table of who works with whom, about what and when",
        description="One row for a relation of a sentence, from the documents that predict writes as JSON Lines. `fields` are "
        "those that both parties have in the sentence (or the only one that has any), `dates` too (of VISITS those of the head); "
        "COOPERATES_WITH and MEETS have no direction, and `pair` is the same whichever party is named first.",
        epilog="Exit code 0: all are read; 1: all but bad lines, which are reported and skipped; 2: an error.",
    )
    edges.add_argument("files", nargs="+", metavar="DOCUMENTS", help="JSON Lines, also .gz; “-” for standard input")
    edges.add_argument("-o", "--output", default="-", metavar="OUT", help="also .gz; default: “-”, standard output")
    edges.add_argument("--overwrite", action="store_true", help="write OUT anew; else a file that is there is refused")
    edges.add_argument(
        "--format",
        choices=FORMS,
        default="csv",
        help="csv and tsv are UTF-8 with a byte order mark, by which Excel knows Hangul, have “; ” between the items of a list "
        "and an apostrophe before what a spreadsheet takes for a formula (= + - @, tab, carriage return); default: %(default)s",
    )
    edges.add_argument(
        "--types", type=_types, default=TYPES, metavar="TYPES", help=f"with commas between; default: {','.join(TYPES)}"
    )
    _add_min_score(edges)


def _add_min_score(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--min-score",
        type=float,
        default=0.0,
        metavar="SCORE",
        help="leave out what is less likely to be right, from 0 to 1; default: %(default)s",
    )


def _types(names: str) -> list[str]:
    if unknown := [name for name in names.split(",") if name not in RELATIONS]:
        raise argparse.ArgumentTypeError(f"“{unknown[0]}” is no relation type; the types are {', '.join(RELATIONS)}")
    return names.split(",")


_FILES_HELP = (
    "UTF-8 text, one article a file; “-” for standard input. The article's id is the name without folder and suffix, "
    "or FILE as it is given where several have that name"
)
_JSON_LINES = "looks like JSON Lines; give it with --jsonl"
_STREAM_DEFAULTS = {
    "errors": None,
    "id_key": "id",
    "text_key": "text",
    "batch_tokens": None,
    "workers": 1,
    "quiet": False,
}


def _check(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """Ends the program with the usage when the options do not go together; fills in the defaults of a stream."""
    if (options.jsonl is None) == (not options.files):
        parser.error("predict: give either FILE… or --jsonl IN")
    options.output = options.output or "-"
    if options.jsonl is None and options.overwrite and options.output == "-":
        parser.error("predict: --overwrite goes with --output or --jsonl")
    for name, default in _STREAM_DEFAULTS.items():
        if getattr(options, name) is None:
            setattr(options, name, default)
        elif options.jsonl is None and getattr(options, name) != default:
            parser.error(f"predict: --{name.replace('_', '-')} goes with --jsonl")
    if options.jsonl is not None and options.format not in (None, "jsonl"):
        parser.error("predict: with --jsonl the format is jsonl")
    if options.format == "brat" and len(options.files) > 1:
        # Its ids begin with T1 in every file, and nothing in it says where one article ends.
        parser.error("predict: brat is one file an article; give one FILE at a time, or --format jsonl")
    if options.format == "jsonl" and (repeated := [name for name, count in Counter(_names(options.files)).items() if count > 1]):
        parser.error(f"predict: several articles would have the id {repeated[0]}; give each FILE once")


def _names(files: Sequence[str]) -> list[str]:
    """The files' stems, `stdin` for standard input; of those that have one stem, the paths as given."""
    stems = ["stdin" if file == "-" else Path(file).stem for file in files]
    counts = Counter(stems)
    return [stem if counts[stem] == 1 else file for file, stem in zip(files, stems, strict=True)]


def _read(files: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Name and text of each file, see `_names`."""
    for file, name in zip(files, _names(files), strict=True):
        if file.endswith((".jsonl", ".jsonl.gz")):
            raise DataError(f"{file}: {_JSON_LINES}")
        try:
            data = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        except OSError as error:
            raise DataError(f"{file}: cannot be read ({error.strerror})") from None
        if (said := what_it_is(data)) is not None:
            raise DataError(f"{file}: {said}")
        try:
            text = data.decode("utf-8-sig")  # Windows begins a file with a mark that is no part of the text
        except UnicodeDecodeError as error:
            raise DataError(
                f"{file}: is not UTF-8 text (byte {error.start}); convert it, e.g. with iconv -f cp949 -t utf-8"
            ) from None
        if _begins_with_an_object(text):
            raise DataError(f"{file}: {_JSON_LINES}")
        yield name, text


def _begins_with_an_object(text: str) -> bool:
    """Whether the first line that is not blank is a JSON object, as in no article."""
    first = text.lstrip().split("\n", maxsplit=1)[0]
    try:
        return first.startswith("{") and isinstance(json.loads(first), dict)
    except (ValueError, RecursionError):
        return False
