"""Training examples: windows of annotated articles with their gold tags and pairs, cut by the functions that inference uses."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from tokenizers import Tokenizer

from model.runtime.decoding import Floats
from model.runtime.document import Document
from model.runtime.errors import DataError
from model.runtime.lexicon import Lexicon
from model.runtime.pairs import Bools, Candidates, Mention, candidates
from model.runtime.schema import OUTSIDE, RELATIONS, begin_tag, inside_tag, relation_type
from model.runtime.windows import Ints, Sentence, Window, WindowSettings, window_text

IGNORED = -100
"""Tag of a character that another window decides on; the loss passes over it."""

Key = tuple[int, int, str]
"""A mention by place and label."""

T = TypeVar("T", Key, tuple[str, str])


@dataclass(frozen=True)
class GoldSentence:
    """A sentence of a window with its mentions and its relations as (head, tail, type) keys, symmetric ones in text order."""

    sentence: Sentence
    mentions: tuple[Mention, ...]
    relations: frozenset[tuple[Key, Key, str]]


@dataclass(frozen=True)
class Example:
    """A window to learn from, with the text its offsets refer to."""

    window: Window
    text: str
    tags: Ints
    """[C], `IGNORED` outside the window's core."""
    sentences: tuple[GoldSentence, ...]


@dataclass(frozen=True)
class Coverage:
    """What the windows can represent of the gold annotation: counted before training, so that a loss is never silent."""

    mentions: int
    relations: int
    lost_relations: int

    def __str__(self) -> str:
        lost = (
            f", {self.lost_relations} of them out of the reach of windows and pairs"
            if self.lost_relations
            else ", all within reach"
        )
        return f"{self.mentions} mentions, {self.relations} relations{lost}"


def key(mention: Mention) -> Key:
    return mention.start, mention.end, mention.label


def examples_of(
    documents: Sequence[Document], tokenizer: Tokenizer, settings: WindowSettings, lexicon: Lexicon
) -> tuple[list[Example], Coverage]:
    """All windows of the documents.

    Raises DataError for a text that is not in normal form, for a mention across sentences and for mentions that overlap.
    """
    examples: list[Example] = []
    lost = 0
    for document in documents:
        found, missing = _document_examples(document, tokenizer, settings, lexicon)
        examples.extend(found)
        lost += missing
    coverage = Coverage(sum(len(d.entities) for d in documents), sum(len(d.relations) for d in documents), lost)
    return examples, coverage


def _document_examples(
    document: Document, tokenizer: Tokenizer, settings: WindowSettings, lexicon: Lexicon
) -> tuple[list[Example], int]:
    cut = window_text(document.text, tokenizer, settings, lexicon)
    if cut.normalised.text != document.text:
        raise DataError(f"{document.id}: the text is not in normal form (NFC, plain spaces); run `make check-data`")
    tags = _character_tags(document)
    gold = [_gold_sentence(document, sentence) for sentence in cut.sentences]
    if sum(len(sentence.mentions) for sentence in gold) != len(document.entities):
        raise DataError(f"{document.id}: a mention crosses a sentence boundary; run `make check-data`")
    within_reach: set[tuple[Key, Key, str]] = set()
    examples = []
    for index, window in enumerate(cut.windows):
        own = np.full(window.end - window.start, IGNORED, dtype=np.int64)
        own[window.core_start - window.start : window.core_end - window.start] = tags[window.core_start : window.core_end]
        inside = [_in_window(sentence, window) for sentence in gold if index in sentence.sentence.windows]
        within_reach.update(*(_reached(sentence) for sentence in inside))
        examples.append(Example(window, document.text, own, tuple(inside)))
    return examples, len(document.relations) - len(within_reach)


def _character_tags(document: Document) -> Ints:
    tags = np.full(len(document.text), OUTSIDE, dtype=np.int64)
    for entity in document.entities:
        if (tags[entity.start : entity.end] != OUTSIDE).any():
            raise DataError(f"{document.id}: {entity.text!r} overlaps another mention; run `make check-data`")
        tags[entity.start : entity.end] = inside_tag(entity.label)
        tags[entity.start] = begin_tag(entity.label)
    return tags


def _gold_sentence(document: Document, sentence: Sentence) -> GoldSentence:
    entities = [e for e in document.entities if sentence.start <= e.start and e.end <= sentence.end]
    keys: dict[str, Key] = {e.id: (e.start, e.end, e.label) for e in entities}
    inside = (r for r in document.relations if r.head in keys and r.tail in keys)
    relations = frozenset((*_ordered(keys[r.head], keys[r.tail], r.type), r.type) for r in inside)
    return GoldSentence(sentence, tuple(Mention(e.start, e.end, e.label) for e in entities), relations)


def _ordered(head: T, tail: T, kind: str) -> tuple[T, T]:
    """Both arguments, the smaller first where the type is symmetric."""
    return (tail, head) if relation_type(kind).symmetric and tail < head else (head, tail)


def _reached(gold: GoldSentence) -> set[tuple[Key, Key, str]]:
    """The relations that a candidate pair can bear: near enough, and of labels that the schema lets bear the type."""
    if not gold.relations:
        return set()
    pairs = candidates(gold.mentions)
    keys = [key(mention) for mention in gold.mentions]
    able = {
        (keys[pairs.head[row]], keys[pairs.tail[row]], RELATIONS[column])
        for row, column in zip(*np.nonzero(pairs.types), strict=True)
    }
    return able & gold.relations


def _in_window(gold: GoldSentence, window: Window) -> GoldSentence:
    """The sentence with those mentions and relations that lie in this window entirely."""
    mentions = tuple(m for m in gold.mentions if window.start <= m.start and m.end <= window.end)
    keys = {key(mention) for mention in mentions}
    return GoldSentence(gold.sentence, mentions, frozenset(r for r in gold.relations if r[0] in keys and r[1] in keys))


def relation_targets(pairs: Candidates, mentions: Sequence[Mention], gold: GoldSentence, text: str) -> tuple[Floats, Bools]:
    """Targets [N, R] and what counts [N, R] for candidate pairs of mentions, gold or predicted.

    A pair counts for the types that the schema lets it bear. Where another pair with the same surfaces (of a symmetric type in
    whatever order) bears the relation, this one counts neither for nor against it: scoring takes the one for the other.
    """
    targets = np.zeros((len(pairs), len(RELATIONS)), dtype=np.float32)
    counts = pairs.types.copy()
    surfaces = {_surfaces(head, tail, kind, text) for head, tail, kind in gold.relations}
    for row, column in zip(*np.nonzero(pairs.types), strict=True):
        head, tail, kind = key(mentions[pairs.head[row]]), key(mentions[pairs.tail[row]]), RELATIONS[column]
        if (head, tail, kind) in gold.relations:
            targets[row, column] = 1.0
        elif _surfaces(head, tail, kind, text) in surfaces:
            counts[row, column] = False
    return targets, counts


def _surfaces(head: Key, tail: Key, kind: str, text: str) -> tuple[tuple[str, str], tuple[str, str], str]:
    return *_ordered((head[2], text[head[0] : head[1]]), (tail[2], text[tail[0] : tail[1]]), kind), kind
