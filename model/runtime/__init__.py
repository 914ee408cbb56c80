"""Everything of dosilink that runs without torch. In the exported wheel this folder is the package `dosilink`.

from dosilink import predict
document = predict("부산시는 …")

`predict_iter` reads any number of articles, `load` opens another model folder.
"""

from collections.abc import Iterable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import overload

from .document import Document, Entity, Relation
from .errors import DosilinkError
from .predictor import Predictor, check_arguments

__version__ = "0.1.0"
__all__ = ["Document", "DosilinkError", "Entity", "Predictor", "Relation", "load", "predict", "predict_iter"]

WEIGHTS_FOLDER = "weights"


def load(path: str | Path | None = None, threads: int | None = None) -> Predictor:
    """Opens an exported model folder, by default the one in this package. ModelError when it is missing or damaged."""
    # onnxruntime is imported only by who needs it: the torch side uses this package without it.
    from .exported import load_exported

    return load_exported(Path(path) if path is not None else Path(__file__).parent / WEIGHTS_FOLDER, threads)


@cache
def _default_predictor() -> Predictor:
    return load()


@overload
def predict(texts: str, min_score: float = 0.0) -> Document: ...


@overload
def predict(texts: list[str] | tuple[str, ...], min_score: float = 0.0) -> list[Document]: ...


def predict(texts: str | list[str] | tuple[str, ...], min_score: float = 0.0) -> Document | list[Document]:
    """Reads one article or several with the packed model, which is loaded at the first call. See `Predictor.predict`."""
    # Before the model is loaded, which takes longer than to see a mistake.
    check_arguments(texts, min_score=min_score, single_string=True)
    return _default_predictor().predict(texts, min_score)


def predict_iter(
    texts: Iterable[str],
    batch_tokens: int | None = None,
    min_score: float = 0.0,
    workers: int = 1,
    threads: int | None = None,
    path: str | Path | None = None,
) -> Iterator[Document]:
    """Reads any number of articles from any iterable; documents in order, with only some articles in memory.

    `batch_tokens`, `min_score`: see `Predictor.predict_iter`. `workers`: processes that each load the model; a script must
    then start its work under `if __name__ == "__main__":`. `threads` of onnxruntime in a process: by default one a worker,
    else one a core. `path`: an exported model folder, by default the one in this package. Raises DataError for what is not a
    string, WorkerError when a worker died; what cannot be the arguments is refused at once, by a DataError (one string in the
    place of several, `batch_tokens` below 1) or an ArgumentError (`min_score`, fewer `workers` than 1).
    """
    from .parallel import check_workers, read_stream

    check_arguments(texts, batch_tokens, min_score)
    check_workers(workers)
    if workers == 1 and threads is None and path is None:
        return _default_predictor().predict_iter(texts, batch_tokens, min_score)
    opened = partial(load, path, threads=threads or (1 if workers > 1 else None))
    return read_stream(texts, opened, workers, batch_tokens, min_score)
