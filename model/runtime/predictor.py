"""Reads articles: windows, one encoder pass, mentions, relations, documents. Knows the network only by what it computes.

The torch network (`model.network`) and the exported one (`onnx_network`) both stand behind the `Network` protocol, so training's
evaluation and the shipped wheel run the very same code.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol, overload

import numpy as np
from tokenizers import Tokenizer

from .canonical import with_canonical
from .decoding import (
    Floats,
    ScoredRelation,
    decide_relations,
    mentions_of,
    tag_scores,
)
from .document import Document, Entity, Relation, check_score
from .errors import DataError
from .lexicon import Lexicon
from .pairs import Bools, Mention, PairBatch, join_pairs, sentence_pairs
from .schema import RELATIONS, TAGS
from .settings import ModelSettings
from .text import NormalisedText
from .windows import Sentence, Window, WindowBatch, WindowedText, batch_windows, window_text

# Texts whose windows are sorted and batched together; also bounds what is held in memory at a time.
_TEXTS_AT_ONCE = 64
# Pairs scored in one call: a sentence that lists hundreds of names has hundreds of thousands.
_PAIRS_AT_ONCE = 4_096


class Network(Protocol):
    """What the predictor asks of a network."""

    @property
    def transitions(self) -> Floats:
        """[T, T], what a tag and the next add to the score of a sequence."""

    def encode(self, batch: WindowBatch) -> tuple[Floats, Any]:
        """Tag logits [B, C, T] and the characters' states [B, C, H], which only `relate` looks into."""

    def relate(self, states: Any, pairs: PairBatch) -> Floats:
        """Relation logits [N, R]."""


@dataclass(frozen=True)
class _Segment:
    """Sentences of one text with all the windows that decide on them: what can be decoded without looking elsewhere."""

    text_index: int
    sentences: tuple[Sentence, ...]
    windows: tuple[int, ...]


@dataclass(frozen=True)
class SentenceResult:
    """What was found in a sentence; places are those of the normalised text."""

    mentions: list[Mention]
    relations: list[ScoredRelation]


