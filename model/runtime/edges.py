"""`edges`: the graph of who works with whom, about what and when, as a table; one row for a relation of a sentence.

What is one party, which fields and dates belong to a row, and what a column holds is said at `Edge`. The schema (a relation holds
inside a sentence, COOPERATES_IN and ON_DATE go from every party of an act) is `schema.py`'s and the annotation guideline's.
"""

import csv
import sys
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple, TextIO

from .canonical import first_line
from .document import Document, Entity, Relation, document_from_dict
from .errors import DataError
from .records import json_line, numbered_lines, parse_json, too_long
from .resumable import TextOutput, open_whole, same_file
from .schema import relation_type
from .sentences import sentence_spans
from .stream import SHOWN, open_input, read_errors
from .text import normalise

TYPES = ("COOPERATES_WITH", "MEETS", "VISITS")
"""Relation types of the table unless others are asked for."""

FORMS = ("csv", "tsv", "jsonl")
_BOM = "\ufeff"
# A spreadsheet takes what begins so for a formula and runs it.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class Edge:
    """A relation between two parties in a sentence of an article.

    Names are the fullest of the article (`canonical`), in composed letters and on one line. The mentions of a sentence that have
    one name, label, place and body are one party; their relations of a type to another party are one edge, and score and offsets
    (code points of the article's text, where the two mentions begin) are those of the most probable one.

    Of a type without direction the head is the mention that comes first. `pair` is the same whichever comes first.
    `sentence` counts from 1, the title's. `head_place`, `tail_place`: in which city a city or body is (LOCATED_IN) by the
    sentence, else by the article where it says one place only. `head_body`, `tail_body`: likewise, what a person heads or
    belongs to. `pair_places` are the places in the order of the names in `pair`.

    `fields`: what both parties have by COOPERATES_IN in the sentence, since the schema gives every party of an act its fields;
    where only one of them has any, those. `dates`: of a type without direction likewise by ON_DATE (a joint act is dated for all
    who take part, its announcement for one), of another type those of the head, who acts. `score` is None for an annotation.
    """

    article: str
    title: str
    sentence: int
    sentence_text: str
    pair: str
    pair_places: str
    head: str
    head_label: str
    head_place: str
    head_body: str
    type: str
    tail: str
    tail_label: str
    tail_place: str
    tail_body: str
    fields: tuple[str, ...]
    dates: tuple[str, ...]
    head_offset: int
    tail_offset: int
    score: float | None


COLUMNS = tuple(Edge.__dataclass_fields__)


def edges(document: Document, types: Collection[str] = TYPES) -> list[Edge]:
    """The relations of these types, in the order of the text. `document.above(min_score)` leaves out the improbable before.

    KeyError for a type that the schema does not have.
    """
    symmetric = {name for name in types if relation_type(name).symmetric}
    article = _Article(document)
    found: dict[tuple[int, str, tuple[_Party, ...]], tuple[Entity, Entity, Relation]] = {}
    for relation in document.relations:
        if relation.type not in types:
            continue
        head, tail = article.mentions[relation.head], article.mentions[relation.tail]
        if relation.type in symmetric and tail.start < head.start:
            head, tail = tail, head
        ends = (article.party(head), article.party(tail))
        key = (article.sentence(head), relation.type, tuple(sorted(ends)) if relation.type in symmetric else ends)
        if key not in found or _probability(relation) > _probability(found[key][2]):
            found[key] = (head, tail, relation)
    rows = [article.edge(head, tail, relation, relation.type in symmetric) for head, tail, relation in found.values()]
    return sorted(rows, key=lambda row: (row.sentence, row.head_offset, row.tail_offset, row.type))


def _probability(relation: Relation) -> float:
    return 1.0 if relation.score is None else relation.score


class _Party(NamedTuple):
    name: str
    label: str
    place: str
    body: str


