"""The joint loss: tags of characters and relations of pairs, from one forward pass."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from model.crf import negative_log_likelihood
from model.network import JointNetwork
from model.runtime.decoding import Floats, tag_scores
from model.runtime.pairs import Bools, Mention, PairBatch, join_pairs, sentence_pairs
from model.runtime.schema import RELATIONS
from model.runtime.windows import WindowBatch, batch_windows

from .examples import IGNORED, Example, relation_targets


@dataclass(frozen=True)
class TrainingBatch:
    """Examples with their padded windows and tags [B, C]."""

    examples: tuple[Example, ...]
    windows: WindowBatch
    tags: Tensor


def collate(examples: Sequence[Example], pad_id: int) -> TrainingBatch:
    """Pads examples into a batch."""
    longest = max(len(example.tags) for example in examples)
    tags = np.full((len(examples), longest), IGNORED, dtype=np.int64)
    for row, example in enumerate(examples):
        tags[row, : len(example.tags)] = example.tags
    return TrainingBatch(tuple(examples), batch_windows([e.window for e in examples], pad_id), torch.from_numpy(tags))


@dataclass(frozen=True)
class Losses:
    """Mean over characters, and over the (pair, type) entries that count, scaled to a sum per sentence with pairs."""

    tags: Tensor
    relations: Tensor


def joint_loss(network: JointNetwork, batch: TrainingBatch, predicted_share: float) -> Losses:
    """Losses of a batch.

    For a share of the sentences the relation head sees the tagger's mentions of the moment instead of the gold ones.
    """
    logits, states = network(**network.tensors(batch.windows))
    tag_loss = _tag_loss(network, logits.float(), batch.tags.to(logits.device))
    return Losses(tag_loss, _relation_loss(network, batch, logits, states, predicted_share))


def _tag_loss(network: JointNetwork, logits: Tensor, tags: Tensor) -> Tensor:
    """Mean over characters, of the whole sequence's likelihood with a CRF, of each character's own without."""
    if not network.size.crf:
        return cross_entropy(logits.flatten(0, 1), tags.flatten(), ignore_index=IGNORED)
    decided = tags != IGNORED
    lengths = decided.sum(dim=1)
    # A window decides on one stretch of characters; it is moved to the left edge.
    places = decided.long().argmax(dim=1, keepdim=True) + torch.arange(int(lengths.max()), device=tags.device)
    places = places.clamp(max=tags.shape[1] - 1)
    emissions = logits.gather(1, places.unsqueeze(-1).expand(-1, -1, logits.shape[-1]))
    with torch.autocast(logits.device.type, enabled=False):
        losses = negative_log_likelihood(emissions, tags.gather(1, places), lengths, network.tagger.transitions)
    return losses.sum() / lengths.sum()


def _relation_loss(network: JointNetwork, batch: TrainingBatch, logits: Tensor, states: Tensor, predicted_share: float) -> Tensor:
    batches: list[PairBatch] = []
    targets: list[Floats] = []
    counts: list[Bools] = []
    predicted = _predicted_mentions(network, batch, logits, predicted_share)
    for row, example in enumerate(batch.examples):
        for place, gold in enumerate(example.sentences):
            mentions: Sequence[Mention] = predicted.get((row, place), gold.mentions)
            # Whatever pair lies in this window is learned from, also where another window will score it.
            here = replace(gold.sentence, windows=(0,))
            pairs, layout = sentence_pairs([example.window], {0: row}, here, mentions)
            if not len(pairs):
                continue
            target, count = relation_targets(pairs, mentions, gold, example.text)
            batches.append(layout)
            targets.append(target)
            counts.append(count)
    if not batches:
        return logits.new_zeros(())
    relation_logits = network.relations(states, **network.tensors(join_pairs(batches))).float()
    wanted = torch.from_numpy(np.concatenate(targets)).to(relation_logits.device)
    counted = torch.from_numpy(np.concatenate(counts)).to(relation_logits.device)
    loss = binary_cross_entropy_with_logits(relation_logits, wanted, weight=counted.float(), reduction="sum")
    # Long sentences have quadratically many pairs: a mean over entries would drown short ones, a plain sum would do the reverse.
    return loss / (counted.any(dim=1).sum() * len(RELATIONS)).clamp(min=1) ** 0.5 / len(batches) ** 0.5


def _predicted_mentions(
    network: JointNetwork, batch: TrainingBatch, logits: Tensor, share: float
) -> dict[tuple[int, int], list[Mention]]:
    """The tagger's mentions of a share of the sentences that lie in one window, by row and place in it."""
    chosen = [
        (row, place)
        for row, example in enumerate(batch.examples)
        for place, gold in enumerate(example.sentences)
        if len(gold.sentence.windows) == 1 and float(torch.rand(())) < share
    ]
    if not chosen:
        return {}
    scores = logits.detach().float().cpu().numpy()
    own, closed, starts = [], [], []
    for row, place in chosen:
        example = batch.examples[row]
        sentence = example.sentences[place].sentence
        own.append(scores[row, sentence.start - example.window.start : sentence.end - example.window.start])
        closed.append([char.isspace() for char in example.text[sentence.start : sentence.end]])
        starts.append(sentence.start)
    spaces = np.concatenate(closed).astype(bool)
    decoded = tag_scores(np.concatenate(own), spaces, np.array([len(part) for part in own]), network.transitions)
    return dict(zip(chosen, decoded.mentions(spaces, starts), strict=True))
