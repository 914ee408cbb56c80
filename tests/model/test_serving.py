"""What is exported computes what the network computes."""

import numpy as np
import torch

from model.encoder import Encoder
from model.network import JointNetwork, NetworkSize
from model.runtime.lexicon import LISTS, Lexicon
from model.runtime.windows import WindowSettings, batch_windows, window_text
from model.serving import ServedEncoder

TEXTS = ("부산시는 웃었다. BPA!", "후쿠오카시를 방문해 수소 협력을 논의했다고 밝혔다.")


def test_the_served_network_is_the_same_function(tiny_encoder: Encoder) -> None:
    torch.manual_seed(5)
    size = NetworkSize(char_dim=16, hidden=32, relation_hidden=32, kernel=5)
    network = JointNetwork(tiny_encoder.model, size).eval()
    lexicon = Lexicon(dict.fromkeys(LISTS, ()) | {"korean_municipalities": ("부산",), "topics": ("수소", "협력")})
    settings = WindowSettings(64, 0, tiny_encoder.cls_id, tiny_encoder.sep_id, tiny_encoder.pad_id)
    windows = [window_text(text, tiny_encoder.tokenizer, settings, lexicon).windows[0] for text in TEXTS]
    batch = batch_windows(windows, settings.pad_id)
    assert batch.char_lexicon.any() and not batch.char_mask.all()
    before = network.encoder.config._attn_implementation
    with torch.inference_mode():
        expected = network(**network.tensors(batch))
        served = ServedEncoder(network).eval()(**network.tensors(batch))
    there = batch.char_mask.astype(bool)
    for a, b in zip(expected, served, strict=True):
        np.testing.assert_allclose(a.numpy()[there], b.numpy()[there], atol=1e-5)
    assert network.encoder.config._attn_implementation == before
