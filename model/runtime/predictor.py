"""Reads articles: windows, one encoder pass, mentions, relations, documents. Knows the network only by what it computes.

The torch network (`model.network`) and the exported one (`onnx_network`) both stand behind the `Network` protocol, so training's
evaluation and the shipped wheel run the very same code.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, overload

import numpy as np
from tokenizers import Tokenizer

from .canonical import first_line, with_canonical
from .decoding import Floats, Ints, ScoredRelation, decide_all, tag_scores
from .document import Document, Entity, Relation, check_score
from .errors import DataError
from .lexicon import Lexicon
from .pairs import Mention, PairBatch, batch_pairs
from .schema import LABELS, RELATIONS, TAGS
from .settings import ModelSettings
from .windows import Sentence, Window, WindowBatch, WindowedText, batch_windows, window_text

BATCH_TOKENS = 4_096
"""Pieces of one encoder pass, padding counted. One core is as fast with anything from 500 to 8,000, within the noise."""

# Texts are held until their windows fill some batches: windows of like length then go together, whichever text they are of.
_BATCHES_AT_ONCE = 8
# So many at most, for texts that have no windows at all.
_TEXTS_AT_ONCE = 1_024
# Korean news has two characters a piece; where one [UNK] swallows a long word, it is the characters that take the memory.
_CHARS_PER_TOKEN = 3
# Pairs scored in one call: a sentence that lists hundreds of names has hundreds of thousands.
_PAIRS_AT_ONCE = 4_096


# A text and the mentions that are given with it, if any; in the order of the text once they are checked.
_Article = tuple[str, Sequence[Entity] | None]


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


def check_arguments(
    texts: object, batch_tokens: int | None = None, min_score: float = 0.0, *, single_string: bool = False
) -> None:
    """Refuses at once what cannot be arguments of `predict_iter` (of `predict`, which takes one text too: `single_string`).

    DataError for texts that are one string, bytes, a mapping or nothing that can be iterated over (the items are looked at when
    they are taken) and for `batch_tokens` below 1, ArgumentError for a `min_score` outside of [0, 1].
    """
    if isinstance(texts, str):
        if not single_string:
            raise DataError("predict_iter: expected several texts, found one string; `predict` reads one")
    elif isinstance(texts, bytes | bytearray | memoryview | Mapping) or not _can_be_iterated(texts):
        one = "a string or " if single_string else ""
        raise DataError(f"expected {one}several texts, found {type(texts).__name__}; give {one}a list of strings")
    if batch_tokens is not None and batch_tokens < 1:
        raise DataError(f"batch_tokens: expected a positive number, found {batch_tokens}")
    check_score(min_score)


def _can_be_iterated(texts: Any) -> bool:
    try:
        iter(texts)
    except TypeError:
        return False
    return True


class Predictor:
    """Turns texts into documents. Not tied to torch or onnxruntime."""

    def __init__(
        self,
        network: Network,
        tokenizer: Tokenizer,
        settings: ModelSettings,
        lexicon: Lexicon,
        batch_tokens: int = BATCH_TOKENS,
    ) -> None:
        self.network = network
        self.tokenizer = tokenizer
        self.settings = settings
        self.lexicon = lexicon
        self.batch_tokens = batch_tokens
        self._least = np.array([settings.mention_thresholds.get(label, 0.0) for label in LABELS], dtype=np.float32)

    @overload
    def predict(self, texts: str, min_score: float = 0.0) -> Document: ...

    @overload
    def predict(self, texts: list[str] | tuple[str, ...], min_score: float = 0.0) -> list[Document]: ...

    def predict(self, texts: str | list[str] | tuple[str, ...], min_score: float = 0.0) -> Document | list[Document]:
        """Documents with the mentions and relations of the texts; one document for one string.

        Offsets are code points of the strings as passed. `min_score`: mentions and relations below it are left out, and the
        relations of such mentions. Raises DataError for what is not a string, naming its place, and for what holds no texts
        (bytes, a mapping, None), ArgumentError for a `min_score` outside of [0, 1].
        """
        check_arguments(texts, min_score=min_score, single_string=True)
        if isinstance(texts, str):
            return next(self.predict_iter([texts], min_score=min_score))
        return list(self.predict_iter(texts, min_score=min_score))

    __call__ = predict

    def predict_iter(self, texts: Iterable[str], batch_tokens: int | None = None, min_score: float = 0.0) -> Iterator[Document]:
        """As `predict`, for any number of texts: documents in order, with only some texts in memory.

        `batch_tokens`: pieces of one encoder pass, padding counted; windows of like length go together, of whichever text. It
        decides about speed and memory alone, the documents are the same. Texts are taken from the iterable as needed: no more
        than fill eight batches, and no more than 1,024. `min_score`: see `predict`.
        """
        check_arguments(texts, batch_tokens, min_score)
        found = self._read(((text, None) for text in texts), batch_tokens)
        return (self._finished(document, min_score) for document in found)

    def _finished(self, document: Document, min_score: float) -> Document:
        """With scores as probabilities, without what is too unsure, with the full names among what is left."""
        return with_canonical(self.settings.calibration(document).above(min_score))

    def relate_mentions(self, articles: Iterable[tuple[str, Sequence[Entity]]]) -> Iterator[Document]:
        """Relations between mentions that are given (gold ones, in evaluation), as documents with those entities as they are.

        They may come in any order; in the document they are in that of the text. Scores of relations are the network's own:
        calibrated ones would count the chance that a mention is wrong.

        Offsets of the entities are those of the text, which must be in the normal form of the corpus (NFC, no dropped
        characters). Raises DataError otherwise, and for a mention that is not inside one sentence or not of this text, has an
        unknown label, overlaps another or has its id.
        """
        return self._read(articles)

    def _read(self, articles: Iterable[_Article], batch_tokens: int | None = None) -> Iterator[Document]:
        """Documents of texts; where entities are given they are kept, else they are found."""
        limit = batch_tokens or self.batch_tokens
        done = 0
        for chunk, cut in self._chunks(articles, _BATCHES_AT_ONCE * limit):
            yield from self._read_chunk(chunk, cut, done, limit)
            done += len(chunk)

    def _chunks(self, articles: Iterable[_Article], limit: int) -> Iterator[tuple[list[_Article], list[WindowedText]]]:
        """Texts and their windows, of about `limit` tokens at a time."""
        chunk: list[_Article] = []
        cut: list[WindowedText] = []
        tokens = 0
        for place, (text, given) in enumerate(articles):
            if not isinstance(text, str):
                raise DataError(f"text {place}: expected a string, found {type(text).__name__}")
            windowed = window_text(text, self.tokenizer, self.settings.window, self.lexicon)
            if given is not None and windowed.normalised.text != text:
                raise DataError(f"text {place}: with given mentions it must be in the corpus's normal form (NFC, plain spaces)")
            chunk.append((text, None if given is None else _checked_mentions(place, text, windowed.sentences, given)))
            cut.append(windowed)
            tokens += sum(_tokens(window) for window in windowed.windows)
            if tokens >= limit or len(chunk) == _TEXTS_AT_ONCE:
                yield chunk, cut
                chunk, cut, tokens = [], [], 0
        if chunk:
            yield chunk, cut

    def _read_chunk(
        self,
        articles: Sequence[_Article],
        cut: Sequence[WindowedText],
        first: int,
        batch_tokens: int,
    ) -> Iterator[Document]:
        segments = [segment for index, windowed in enumerate(cut) for segment in _segments(index, windowed)]
        found: dict[int, list[SentenceResult]] = {}
        for group in _batched(segments, cut, batch_tokens):
            found.update(zip(group, self._read_segments([segments[i] for i in group], articles, cut), strict=True))
        results: list[list[SentenceResult]] = [[] for _ in articles]
        for index, segment in enumerate(segments):
            results[segment.text_index].extend(found[index])
        for place, ((text, given), windowed, sentences) in enumerate(zip(articles, cut, results, strict=True), first):
            yield _document(str(place), text, windowed, sentences, given)

    def _read_segments(
        self,
        segments: Sequence[_Segment],
        articles: Sequence[_Article],
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
        lengths = np.array([sentence.end - sentence.start for _, sentence in sentences])
        texts = [cut[segment.text_index].normalised for segment, _ in sentences]
        spans = [slice(sentence.start, sentence.end) for _, sentence in sentences]
        closed = np.concatenate([text.closed[span] for text, span in zip(texts, spans, strict=True)])
        spaces = np.concatenate([text.spaces[span] for text, span in zip(texts, spans, strict=True)])
        own = logits.reshape(-1, len(TAGS))[_places(sentences, logits.shape[1], rows, cut)]
        scores = tag_scores(own, closed, lengths, self.network.transitions)
        return scores.mentions(spaces, [sentence.start for _, sentence in sentences], self._least)

    def _relations(
        self,
        sentences: Sequence[tuple[_Segment, Sentence]],
        mentions: Sequence[list[Mention]],
        states: Any,
        rows: dict[tuple[int, int], int],
        cut: Sequence[WindowedText],
    ) -> list[list[ScoredRelation]]:
        pairs, counts, layout = batch_pairs(
            [cut[segment.text_index].windows for segment, _ in sentences],
            [{index: rows[segment.text_index, index] for index in sentence.windows} for segment, sentence in sentences],
            [sentence for _, sentence in sentences],
            mentions,
        )
        texts = [cut[segment.text_index].normalised.text for segment, _ in sentences]
        return decide_all(pairs, self._relate(states, layout), counts, mentions, texts, self.settings.thresholds)

    def _relate(self, states: Any, pairs: PairBatch) -> Floats:
        parts = [
            self.network.relate(states, pairs.part(start, start + _PAIRS_AT_ONCE))
            for start in range(0, len(pairs), _PAIRS_AT_ONCE)
        ]
        return np.concatenate(parts) if parts else np.zeros((0, len(RELATIONS)), dtype=np.float32)


def _checked_mentions(place: int, text: str, sentences: Sequence[Sentence], given: Iterable[Entity]) -> list[Entity]:
    """Mentions in the order of the text, each in one sentence; DataError for those that cannot be, see `relate_mentions`."""
    mentions = sorted(given, key=lambda e: (e.start, e.end))
    starts = [sentence.start for sentence in sentences]
    ids: set[str] = set()
    free = 0
    for entity in mentions:
        index = bisect_right(starts, entity.start) - 1
        if fault := _fault(entity, text):
            pass
        elif index < 0 or entity.end > sentences[index].end:
            fault = "is not inside one sentence"
        elif entity.start < free:
            fault = "overlaps another one"
        elif entity.id in ids:
            fault = "has the id of another one"
        if fault:
            raise DataError(f"text {place}: the mention {entity.id} at [{entity.start}, {entity.end}) {fault}")
        ids.add(entity.id)
        free = entity.end
    return mentions


def _fault(entity: Entity, text: str) -> str:
    """What is wrong with a mention whatever stands beside it; nothing when it is right."""
    if not 0 <= entity.start < entity.end <= len(text):
        return f"lies outside the text of {len(text)} characters"
    if entity.label not in LABELS:
        return f"has the unknown label “{entity.label}”; the labels are {', '.join(LABELS)}"
    surface = text[entity.start : entity.end]
    return "" if entity.text == surface else f"says “{entity.text}” but the text has “{surface}” there"


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


def _tokens(window: Window) -> int:
    """What a window takes of a batch: its pieces, or its characters where they are many a piece."""
    return max(len(window.piece_ids), -(-len(window.char_ids) // _CHARS_PER_TOKEN))


def _batched(segments: Sequence[_Segment], cut: Sequence[WindowedText], limit: int) -> Iterator[list[int]]:
    """Groups of segments, the longest first. Windows × longest window is at most `limit`, unless one segment alone is over it."""
    longest = [max(_tokens(cut[segment.text_index].windows[index]) for index in segment.windows) for segment in segments]
    group: list[int] = []
    windows = width = 0
    for index in sorted(range(len(segments)), key=lambda i: -longest[i]):
        more = len(segments[index].windows)
        if group and (windows + more) * width > limit:
            yield group
            group, windows = [], 0
        if not group:
            width = longest[index]
        group.append(index)
        windows += more
    if group:
        yield group


def _places(
    sentences: Sequence[tuple[_Segment, Sentence]],
    width: int,
    rows: dict[tuple[int, int], int],
    cut: Sequence[WindowedText],
) -> Ints:
    """[S], where the sentences' characters stand in the flattened batch, each in the window that decides on it.

    `width`: characters of a row of the batch.
    """
    parts = []
    for segment, sentence in sentences:
        for index in sentence.windows:
            window = cut[segment.text_index].windows[index]
            start, end = max(sentence.start, window.core_start), min(sentence.end, window.core_end)
            parts.append((rows[segment.text_index, index] * width + start - window.start, end - start))
    begins, counts = np.array(parts, dtype=np.int64).T
    firsts = np.cumsum(counts) - counts
    return np.repeat(begins - firsts, counts) + np.arange(int(counts.sum()))


def _document(
    document_id: str,
    text: str,
    windowed: WindowedText,
    sentences: Sequence[SentenceResult],
    given: Sequence[Entity] | None,
) -> Document:
    if given is None:
        entities = _entities(text, windowed, [mention for result in sentences for mention in result.mentions])
    else:
        # Sorted and each in one sentence, they are the sentences' mentions one after the other.
        entities = list(given)
    relations: list[Relation] = []
    first = 0
    for result in sentences:
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
        first += len(result.mentions)
    return Document(document_id, text, tuple(entities), tuple(relations), title=first_line(text))


def _entities(text: str, windowed: WindowedText, mentions: Sequence[Mention]) -> list[Entity]:
    spans = [windowed.normalised.original_span(mention.start, mention.end) for mention in mentions]
    return [
        Entity(f"T{number}", start, end, mention.label, text[start:end], mention.score)
        for number, ((start, end), mention) in enumerate(zip(spans, mentions, strict=True), 1)
    ]
