"""An intermediate supervised stage for an encoder: names in another corpus, with a tag head that is thrown away.

    python -m train.intermediate ENCODER SENTENCES.jsonl OUTPUT

What an encoder learns from raw text is thin on names when pretraining was short; a few thousand sentences with labelled names,
even under other labels and other span rules, teach it where names begin and end. Only the encoder is kept (half precision,
Hugging Face layout); the labels of that corpus never reach a prediction.
"""

import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer
from torch import nn
from torch.nn.functional import cross_entropy
from transformers import get_linear_schedule_with_warmup, set_seed

from model.encoder import Encoder, load_encoder
from model.network import JointNetwork, NetworkSize
from model.runtime.errors import DataError, ModelError
from model.runtime.lexicon import Lexicon
from model.runtime.windows import Window, WindowSettings, batch_windows, window_text

from .console import console, run
from .trainer import bf16_available

_TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json")


@dataclass(frozen=True)
class TaggedWindow:
    """A window and the BIO tag of each of its characters, by index in the labels found in the corpus."""

    window: Window
    tags: np.ndarray


def read_sentences(path: Path, encoder: Encoder, length: int) -> tuple[list[TaggedWindow], list[str]]:
    """Sentences `{"text", "entities": [{"start", "end", "label"}]}`, one a line, and their labels in order.

    Windows have no context; a text out of normal form is passed over. Raises DataError for a broken line or when nothing is left.
    """
    try:
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line.strip()]
        labels = sorted({entity["label"] for row in rows for entity in row["entities"]})
        settings = WindowSettings(length, 0, encoder.cls_id, encoder.sep_id, encoder.pad_id)
        windows = [w for row in rows for w in _windows(row, labels, encoder, settings)]
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path}: is not JSON Lines with text and entities ({type(error).__name__}: {error})") from None
    if not windows:
        raise DataError(f"{path}: holds no text in normal form")
    return windows, labels


def _windows(row: dict[str, Any], labels: list[str], encoder: Encoder, settings: WindowSettings) -> Iterator[TaggedWindow]:
    text = row["text"]
    cut = window_text(text, encoder.tokenizer, settings, Lexicon.empty())
    if cut.normalised.text != text:
        return
    tags = np.zeros(len(text), dtype=np.int64)
    for entity in row["entities"]:
        start, end = entity["start"], entity["end"]
        if not 0 <= start < end <= len(text):
            raise ValueError(f"an entity at {start}–{end} of a text of {len(text)} characters")
        tag = 1 + 2 * labels.index(entity["label"])
        tags[start:end] = tag + 1
        tags[start] = tag
    for window in cut.windows:
        yield TaggedWindow(window, tags[window.start : window.end])


def teach_names(
    encoder: Encoder, windows: Sequence[TaggedWindow], labels: int, epochs: int, batch_size: int, rate: float, seed: int
) -> list[float]:
    """Trains the encoder in place under a fresh tag head; returns the mean loss of each epoch."""
    set_seed(seed)
    network = JointNetwork(encoder.model, NetworkSize()).train()
    network.tagger.output = nn.Linear(network.size.hidden, 1 + 2 * labels)
    groups = [{"params": network.encoder.parameters(), "lr": rate}, {"params": network.tagger.parameters(), "lr": 5 * rate}]
    optimizer = torch.optim.AdamW(groups, weight_decay=0.01)
    steps = epochs * -(-len(windows) // batch_size)
    schedule = get_linear_schedule_with_warmup(optimizer, steps // 10, steps)
    order = np.random.default_rng(seed)
    means = []
    for _ in range(epochs):
        total = 0.0
        shuffled = order.permutation(len(windows))
        for start in range(0, len(windows), batch_size):
            chosen = [windows[i] for i in shuffled[start : start + batch_size]]
            loss = _loss(network, chosen, encoder.pad_id)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            total += float(loss.detach()) * len(chosen)
        means.append(total / len(windows))
    return means


def _loss(network: JointNetwork, chosen: Sequence[TaggedWindow], pad_id: int) -> torch.Tensor:
    batch = batch_windows([tagged.window for tagged in chosen], pad_id)
    tags = np.full(batch.char_ids.shape, -100, dtype=np.int64)
    for row, tagged in enumerate(chosen):
        tags[row, : len(tagged.tags)] = tagged.tags
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16_available() and network.device.type == "cpu"):
        logits, _ = network(**network.tensors(batch))
    return cross_entropy(logits.float().flatten(0, 1), torch.from_numpy(tags).to(logits.device).flatten(), ignore_index=-100)


def _check_tokenizer_files(source: Path) -> None:
    """Before the training, because they are copied after it, and an encoder loads without them: from a `vocab.txt`, by name."""
    missing = [name for name in _TOKENIZER_FILES if not (source / name).is_file()]
    if missing:
        raise ModelError(
            f"encoder {source}: not a local folder with {' and '.join(missing)}, which the encoder that comes out takes over; "
            "AutoTokenizer.from_pretrained(…).save_pretrained(…) writes them"
        )


app = typer.Typer(add_completion=False)


@app.command()
def main(
    source: Annotated[Path, typer.Argument(metavar="ENCODER", help="encoder folder in the Hugging Face layout")],
    sentences: Annotated[Path, typer.Argument(help="JSON Lines with text and entities")],
    output: Annotated[Path, typer.Argument(help="folder for the encoder that comes out")],
    epochs: int = 4,
    batch_size: int = 16,
    rate: float = 3e-4,
    length: int = 128,
    seed: int = 13,
) -> None:
    """Teach an encoder names from another corpus; the tag head is thrown away."""
    encoder = load_encoder(str(source))
    _check_tokenizer_files(source)
    windows, labels = read_sentences(sentences, encoder, length)
    for epoch, loss in enumerate(teach_names(encoder, windows, len(labels), epochs, batch_size, rate, seed), 1):
        console.print(f"epoch {epoch}: loss {loss:.4f}")
    encoder.model.half().save_pretrained(output)
    for name in _TOKENIZER_FILES:
        shutil.copy(source / name, output / name)
    console.print(f"encoder: {output}", markup=False)


if __name__ == "__main__":
    run(app)
