"""The joint network in torch: an encoder, a tagger over characters, a relation head over pairs of mentions.

One encoder pass serves both heads. The tagger reads, for each character, the state of the piece that covers it together with the
character itself (decision 1 of `docs/architecture.md`): Korean particles are glued to names, and a piece may straddle the
boundary.
"""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from .dropout import use_byte_dropout
from .runtime.decoding import Floats
from .runtime.lexicon import LISTS
from .runtime.pairs import PairBatch
from .runtime.schema import LABELS, RELATIONS, TAGS
from .runtime.windows import CHAR_KINDS, CHAR_VOCABULARY, WindowBatch

_DISTANCE_BUCKETS = 8


@dataclass(frozen=True)
class NetworkSize:
    """Widths of the heads (the encoder brings its own config)."""

    char_dim: int = 64
    hidden: int = 256
    relation_hidden: int = 256
    kernel: int = 5
    dropout: float = 0.2
    char_dropout: float = 0.1
    lexicon_dim: int = 32
    lexicon_dropout: float = 0.2
    crf: bool = True


class CharacterEmbedding(nn.Module):
    """A character by itself and by its parts: Hangul syllables share what their jamo (initial, vowel, final) have in common."""

    def __init__(self, dim: int, dropout: float) -> None:
        super().__init__()
        self.dropout = dropout
        self.identity = nn.Embedding(CHAR_VOCABULARY, dim)
        self.initial = nn.Embedding(20, dim)
        self.vowel = nn.Embedding(22, dim)
        self.final = nn.Embedding(29, dim)
        self.kind = nn.Embedding(CHAR_KINDS, dim)
        for table in (self.identity, self.initial, self.vowel, self.final, self.kind):
            nn.init.normal_(table.weight, std=0.1)

    def forward(self, char_ids: Tensor, char_kind: Tensor) -> Tensor:
        """[B, C], [B, C] to [B, C, D]. In training some characters lose their identity, so that unseen ones work."""
        syllable = char_ids - 1
        hangul = ((syllable >= 0) & (syllable < 11_172)).long()
        identity = char_ids
        if self.training and self.dropout:
            identity = char_ids * (torch.rand_like(char_ids, dtype=torch.float) >= self.dropout)
        embedded = self.identity(identity) + self.kind(char_kind)
        embedded = embedded + self.initial(hangul * (1 + torch.div(syllable, 588, rounding_mode="floor")))
        embedded = embedded + self.vowel(hangul * (1 + torch.div(syllable % 588, 28, rounding_mode="floor")))
        return embedded + self.final(hangul * (1 + syllable % 28))


class LexiconEmbedding(nn.Module):
    """In which lists of names a stretch of characters stands, and where in it a character is (see `runtime/lexicon.py`)."""

    def __init__(self, dim: int, dropout: float) -> None:
        super().__init__()
        self.dropout = dropout
        self.bits = 2 * len(LISTS)
        self.weights = nn.Linear(self.bits, dim, bias=False)
        self.register_buffer("powers", 2.0 ** torch.arange(self.bits), persistent=False)

    def forward(self, char_lexicon: Tensor) -> Tensor:
        """Bit sets [B, C] to [B, C, D]. In training a window forgets some lists, so that names in none of them work too."""
        powers = self.get_buffer("powers")
        bits = torch.floor(char_lexicon.unsqueeze(-1).to(powers.dtype) / powers) % 2
        if self.training and self.dropout:
            kept = torch.rand(bits.shape[0], 1, len(LISTS), device=bits.device) >= self.dropout
            bits = bits * kept.repeat_interleave(2, dim=-1)
        return self.weights(bits)


