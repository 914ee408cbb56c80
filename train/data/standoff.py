"""Stand-off annotations: mentions and relations of texts that are not in the repository, by place alone.

A text that may be trained on and not passed on (press releases of the pretraining corpus) is named by file and lines of the
corpus folder and by a digest; no word of it is stored. Whoever has the corpus gets the annotated articles back, and a corpus that
differs is noticed. JSON Lines, one article a line, broken here:

    {"id": "pj-000", "file": "press.txt.xz", "lines": [12, 19], "sha256": "…",
     "entities": [[0, 3, "CITY"]], "relations": [["VISITS", 1, 0]]}

Lines are counted from 0, the second number is the first line behind the article. The text is these lines in the corpus's normal
form, empty ones left out, joined by line breaks; entities are `[start, end, label]` in it, relations `[type, head, tail]` by the
places of the entities. Titles are first lines, and of source and meta nothing is kept but the file.
"""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from itertools import pairwise
from lzma import LZMAError
from pathlib import Path
from typing import Any

from model.runtime.document import Document, Entity, Relation, atomic_write
from model.runtime.errors import DataError
from model.runtime.schema import LABELS, RELATIONS
from model.runtime.text import normalise
from train.pretrain.config import Corpus, Source
from train.pretrain.corpus import CorpusError, open_text, source_files

from .formats.files import json_lines

CORPUS = Path("../shared/corpus")


@dataclass(frozen=True)
class StandoffArticle:
    """Where an article stands in the corpus, and what is said of it."""

    id: str
    file: str
    lines: tuple[int, int]
    sha256: str
    entities: tuple[tuple[int, int, str], ...]
    relations: tuple[tuple[str, int, int], ...]


def read_standoff(path: Path) -> list[StandoffArticle]:
    """The articles of a stand-off file; DataError with file and line for what is not of its form."""
    articles = [_article(item, where) for where, item in json_lines(path)]
    for name, count in Counter(article.id for article in articles).items():
        if count > 1:
            raise DataError(f"{path}: {name}: {count} articles have this id")
    return articles


def write_standoff(path: Path, articles: Iterable[StandoffArticle]) -> None:
    """Writes articles one a line, atomically."""
    with atomic_write(path) as out:
        for article in articles:
            out.write(json.dumps(asdict(article), ensure_ascii=False) + "\n")


def attach(articles: Sequence[StandoffArticle], folder: Path) -> list[Document]:
    """The annotated articles, with their texts from the corpus folder; DataError when a text is not the annotated one."""
    texts = _Texts(folder)
    return [_document(article, texts.passage(article.file, *article.lines)) for article in articles]


def corpus_files(folder: Path, pattern: str = "*.txt*") -> list[str]:
    """The text files of a corpus folder, by name; DataError when there is none."""
    try:
        return [path.name for path, _, _ in source_files(Corpus(folder=folder, sources=(Source(pattern=pattern),)))]
    except CorpusError as error:
        raise DataError(str(error)) from None


def detach(documents: Sequence[Document], folder: Path, files: Sequence[str]) -> list[StandoffArticle]:
    """Annotations without the text, for documents whose lines stand one after the other in a corpus file.

    A text that stands there twice is taken at its first place. DataError for a text that is nowhere.
    """
    texts = _Texts(folder)
    places: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for file in files:
        for number, line in enumerate(texts.lines(file)):
            if line:
                places[line].append((file, number))
    return [_detached(document, *_find(document, places, texts)) for document in documents]


