"""The forms in which annotated articles come and go: the house's own two and those of the annotation tools.

| name | what it is | carries |
|---|---|---|
| `jsonl` | the schema's JSON Lines | everything |
| `inline` | a folder of plain-text files, one an article (`GUIDELINES.md`, section 1) | all but scores; ids are renumbered |
| `brat` | a folder of brat standoff | all but scores |
| `label-studio` | a JSON file of tasks, and the labelling configuration beside it | everything; relation ids are renumbered |
| `doccano` | JSON Lines with relations | all but scores; ids are renumbered |
| `conll` | characters with IOB2 tags | mentions only |
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

from model.runtime.document import Document, read_jsonl, write_jsonl
from model.runtime.errors import DataError
from train.data.inline import format_inline, inline_path, read_inline, write_inline

from .brat import read_brat, write_brat
from .build import Reading, refuse_equal_ids, scored
from .conll import read_conll, write_conll
from .doccano import read_doccano, write_doccano
from .label_studio import Choice, configuration_file, read_label_studio, write_label_studio
from .offsets import Unit

Form = Literal["jsonl", "inline", "brat", "label-studio", "doccano", "conll"]
FORMATS: tuple[Form, ...] = get_args(Form)
_BY_SUFFIX = {".json": "label-studio", ".conll": "conll", ".iob2": "conll", ".bio": "conll", ".tsv": "conll"}


@dataclass(frozen=True)
class Options:
    """What a format does not say by itself."""

    offsets: Unit = "utf-16"
    """What the offsets of doccano files count."""
    choice: Choice = field(default_factory=Choice)


def read_documents(source: Path, form: str, options: Options = Options()) -> Reading:
    """The articles of a file or folder in the form `form`; DataError names file and place of what cannot be read."""
    readers: dict[str, Callable[[], Reading]] = {
        "jsonl": lambda: Reading(list(read_jsonl(source))),
        "inline": lambda: Reading([read_inline(path).document for path in _inline_files(source)]),
        "brat": lambda: read_brat(source),
        "label-studio": lambda: read_label_studio(source, options.choice),
        "doccano": lambda: read_doccano(source, options.offsets),
        "conll": lambda: read_conll(source),
    }
    return readers[form]()


def _inline_files(source: Path) -> list[Path]:
    paths = sorted(source.glob("*.txt")) if source.is_dir() else [source]
    if not paths:
        raise DataError(f"{source}: holds no .txt file")
    return paths


def write_documents(documents: Sequence[Document], target: Path, form: str, options: Options = Options()) -> list[str]:
    """Writes the articles; returns one line for each thing that the form could not carry."""
    writers: dict[str, Callable[[], list[str]]] = {
        "jsonl": lambda: _write_jsonl(documents, target),
        "inline": lambda: _write_inline(documents, target),
        "brat": lambda: write_brat(documents, target),
        "label-studio": lambda: write_label_studio(documents, target),
        "doccano": lambda: write_doccano(documents, target, options.offsets),
        "conll": lambda: write_conll(documents, target),
    }
    return writers[form]()


def written_paths(target: Path, form: str) -> list[Path]:
    """Files and folders that writing to `target` in the form would make or fill."""
    return [target, configuration_file(target)] if form == "label-studio" else [target]


def _write_jsonl(documents: Sequence[Document], target: Path) -> list[str]:
    write_jsonl(target, documents)
    return []


def write_inline_folder(documents: Sequence[Document], folder: Path) -> list[Path]:
    """Writes one inline file an article and returns their paths.

    DataError before anything is written when two articles share an id, or one has no inline form.
    """
    refuse_equal_ids(documents)
    for document in documents:
        inline_path(document, folder)
        format_inline(document)
    return [write_inline(document, folder) for document in documents]


def _write_inline(documents: Sequence[Document], target: Path) -> list[str]:
    write_inline_folder(documents, target)
    return ["the inline form has no place for scores; they are left out"] if scored(documents) else []


def source_format(source: Path) -> str:
    """The form of a source by its name and, for `.jsonl`, its first line; DataError when that does not say."""
    if source.is_dir():
        if any(source.rglob("*.ann")):
            return "brat"
        return "inline"
    if source.suffix == ".jsonl":
        return _jsonl_kind(source)
    if source.suffix == ".txt":
        return "inline"
    return _by_suffix(source, "--from")


def target_format(target: Path) -> str:
    """The form of a target by its name; DataError when that does not say (a folder may be inline or brat)."""
    return "jsonl" if target.suffix == ".jsonl" else _by_suffix(target, "--to")


def _by_suffix(path: Path, option: str) -> str:
    if path.suffix not in _BY_SUFFIX:
        raise DataError(f"{path}: the name does not say the format; say {option} and one of {', '.join(FORMATS)}")
    return _BY_SUFFIX[path.suffix]


def _jsonl_kind(source: Path) -> str:
    """`jsonl` or `doccano`, by the first line that has a mention: the schema says `start`, doccano `start_offset` or a list."""
    try:
        with source.open(encoding="utf-8") as lines:
            for item in (json.loads(line) for line in lines if line.strip()):
                if isinstance(item, dict) and (item.get("label") or item.get("labels")):
                    return "doccano"
                if isinstance(item, dict) and item.get("entities"):
                    first = item["entities"][0]
                    return "jsonl" if isinstance(first, dict) and "start_offset" not in first else "doccano"
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, KeyError, TypeError):
        pass  # the reader says what is wrong
    return "jsonl"


__all__ = [
    "FORMATS",
    "Choice",
    "Form",
    "Options",
    "Reading",
    "read_documents",
    "source_format",
    "target_format",
    "write_documents",
    "write_inline_folder",
    "written_paths",
]