class _Article:
    """A document with what its edges need: sentences, parties, and what each party has in each sentence."""

    def __init__(self, document: Document) -> None:
        normalised = normalise(document.text)
        spans = sentence_spans(normalised.text)
        self._document = document
        self._title = _line(document.title or first_line(document.text))
        self._sentences = [_line(normalised.text[start:end]) for start, end in spans]
        self._starts = [normalised.original_span(start, end)[0] for start, end in spans]
        self._names = {mention.id: _line(mention.canonical) for mention in document.entities}
        self.mentions = {mention.id: mention for mention in document.entities}
        self._places = _Owners(self, document.relations, {"LOCATED_IN"})
        self._bodies = _Owners(self, document.relations, {"HEAD_OF", "MEMBER_OF"})
        self._fields = self._had("COOPERATES_IN")
        self._dates = self._had("ON_DATE")

    def name(self, mention: Entity) -> str:
        return self._names[mention.id]

    def sentence(self, mention: Entity) -> int:
        """The number of the mention's sentence, from 1."""
        return max(1, bisect_right(self._starts, mention.start))

    def party(self, mention: Entity) -> _Party:
        return _Party(self.name(mention), mention.label, self._places.of(mention), self._bodies.of(mention))

    def edge(self, head: Entity, tail: Entity, relation: Relation, symmetric: bool) -> Edge:
        number = self.sentence(head)
        one, other = self.party(head), self.party(tail)
        first, second = sorted((one, other))
        return Edge(
            article=self._document.id,
            title=self._title,
            sentence=number,
            # There is none where a mention has only characters that are not seen.
            sentence_text=self._sentences[number - 1] if number <= len(self._sentences) else "",
            pair=f"{first.name} – {second.name}",
            pair_places=f"{first.place} – {second.place}" if first.place or second.place else "",
            head=one.name,
            head_label=one.label,
            head_place=one.place,
            head_body=one.body,
            type=relation.type,
            tail=other.name,
            tail_label=other.label,
            tail_place=other.place,
            tail_body=other.body,
            fields=_shared(self._fields[number, one], self._fields[number, other]),
            dates=_shared(self._dates[number, one], self._dates[number, other if symmetric else one]),
            head_offset=head.start,
            tail_offset=tail.start,
            score=relation.score,
        )

    def _had(self, kind: str) -> dict[tuple[int, _Party], dict[str, int]]:
        """For a sentence and a party the names of the tails of this type, each with its first place in the text."""
        found: dict[tuple[int, _Party], dict[str, int]] = defaultdict(dict)
        for relation in self._document.relations:
            if relation.type == kind:
                head, tail = self.mentions[relation.head], self.mentions[relation.tail]
                places = found[self.sentence(head), self.party(head)]
                places[self.name(tail)] = min(tail.start, places.get(self.name(tail), tail.start))
        return found


class _Owners:
    """What a mention is in or belongs to: the tail of its relation of these types, or that of another mention of its name."""

    def __init__(self, article: _Article, relations: Sequence[Relation], types: set[str]) -> None:
        self._article = article
        nearest: dict[str, tuple[int, int, str]] = {}
        for relation in relations:
            if relation.type in types:
                head, tail = article.mentions[relation.head], article.mentions[relation.tail]
                # As the schema chooses among several mentions: the closest one, the earlier on a tie.
                place = (max(tail.start - head.end, head.start - tail.end), tail.start, article.name(tail))
                nearest[head.id] = min(place, nearest.get(head.id, place))
        self._own = {mention: name for mention, (_, _, name) in nearest.items()}
        self._said: dict[tuple[int, str, str], set[str]] = defaultdict(set)
        for mention, name in self._own.items():
            for key in self._keys(article.mentions[mention]):
                self._said[key].add(name)

    def of(self, mention: Entity) -> str:
        """Its name; empty when nothing is said, or several things of mentions of this name."""
        if mention.id in self._own:
            return self._own[mention.id]
        for key in self._keys(mention):
            if names := self._said.get(key):
                return next(iter(names)) if len(names) == 1 else ""
        return ""

    def _keys(self, mention: Entity) -> list[tuple[int, str, str]]:
        """Under which it is looked for: in the sentence, then in the article (no sentence has the number 0)."""
        name = self._article.name(mention)
        return [(self._article.sentence(mention), mention.label, name), (0, mention.label, name)]


