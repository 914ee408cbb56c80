"""The plain-text form in which articles are annotated by hand, and its way to a Document and back without loss.

The form is described in `data/annotations/GUIDELINES.md`, section 1: a header, then one sentence a line with marks
`[surface/Xn]`, each followed by its relations `> HEADS TYPE TAILS`.
"""

import json
import re
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from model.runtime.document import Document, Entity, Relation, atomic_write
from model.runtime.errors import DataError
from model.runtime.schema import LABELS, RELATIONS, relation_type
from model.runtime.sentences import sentence_spans

from .validate import SAFE_ID, UNSAFE_ID, Finding

LETTER = {label: label[0] for label in LABELS}
LABEL = {letter: label for label, letter in LETTER.items()}
if len(LABEL) < len(LABELS):
    raise ValueError(f"two labels of the schema begin alike ({', '.join(LABELS)}): give LETTER letters of their own")

_MARK_ID = re.compile(rf"[{''.join(LABEL)}][1-9]\d*")
_RELATION_LINE = re.compile(r">\s*([^\s,]+(?:\s*,\s*[^\s,]+)*)\s+([A-Z_]+)\s+([^\s,]+(?:\s*,\s*[^\s,]+)*)\s*")
_STRAY_RELATION = re.compile(r"\s*([>＞])")
_ESCAPES = {"\\": "\\", "[": "[", "]": "]", ">": ">", "＞": "＞", "-": "-", "s": " ", "t": "\t", "n": "\n", "r": "\r"}
HEADER_END = "---"


@dataclass
class _Sentence:
    """A sentence line while it is read: its place in the file and its marks by their local ids."""

    line: int
    marks: dict[str, Entity] = field(default_factory=dict)


