"""The entrants, each set up as its own users would. Their libraries are imported only when they run."""

from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path

from model.runtime.document import Document
from model.runtime.errors import ConfigError

from ..articles import Articles
from ..config import Settings
from ..measure import Fitted

_MODULES = {
    "ours": "ours",
    "crf": "crf",
    "huggingface": "huggingface",
    "spacy": "spacy_ner",
    "markers": "markers",
    "majority": "majority",
}

Found = Mapping[str, Mapping[str, Sequence[Document]]]


def fit(settings: Settings, articles: Articles, seed: int, folder: Path, found: Found) -> Fitted:
    """Trains an entrant on the training articles, selecting on dev; `folder` is its own to write to.

    `found` are the mentions that a relation entrant will be given, by entrant and split. ConfigError names a library that is
    missing.
    """
    try:
        module = import_module(f".{_MODULES[settings.kind]}", __package__)
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"{settings.name}: {error.name} is not installed; pip install -c constraints.txt -e '.[bench]'"
        ) from None
    fitted: Fitted = module.fit(settings, articles, seed, folder, found)
    return fitted