def _shared(one: Mapping[str, int], other: Mapping[str, int]) -> tuple[str, ...]:
    """The names in both, or in the only one that has any, in the order of the text."""
    one, other = one or other, other or one
    return tuple(sorted(one.keys() & other.keys(), key=lambda name: (one[name], name)))


def _line(text: str) -> str:
    return " ".join(normalise(text).text.split())


@dataclass(frozen=True)
class EdgesJob:
    """Which documents to read (file names, “-” for standard input), and where the table goes (“-” for standard output)."""

    sources: Sequence[str]
    target: str
    types: Sequence[str] = TYPES
    min_score: float = 0.0
    form: str = "csv"
    overwrite: bool = False


@dataclass
class _Counts:
    articles: int = 0
    edges: int = 0
    bad: int = 0


def write_edges(job: EdgesJob, messages: TextIO | None = None) -> bool:
    """Writes the table; False when there were lines that are no documents, which are reported and skipped.

    Raises DataError when a file cannot be used, and when none of the lines is a document; then there is no table.
    """
    messages = messages or sys.stderr
    for source in job.sources:
        if "-" not in (source, job.target) and same_file(Path(source), Path(job.target)):
            raise DataError(f"{source}: is the input and the output; give the output another name")
    counts = _Counts()
    with open_whole(job.target, job.overwrite) as out:
        write = _writer(out, job.form)
        for source in job.sources:
            for document in _documents(source, counts, messages):
                for edge in edges(document.above(job.min_score), job.types):
                    write(edge)
                    counts.edges += 1
        if counts.bad and not counts.articles:
            raise DataError(
                f"{', '.join(job.sources)}: none of {counts.bad:,} lines is a document; "
                "give what predict writes with --jsonl or --format jsonl"
            )
    skipped = f", {counts.bad:,} lines skipped" if counts.bad else ""
    target = "" if job.target == "-" else f": {job.target}"
    messages.write(f"{counts.edges:,} relations of {counts.articles:,} articles{skipped}{target}\n")
    return not counts.bad


def _documents(source: str, counts: _Counts, messages: TextIO) -> Iterator[Document]:
    name = "stdin" if source == "-" else source
    with open_input(source) as given, read_errors(name):
        for number, line in numbered_lines(given.lines):
            if line is None:
                _report(f"{name}:{number}: {too_long()}", counts, messages)
            elif line.strip():
                try:
                    document = document_from_dict(parse_json(line, number), f"{name}:{number}")
                except DataError as error:
                    said = str(error)
                    _report(said if said.startswith(name) else f"{name}:{number}: {said}", counts, messages)
                    continue
                counts.articles += 1
                yield document


def _report(said: str, counts: _Counts, messages: TextIO) -> None:
    counts.bad += 1
    if counts.bad <= SHOWN:
        messages.write(f"{said}; skipped\n")
    elif counts.bad == SHOWN + 1:
        messages.write("further bad lines are counted, not shown\n")


def _writer(out: TextOutput, form: str) -> Callable[[Edge], object]:
    """Begins a table of this form; what it gives back writes a row."""
    if form == "jsonl":
        return lambda edge: out.write(json_line(asdict(edge)).decode())
    out.write(_BOM)
    rows = csv.writer(out, "excel-tab" if form == "tsv" else "excel")
    rows.writerow(COLUMNS)
    return lambda edge: rows.writerow([_cell(getattr(edge, column)) for column in COLUMNS])


def _cell(value: str | float | tuple[str, ...] | None) -> str:
    """As a spreadsheet shows it: a list with semicolons, and nothing that it would take for a formula."""
    text = "" if value is None else "; ".join(value) if isinstance(value, tuple) else str(value)
    # An id may hold half of a surrogate pair, which UTF-8 does not have.
    text = text.encode("utf-8", "backslashreplace").decode()
    return f"'{text}" if text.startswith(_FORMULA) else text
