"""What to measure. Unknown keys are refused."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from model.runtime.errors import ConfigError

REFERENCES = ("huggingface", "torch")
"""Entrants that ratios are given to."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Entrant(_Section):
    """`path` is a folder (or CRFsuite file) made elsewhere; else the benchmark makes its own from the run."""

    name: str = Field(pattern=r"^[a-z0-9-]+$")
    title: str = ""
    kind: Literal["exported", "torch", "huggingface", "crf"]
    precision: Literal["fp32", "int8"] = "fp32"
    bf16: bool = False
    path: Path | None = None

    @property
    def shown(self) -> str:
        return self.title or self.name


class Benchmark(_Section):
    """See `config.yaml`."""

    data: Path
    run: Path
    work: Path
    results: Path
    page: Path | None = None
    readme: Path | None = None
    articles: int = Field(40, ge=1)
    single: int = Field(8, ge=1)
    repeats: int = Field(5, ge=1)
    cold_starts: int = Field(3, ge=1)
    threads: list[Annotated[int, Field(ge=1)]] = Field([1, 2], min_length=1)
    batch_sizes: list[Annotated[int, Field(ge=1)]] = Field([1, 8, 32], min_length=1)
    crf_model: Path | None = None
    matrix: int = Field(2048, ge=8)
    """Rows and columns of the product that gives the machine's peak."""
    entrants: list[Entrant] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_differ(self) -> "Benchmark":
        if len({entrant.name for entrant in self.entrants}) < len(self.entrants):
            raise ValueError("two entrants share a name")
        return self

    def only(self, names: list[str]) -> "Benchmark":
        """With these entrants alone; ConfigError for an unknown name."""
        known = {entrant.name: entrant for entrant in self.entrants}
        for name in names:
            if name not in known:
                raise ConfigError(f"no entrant is called {name}; there are {', '.join(known)}")
        return self.model_copy(update={"entrants": [entrant for entrant in self.entrants if entrant.name in names]})
