"""CoNLL columns: one token and its IOB2 tag a line, a blank line after each sentence. Mentions only.

The tokens are characters, as in KLUE-NER, the form in which Korean tools expect their tags: particles are glued to names
(`부산시는`), so a tag for a whole eojeol could not say where the name ends. A space is a token too. Comments in the manner of
CoNLL-U carry the article: `# newdoc id`, `# source`, `# meta`, and `# gap` before a sentence that something else than one space
parts from the one before. With them a file gives the articles back as they were, without relations.

Files of other makers are read too: columns parted by tabs or spaces of which the first is the token and the last the tag (IOB2 or
BIOES), word tokens (joined by one space), `-DOCSTART-` lines, and KLUE's `## id` line before each sentence.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from model.runtime.document import Document, atomic_write
from model.runtime.errors import DataError
from model.runtime.schema import LABELS
from model.runtime.sentences import sentence_spans
from train.metrics import character_tags

from .build import Reading, Span, build_document
from .files import read_text

_COMMENT_KEYS = ("newdoc id", "source", "meta", "gap")


@dataclass
class _Article:
    """An article while it is read."""

    id: str
    line: int
    source: str = ""
    meta: dict[str, Any] = field(default_factory=dict)
    gap: str | None = None
    sentences: list[tuple[str | None, list[tuple[str, str, int]]]] = field(default_factory=list)
    """What stands before each sentence (None: not said), and its tokens with tag and line."""


def write_conll(documents: Sequence[Document], path: Path) -> list[str]:
    """Writes all articles into one file; returns what CoNLL could not carry."""
    with atomic_write(path) as out:
        for document in documents:
            out.writelines(_article_lines(document))
    relations = sum(len(document.relations) for document in documents)
    return [f"CoNLL columns hold no relations; {relations} are left out"] if relations else []


def _article_lines(document: Document) -> Iterator[str]:
    tags = character_tags(document.text, document.entities)
    yield f"# newdoc id = {document.id}\n"
    if document.source:
        yield f"# source = {json.dumps(document.source, ensure_ascii=False)}\n"
    if document.meta:
        yield f"# meta = {json.dumps(dict(document.meta), ensure_ascii=False)}\n"
    position = 0
    for start, end in sentence_spans(document.text):
        gap = document.text[position:start]
        if gap != (" " if position else ""):
            yield f"# gap = {json.dumps(gap)}\n"
        yield from (f"{char}\t{tag}\n" for char, tag in zip(document.text[start:end], tags[start:end], strict=True))
        yield "\n"
        position = end
    if document.text[position:]:
        yield f"# gap = {json.dumps(document.text[position:])}\n\n"


def read_conll(path: Path) -> Reading:
    """The articles of a file. DataError names the line."""
    articles = list(_articles(path))
    words = any(len(token) > 1 for article in articles for _, tokens in article.sentences for token, *_ in tokens)
    note = f"{path}: the form has no relations; trained on as they are, its articles teach that there are none"
    return Reading([_document(article, words, path) for article in articles], [note])


def _articles(path: Path) -> Iterator[_Article]:
    article = _Article(path.stem, 1)
    tokens: list[tuple[str, str, int]] = []
    count = 0

    def close() -> None:
        if tokens or article.gap is not None:
            article.sentences.append((article.gap, list(tokens)))
            tokens.clear()
            article.gap = None

    for number, line in enumerate(read_text(path).removeprefix("\ufeff").split("\n"), 1):
        line = line.rstrip("\r")  # noqa: PLW2901
        where = f"{path}:{number}"
        if line == "":
            close()
        elif line.startswith("## ") or line.startswith("-DOCSTART-") or line.startswith("# newdoc id"):
            close()
            if article.sentences:
                yield article
            count += 1
            article = _Article(_new_id(line, f"{path.stem}-{count}"), number)
        elif line.startswith("# ") and not tokens and "\t" not in line:
            _comment(article, line, where)
        else:
            tokens.append((*_columns(line, where), number))
    close()
    if article.sentences:
        yield article


def _new_id(line: str, fallback: str) -> str:
    if line.startswith("-DOCSTART-"):
        return fallback
    return line.partition("=")[2].strip() if line.startswith("# newdoc") else line[3:].split("\t", maxsplit=1)[0].strip()


def _comment(article: _Article, line: str, where: str) -> None:
    key, equals, value = line[2:].partition("=")
    if key.strip() not in _COMMENT_KEYS or not equals:
        return
    try:
        said = json.loads(value)
    except json.JSONDecodeError:
        raise DataError(f"{where}: “{key.strip()}” should be JSON") from None
    match key.strip(), said:
        case "source", str():
            article.source = said
        case "meta", dict():
            article.meta = said
        case "gap", str():
            article.gap = said
        case _:
            raise DataError(f"{where}: “{key.strip()}” has the wrong type {type(said).__name__}")


def _columns(line: str, where: str) -> tuple[str, str]:
    # A tab may itself be the token, as it is one character of the article.
    columns = [line[0], *line[2:].split("\t")] if line[1:2] == "\t" else line.split("\t") if "\t" in line else line.split()
    if len(columns) < 2 or not columns[0]:
        raise DataError(f"{where}: expected a token and a tag")
    tag = columns[-1].strip()
    prefix, _, label = tag.partition("-")
    if tag != "O" and (prefix not in "BIES" or label not in LABELS):
        raise DataError(f"{where}: unknown tag “{tag}”; the labels are {', '.join(LABELS)}")
    return columns[0], tag


def _document(article: _Article, words: bool, path: Path) -> Document:
    text = ""
    spans: list[Span] = []
    for gap, tokens in article.sentences:
        text += gap if gap is not None else " " if text else ""
        opened: tuple[str, int] | None = None
        for index, (token, tag, line) in enumerate(tokens):
            space = " " if words and index else ""
            prefix, _, label = tag.partition("-")
            if opened and prefix not in ("I", "E"):
                spans.append(_span(opened, len(text), len(spans)))
                opened = None
            text += space
            if prefix in ("I", "E") and (opened is None or opened[0] != label):
                raise DataError(f"{path}:{line}: the tag {tag} goes on with a mention that has not begun; IOB2 begins with B-")
            if prefix in ("B", "S"):
                opened = label, len(text)
            text += token
        if opened:
            spans.append(_span(opened, len(text), len(spans)))
    return build_document(article.id, text, spans, [], f"{path}:{article.line}", source=article.source, meta=article.meta)


def _span(opened: tuple[str, int], end: int, before: int) -> Span:
    label, start = opened
    return Span(f"T{before + 1}", start, end, label)
