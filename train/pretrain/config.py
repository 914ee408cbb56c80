"""The recipe of a pretraining run: one YAML file, every key known, unknown keys refused."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from train.yaml_config import read_sections


class Section(BaseModel):
    """Base of all sections: immutable, and a misspelt key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Source(Section):
    """Which files of the corpus folder take part, and how much of them."""

    pattern: str
    share: float = Field(default=1.0, gt=0.0, le=1.0)
    repeat: int = Field(default=1, ge=1)


class Corpus(Section):
    """Plain text, one paragraph a line (``*.txt``, ``*.txt.xz``, ``*.txt.zst``)."""

    folder: Path
    sources: tuple[Source, ...] = (Source(pattern="*.txt*"),)
    seed: int = 13


class Vocabulary(Section):
    """The WordPiece vocabulary, trained on a sample of the corpus."""

    size: int = Field(default=16_000, ge=100)
    sample_share: float = Field(default=0.2, gt=0.0, le=1.0)
    min_syllable_count: int = Field(default=6, ge=1)
    other_characters: int = Field(default=800, ge=0)
    min_piece_count: int = Field(default=10, ge=1)


class Architecture(Section):
    """The ELECTRA encoder (names as in ``transformers.ElectraConfig``)."""

    num_hidden_layers: int = Field(default=6, ge=1)
    hidden_size: int = Field(default=256, ge=8)
    num_attention_heads: int = Field(default=4, ge=1)
    intermediate_size: int = Field(default=1024, ge=8)
    embedding_size: int = Field(default=128, ge=8)
    max_position_embeddings: int = Field(default=512, ge=16)


class Generator(Section):
    """The smaller network that proposes replacements (replaced-token detection only)."""

    num_hidden_layers: int = Field(default=3, ge=1)
    hidden_size: int = Field(default=128, ge=8)
    num_attention_heads: int = Field(default=2, ge=1)
    intermediate_size: int = Field(default=512, ge=8)
    discriminator_weight: float = Field(default=50.0, gt=0.0)


class WarmStart(Section):
    """Input embeddings from CBOW vectors, positions from sinusoids, so that training leaves its plateaus at once."""

    tokens: int = Field(default=12_000_000, ge=0)
    window: int = Field(default=5, ge=1)
    negatives: int = Field(default=5, ge=1)
    sample: float = Field(default=1e-4, ge=0.0)
    rate: float = Field(default=0.05, gt=0.0)
    std: float = Field(default=0.05, gt=0.0)
    position_std: float = Field(default=0.05, gt=0.0)
    local_heads: bool = True


class Objective(Section):
    """What the encoder learns to do."""

    kind: Literal["masked", "replaced"] = "masked"
    mask_fraction: float = Field(default=0.15, gt=0.0, lt=1.0)
    keep_fraction: float = Field(default=0.1, ge=0.0, le=1.0)
    random_fraction: float = Field(default=0.1, ge=0.0, le=1.0)
    whole_words: bool = False
    teacher: Literal["kiwi"] | None = None
    teacher_weight: float = Field(default=1.0, gt=0.0)

    @model_validator(mode="after")
    def _shares_of_one(self) -> Self:
        if self.keep_fraction + self.random_fraction > 1:
            raise ValueError("keep_fraction and random_fraction are shares of the chosen pieces; together they are at most 1")
        return self

    @model_validator(mode="after")
    def _teaches_the_masked(self) -> Self:
        if self.teacher is not None and self.kind != "masked":
            raise ValueError("objective.teacher goes with the kind `masked`")
        return self


class Budget(Section):
    """How long to train: steps, or minutes of the process's own CPU time (a paused process spends none)."""

    steps: int | None = Field(default=None, ge=1)
    cpu_minutes: float | None = Field(default=None, gt=0.0)

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.steps is None) == (self.cpu_minutes is None):
            raise ValueError("give either budget.steps or budget.cpu_minutes")
        return self


class Training(Section):
    """Optimiser, schedule and housekeeping."""

    budget: Budget
    batch: int = Field(default=16, ge=1)
    length: int = Field(default=128, ge=8)
    rate: float = Field(default=1e-3, gt=0.0)
    warmup: float = Field(default=0.02, ge=0.0, lt=1.0)
    decay: float = Field(default=0.25, ge=0.0, le=1.0)
    weight_decay: float = Field(default=0.01, ge=0.0)
    clip: float = Field(default=1.0, gt=0.0)
    dropout: float = Field(default=0.0, ge=0.0, lt=1.0)
    attention: Literal["eager", "sdpa"] = "eager"
    autocast: Literal["auto", "on", "off"] = "auto"
    compile: bool = False
    threads: int = Field(default=1, ge=1)
    seed: int = 13
    log_every: int = Field(default=50, ge=1)
    checkpoint_minutes: float = Field(default=5.0, gt=0.0)
    export_minutes: float = Field(default=15.0, gt=0.0)


class PretrainConfig(Section):
    """One pretraining run.

    ``start_from`` is an exported encoder, ``continue_run`` the output folder of an earlier run; ``tokenizer`` a folder whose
    vocabulary a run from first weights takes instead of training its own.
    """

    output: Path
    export: Path
    start_from: Path | None = None
    continue_run: Path | None = None
    tokenizer: Path | None = None
    corpus: Corpus
    vocabulary: Vocabulary = Vocabulary()
    architecture: Architecture = Architecture()
    generator: Generator = Generator()
    warm_start: WarmStart = WarmStart()
    objective: Objective = Objective()
    training: Training

    @model_validator(mode="after")
    def _one_beginning(self) -> Self:
        if self.start_from is not None and self.continue_run is not None:
            raise ValueError("give start_from or continue_run, not both")
        if self.tokenizer is not None and self.earlier_tokenizer != self.tokenizer:
            raise ValueError("start_from and continue_run bring their own tokenizer; give tokenizer without them")
        return self

    @model_validator(mode="after")
    def _enough_positions(self) -> Self:
        positions = self.architecture.max_position_embeddings
        if self.training.length > positions:
            raise ValueError(
                f"training.length {self.training.length} is more than architecture.max_position_embeddings {positions}"
            )
        return self

    @property
    def earlier_tokenizer(self) -> Path | None:
        """The folder of the vocabulary that the run takes over; None where it trains one."""
        if self.continue_run is not None:
            return self.continue_run / "tokenizer"
        return self.tokenizer if self.start_from is None else self.start_from


def load_config(path: Path, overrides: Sequence[str] = ()) -> PretrainConfig:
    """Read and check a recipe; `overrides` are `dotted.key=value`, the value in YAML.

    Raises:
        model.runtime.errors.ConfigError: the file cannot be read, a key is unknown, missing or out of range, or an override is
            no assignment.
    """
    return read_sections(PretrainConfig, path, overrides)


def recipe_yaml(config: PretrainConfig) -> str:
    """The resolved recipe, every knob written out."""
    return yaml.safe_dump(config.model_dump(mode="json"), allow_unicode=True, sort_keys=False)
