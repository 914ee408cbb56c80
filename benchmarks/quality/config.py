"""What to compare: entrants with their settings, seeds, places. Unknown keys are refused."""

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from model.runtime.errors import ConfigError
from train.yaml_config import read_sections

NAME = r"^[A-Za-z0-9][A-Za-z0-9._]*(-[A-Za-z0-9._]*[A-Za-z._][A-Za-z0-9._]*)*$"
"""Names of files come from it, and `<name>-<seed>` must tell the two apart: no part after a hyphen is a number."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class _Entrant(_Section):
    """`title` stands in the table. `grid` lists values of own settings; the combination with the best dev score is taken."""

    name: str = Field(pattern=NAME)
    title: str = ""
    grid: dict[str, list[Any]] = {}

    @property
    def shown(self) -> str:
        return self.title or self.name

    @property
    def deterministic(self) -> bool:
        """Whether one run says it all, whatever the seed."""
        return False


class OursSettings(_Entrant):
    """This project's training with a recipe; `overrides` as on its command line."""

    kind: Literal["ours"]
    config: Path
    overrides: list[str] = []


class CrfSettings(_Entrant):
    """Character CRF: L1 and L2 weights, iterations of L-BFGS, occurrences a feature needs."""

    kind: Literal["crf"]
    c1: float = Field(0.05, ge=0)
    c2: float = Field(0.05, ge=0)
    max_iterations: int = Field(100, ge=1)
    min_occurrences: int = Field(1, ge=1)

    @property
    def deterministic(self) -> bool:
        return True


class _FineTuning(_Entrant):
    """What fine-tuning an encoder takes. `max_steps` cuts a run short (to try it out)."""

    encoder: str = "embedded"
    epochs: int = Field(18, ge=1)
    batch_size: int = Field(16, ge=1)
    learning_rate: float = Field(5e-4, gt=0)
    weight_decay: float = Field(0.01, ge=0)
    warmup: float = Field(0.1, ge=0, le=1)
    length: int = Field(128, ge=16)
    max_steps: int | None = Field(None, ge=1)


class HuggingFaceSettings(_FineTuning):
    """`AutoModelForTokenClassification` as in transformers' token-classification example.

    `unit`: what one input is, a sentence or an article in chunks of `length` pieces that overlap by `stride`.
    `labels`: `pieces` gives every piece a label by its offsets; `words` labels the first piece of each pre-tokenised word only,
    as `run_ner.py` does by default, and a mention is then made of whole words.
    """

    kind: Literal["huggingface"]
    unit: Literal["sentence", "article"] = "article"
    labels: Literal["pieces", "words"] = "pieces"
    stride: int = Field(32, ge=0)


class SpacySettings(_Entrant):
    """spaCy's own recipe (`spacy init config --pipeline ner`) for blank Korean with characters for tokens; see spaCy's config."""

    kind: Literal["spacy"]
    optimize: Literal["efficiency", "accuracy"] = "efficiency"
    depth: int = Field(8, ge=1)
    width: int = Field(96, ge=8)
    dropout: float = Field(0.1, ge=0, lt=1)
    patience: int = Field(1600, ge=1)
    max_steps: int = Field(20_000, ge=1)
    eval_frequency: int = Field(200, ge=1)


class MarkersSettings(_FineTuning):
    """Relations by typed markers and a second encoder (Zhong & Chen 2021), in their batched approximation.

    `mentions` names the entrants whose mentions are read end to end; the first is the one in the table's main row.
    `thresholds` are tried on dev (gold mentions) after training.
    """

    kind: Literal["markers"]
    mentions: list[str] = Field(min_length=1)
    context: int = Field(16, ge=0)
    head_rate: float = Field(1e-3, gt=0)
    pairs_per_pass: int = Field(64, ge=1)
    thresholds: list[Annotated[float, Field(gt=0, lt=1)]] = Field([0.3, 0.4, 0.5, 0.6, 0.7], min_length=1)


class MajoritySettings(_Entrant):
    """Every pair within `characters` gets the commonest relation of its labels; the best distance on dev is taken."""

    kind: Literal["majority"]
    mentions: list[str] = Field(min_length=1)
    characters: list[int] = Field([5, 10, 15, 20, 30, 40, 60, 80, 120, 250], min_length=1)


Settings = Annotated[
    OursSettings | CrfSettings | HuggingFaceSettings | SpacySettings | MarkersSettings | MajoritySettings,
    Field(discriminator="kind"),
]
_SETTINGS: TypeAdapter[Settings] = TypeAdapter(Settings)


class Comparison(_Section):
    """`threads` are torch's in training (null leaves it to torch); inference is always timed on one."""

    data: Path = Path("data/annotations")
    results: Path = Path("docs/results/quality")
    work: Path = Path("runs/quality")
    page: Path | None = Path("docs/quality.md")
    seeds: list[Annotated[int, Field(ge=0)]] = Field([13, 14, 15], min_length=1)
    threads: int | None = Field(None, ge=1)
    entrants: list[Settings] = Field(min_length=1)

    @model_validator(mode="after")
    def _names(self) -> "Comparison":
        kinds = {entrant.name: entrant.kind for entrant in self.entrants}
        if len(kinds) != len(self.entrants):
            raise ValueError("two entrants share a name")
        for entrant in self.entrants:
            for point in grid_points(entrant):
                point.model_dump()
            if isinstance(entrant, MarkersSettings | MajoritySettings):
                for source in entrant.mentions:
                    if kinds.get(source) in (None, "markers", "majority"):
                        raise ValueError(f"{entrant.name}: “{source}” is no entrant that finds mentions")
        return self

    def entrant(self, name: str) -> Settings:
        """The entrant called so; ConfigError when there is none."""
        for entrant in self.entrants:
            if entrant.name == name:
                return entrant
        raise ConfigError(f"no entrant is called {name}; there are {', '.join(e.name for e in self.entrants)}")


class Curve(Comparison):
    """A learning curve: the entrants, without grids, over shares of the training articles."""

    results: Path = Path("docs/results/curve")
    page: Path | None = None
    shares: list[Annotated[float, Field(gt=0, le=1)]] = Field([0.25, 0.5, 0.75, 1.0], min_length=1)

    @model_validator(mode="after")
    def _plain(self) -> "Curve":
        for entrant in self.entrants:
            if entrant.grid or isinstance(entrant, MarkersSettings | MajoritySettings):
                raise ValueError(f"{entrant.name}: a curve takes entrants that find mentions, with settled settings (no grid)")
        return self


C = TypeVar("C", bound=BaseModel)


def grid_points(settings: Settings) -> Iterator[Settings]:
    """The settings at each point of their grid, without the grid; themselves when they have none. ValueError for a bad value."""
    for values in itertools.product(*settings.grid.values()):
        point = dict(zip(settings.grid, values, strict=True))
        yield _SETTINGS.validate_python({**settings.model_dump(), **point, "grid": {}})


def load_config(path: Path, kind: type[C]) -> C:
    """Reads a comparison or curve; ConfigError names file, key and reason."""
    return read_sections(kind, path)


def check_chosen(name: str, chosen: Sequence[object] | None, configured: Sequence[object]) -> None:
    """ConfigError for a value of a command line that the configuration does not have: it would run nothing."""
    if unknown := [value for value in chosen or () if value not in configured]:
        raise ConfigError(f"--{name} {unknown[0]}: is not configured; there are {', '.join(map(str, configured))}")
