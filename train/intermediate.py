"""Encoder and heads of a run as a folder of their own, for another recipe to start from: an intermediate supervised stage.

    python -m train.run --config configs/releases.yaml
    python -m train.intermediate runs/releases OUTPUT

What is learnt from annotated articles that cannot be passed on, or that are too many for every training, stays in the weights
(intermediate-task training: Phang et al. 2018). The folder is an encoder in the Hugging Face layout with `heads.safetensors`
beside it; a recipe starts from the encoder alone, or with `encoder.heads: true` from the heads too.
"""

import shutil
import uuid
from pathlib import Path
from typing import Annotated

import typer
from tokenizers import Tokenizer
from transformers import AutoConfig

from model.checkpoint import load_model, save_heads
from model.encoder import encoder_folder
from model.network import JointNetwork
from model.runs import RECIPE_FILE, model_folder
from model.runtime.errors import ModelError

from .config import load_recipe
from .console import console, run

_KEPT_FILES = ("config.json", "tokenizer.json", "tokenizer_config.json")


def save_start(run_folder: Path, output: Path) -> None:
    """Writes encoder and heads of a finished run, half precision, whole or not at all.

    Configuration and tokenizer are those of the local folder that the run started from. ModelError when that folder is not there
    any more, or `output` is.
    """
    source = _source(run_folder)
    if output.exists():
        raise ModelError(f"{output}: is there already; name another folder")
    network, tokenizer, *_ = load_model(model_folder(run_folder))
    _check_unchanged(source, network, tokenizer)
    temporary = output.with_name(f".{output.name}.{uuid.uuid4().hex}")
    try:
        temporary.mkdir(parents=True)
        save_heads(temporary, network)
        network.encoder.half().save_pretrained(temporary)
        for name in _KEPT_FILES:
            shutil.copyfile(source / name, temporary / name)
        for weights in temporary.glob("*.safetensors"):
            weights.chmod(0o644)
        temporary.replace(output)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _source(run_folder: Path) -> Path:
    """The folder of the encoder that the run started from."""
    name = load_recipe(run_folder / RECIPE_FILE).encoder.name
    source = encoder_folder(name)
    missing = [kept for kept in _KEPT_FILES if not (source / kept).is_file()]
    if missing:
        raise ModelError(
            f"encoder {name}: not a local folder with {' and '.join(missing)}, which the encoder that comes out takes over; "
            "AutoTokenizer.from_pretrained(…).save_pretrained(…) writes the tokenizer's"
        )
    return source


def _check_unchanged(source: Path, network: JointNetwork, tokenizer: Tokenizer) -> None:
    """The folder may hold another encoder by now than the run started from."""
    now = AutoConfig.from_pretrained(str(source), local_files_only=True)
    shapes = ("vocab_size", "embedding_size", "hidden_size", "num_hidden_layers", "intermediate_size", "max_position_embeddings")
    differing = [key for key in shapes if getattr(now, key, None) != getattr(network.encoder.config, key, None)]
    if Tokenizer.from_file(str(source / "tokenizer.json")).get_vocab() != tokenizer.get_vocab():
        differing.append("vocabulary")
    if differing:
        raise ModelError(f"{source}: is not the encoder any more that the run started from ({', '.join(differing)})")


app = typer.Typer(add_completion=False)


@app.command()
def main(
    run_folder: Annotated[Path, typer.Argument(metavar="RUN", help="a finished run")],
    output: Annotated[Path, typer.Argument(help="folder for the encoder")],
) -> None:
    """Keep encoder and heads of a run for other recipes to start from."""
    save_start(run_folder, output)
    console.print(f"encoder: {output}", markup=False)


if __name__ == "__main__":
    run(app)
