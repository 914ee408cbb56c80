"""The standard Hugging Face recipe: `AutoModelForTokenClassification` over the pieces of a fast tokenizer.

Labels come to pieces by character offsets, in chunks of the encoder's length with a stride, as in transformers' course and its
token-classification example; what a piece cannot cut (a name and its particle in one piece) stays beyond this entrant's reach.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from transformers import (
    AutoModelForTokenClassification,
    AutoTokenizer,
    DataCollatorForTokenClassification,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    set_seed,
)

from model.runtime.document import Document
from model.runtime.schema import TAGS
from model.runtime.sentences import sentence_spans
from train.examples import IGNORED
from train.metrics import entity_scores

from ..articles import Articles
from ..config import HuggingFaceSettings
from ..measure import Fitted
from . import Found
from .fine_tuning import encoder_place, fine_tune
from .spans import Span, document_of, spans_of_tags

_BATCH = 16


@dataclass(frozen=True)
class Unit:
    """What gets one tag: characters `[start, end)` of the text, decided by the piece at `place` of its chunk."""

    place: int
    start: int
    end: int


@dataclass(frozen=True)
class Chunk:
    """One input of the network. The units `[first, last)` are decided here, the others by a neighbour that overlaps."""

    piece_ids: list[int]
    units: list[Unit]
    first: int
    last: int


def fit(settings: HuggingFaceSettings, articles: Articles, seed: int, folder: Path, found: Found) -> Fitted:
    """Fine-tunes with the Trainer; the checkpoint with the best mention F1 on dev stays."""
    set_seed(seed)
    place = encoder_place(settings.encoder)
    tokenizer = AutoTokenizer.from_pretrained(place, use_fast=True, trust_remote_code=False)
    model: PreTrainedModel = AutoModelForTokenClassification.from_pretrained(
        place,
        num_labels=len(TAGS),
        id2label=dict(enumerate(TAGS)),
        label2id={tag: index for index, tag in enumerate(TAGS)},
        dtype=torch.float32,
        trust_remote_code=False,
    )
    examples = [
        _example(chunk, document) for document in articles.train for chunk in chunks_of(document.text, tokenizer, settings)
    ]
    read = partial(_read, model, tokenizer, settings)
    facts = fine_tune(
        model,
        examples,
        DataCollatorForTokenClassification(tokenizer),
        lambda: entity_scores(articles.dev, read([d.text for d in articles.dev])).micro.f1,
        settings,
        seed,
        folder,
    )
    facts["reachable on dev"] = round(reachable(articles.dev, tokenizer, settings), 4)
    return Fitted(sum(p.numel() for p in model.parameters()), read=read, facts=facts)


def chunks_of(text: str, tokenizer: PreTrainedTokenizerBase, settings: HuggingFaceSettings) -> list[Chunk]:
    """The inputs of a text: its sentences or the whole of it, in overlapping chunks where it is longer than the encoder reads."""
    spans = sentence_spans(text) if settings.unit == "sentence" else [(0, len(text))]
    chunks = []
    for start, end in spans:
        encoded = tokenizer(
            text[start:end],
            truncation=True,
            max_length=settings.length,
            stride=settings.stride,
            return_overflowing_tokens=True,
            return_offsets_mapping=True,
        )
        rows = range(len(encoded["input_ids"]))
        laid_out = [_units(encoded["offset_mapping"][row], encoded.word_ids(row), start, settings.labels) for row in rows]
        bounds = [_meeting(laid_out[row], laid_out[row + 1]) for row in rows[:-1]]
        for row, units in enumerate(laid_out):
            first = bounds[row - 1] if row else start
            last = bounds[row] if row + 1 < len(laid_out) else end
            own = [index for index, unit in enumerate(units) if first <= unit.start < last]
            chunks.append(Chunk(encoded["input_ids"][row], units, own[0] if own else 0, own[-1] + 1 if own else 0))
    return chunks


def _units(offsets: Sequence[tuple[int, int]], words: Sequence[int | None], shift: int, labels: str) -> list[Unit]:
    """Pieces, or words decided by their first piece; special pieces are no units."""
    units: list[Unit] = []
    last_word: int | None = None
    for place, ((start, end), word) in enumerate(zip(offsets, words, strict=True)):
        if word is None:
            continue
        if labels == "words" and word == last_word:
            units[-1] = Unit(units[-1].place, units[-1].start, shift + end)
        else:
            units.append(Unit(place, shift + start, shift + end))
        last_word = word
    return units


def _meeting(left: list[Unit], right: list[Unit]) -> int:
    """The character from which the right one of two overlapping chunks decides: the middle of what they share."""
    shared = [unit.start for unit in right if unit.start <= left[-1].start]
    return shared[len(shared) // 2] if shared else right[0].start


def _tags(units: Sequence[Unit], document: Document) -> list[str]:
    """IOB2 tag of each unit: that of the first mention that it touches."""
    tags = []
    for unit in units:
        touching = next((e for e in document.entities if e.start < unit.end and unit.start < e.end), None)
        if touching is None:
            tags.append("O")
        else:
            tags.append(f"{'B' if unit.start <= touching.start else 'I'}-{touching.label}")
    return tags


def _example(chunk: Chunk, document: Document) -> dict[str, list[int]]:
    labels = [IGNORED] * len(chunk.piece_ids)
    for unit, tag in zip(chunk.units, _tags(chunk.units, document), strict=True):
        labels[unit.place] = TAGS.index(tag)
    return {"input_ids": chunk.piece_ids, "attention_mask": [1] * len(chunk.piece_ids), "labels": labels}


def reachable(documents: Sequence[Document], tokenizer: PreTrainedTokenizerBase, settings: HuggingFaceSettings) -> float:
    """The share of gold mentions that come back when gold itself is tagged: no training gets beyond it."""
    returned = []
    for document in documents:
        spans: list[Span] = []
        for chunk in chunks_of(document.text, tokenizer, settings):
            units = chunk.units[chunk.first : chunk.last]
            spans.extend((units[a].start, units[b - 1].end, label) for a, b, label in spans_of_tags(_tags(units, document)))
        returned.append(document_of(document.text, spans))
    return entity_scores(documents, returned).micro.recall


def _read(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, settings: HuggingFaceSettings, texts: Sequence[str]
) -> list[Document]:
    chunks = [(index, chunk) for index, text in enumerate(texts) for chunk in chunks_of(text, tokenizer, settings)]
    order = sorted(range(len(chunks)), key=lambda i: -len(chunks[i][1].piece_ids))
    tags: dict[int, list[str]] = {}
    for begin in range(0, len(order), _BATCH):
        rows = order[begin : begin + _BATCH]
        batch: Any = tokenizer.pad({"input_ids": [chunks[i][1].piece_ids for i in rows]}, return_tensors="pt")
        with torch.inference_mode():
            best = model(**batch.to(model.device)).logits.argmax(dim=-1).tolist()
        for i, row in zip(rows, best, strict=True):
            tags[i] = [TAGS[row[unit.place]] for unit in chunks[i][1].units]
    units: list[list[Unit]] = [[] for _ in texts]
    decided: list[list[str]] = [[] for _ in texts]
    for i, (index, chunk) in enumerate(chunks):
        units[index].extend(chunk.units[chunk.first : chunk.last])
        decided[index].extend(tags[i][chunk.first : chunk.last])
    return [
        document_of(text, [(units[i][a].start, units[i][b - 1].end, label) for a, b, label in spans_of_tags(decided[i])])
        for i, text in enumerate(texts)
    ]