class Predictor:
    """Turns texts into documents. Not tied to torch or onnxruntime."""

    def __init__(
        self, network: Network, tokenizer: Tokenizer, settings: ModelSettings, lexicon: Lexicon, batch_size: int = 16
    ) -> None:
        self.network = network
        self.tokenizer = tokenizer
        self.settings = settings
        self.lexicon = lexicon
        self.batch_size = batch_size

    @overload
    def predict(self, texts: str, min_score: float = 0.0) -> Document: ...

    @overload
    def predict(self, texts: list[str] | tuple[str, ...], min_score: float = 0.0) -> list[Document]: ...

    def predict(self, texts: str | list[str] | tuple[str, ...], min_score: float = 0.0) -> Document | list[Document]:
        """Documents with the mentions and relations of the texts; one document for one string.

        Offsets are code points of the strings as passed. `min_score`: mentions and relations below it are left out, and the
        relations of such mentions. Raises DataError for what is not a string, naming its place, and ArgumentError for a
        `min_score` outside of [0, 1].
        """
        if isinstance(texts, str):
            return next(self.predict_iter([texts], min_score))
        return list(self.predict_iter(texts, min_score))

    __call__ = predict

    def predict_iter(self, texts: Iterable[str], min_score: float = 0.0) -> Iterator[Document]:
        """As `predict`, in order, holding only some texts at a time."""
        check_score(min_score)
        return (self._finished(document, min_score) for document in self._read((text, None) for text in texts))

    def _finished(self, document: Document, min_score: float) -> Document:
        """With scores as probabilities, without what is too unsure, with the full names among what is left."""
        return with_canonical(self.settings.calibration(document).above(min_score))

    def relate_mentions(self, articles: Iterable[tuple[str, Sequence[Entity]]]) -> Iterator[Document]:
        """Relations between mentions that are given (gold ones, in evaluation), as documents with those entities.

        Scores are the network's own: calibrated ones would count the chance that a mention is wrong.

        Offsets of the entities are those of the text, which must be in the normal form of the corpus (NFC, no dropped
        characters). Raises DataError otherwise.
        """
        return self._read(articles)

    def _read(self, articles: Iterable[tuple[str, Sequence[Entity] | None]]) -> Iterator[Document]:
        """Documents of texts; where entities are given they are kept, else they are found."""
        stream = iter(articles)
        done = 0
        while chunk := list(islice(stream, _TEXTS_AT_ONCE)):
            for place, (text, _) in enumerate(chunk, done):
                if not isinstance(text, str):
                    raise DataError(f"text {place}: expected a string, found {type(text).__name__}")
            yield from self._read_chunk(chunk, done)
            done += len(chunk)

    def _read_chunk(self, articles: Sequence[tuple[str, Sequence[Entity] | None]], first: int) -> Iterator[Document]:
        cut = [window_text(text, self.tokenizer, self.settings.window, self.lexicon) for text, _ in articles]
        for place, ((text, given), windowed) in enumerate(zip(articles, cut, strict=True), first):
            if given is not None and windowed.normalised.text != text:
                raise DataError(f"text {place}: with given mentions it must be in the corpus's normal form (NFC, plain spaces)")
        segments = [segment for index, windowed in enumerate(cut) for segment in _segments(index, windowed)]
        found: dict[int, list[SentenceResult]] = {}
        order = sorted(range(len(segments)), key=lambda i: -_longest(segments[i], cut))
        for group in _batched(order, segments, self.batch_size):
            found.update(zip(group, self._read_segments([segments[i] for i in group], articles, cut), strict=True))
        results: list[list[SentenceResult]] = [[] for _ in articles]
        for index, segment in enumerate(segments):
            results[segment.text_index].extend(found[index])
        for place, ((text, _), windowed, sentences) in enumerate(zip(articles, cut, results, strict=True), first):
            yield _document(str(place), text, windowed, sentences)

    def _read_segments(
        self,
        segments: Sequence[_Segment],
        articles: Sequence[tuple[str, Sequence[Entity] | None]],
        cut: Sequence[WindowedText],
    ) -> list[list[SentenceResult]]:
        """Encodes the windows of the segments as one batch and decodes their sentences."""
        windows = [cut[segment.text_index].windows[index] for segment in segments for index in segment.windows]
        places = [(segment.text_index, index) for segment in segments for index in segment.windows]
        rows = {place: row for row, place in enumerate(places)}
        logits, states = self.network.encode(batch_windows(windows, self.settings.window.pad_id))
        sentences = [(segment, sentence) for segment in segments for sentence in segment.sentences]
        mentions = self._find_mentions(sentences, logits, rows, cut)
        for index, (segment, sentence) in enumerate(sentences):
            given = articles[segment.text_index][1]
            if given is not None:
                inside = [e for e in given if sentence.start <= e.start and e.end <= sentence.end]
                mentions[index] = [Mention(e.start, e.end, e.label) for e in inside]
        relations = self._relations(sentences, mentions, states, rows, cut)
        results = iter(SentenceResult(m, r) for m, r in zip(mentions, relations, strict=True))
        return [[next(results) for _ in segment.sentences] for segment in segments]

    def _find_mentions(
        self,
        sentences: Sequence[tuple[_Segment, Sentence]],
        logits: Floats,
        rows: dict[tuple[int, int], int],
        cut: Sequence[WindowedText],
    ) -> list[list[Mention]]:
        found = [
            _sentence_logits(logits, rows, segment.text_index, sentence, cut[segment.text_index].windows)
            for segment, sentence in sentences
        ]
        closed = [_closed(cut[segment.text_index].normalised, sentence) for segment, sentence in sentences]
        texts = [cut[segment.text_index].normalised.text[s.start : s.end] for segment, s in sentences]
        scores = tag_scores(found, closed, self.network.transitions)
        return [
            mentions_of(tags, marginals, text, sentence.start)
            for tags, marginals, text, (_, sentence) in zip(scores.best_tags(), scores.marginals(), texts, sentences, strict=True)
        ]

    def _relations(
        self,
        sentences: Sequence[tuple[_Segment, Sentence]],
        mentions: Sequence[list[Mention]],
        states: Any,
        rows: dict[tuple[int, int], int],
        cut: Sequence[WindowedText],
    ) -> list[list[ScoredRelation]]:
        laid_out = [
            sentence_pairs(
                cut[segment.text_index].windows,
                {index: rows[segment.text_index, index] for index in sentence.windows},
                sentence,
                found,
            )
            for (segment, sentence), found in zip(sentences, mentions, strict=True)
        ]
        logits = self._relate(states, join_pairs([batch for _, batch in laid_out]))
        bounds = np.cumsum([0, *(len(pairs) for pairs, _ in laid_out)])
        return [
            decide_relations(
                pairs,
                logits[bounds[i] : bounds[i + 1]],
                mentions[i],
                cut[sentences[i][0].text_index].normalised.text,
                self.settings.thresholds,
            )
            for i, (pairs, _) in enumerate(laid_out)
        ]

    def _relate(self, states: Any, pairs: PairBatch) -> Floats:
        parts = [
            self.network.relate(states, pairs.part(start, start + _PAIRS_AT_ONCE))
            for start in range(0, len(pairs), _PAIRS_AT_ONCE)
        ]
        return np.concatenate(parts) if parts else np.zeros((0, len(RELATIONS)), dtype=np.float32)