class _Texts:
    """The lines of corpus files in normal form, each file read once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lines = cache(self._lines)

    def _lines(self, file: str) -> list[str]:
        path = self.folder / file
        try:
            with open_text(path) as lines:
                return [normalise(line.strip()).text for line in lines]
        except (OSError, EOFError, LZMAError, UnicodeDecodeError, CorpusError) as error:
            reason = getattr(error, "strerror", None) or error
            raise DataError(f"{path}: cannot be read ({reason}); the annotations need the corpus they were made on") from None

    def passage(self, file: str, first: int, after: int) -> str:
        return "\n".join(line for line in self.lines(file)[first:after] if line)

    def from_line(self, file: str, first: int, count: int) -> tuple[str, int]:
        """`count` non-empty lines from line `first` on, and the line behind them."""
        lines = self.lines(file)
        after = first
        taken: list[str] = []
        while after < len(lines) and len(taken) < count:
            if lines[after]:
                taken.append(lines[after])
            after += 1
        return "\n".join(taken), after


def _find(document: Document, places: dict[str, list[tuple[str, int]]], texts: _Texts) -> tuple[str, int, int]:
    if normalise(document.text).text != document.text:
        raise DataError(f"{document.id}: the text is not in the corpus's normal form (NFC, plain spaces), so it cannot be found")
    lines = document.text.split("\n")
    for file, first in places.get(lines[0], ()):
        text, after = texts.from_line(file, first, len(lines))
        if text == document.text:
            return file, first, after
    raise DataError(f"{document.id}: the text is in none of the corpus files")


def _detached(document: Document, file: str, first: int, after: int) -> StandoffArticle:
    places = {entity.id: place for place, entity in enumerate(document.entities)}
    return StandoffArticle(
        document.id,
        file,
        (first, after),
        _digest(document.text),
        tuple((entity.start, entity.end, entity.label) for entity in document.entities),
        tuple((relation.type, places[relation.head], places[relation.tail]) for relation in document.relations),
    )


def _document(article: StandoffArticle, text: str) -> Document:
    if _digest(text) != article.sha256:
        raise DataError(
            f"{article.id}: lines {article.lines[0]} to {article.lines[1]} of {article.file} are not the text that was annotated"
        )
    if any(end > len(text) for _, end, _ in article.entities):
        raise DataError(f"{article.id}: an entity ends behind the text")
    entities = tuple(
        Entity(f"T{n}", start, end, label, text[start:end]) for n, (start, end, label) in enumerate(article.entities, 1)
    )
    relations = tuple(
        Relation(f"R{n}", f"T{head + 1}", f"T{tail + 1}", kind) for n, (kind, head, tail) in enumerate(article.relations, 1)
    )
    return Document(article.id, text, entities, relations, title=text.split("\n", 1)[0], source=article.file)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _article(item: dict[str, Any], where: str) -> StandoffArticle:
    try:
        first, after = item["lines"]
        entities = tuple((_whole(start), _whole(end), str(label)) for start, end, label in item["entities"])
        relations = tuple((str(kind), _whole(head), _whole(tail)) for kind, head, tail in item["relations"])
        name, file, digest = (item[key] for key in ("id", "file", "sha256"))
        if not all(isinstance(text, str) for text in (name, file, digest)):
            raise TypeError("id, file and sha256 are strings")
        article = StandoffArticle(name, file, (_whole(first), _whole(after)), digest, entities, relations)
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{where}: is no stand-off annotation ({type(error).__name__}: {error})") from None
    for problem in _problems(article):
        raise DataError(f"{where}: {article.id}: {problem}")
    return article


def _whole(number: object) -> int:
    if type(number) is not int:
        raise TypeError(f"a whole number is expected, not {number!r}")
    return number


def _problems(article: StandoffArticle) -> Iterator[str]:
    first, after = article.lines
    if not 0 <= first < after or Path(article.file).name != article.file:
        yield f"no place in a corpus folder: {article.file}, lines {first} to {after}"
    if any(former[1] > latter[0] for former, latter in pairwise(sorted(article.entities))):
        yield "entities overlap"
    for start, end, label in article.entities:
        if label not in LABELS or not 0 <= start < end:
            yield f"no entity: {[start, end, label]}"
    for kind, head, tail in article.relations:
        if kind not in RELATIONS or head == tail or not (0 <= head < len(article.entities) and 0 <= tail < len(article.entities)):
            yield f"no relation: {[kind, head, tail]}"