@dataclass
class _Reader:
    """Collects the article's text, mentions and relations line by line."""

    where: str
    text: str = ""
    entities: list[Entity] = field(default_factory=list)
    relations: list[tuple[str, str, str]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    sentences: list[tuple[int, int, int]] = field(default_factory=list)
    sentence: _Sentence | None = None

    def add_sentence(self, line: str, number: int, separator: str) -> None:
        self.text += separator
        self.sentence = _Sentence(number)
        plain, marks = _parse_marks(line, f"{self.where}:{number}")
        for local_id, start, end in marks:
            if local_id in self.sentence.marks:
                raise DataError(f"{self.where}:{number}: two marks are called {local_id}; number them apart")
            entity = Entity(
                f"T{len(self.entities) + 1}",
                len(self.text) + start,
                len(self.text) + end,
                LABEL[local_id[0]],
                plain[start:end],
            )
            self.entities.append(entity)
            self.lines.append(number)
            self.sentence.marks[local_id] = entity
        self.text += plain
        self.sentences.append((number, len(self.text) - len(plain), len(self.text)))

    def add_relations(self, line: str, number: int) -> None:
        where = f"{self.where}:{number}"
        match = _RELATION_LINE.fullmatch(line)
        if match is None:
            raise DataError(f"{where}: a relation line reads “> HEADS TYPE TAILS”, e.g. “> C1,C2 COOPERATES_IN F1”")
        if self.sentence is None:
            raise DataError(f"{where}: a relation stands before any sentence; put it under its sentence")
        heads, kind, tails = (part.strip() for part in match.groups())
        if kind not in RELATIONS:
            raise DataError(f"{where}: unknown relation type “{kind}”; the types are {', '.join(RELATIONS)}")
        for head in _id_list(heads):
            for tail in _id_list(tails):
                self._add_relation(head, kind, tail, where)

    def _add_relation(self, head_id: str, kind: str, tail_id: str, where: str) -> None:
        assert self.sentence is not None
        for local_id in (head_id, tail_id):
            if local_id not in self.sentence.marks:
                raise DataError(f"{where}: {local_id} is not marked in the sentence above (line {self.sentence.line})")
        head, tail = self.sentence.marks[head_id], self.sentence.marks[tail_id]
        relation = relation_type(kind)
        if not relation.allows(head.label, tail.label):
            raise DataError(
                f"{where}: {kind} goes from {'/'.join(sorted(relation.heads))} to {'/'.join(sorted(relation.tails))}, "
                f"not from {head.label} “{head.text}” to {tail.label} “{tail.text}”"
            )
        if head is tail:
            raise DataError(f"{where}: {kind} joins {head_id} to itself")
        if relation.symmetric and tail.start < head.start:
            head, tail = tail, head
        triple = (head.id, kind, tail.id)
        if triple in self.relations:
            raise DataError(f"{where}: {head_id} {kind} {tail_id} is there twice; leave one out")
        self.relations.append(triple)


@dataclass(frozen=True)
class InlineArticle:
    """A parsed file: the document, and for each mention the file line on which it stands (for messages)."""

    document: Document
    path: str
    lines: tuple[int, ...]
    sentences: tuple[tuple[int, int, int], ...]
    """File line, start and end (code points) of each sentence line."""

    def misplaced_breaks(self) -> list[Finding]:
        """Sentence lines that are not what `sentence_spans` cuts: relations inside would be lost or wrongly joined."""
        findings = []
        spans = sentence_spans(self.document.text)
        for line, start, end in self.sentences:
            inside = [span for span in spans if start < span[1] and span[0] < end]
            if len(inside) > 1:
                following = self.document.text[inside[1][0] :][:15]
                findings.append(Finding(self.path, line, f"is more than one sentence; begin a new line at “{following}”"))
            elif inside and inside[0][0] < start:
                findings.append(Finding(self.path, line, "goes on with the sentence of the line above; join the two lines"))
        return findings

    def line_of(self, entity_index: int) -> int:
        return self.lines[entity_index]


def parse_inline(source: str, doc_id: str, where: str) -> InlineArticle:
    """Compiles the plain-text form; `where` names the file in errors. Raises DataError with file and line."""
    if "\r" in source:
        broken = source[: source.index("\r")].count("\n") + 1
        raise DataError(f"{where}:{broken}: the file has Windows line ends; save it with plain line feeds")
    lines = source.split("\n")
    body_start = next((number for number, line in enumerate(lines, 1) if line.rstrip() == HEADER_END), 0)
    if not body_start:
        raise DataError(f"{where}:1: no line “---” ends the header; begin with “source: …”, then “---”")
    header = _parse_header(lines[: body_start - 1], where)
    reader = _Reader(where)
    blanks = 0
    body = lines[body_start:]
    while body and not body[-1].strip():
        body.pop()
    for number, line in enumerate(body, body_start + 1):
        if not line.strip():
            blanks += 1
        elif line.startswith(">"):
            reader.add_relations(line, number)
        elif stray := _STRAY_RELATION.match(line):
            # Read as a sentence it would be a relation that is lost without a word.
            raise DataError(
                f"{where}:{number}: a relation line begins with “>” in the first column; "
                f"a sentence that begins with “{stray[1]}” is written “\\{stray[1]}”"
            )
        else:
            separator = "" if reader.sentence is None else "\n" * blanks or " "
            reader.add_sentence(line, number, separator)
            blanks = 0
    document = Document(
        id=doc_id,
        text=reader.text,
        entities=tuple(reader.entities),
        relations=_canonical_relations(reader.entities, reader.relations),
        title=reader.text.split("\n", 1)[0],
        source=str(header.pop("source", "")),
        meta=header,
    )
    return InlineArticle(document, where, tuple(reader.lines), tuple(reader.sentences))


def read_inline(path: str | Path) -> InlineArticle:
    """Reads one annotated file; its stem is the article's id."""
    path = Path(path)
    try:
        source = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise DataError(f"{path}: is not UTF-8 text") from None
    return parse_inline(source, path.stem, str(path))


def _canonical_relations(entities: list[Entity], triples: list[tuple[str, str, str]]) -> tuple[Relation, ...]:
    place = {entity.id: entity.start for entity in entities}
    ordered = sorted(triples, key=lambda t: (min(place[t[0]], place[t[2]]), RELATIONS.index(t[1]), place[t[0]], place[t[2]]))
    return tuple(Relation(f"R{n}", head, tail, kind) for n, (head, kind, tail) in enumerate(ordered, 1))


def _parse_header(lines: list[str], where: str) -> dict[str, Any]:
    header: dict[str, Any] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        key, colon, value = line.partition(":")
        key = key.strip()
        if not colon or not key:
            raise DataError(f"{where}:{number}: a header line reads “key: value”")
        if key in header:
            raise DataError(f"{where}:{number}: the key “{key}” is there twice")
        if value.startswith("="):
            try:
                header[key] = json.loads(value[1:])
            except json.JSONDecodeError:
                raise DataError(f"{where}:{number}: what follows “:=” should be JSON") from None
        else:
            header[key] = value.strip()
    return header


def _parse_marks(line: str, where: str) -> tuple[str, list[tuple[str, int, int]]]:
    """Splits a sentence line into its plain text and its marks (local id, start, end in the plain text)."""
    plain: list[str] = []
    marks: list[tuple[str, int, int]] = []
    opened: int | None = None
    slash: int | None = None
    index = 0
    while index < len(line):
        char = line[index]
        if char == "\\":
            escaped = line[index + 1 : index + 2]
            if not escaped or (escaped not in _ESCAPES and not _is_odd_space(escaped)):
                raise DataError(f"{where}: “\\{escaped}” is no escape; a backslash itself is written “\\\\”")
            plain.append(_ESCAPES.get(escaped, escaped))
            index += 2
            continue
        if char == "[":
            if opened is not None:
                raise DataError(f"{where}: a mark begins inside another one; a literal bracket is written “\\[”")
            opened = len(plain)
        elif char == "]":
            if opened is None:
                raise DataError(f"{where}: “]” without “[”; a literal bracket is written “\\]”")
            local_id = "".join(plain[slash + 1 :]) if slash is not None else ""
            if slash is None or _MARK_ID.fullmatch(local_id) is None:
                surface = "".join(plain[opened:])
                raise DataError(
                    f"{where}: the mark “{surface}” should end in “/” and one of {' '.join(LABEL)} with a number, e.g. “/C1”"
                )
            if slash == opened:
                raise DataError(f"{where}: the mark {local_id} is empty")
            del plain[slash:]
            marks.append((local_id, opened, slash))
            opened = slash = None
        else:
            if char == "/" and opened is not None:
                slash = len(plain)
            plain.append(char)
        index += 1
    if opened is not None:
        raise DataError(f"{where}: a mark is not closed with “]”")
    return "".join(plain), marks


def _is_odd_space(char: str) -> bool:
    """White space that has no escape of its own; before it a backslash says that a line of it alone is not blank."""
    return char.isspace() and char not in " \t"


def _id_list(ids: str) -> list[str]:
    return [part.strip() for part in ids.split(",")]


def format_inline(document: Document) -> str:
    """The plain-text form of a document; compiling it gives the document back (ids renumbered in the order of the text).

    Raises DataError when the document cannot take this form: mentions that overlap or cross a sentence, a relation whose
    arguments stand in two sentences, a meta key that is no header key.
    """
    for key in document.meta:
        if key in ("", "source") or key != key.strip() or any(char in key for char in ":\n\r"):
            raise DataError(f"{document.id}: the meta key {key!r} cannot stand in a header; rename it")
    header = [_header_line("source", document.source), *(_header_line(key, value) for key, value in document.meta.items())]
    starts, separators = _sentence_starts(document.text)
    bounds = [*starts, len(document.text)]
    blocks: list[str] = []
    mentions = relations = 0
    for index, separator in enumerate(separators):
        start = bounds[index]
        end = bounds[index + 1] - (len(separators[index + 1]) if index + 1 < len(separators) else 0)
        inside = [e for e in document.entities if start <= e.start and e.end <= end]
        ids = {e.id for e in inside}
        within = [r for r in document.relations if r.head in ids and r.tail in ids]
        mentions += len(inside)
        relations += len(within)
        blank_lines = separator if "\n" in separator else ""
        blocks.append(blank_lines + _format_sentence(document, start, end, inside, within))
    if mentions != len(document.entities):
        raise DataError(f"{document.id}: a mention crosses a sentence boundary, so the article has no inline form")
    if relations != len(document.relations):
        raise DataError(f"{document.id}: a relation joins two sentences, so the article has no inline form")
    return "\n".join([*header, HEADER_END, *blocks]) + "\n"


def _header_line(key: str, value: Any) -> str:
    plain = isinstance(value, str) and value == value.strip() and not re.search(r"[\n\r]|^=", value)
    return f"{key}: {value}" if plain else f"{key}:= {json.dumps(value, ensure_ascii=False)}"


def _sentence_starts(text: str) -> tuple[list[int], list[str]]:
    """Where the lines of the inline form begin, and what stands before each: nothing, one space, or line breaks.

    Sentences that are parted by anything else (two spaces, a tab, nothing at all) stay on one line.
    """
    starts, separators = [0], [""]
    spans = sentence_spans(text)
    for (_, before), (start, _) in pairwise(spans):
        gap = text[before:start]
        if gap == " " or (gap and not gap.strip("\n")):
            starts.append(start)
            separators.append(gap)
    return starts, separators


def _format_sentence(document: Document, start: int, end: int, inside: list[Entity], within: list[Relation]) -> str:
    counts: dict[str, int] = defaultdict(int)
    local: dict[str, str] = {}
    parts: list[str] = []
    position = start
    for entity in inside:
        if entity.start < position:
            raise DataError(f"{document.id}: {entity.id} “{entity.text}” overlaps the mention before it")
        letter = LETTER[entity.label]
        counts[letter] += 1
        local[entity.id] = f"{letter}{counts[letter]}"
        parts.append(_escape(document.text[position : entity.start]))
        parts.append(f"[{_escape(entity.text)}/{local[entity.id]}]")
        position = entity.end
    parts.append(_escape(document.text[position:end]))
    line = _escape_edges("".join(parts))
    return "\n".join([line, *_format_relations(within, local)])


def _format_relations(relations: list[Relation], local: dict[str, str]) -> list[str]:
    """Relation lines of one sentence: heads with the same tails share a line."""
    lines: list[str] = []
    for kind in RELATIONS:
        tails: dict[str, list[str]] = defaultdict(list)
        for relation in relations:
            if relation.type == kind:
                tails[local[relation.head]].append(local[relation.tail])
        heads: dict[tuple[str, ...], list[str]] = defaultdict(list)
        for head, its_tails in tails.items():
            heads[tuple(its_tails)].append(head)
        lines.extend(f"> {','.join(group)} {kind} {','.join(its_tails)}" for its_tails, group in heads.items())
    return lines


def _escape(text: str) -> str:
    for char in "\\[]":
        text = text.replace(char, "\\" + char)
    return text.replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


def _escape_edges(line: str) -> str:
    if line.startswith((">", "＞", HEADER_END)) or _is_odd_space(line[:1]):
        line = "\\" + line
    if line.startswith(" "):
        line = "\\s" + line[1:]
    if line.endswith(" "):
        line = line[:-1] + "\\s"
    return line


def inline_path(document: Document, folder: str | Path) -> Path:
    """`<folder>/<id>.txt`; DataError when the id does not do as a file name."""
    if SAFE_ID.fullmatch(document.id) is None:
        raise DataError(f"{document.id!r}: {UNSAFE_ID}")
    return Path(folder) / f"{document.id}.txt"


def write_inline(document: Document, folder: str | Path) -> Path:
    """Writes `<folder>/<id>.txt` atomically; the id must do as a file name."""
    path = inline_path(document, folder)
    with atomic_write(path) as out:
        out.write(format_inline(document))
    return path
