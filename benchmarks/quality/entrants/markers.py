"""Relations in a pass of their own: typed markers at both mentions, a second encoder (Zhong & Chen, NAACL 2021, "PURE").

This is the paper's batched approximation (its section 3.4): the text is encoded once, each pair's four markers stand behind
it, at the positions of the mentions' edges; a marker attends to the text and to the markers of its own pair, the text only to
itself. The paper gives the loss against markers in the text as about a point of F1, for a multiple of the speed.

The pair is classified from its two start markers. Unlike in the paper's corpora a pair may bear two relations here, so that types
are scored independently (sigmoid), among those that the schema allows, as this project does itself. Windows, candidate pairs,
decoding and scoring are the project's own; learning is from gold mentions, as in the paper.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits
from transformers import PreTrainedModel, set_seed

from model.encoder import load_encoder
from model.runtime.decoding import Floats
from model.runtime.document import Document
from model.runtime.lexicon import Lexicon
from model.runtime.pairs import Bools, PairBatch, join_pairs, sentence_pairs
from model.runtime.predictor import Predictor
from model.runtime.schema import LABELS, RELATIONS, TAGS
from model.runtime.settings import ModelSettings
from model.runtime.windows import WindowBatch, WindowSettings, batch_windows
from train.examples import Example, examples_of, relation_targets
from train.metrics import relation_scores

from ..articles import Articles
from ..config import MarkersSettings
from ..measure import Fitted
from . import Found
from .fine_tuning import DevTrainer, fine_tune

_MARKERS = 4
"""Markers a pair has: start and end of the head, start and end of the tail."""
_SEQUENCES_AT_ONCE = 16
_FORBIDDEN = -1e9


@dataclass(frozen=True)
class MarkedBatch:
    """S sequences of text pieces and, behind them, the markers of up to K pairs each; tensors for one encoder pass."""

    piece_ids: Tensor
    """[S, L]"""
    positions: Tensor
    """[S, L]"""
    mask: Tensor
    """[S, 1, L, L], added to the attention's logits."""
    heads: Tensor
    """[N, 2] sequence and place of each pair's head start marker; the tail's start marker stands two places further."""