class ConvolutionBlock(nn.Module):
    """Residual convolution over characters: what stands left and right, the particle behind, the suffix of a name."""

    def __init__(self, width: int, kernel: int, dropout: float) -> None:
        super().__init__()
        self.convolution = nn.Conv1d(width, width, kernel, padding=kernel // 2)
        self.norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        """[B, C, H] and mask [B, C, 1] to [B, C, H]."""
        mixed = self.convolution((states * mask).transpose(1, 2)).transpose(1, 2)
        return self.norm(states + self.dropout(nn.functional.gelu(mixed)))


class Tagger(nn.Module):
    """Characters' states from pieces' states, and BIO logits over them."""

    def __init__(self, encoder_width: int, size: NetworkSize) -> None:
        super().__init__()
        self.characters = CharacterEmbedding(size.char_dim, size.char_dropout)
        self.lexicon = LexiconEmbedding(size.lexicon_dim, size.lexicon_dropout)
        self.join = nn.Linear(encoder_width + size.char_dim + size.lexicon_dim, size.hidden)
        self.norm = nn.LayerNorm(size.hidden)
        self.blocks = nn.ModuleList(ConvolutionBlock(size.hidden, size.kernel, size.dropout) for _ in range(2))
        self.dropout = nn.Dropout(size.dropout)
        self.output = nn.Linear(size.hidden, len(TAGS))
        # What a tag and the next add to the score of a sequence; without the CRF they stay 0 and only BIO's rules bind.
        self.transitions = nn.Parameter(torch.zeros(len(TAGS), len(TAGS)), requires_grad=size.crf)

    def forward(
        self,
        pieces: Tensor,
        char_ids: Tensor,
        char_piece: Tensor,
        char_kind: Tensor,
        char_lexicon: Tensor,
        char_mask: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """Pieces' states [B, P, E] and the characters' inputs [B, C] to tag logits [B, C, T] and states [B, C, H]."""
        index = char_piece.unsqueeze(-1).expand(-1, -1, pieces.shape[-1])
        under = torch.gather(pieces, 1, index)
        seen = [self.dropout(under), self.characters(char_ids, char_kind), self.lexicon(char_lexicon)]
        joined = self.join(torch.cat(seen, dim=-1))
        states = self.norm(nn.functional.gelu(joined))
        mask = char_mask.unsqueeze(-1).to(states.dtype)
        for block in self.blocks:
            states = block(states, mask)
        states = states * mask
        return self.output(self.dropout(states)), states


class RelationHead(nn.Module):
    """Logits of each relation type for ordered pairs of mentions, from the characters' states.

    A pair is seen as both mentions (first and last character, mean), their labels, the mean of what stands between them, of the
    sentence before and behind them, their order and distance.
    """

    def __init__(self, size: NetworkSize) -> None:
        super().__init__()
        width = size.relation_hidden
        self.labels = nn.Embedding(len(LABELS), 32)
        self.ends = nn.Linear(3 * size.hidden + 32, 2 * width)
        self.context = nn.Linear(3 * size.hidden, width)
        self.distance = nn.Embedding(2 * _DISTANCE_BUCKETS, width)
        self.types = nn.Embedding(len(LABELS) ** 2, width)
        self.dropout = nn.Dropout(size.dropout)
        self.norm = nn.LayerNorm(width)
        self.hidden = nn.Linear(width, width)
        self.output = nn.Linear(width, len(RELATIONS))

    def forward(
        self,
        states: Tensor,
        window: Tensor,
        start: Tensor,
        end: Tensor,
        label: Tensor,
        sentence_start: Tensor,
        sentence_end: Tensor,
        head: Tensor,
        tail: Tensor,
    ) -> Tensor:
        """States [B, C, H], mentions [M] and pairs [N] (see `PairBatch`) to logits [N, R]."""
        sums = nn.functional.pad(states.float().cumsum(dim=1), (0, 0, 1, 0)).to(states.dtype)

        def mean(row: Tensor, begin: Tensor, stop: Tensor) -> Tensor:
            length = (stop - begin).clamp(min=1).unsqueeze(-1).to(states.dtype)
            return (sums[row, stop] - sums[row, begin]) / length

        mention = [states[window, start], states[window, end - 1], mean(window, start, end), self.labels(label)]
        as_head, as_tail = self.ends(self.dropout(torch.cat(mention, dim=-1))).chunk(2, dim=-1)
        first_start, first_end = torch.minimum(start[head], start[tail]), torch.minimum(end[head], end[tail])
        second_start, second_end = torch.maximum(start[head], start[tail]), torch.maximum(end[head], end[tail])
        row, sentence = window[head], (sentence_start[head], sentence_end[head])
        around = [
            mean(row, first_end, torch.maximum(second_start, first_end)),
            mean(row, sentence[0], torch.maximum(first_start, sentence[0])),
            mean(row, second_end, torch.maximum(sentence[1], second_end)),
        ]
        gap = (second_start - first_end).clamp(min=0)
        bucket = torch.log2(gap.float() + 1).long().clamp(max=_DISTANCE_BUCKETS - 1)
        order = (start[head] < start[tail]).long()
        pair = (
            as_head[head]
            + as_tail[tail]
            + self.context(torch.cat(around, dim=-1))
            + self.distance(bucket + order * _DISTANCE_BUCKETS)
            + self.types(label[head] * len(LABELS) + label[tail])
        )
        hidden = self.norm(nn.functional.gelu(pair))
        hidden = hidden + nn.functional.gelu(self.hidden(self.dropout(hidden)))
        return self.output(self.dropout(hidden))


class JointNetwork(nn.Module):
    """Encoder and both heads. Implements the runtime's `Network` protocol with `encode` and `relate`."""

    def __init__(self, encoder: PreTrainedModel, size: NetworkSize) -> None:
        super().__init__()
        self.size = size
        self.encoder = encoder
        self.tagger = Tagger(encoder.config.hidden_size, size)
        self.relations = RelationHead(size)
        use_byte_dropout(self)

    @property
    def device(self) -> torch.device:
        return next(self.parameters()).device

    def forward(
        self,
        piece_ids: Tensor,
        piece_mask: Tensor,
        char_ids: Tensor,
        char_piece: Tensor,
        char_kind: Tensor,
        char_lexicon: Tensor,
        char_mask: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """Tag logits [B, C, T] and characters' states [B, C, H]; see `WindowBatch` for the inputs."""
        pieces = self.encoder(input_ids=piece_ids, attention_mask=piece_mask).last_hidden_state
        logits, states = self.tagger(pieces, char_ids, char_piece, char_kind, char_lexicon, char_mask)
        return logits, states

    @property
    def transitions(self) -> Floats:
        """`Network.transitions`."""
        return self.tagger.transitions.detach().float().cpu().numpy()

    def tensors(self, batch: WindowBatch | PairBatch) -> dict[str, Tensor]:
        """The arrays of a batch as tensors on the network's device."""
        return {f.name: torch.from_numpy(np.ascontiguousarray(getattr(batch, f.name))).to(self.device) for f in fields(batch)}

    @torch.inference_mode()
    def encode(self, batch: WindowBatch) -> tuple[Floats, Any]:
        """`Network.encode`; the states stay on the device."""
        logits, states = self(**self.tensors(batch))
        return logits.float().cpu().numpy(), states

    @torch.inference_mode()
    def relate(self, states: Any, pairs: PairBatch) -> Floats:
        """`Network.relate`."""
        logits: Tensor = self.relations(states, **self.tensors(pairs))
        return logits.float().cpu().numpy()