def _segments(text_index: int, windowed: WindowedText) -> Iterator[_Segment]:
    """Sentences of one window together; a sentence over several windows joins them all."""
    sentences: list[Sentence] = []
    windows: list[int] = []
    for sentence in windowed.sentences:
        if windows and sentence.windows[0] > windows[-1]:
            yield _Segment(text_index, tuple(sentences), tuple(windows))
            sentences, windows = [], []
        sentences.append(sentence)
        windows.extend(index for index in sentence.windows if index not in windows)
    if sentences:
        yield _Segment(text_index, tuple(sentences), tuple(windows))


def _longest(segment: _Segment, cut: Sequence[WindowedText]) -> int:
    return max(len(cut[segment.text_index].windows[index].piece_ids) for index in segment.windows)


def _batched(order: Sequence[int], segments: Sequence[_Segment], size: int) -> Iterator[list[int]]:
    """Groups of segments with about `size` windows in all, in the given order."""
    group: list[int] = []
    count = 0
    for index in order:
        windows = len(segments[index].windows)
        if group and count + windows > size:
            yield group
            group, count = [], 0
        group.append(index)
        count += windows
    if group:
        yield group


def _sentence_logits(
    logits: Floats, rows: dict[tuple[int, int], int], text_index: int, sentence: Sentence, windows: Sequence[Window]
) -> Floats:
    """[C, T] tag logits of a sentence, put together from the windows that decide on its characters."""
    parts = []
    for index in sentence.windows:
        window = windows[index]
        start, end = max(sentence.start, window.core_start), min(sentence.end, window.core_end)
        parts.append(logits[rows[text_index, index], start - window.start : end - window.start])
    joined = np.concatenate(parts)
    assert joined.shape == (sentence.end - sentence.start, len(TAGS))
    return joined


def _closed(text: NormalisedText, sentence: Sentence) -> Bools:
    """[C], where no mention may begin: at spaces, and inside what is one character of the original."""
    spaces = np.array([char.isspace() for char in text.text[sentence.start : sentence.end]], dtype=bool)
    return spaces | text.inside_original[sentence.start : sentence.end]


def _document(document_id: str, text: str, windowed: WindowedText, sentences: Sequence[SentenceResult]) -> Document:
    entities: list[Entity] = []
    relations: list[Relation] = []
    for result in sentences:
        first = len(entities)
        for mention in result.mentions:
            start, end = windowed.normalised.original_span(mention.start, mention.end)
            entities.append(Entity(f"T{len(entities) + 1}", start, end, mention.label, text[start:end], mention.score))
        for found in result.relations:
            relations.append(
                Relation(
                    f"R{len(relations) + 1}",
                    entities[first + found.head].id,
                    entities[first + found.tail].id,
                    found.type,
                    found.score,
                )
            )
    return Document(document_id, text, tuple(entities), tuple(relations), title=text.split("\n", 1)[0])