class MarkerNetwork(nn.Module):
    """The second encoder and its classifier, behind the predictor's `Network` protocol (it finds no mentions itself)."""

    def __init__(self, encoder: PreTrainedModel, pairs_per_pass: int, dropout: float = 0.1) -> None:
        super().__init__()
        self.first_marker = int(encoder.config.vocab_size)
        self.pairs_per_pass = pairs_per_pass
        encoder.resize_token_embeddings(self.first_marker + _MARKERS * len(LABELS), mean_resizing=False)
        self.encoder = encoder
        width = 2 * int(encoder.config.hidden_size)
        self.classifier = nn.Sequential(nn.LayerNorm(width), nn.Dropout(dropout), nn.Linear(width, len(RELATIONS)))

    @property
    def transitions(self) -> Floats:
        """Nothing to add: this entrant finds no mentions."""
        return np.zeros((len(TAGS), len(TAGS)), dtype=np.float32)

    def encode(self, batch: WindowBatch) -> tuple[Floats, WindowBatch]:
        """Tags that see no mention, and the windows themselves: this entrant has nothing to compute before it knows the pairs."""
        tags = np.zeros((*batch.char_ids.shape, len(TAGS)), dtype=np.float32)
        tags[..., 0] = 1.0
        return tags, batch

    def relate(self, states: WindowBatch, pairs: PairBatch) -> Floats:
        """Relation logits [N, R]."""
        if not len(pairs):
            return np.zeros((0, len(RELATIONS)), dtype=np.float32)
        with torch.inference_mode():
            logits: Floats = self(states, pairs).float().cpu().numpy()
        return logits

    def forward(self, windows: WindowBatch, pairs: PairBatch) -> Tensor:
        """Relation logits [N, R] of pairs in windows."""
        sequences = _sequences(windows.piece_mask.sum(axis=1), pairs, self.pairs_per_pass)
        logits = torch.zeros(len(pairs), len(RELATIONS), device=self.encoder.device)
        for begin in range(0, len(sequences), _SEQUENCES_AT_ONCE):
            part = sequences[begin : begin + _SEQUENCES_AT_ONCE]
            batch = self._marked(part, windows, pairs)
            hidden = self.encoder(
                input_ids=batch.piece_ids,
                attention_mask=batch.mask,
                position_ids=batch.positions,
                token_type_ids=torch.zeros_like(batch.piece_ids),
            ).last_hidden_state
            row, place = batch.heads.T
            both = torch.cat([hidden[row, place], hidden[row, place + 2]], dim=-1)
            rows = torch.from_numpy(np.concatenate([own for _, own in part])).to(logits.device)
            logits = logits.index_copy(0, rows, self.classifier(both).to(logits.dtype))
        return logits

    def _marked(self, sequences: Sequence[tuple[int, np.ndarray]], windows: WindowBatch, pairs: PairBatch) -> MarkedBatch:
        texts = [int(windows.piece_mask[window].sum()) for window, _ in sequences]
        longest = max(text + _MARKERS * len(own) for text, (_, own) in zip(texts, sequences, strict=True))
        piece_ids = np.zeros((len(sequences), longest), dtype=np.int64)
        positions = np.zeros((len(sequences), longest), dtype=np.int64)
        # What is padding sees itself, so that its softmax is of something.
        sees = np.repeat(np.eye(longest, dtype=bool)[None], len(sequences), axis=0)
        heads: list[tuple[int, int]] = []
        for row, (text, (window, own)) in enumerate(zip(texts, sequences, strict=True)):
            end = text + _MARKERS * len(own)
            piece_ids[row, :text] = windows.piece_ids[window, :text]
            positions[row, :text] = np.arange(text)
            places, ids = self._markers(windows.char_piece[window], pairs, own)
            positions[row, text:end], piece_ids[row, text:end] = places, ids
            sees[row, :end, :text] = True
            group = np.repeat(np.arange(len(own)), _MARKERS)
            sees[row, text:end, text:end] = group[:, None] == group
            heads.extend((row, text + _MARKERS * index) for index in range(len(own)))
        device = self.encoder.device
        mask = torch.from_numpy(np.where(sees, 0.0, _FORBIDDEN).astype(np.float32))[:, None]
        return MarkedBatch(
            torch.from_numpy(piece_ids).to(device),
            torch.from_numpy(positions).to(device),
            mask.to(device),
            torch.tensor(heads, device=device),
        )

    def _markers(self, char_piece: np.ndarray, pairs: PairBatch, own: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Positions and ids [K · 4] of the pairs' markers."""
        places, ids = [], []
        for role, mention in enumerate((pairs.head[own], pairs.tail[own])):
            for edge, character in enumerate((pairs.start[mention], pairs.end[mention] - 1)):
                places.append(char_piece[character])
                ids.append(self.first_marker + len(LABELS) * (2 * role + edge) + pairs.label[mention])
        return np.stack(places, axis=1).reshape(-1), np.stack(ids, axis=1).reshape(-1)


def _sequences(lengths: np.ndarray, pairs: PairBatch, at_once: int) -> list[tuple[int, np.ndarray]]:
    """Windows with the pairs that stand behind their text, `at_once` at most; longest first, so that little is padded."""
    window = pairs.window[pairs.head]
    found: list[tuple[int, np.ndarray]] = []
    for index in np.unique(window):
        own = np.nonzero(window == index)[0]
        found.extend((int(index), own[begin : begin + at_once]) for begin in range(0, len(own), at_once))
    return sorted(found, key=lambda item: -(int(lengths[item[0]]) + _MARKERS * len(item[1])))


@dataclass(frozen=True)
class _Lesson:
    """Windows with the pairs of their gold mentions, targets and what counts, [N, R] each."""

    windows: WindowBatch
    pairs: PairBatch
    targets: Floats
    counts: Bools


def _lesson(examples: Sequence[Example], pad_id: int) -> dict[str, _Lesson]:
    layouts, targets, counts = [], [], []
    for row, example in enumerate(examples):
        for gold in example.sentences:
            here = replace(gold.sentence, windows=(0,))
            pairs, layout = sentence_pairs([example.window], {0: row}, here, gold.mentions)
            target, count = relation_targets(pairs, gold.mentions, gold, example.text)
            layouts.append(layout)
            targets.append(target)
            counts.append(count)
    windows = batch_windows([example.window for example in examples], pad_id)
    return {"lesson": _Lesson(windows, join_pairs(layouts), np.concatenate(targets), np.concatenate(counts))}


class _MarkerTrainer(DevTrainer):
    def compute_loss(
        self, model: nn.Module, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Tensor:
        """Mean over pairs of the binary cross entropy, summed over the types that the schema allows."""
        lesson: _Lesson = inputs["lesson"]
        logits = model(lesson.windows, lesson.pairs).float()
        targets, counts = (torch.from_numpy(a).float().to(logits.device) for a in (lesson.targets, lesson.counts))
        return binary_cross_entropy_with_logits(logits, targets, weight=counts, reduction="sum") / max(1, len(lesson.pairs))


def fit(settings: MarkersSettings, articles: Articles, seed: int, folder: Path, found: Found) -> Fitted:
    """Fine-tunes on gold mentions; checkpoint and threshold with the best dev score, gold mentions given, stay."""
    set_seed(seed)
    encoder = load_encoder(settings.encoder)
    window = WindowSettings(settings.length, settings.context, encoder.cls_id, encoder.sep_id, encoder.pad_id)
    examples, _ = examples_of(articles.train, encoder.tokenizer, window, Lexicon.empty())
    examples = [example for example in examples if any(len(sentence.mentions) > 1 for sentence in example.sentences)]
    network = MarkerNetwork(encoder.model, settings.pairs_per_pass)

    def predictor(threshold: float) -> Predictor:
        own = ModelSettings(window, dict.fromkeys(RELATIONS, threshold))
        return Predictor(network, encoder.tokenizer, own, Lexicon.empty())

    def relate(documents: Sequence[Document], threshold: float) -> list[Document]:
        return list(predictor(threshold).relate_mentions((d.text, d.entities) for d in documents))

    def dev_score(threshold: float = 0.5) -> float:
        return relation_scores(articles.dev, relate(articles.dev, threshold)).micro.f1

    optimizer = torch.optim.AdamW(_groups(network, settings))
    facts = fine_tune(
        network, examples, partial(_lesson, pad_id=window.pad_id), dev_score, settings, seed, folder, _MarkerTrainer, optimizer
    )
    scores = {threshold: dev_score(threshold) for threshold in settings.thresholds}
    best = max(scores, key=scores.__getitem__)
    return Fitted(
        sum(p.numel() for p in network.parameters()),
        relate=partial(relate, threshold=best),
        facts=facts | {"threshold": best},
    )


def _groups(network: MarkerNetwork, settings: MarkersSettings) -> list[dict[str, Any]]:
    """A rate for the encoder and one for the classifier, as in the paper's code; biases and norms are not decayed."""
    groups = []
    for module, rate in ((network.encoder, settings.learning_rate), (network.classifier, settings.head_rate)):
        for decayed in (True, False):
            parameters = [p for p in module.parameters() if p.requires_grad and (p.ndim > 1) == decayed]
            groups.append({"params": parameters, "lr": rate, "weight_decay": settings.weight_decay if decayed else 0.0})
    return groups
