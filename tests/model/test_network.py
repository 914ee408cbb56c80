"""The network's parts: shapes, padding that does not leak, gradients that reach everything."""

import numpy as np
import torch

from model.encoder import Encoder
from model.network import CharacterEmbedding, JointNetwork, NetworkSize
from model.runtime.lexicon import Lexicon
from model.runtime.pairs import Mention, sentence_pairs
from model.runtime.schema import RELATIONS, TAGS
from model.runtime.windows import WindowSettings, batch_windows, window_text

SIZE = NetworkSize(char_dim=16, hidden=32, relation_hidden=32, kernel=3, dropout=0.0, char_dropout=0.0)
SHORT, LONG = "부산시는 웃었다.", "후쿠오카시를 방문해 수소 협력을 논의했다고 밝혔다."


def _network(encoder: Encoder) -> JointNetwork:
    torch.manual_seed(5)
    return JointNetwork(encoder.model, SIZE).eval()


def _settings(encoder: Encoder) -> WindowSettings:
    return WindowSettings(64, 0, encoder.cls_id, encoder.sep_id, encoder.pad_id)


def test_shapes_and_padding(tiny_encoder: Encoder) -> None:
    network, settings = _network(tiny_encoder), _settings(tiny_encoder)
    windows = [window_text(text, tiny_encoder.tokenizer, settings, Lexicon.empty()).windows[0] for text in (SHORT, LONG)]
    logits, states = network.encode(batch_windows(windows, settings.pad_id))
    assert logits.shape == (2, len(LONG), len(TAGS)) and states.shape == (2, len(LONG), SIZE.hidden)
    alone, _ = network.encode(batch_windows(windows[:1], settings.pad_id))
    np.testing.assert_allclose(logits[0, : len(SHORT)], alone[0], atol=1e-5)


def test_pairs_are_scored_alike_alone_and_together(tiny_encoder: Encoder) -> None:
    network, settings = _network(tiny_encoder), _settings(tiny_encoder)
    cut = window_text(LONG, tiny_encoder.tokenizer, settings, Lexicon.empty())
    mentions = [Mention(0, 5, "CITY"), Mention(11, 13, "FIELD"), Mention(14, 16, "ORG")]
    _, batch = sentence_pairs(cut.windows, {0: 0}, cut.sentences[0], mentions)
    _, states = network.encode(batch_windows(cut.windows, settings.pad_id))
    together = network.relate(states, batch)
    assert together.shape == (len(batch), len(RELATIONS))
    for i in range(len(batch)):
        np.testing.assert_allclose(network.relate(states, batch.part(i, i + 1))[0], together[i], atol=1e-5)


def test_a_pair_knows_its_order(tiny_encoder: Encoder) -> None:
    network, settings = _network(tiny_encoder), _settings(tiny_encoder)
    cut = window_text(LONG, tiny_encoder.tokenizer, settings, Lexicon.empty())
    mentions = [Mention(0, 5, "CITY"), Mention(11, 13, "CITY")]
    _, batch = sentence_pairs(cut.windows, {0: 0}, cut.sentences[0], mentions)
    _, states = network.encode(batch_windows(cut.windows, settings.pad_id))
    there, back = network.relate(states, batch)
    assert not np.allclose(there, back)


def test_every_parameter_learns(tiny_encoder: Encoder) -> None:
    network, settings = _network(tiny_encoder), _settings(tiny_encoder)
    cut = window_text(LONG, tiny_encoder.tokenizer, settings, Lexicon.empty())
    logits, states = network(**network.tensors(batch_windows(cut.windows, settings.pad_id)))
    mentions = [Mention(0, 5, "CITY"), Mention(11, 13, "FIELD"), Mention(14, 16, "CITY")]
    _, batch = sentence_pairs(cut.windows, {0: 0}, cut.sentences[0], mentions)
    (logits.square().sum() + network.relations(states, **network.tensors(batch)).square().sum()).backward()
    silent = [name for name, p in network.named_parameters() if p.grad is None]
    # The transitions belong to the tag loss, see tests/train/test_loss.py.
    assert silent == ["tagger.transitions"]
    network.zero_grad()


def test_syllables_share_their_jamo() -> None:
    """강 and 간 differ in the final only; a lost identity leaves the jamo."""
    torch.manual_seed(0)
    embedding = CharacterEmbedding(8, dropout=0.0).eval()
    with torch.no_grad():
        embedding.identity.weight.zero_()
        ids = torch.tensor([[1 + ord(c) - 0xAC00 for c in "강간"]])
        vectors = embedding(ids, torch.ones_like(ids))[0]
        final = embedding.final.weight[torch.tensor([1 + (ord(c) - 0xAC00) % 28 for c in "강간"])]
    assert torch.allclose(vectors[0] - vectors[1], final[0] - final[1], atol=1e-6)


def test_character_dropout_only_in_training() -> None:
    torch.manual_seed(0)
    embedding = CharacterEmbedding(8, dropout=0.9)
    ids = torch.full((1, 50), 100)
    kinds = torch.ones_like(ids)
    assert torch.equal(embedding.eval()(ids, kinds), embedding(ids, kinds))
    assert len(torch.unique(embedding.train()(ids, kinds)[0], dim=0)) == 2
