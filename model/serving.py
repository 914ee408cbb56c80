"""The network as it is exported: the same function as `model.network`, computed in fewer and larger steps.

Nothing is approximated; what depends on the weights alone is computed once. A character's embedding is looked up in one table
instead of five, the join of pieces and characters multiplies each piece once however many characters it covers, a convolution is
one matrix product, and an attention layer is one operator (ONNX `Attention`), so that no heads are laid out anew in memory.
"""

import copy
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel

from .network import CharacterEmbedding, ConvolutionBlock, JointNetwork, Tagger
from .runtime.windows import CHAR_VOCABULARY

ATTENTION = "dosilink_onnx"
"""Name under which transformers finds the attention that is exported as one operator."""

# Added to the score of a piece that is padding: its weight is exp(-10000), which is 0.
_MASKED = -1e4


def one_operator_attention(
    module: nn.Module, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None, **options: Any
) -> tuple[Tensor, None]:
    """Attention of transformers' interface: [B, heads, P, D] each to [B, P, heads, D]."""
    heads, width = query.shape[1], query.shape[-1]
    # The operator reads heads side by side, as the projections wrote them: these transpositions cancel out in the graph.
    flat_query, flat_key, flat_value = (states.transpose(1, 2).flatten(2) for states in (query, key, value))
    attended, *_ = torch.onnx.ops.attention(
        flat_query,
        flat_key,
        flat_value,
        attn_mask=attention_mask,
        q_num_heads=heads,
        kv_num_heads=key.shape[1],
        scale=options.get("scaling") or width**-0.5,
    )
    return attended.unflatten(-1, (heads, width)), None


def padding_bias(batch_size: int, q_length: int, kv_length: int, attention_mask: Tensor | None = None, **_: Any) -> Tensor | None:
    """Mask of transformers' interface: [B, P], true where there is a piece, to what is added to the scores, [B, 1, P, P]."""
    if attention_mask is None:
        return None
    bias = (1.0 - attention_mask.to(torch.float32)) * _MASKED
    return bias[:, None, None, :].expand(batch_size, 1, q_length, kv_length)


AttentionInterface.register(ATTENTION, one_operator_attention)
AttentionMaskInterface.register(ATTENTION, padding_bias)


class ServedEncoder(nn.Module):
    """Encoder and tagger: the inputs of `JointNetwork.forward` to tag logits and states."""

    def __init__(self, network: JointNetwork) -> None:
        super().__init__()
        self.encoder = _with_one_operator_attention(network.encoder)
        self.tagger = ServedTagger(network.tagger)

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
        """See `WindowBatch`; tag logits [B, C, T] and states [B, C, H], both arbitrary where there is no character."""
        pieces = self.encoder(input_ids=piece_ids, attention_mask=piece_mask).last_hidden_state
        return self.tagger(pieces, char_ids, char_piece, char_kind, char_lexicon, char_mask)


def _with_one_operator_attention(encoder: PreTrainedModel) -> PreTrainedModel:
    encoder = copy.deepcopy(encoder)
    # Encoders with an attention of their own (relative positions between heads) stay as they are.
    if getattr(encoder, "_supports_attention_backend", False):
        encoder.set_attn_implementation(ATTENTION)
    return encoder


class ServedTagger(nn.Module):
    """`model.network.Tagger` with its tables and products put together."""

    def __init__(self, tagger: Tagger) -> None:
        super().__init__()
        characters, lexicon, join = tagger.characters, tagger.lexicon, tagger.join
        char_width, lexicon_width = characters.kind.embedding_dim, lexicon.weights.out_features
        piece_width = join.in_features - char_width - lexicon_width
        of_pieces, of_characters, of_lexicon = join.weight.detach().split([piece_width, char_width, lexicon_width], dim=1)
        self.characters = nn.Embedding.from_pretrained(_character_table(characters))
        self.kinds = nn.Embedding.from_pretrained(characters.kind.weight.detach())
        self.powers = nn.Buffer(lexicon.get_buffer("powers").clone())
        self.from_pieces = _linear(of_pieces, join.bias.detach())
        self.from_characters = _linear(torch.cat([of_characters, of_lexicon @ lexicon.weights.weight.detach()], dim=1), None)
        self.norm = tagger.norm
        self.blocks = nn.ModuleList(ServedConvolution(block) for block in tagger.blocks if isinstance(block, ConvolutionBlock))
        self.output = tagger.output

    def forward(
        self, pieces: Tensor, char_ids: Tensor, char_piece: Tensor, char_kind: Tensor, char_lexicon: Tensor, char_mask: Tensor
    ) -> tuple[Tensor, Tensor]:
        """See `Tagger.forward`."""
        projected = self.from_pieces(pieces)
        first = torch.arange(pieces.shape[0], device=pieces.device).unsqueeze(1) * pieces.shape[1]
        under = nn.functional.embedding(char_piece + first, projected.flatten(0, 1))
        bits = torch.floor(char_lexicon.unsqueeze(-1).to(self.powers.dtype) / self.powers) % 2
        features = torch.cat([self.characters(char_ids) + self.kinds(char_kind), bits], dim=-1)
        states = self.norm(nn.functional.gelu(under + self.from_characters(features)))
        mask = char_mask.unsqueeze(-1).to(states.dtype)
        for block in self.blocks:
            states = block(states, mask)
        return self.output(states), states


def _character_table(characters: CharacterEmbedding) -> Tensor:
    """[characters, D]: what a character's identity and its jamo add up to."""
    everything = torch.arange(CHAR_VOCABULARY).unsqueeze(0)
    with torch.no_grad():
        summed: Tensor = characters.eval()(everything, torch.zeros_like(everything))[0]
        return summed - characters.kind.weight[0]


def _linear(weight: Tensor, bias: Tensor | None) -> nn.Linear:
    layer = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None)
    layer.load_state_dict({"weight": weight} | ({} if bias is None else {"bias": bias}))
    return layer


class ServedConvolution(nn.Module):
    """`model.network.ConvolutionBlock` as one matrix product over each character's neighbourhood."""

    def __init__(self, block: ConvolutionBlock) -> None:
        super().__init__()
        convolution = block.convolution
        assert convolution.bias is not None
        self.kernel = convolution.kernel_size[0]
        # [out, in, K] to [out, K · in], the order in which the neighbours stand side by side.
        self.weights = _linear(convolution.weight.detach().transpose(1, 2).flatten(1), convolution.bias.detach())
        self.norm = block.norm

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        """[B, C, H] and mask [B, C, 1] to [B, C, H]."""
        length = states.shape[1]
        side = self.kernel // 2
        padded = nn.functional.pad(states * mask, (0, 0, side, side))
        neighbours = torch.cat([padded[:, shift : shift + length] for shift in range(self.kernel)], dim=-1)
        mixed: Tensor = self.norm(states + nn.functional.gelu(self.weights(neighbours)))
        return mixed
