"""The networks of pretraining: the encoder with a masked-language head, or with a generator and a replaced-token head."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import ElectraConfig, ElectraModel

from train.pretrain.config import Architecture, Generator, PretrainConfig, WarmStart
from train.pretrain.export import POSITIONS
from train.pretrain.locality import point_heads_at_neighbours, sinusoids
from train.pretrain.teacher import CLASSES, UNTAGGED
from train.pretrain.vocabulary import PAD


def encoder_config(pieces: int, architecture: Architecture, dropout: float, attention: str) -> ElectraConfig:
    """The Hugging Face configuration of the encoder."""
    settings: dict[str, Any] = {
        "hidden_dropout_prob": dropout,
        "attention_probs_dropout_prob": dropout,
        "attn_implementation": attention,
    }
    return ElectraConfig(vocab_size=pieces, pad_token_id=PAD, **settings, **architecture.model_dump())


def _generator_architecture(architecture: Architecture, generator: Generator) -> Architecture:
    return architecture.model_copy(update=generator.model_dump(exclude={"discriminator_weight"}))


class PieceHead(nn.Module):
    """Scores of all pieces at chosen positions, with the input embeddings as output matrix."""

    def __init__(self, hidden_size: int, embeddings: nn.Embedding) -> None:
        super().__init__()
        self.dense = nn.Linear(hidden_size, embeddings.embedding_dim)
        self.norm = nn.LayerNorm(embeddings.embedding_dim)
        self.bias = nn.Parameter(torch.zeros(embeddings.num_embeddings))
        nn.init.normal_(self.dense.weight, std=0.02)
        nn.init.zeros_(self.dense.bias)

    def forward(self, hidden: Tensor, embeddings: Tensor) -> Tensor:
        """Logits of shape (chosen, pieces) from hidden states of shape (chosen, hidden)."""
        return functional.linear(self.norm(functional.gelu(self.dense(hidden))), embeddings, self.bias)


class PretrainingModel(nn.Module):
    """What both objectives share: the encoder and the warm start of its embeddings."""

    encoder: ElectraModel
    head: PieceHead

    def warm_start(self, vectors: Tensor, frequencies: Tensor, settings: WarmStart) -> None:
        """Set the piece embeddings, start positions as sinusoids, the output bias at the log frequencies, heads at neighbours."""
        embeddings = self.encoder.embeddings
        with torch.no_grad():
            embeddings.word_embeddings.weight.copy_(vectors)
            positions = embeddings.position_embeddings.weight
            positions.copy_(sinusoids(positions.shape[0], positions.shape[1], settings.position_std))
        if settings.local_heads:
            point_heads_at_neighbours(self.encoder)
        self._set_output_bias(frequencies)

    def continue_from(self, folder: Path, frequencies: Tensor) -> None:
        """Take the weights of an exported encoder; positions that it lacks and heads start anew."""
        weights = ElectraModel.from_pretrained(folder, dtype=torch.float32).state_dict()
        positions = self.encoder.embeddings.position_embeddings.weight.detach().clone()
        known = weights[POSITIONS][: len(positions)]
        positions[: len(known)] = known
        self.encoder.load_state_dict({**weights, POSITIONS: positions})
        self._set_output_bias(frequencies)

    def _set_output_bias(self, frequencies: Tensor) -> None:
        bias = frequencies.float().log()
        with torch.no_grad():
            self.head.bias.copy_(bias - bias.mean())

    def forward(
        self, ids: Tensor, masked: Tensor, positions: Tensor, targets: Tensor, tags: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Losses of a batch, ``loss`` being the one to descend; arguments as in :class:`train.pretrain.masking.MaskedBatch`.

        ``tags``: with a teacher, its class of each piece, shape (rows, length).
        """
        raise NotImplementedError


class MaskedModel(PretrainingModel):
    """Masked language model on the encoder itself; with a teacher, its classes of all pieces are a second target."""

    def __init__(self, config: PretrainConfig, pieces: int) -> None:
        super().__init__()
        training = config.training
        self.encoder = ElectraModel(encoder_config(pieces, config.architecture, training.dropout, training.attention))
        self.head = PieceHead(config.architecture.hidden_size, self.encoder.embeddings.word_embeddings)
        self.pupil = nn.Linear(config.architecture.hidden_size, CLASSES) if config.objective.teacher else None
        self.weight = config.objective.teacher_weight

    def forward(
        self, ids: Tensor, masked: Tensor, positions: Tensor, targets: Tensor, tags: Tensor | None = None
    ) -> dict[str, Tensor]:
        hidden = self.encoder(input_ids=masked).last_hidden_state.flatten(0, 1)
        logits = self.head(hidden[positions], self.encoder.embeddings.word_embeddings.weight)
        restored = functional.cross_entropy(logits.float(), targets)
        if self.pupil is None or tags is None:
            return {"loss": restored}
        taught = functional.cross_entropy(self.pupil(hidden).float(), tags.flatten(), ignore_index=UNTAGGED)
        return {"loss": restored + self.weight * taught, "masked_loss": restored, "teacher_loss": taught}


class ReplacedModel(PretrainingModel):
    """Generator and discriminator with shared embeddings (Clark et al. 2020); the encoder is the discriminator."""

    def __init__(self, config: PretrainConfig, pieces: int) -> None:
        super().__init__()
        training, architecture = config.training, config.architecture
        self.encoder = ElectraModel(encoder_config(pieces, architecture, training.dropout, training.attention))
        small = _generator_architecture(architecture, config.generator)
        self.generator = ElectraModel(encoder_config(pieces, small, training.dropout, training.attention))
        self.generator.embeddings = self.encoder.embeddings
        self.head = PieceHead(small.hidden_size, self.encoder.embeddings.word_embeddings)
        self.judge = nn.Sequential(
            nn.Linear(architecture.hidden_size, architecture.hidden_size), nn.GELU(), nn.Linear(architecture.hidden_size, 1)
        )
        self.weight = config.generator.discriminator_weight

    def forward(
        self, ids: Tensor, masked: Tensor, positions: Tensor, targets: Tensor, tags: Tensor | None = None
    ) -> dict[str, Tensor]:
        hidden = self.generator(input_ids=masked).last_hidden_state.flatten(0, 1)[positions]
        logits = self.head(hidden, self.encoder.embeddings.word_embeddings.weight).float()
        restored = functional.cross_entropy(logits, targets)
        proposed = ids.flatten().scatter(0, positions, sample(logits.detach()))
        replaced = (proposed != ids.flatten()).float()
        scores = self.judge(self.encoder(input_ids=proposed.view_as(ids)).last_hidden_state).float().flatten()
        judged = functional.binary_cross_entropy_with_logits(scores, replaced)
        right = ((scores > 0) == (replaced > 0)).float().mean()
        return {
            "loss": restored + self.weight * judged,
            "generator_loss": restored,
            "discriminator_loss": judged,
            "discriminator_accuracy": right,
        }


def sample(logits: Tensor) -> Tensor:
    """One piece per row of logits, by running sum and binary search: far cheaper than Gumbel noise or ``multinomial``."""
    running = logits.softmax(-1).cumsum(-1)
    # Scaled by the row's own total, which rounding leaves near 1 and not at it.
    draw = torch.rand(len(logits), 1) * running[:, -1:]
    return torch.searchsorted(running, draw).squeeze(1).clamp_max(logits.shape[1] - 1)


def build_model(config: PretrainConfig, pieces: int) -> PretrainingModel:
    """The network for the configured objective."""
    return MaskedModel(config, pieces) if config.objective.kind == "masked" else ReplacedModel(config, pieces)
