"""The joint loss."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from test_examples import _document, _settings

from model.encoder import Encoder
from model.network import JointNetwork, NetworkSize
from model.runtime.decoding import legal_transitions
from model.runtime.lexicon import Lexicon
from model.runtime.schema import TAGS
from train.examples import IGNORED, examples_of
from train.loss import collate, joint_loss

SIZE = NetworkSize(char_dim=16, hidden=32, relation_hidden=32, kernel=3, dropout=0.0, char_dropout=0.0)


@pytest.fixture
def network(tiny_encoder: Encoder) -> JointNetwork:
    torch.manual_seed(5)
    return JointNetwork(tiny_encoder.model, SIZE).eval()


def _examples(encoder: Encoder, length: int = 32) -> list:
    return examples_of([_document()], encoder.tokenizer, _settings(encoder, length, 4), Lexicon.empty())[0]


def test_padding_is_ignored(tiny_encoder: Encoder) -> None:
    examples = _examples(tiny_encoder)
    batch = collate(examples, tiny_encoder.pad_id)
    assert batch.tags.shape == batch.windows.char_ids.shape
    assert (batch.tags[torch.from_numpy(batch.windows.char_mask) == 0] == IGNORED).all()


def test_an_even_guess_costs_the_logarithm_of_the_choices(tiny_encoder: Encoder) -> None:
    network = JointNetwork(tiny_encoder.model, replace(SIZE, crf=False)).eval()
    with torch.no_grad():
        network.tagger.output.weight.zero_()
        network.tagger.output.bias.zero_()
    losses = joint_loss(network, collate(_examples(tiny_encoder), tiny_encoder.pad_id), 0.0)
    assert losses.tags.item() == pytest.approx(math.log(len(TAGS)), abs=1e-5)


def test_with_the_crf_only_legal_sequences_share_the_probability(tiny_encoder: Encoder, network: JointNetwork) -> None:
    """With even scores the loss is the logarithm of the number of legal sequences."""
    with torch.no_grad():
        network.tagger.output.weight.zero_()
        network.tagger.output.bias.zero_()
    examples = _examples(tiny_encoder)
    found = joint_loss(network, collate(examples, tiny_encoder.pad_id), 0.0).tags.item()
    follows = (legal_transitions() == 0).astype(float)
    logs = []
    for example in examples:
        ways = np.ones(len(TAGS))
        for _ in range(int((example.tags != IGNORED).sum()) - 1):
            ways = ways @ follows
        logs.append(np.log(ways.sum()))
    assert found == pytest.approx(sum(logs) / sum(int((e.tags != IGNORED).sum()) for e in examples), abs=1e-4)


def test_the_transitions_learn(tiny_encoder: Encoder, network: JointNetwork) -> None:
    joint_loss(network, collate(_examples(tiny_encoder), tiny_encoder.pad_id), 0.0).tags.backward()
    gradient = network.tagger.transitions.grad
    assert gradient is not None
    assert gradient.abs().sum() > 0


def test_the_tag_loss_does_not_depend_on_who_shares_the_batch(tiny_encoder: Encoder, network: JointNetwork) -> None:
    examples = _examples(tiny_encoder)
    alone = [joint_loss(network, collate([e], tiny_encoder.pad_id), 0.0).tags.item() for e in examples]
    weights = [int((e.tags != IGNORED).sum()) for e in examples]
    together = joint_loss(network, collate(examples, tiny_encoder.pad_id), 0.0).tags.item()
    expected = sum(a * w for a, w in zip(alone, weights, strict=True)) / sum(weights)
    assert together == pytest.approx(expected, abs=1e-5)


def test_learning_the_gold_relations_lowers_the_loss(tiny_encoder: Encoder, network: JointNetwork) -> None:
    batch = collate(_examples(tiny_encoder), tiny_encoder.pad_id)
    optimizer = torch.optim.Adam(network.relations.parameters(), lr=0.01)
    first = joint_loss(network, batch, 0.0).relations.item()
    for _ in range(30):
        optimizer.zero_grad()
        joint_loss(network, batch, 0.0).relations.backward()
        optimizer.step()
    assert joint_loss(network, batch, 0.0).relations.item() < first / 3


def test_a_tagger_that_finds_nothing_leaves_no_pairs(tiny_encoder: Encoder, network: JointNetwork) -> None:
    with torch.no_grad():
        network.tagger.output.bias[0] = 100.0
    batch = collate(_examples(tiny_encoder), tiny_encoder.pad_id)
    assert joint_loss(network, batch, 0.0).relations.item() > 0
    assert joint_loss(network, batch, 1.0).relations.item() == 0
