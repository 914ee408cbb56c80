"""Recipes: one YAML file is one run. Every knob stands in the file or has its default here; unknown keys are refused."""

from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from .yaml_config import read_sections


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


Fraction = Annotated[float, Field(ge=0, le=1)]


class RandomEncoder(_Section):
    """Random weights in KoELECTRA-small's shape unless said otherwise; the vocabulary comes from the training texts."""

    vocabulary: int = Field(8_000, ge=100)
    layers: int = Field(12, ge=1)
    hidden: int = Field(256, ge=8)
    heads: int = Field(4, ge=1)
    intermediate: int = Field(1_024, ge=8)
    embedding: int = Field(128, ge=8)
    positions: int = Field(512, ge=16)

    @model_validator(mode="after")
    def _whole_heads(self) -> "RandomEncoder":
        if self.hidden % self.heads:
            raise ValueError("hidden must be a multiple of heads")
        return self


class EncoderConfig(_Section):
    """`name`: `embedded`, `random`, a hub id, or a local folder.

    `heads`: tagger and relation head start from what `train.intermediate` left in the encoder's folder, not at random.
    """

    name: str = "embedded"
    heads: bool = False
    random: RandomEncoder = RandomEncoder()


class WindowConfig(_Section):
    """In pieces; see `model.runtime.windows.WindowSettings`."""

    length: int = Field(128, ge=16)
    context: int = Field(8, ge=0)


class AugmentationConfig(_Section):
    """`copies`: renamed copies of every training article (`train.augment`); an epoch reads the articles and one copy of each,
    the next epoch the next copy.

    `typography`: share of the copies that are in another typography, too, see `train.typography`.
    """

    copies: int = Field(0, ge=0)
    typography: float = Field(0.0, ge=0, le=1)

    @model_validator(mode="after")
    def _copies_to_change(self) -> "AugmentationConfig":
        if self.typography and not self.copies:
            raise ValueError("typography changes copies, and there are none; set copies to 1 or more, or typography to 0")
        return self


class NetworkConfig(_Section):
    """See `model.network.NetworkSize`."""

    char_dim: int = Field(64, ge=1)
    hidden: int = Field(256, ge=1)
    relation_hidden: int = Field(256, ge=1)
    kernel: Annotated[int, Field(ge=1)] = 5
    dropout: Fraction = 0.2
    char_dropout: Fraction = 0.1
    lexicon_dim: int = Field(32, ge=1)
    lexicon_dropout: Fraction = 0.2
    crf: bool = True

    @model_validator(mode="after")
    def _odd_kernel(self) -> "NetworkConfig":
        if self.kernel % 2 == 0:
            raise ValueError("kernel must be odd, so that a convolution keeps the length")
        return self


class TrainingConfig(_Section):
    """`batch_size` counts windows; an optimiser step sees `batch_size × accumulation` of them.

    `start_share`: share of the first weights in the finished ones (`train.averaging`); evaluations while training are without it.
    """

    epochs: int = Field(40, ge=1)
    batch_size: int = Field(8, ge=1)
    accumulation: int = Field(1, ge=1)
    encoder_rate: float = Field(2e-4, gt=0)
    head_rate: float = Field(1e-3, gt=0)
    weight_decay: float = Field(0.01, ge=0)
    warmup: float = Field(0.1, ge=0, lt=1)  # a share of the steps; transformers takes 1 for a count
    max_grad_norm: float = Field(1.0, gt=0)
    relation_weight: float = Field(1.0, ge=0)
    predicted_mentions_from: Fraction = 0.4
    predicted_mentions_share: Fraction = 0.5
    evaluate_every: int = Field(2, ge=1)
    patience: int = Field(6, ge=1)
    start_share: float = Field(0.0, ge=0, lt=1)
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    threads: int | None = Field(None, ge=1)


class Recipe(_Section):
    """Everything a run depends on besides the code and the data.

    `threshold` holds while training; with `tune_thresholds` each relation type then gets its own, the best on dev.
    `calibrate`: scores become probabilities, fitted on dev (`train.calibrate`); decisions stay on raw scores.
    `mention_threshold`: probability below which the trained model leaves a mention out.
    `lexicon`: lists of names as features: `embedded`, a folder in the form of `model/names/`, or null for none.
    """

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    seed: int = Field(13, ge=0, lt=2**32)  # numpy takes no larger one
    data: Path = Path("data/annotations")
    threshold: Annotated[float, Field(gt=0, lt=1)] = 0.5
    tune_thresholds: bool = False
    calibrate: bool = True
    mention_threshold: float = Field(0.0, ge=0, lt=1)
    lexicon: str | None = "embedded"
    encoder: EncoderConfig = EncoderConfig()
    window: WindowConfig = WindowConfig()
    augmentation: AugmentationConfig = AugmentationConfig()
    network: NetworkConfig = NetworkConfig()
    training: TrainingConfig = TrainingConfig()

    @model_validator(mode="after")
    def _trained_start(self) -> "Recipe":
        if self.training.start_share and not self.encoder.heads:
            raise ValueError("training.start_share needs encoder.heads: heads that start at random are nothing to go back to")
        return self

    @model_validator(mode="after")
    def _known_probabilities(self) -> "Recipe":
        if self.mention_threshold and not self.calibrate:
            raise ValueError("mention_threshold is a probability and needs calibrate: true")
        return self


def load_recipe(path: Path, overrides: list[str] | None = None) -> Recipe:
    """Reads a recipe; `overrides` are `dotted.key=value`, the value in YAML. ConfigError names file, key and reason."""
    return read_sections(Recipe, path, overrides or [])


def recipe_yaml(recipe: Recipe) -> str:
    """The resolved recipe, every knob written out."""
    return yaml.safe_dump(recipe.model_dump(mode="json"), allow_unicode=True, sort_keys=False)
