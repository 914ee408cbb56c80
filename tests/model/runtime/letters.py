"""A predictor whose network is a few lines of numpy: real windows, decoding and documents without torch's time to import.

Worker processes load it by name, so it stands in a module of its own.
"""

import os
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from model.runtime.decoding import Floats, legal_transitions
from model.runtime.document import Document
from model.runtime.errors import ModelError
from model.runtime.lexicon import Lexicon
from model.runtime.pairs import PairBatch
from model.runtime.predictor import Predictor
from model.runtime.schema import RELATIONS, TAGS
from model.runtime.settings import ModelSettings
from model.runtime.windows import CHAR_VOCABULARY, WindowBatch, WindowSettings

WORDS = ("부산", "##시", "##는", "후쿠오카", "##를", "수소", "협력", "방문", "##했다", "3일", ".", "\n")
WIDTH = 16
DEADLY = "치명적"
"""A text that ends the process which reads it, as the system does when memory runs out."""
BAD = "고장"
"""A text that the network fails on."""
SLOW = "느린"
"""A text that takes a second."""


class LetterNetwork:
    """Random but fixed scores of a character and its two neighbours."""

    def __init__(self) -> None:
        random = np.random.default_rng(7)
        self._letters = random.normal(size=(CHAR_VOCABULARY, WIDTH)).astype(np.float32)
        self._tags = random.normal(scale=0.5, size=(3 * WIDTH, len(TAGS))).astype(np.float32)
        self._bias = np.array([6.0 if tag == "O" else 0.0 for tag in TAGS], dtype=np.float32)
        self._pairs = random.normal(size=(2 * WIDTH, len(RELATIONS))).astype(np.float32)
        self.shapes: list[tuple[int, int, int]] = []
        """Windows, pieces and characters of every batch so far."""

    @property
    def transitions(self) -> Floats:
        return legal_transitions()

    def encode(self, batch: WindowBatch) -> tuple[Floats, Floats]:
        self.shapes.append((*batch.piece_ids.shape, batch.char_ids.shape[1]))
        states = self._letters[batch.char_ids] * batch.char_mask[..., None]
        padded = np.pad(states, ((0, 0), (1, 1), (0, 0)))
        return np.concatenate([padded[:, :-2], states, padded[:, 2:]], axis=-1) @ self._tags + self._bias, states

    def relate(self, states: Any, pairs: PairBatch) -> Floats:
        mentions = states[pairs.window, pairs.start]
        return np.asarray(np.concatenate([mentions[pairs.head], mentions[pairs.tail]], axis=-1) @ self._pairs, dtype=np.float32)


def letter_predictor(batch_tokens: int = 256) -> Predictor:
    """Reads anything at once; its answers are arbitrary and always the same."""
    vocabulary = {piece: index for index, piece in enumerate(("[PAD]", "[UNK]", "[CLS]", "[SEP]", *WORDS))}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False, strip_accents=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    window = WindowSettings(length=32, context=4, cls_id=2, sep_id=3, pad_id=0)
    settings = ModelSettings(window, dict.fromkeys(RELATIONS, 0.7))
    return Predictor(LetterNetwork(), tokenizer, settings, Lexicon.empty(), batch_tokens)


class FragilePredictor(Predictor):
    """Dies of one text, fails on another, takes long over a third."""

    def _read_chunk(self, articles: Any, *rest: Any) -> Any:
        texts = {text for text, _ in articles}
        if DEADLY in texts:
            os.kill(os.getpid(), signal.SIGKILL)
        if BAD in texts:
            raise ArithmeticError("no such letter")
        if SLOW in texts:
            time.sleep(1)
        return super()._read_chunk(articles, *rest)


def fragile_predictor() -> Predictor:
    predictor = letter_predictor()
    predictor.__class__ = FragilePredictor
    return predictor


def load(path: str | Path | None = None, *, threads: int | None = None) -> Predictor:
    """For a command line."""
    return missing_model() if path else fragile_predictor()


def missing_model() -> Predictor:
    raise ModelError("nowhere: there is no such model folder")


def broken_model() -> Predictor:
    raise ArithmeticError("no such letter")


def same(a: Document, b: Document) -> bool:
    """The same mentions and relations, scores but for the noise of adding in another order."""
    return (
        (a.text, [(e.id, e.start, e.end, e.label) for e in a.entities])
        == (b.text, [(e.id, e.start, e.end, e.label) for e in b.entities])
        and [(r.head, r.tail, r.type) for r in a.relations] == [(r.head, r.tail, r.type) for r in b.relations]
        and np.allclose(_scores(a), _scores(b), atol=1e-5)
    )


def _scores(document: Document) -> list[float | None]:
    return [item.score for item in (*document.entities, *document.relations)]
