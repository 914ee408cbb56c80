"""A model folder: weights, encoder config, tokenizer, settings. Written whole or not at all; read with clear errors."""

import json
import os
import shutil
from dataclasses import asdict, fields
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer

from .encoder import Encoder, architecture
from .network import JointNetwork, NetworkSize
from .runtime.errors import ModelError
from .runtime.lexicon import Lexicon, read_lexicon, write_lexicon
from .runtime.predictor import Predictor
from .runtime.schema import LABELS, RELATIONS
from .runtime.settings import TOKENIZER_FILE, ModelSettings, read_settings, read_tokenizer, write_settings
from .runtime.windows import WindowSettings

WEIGHTS_FILE = "model.safetensors"
HEADS_FILE = "heads.safetensors"
ENCODER_FOLDER = "encoder"


def new_settings(encoder: Encoder, length: int, context: int, size: NetworkSize, threshold: float, recipe: str) -> ModelSettings:
    """Settings of a model about to be trained; ModelError when the window does not fit the encoder."""
    if length > encoder.max_length:
        raise ModelError(f"window.length {length} is more than the encoder's {encoder.max_length} positions")
    if length - 2 - 2 * context < 8:
        raise ModelError(f"window.length {length} leaves no room beside a context of 2 × {context} pieces")
    return ModelSettings(
        window=WindowSettings(length, context, encoder.cls_id, encoder.sep_id, encoder.pad_id),
        thresholds=dict.fromkeys(RELATIONS, threshold),
        network=asdict(size),
        recipe=recipe,
    )


def save_model(folder: Path, network: JointNetwork, tokenizer: Tokenizer, settings: ModelSettings, lexicon: Lexicon) -> None:
    """Writes a model folder under a temporary name and renames it, replacing an older one."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    try:
        network.encoder.config.save_pretrained(temporary / ENCODER_FOLDER)
        tokenizer.save(str(temporary / TOKENIZER_FILE))
        save_file(
            {name: value.detach().cpu().contiguous() for name, value in network.state_dict().items()}, temporary / WEIGHTS_FILE
        )
        write_lexicon(temporary, lexicon)
        write_settings(temporary, settings)
        if folder.exists():
            old = folder.with_name(f".{folder.name}.{os.getpid()}.old")
            folder.replace(old)
            temporary.replace(folder)
            shutil.rmtree(old)
        else:
            temporary.replace(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def load_model(folder: Path) -> tuple[JointNetwork, Tokenizer, ModelSettings, Lexicon]:
    """Reads a model folder; the network is on the CPU in evaluation mode. ModelError when anything is missing or damaged."""
    settings = read_settings(folder)
    try:
        size = NetworkSize(**settings.network)
    except TypeError as error:
        raise ModelError(f"{folder}: is of another version of the network ({error}); train it again") from None
    network = JointNetwork(architecture(folder / ENCODER_FOLDER), size)
    load_weights(network, folder / WEIGHTS_FILE)
    return network.eval(), read_tokenizer(folder / TOKENIZER_FILE), settings, read_lexicon(folder)


def load_weights(network: JointNetwork, path: Path) -> None:
    """Loads weights strictly; ModelError when the file is missing, damaged or of another network."""
    try:
        network.load_state_dict(load_file(path))
    except (OSError, SafetensorError) as error:
        raise ModelError(f"{path}: cannot be read, the checkpoint is missing or damaged ({error})") from None
    except RuntimeError as error:
        raise ModelError(f"{path}: does not fit the network ({str(error).splitlines()[0]})") from None


def save_heads(folder: Path, network: JointNetwork) -> None:
    """Writes the weights of both heads in half precision into an encoder's folder, for a run on other articles to start from."""
    weights = {name: value for name, value in network.state_dict().items() if not name.startswith("encoder.")}
    halved = {name: value.detach().cpu().half().contiguous() for name, value in weights.items()}
    metadata = {"size": asdict(network.size), "labels": LABELS, "relations": RELATIONS}
    save_file(halved, folder / HEADS_FILE, metadata={key: json.dumps(value) for key, value in metadata.items()})


def load_heads(network: JointNetwork, folder: Path) -> None:
    """Starts both heads from the weights that `save_heads` left; ModelError when there are none, or of another size."""
    path = folder / HEADS_FILE
    try:
        with safe_open(path, "pt") as file:
            metadata = {key: json.loads(value) for key, value in (file.metadata() or {}).items()}
            size = NetworkSize(**metadata["size"])
            names = file.keys()
            weights = {name: file.get_tensor(name).float() for name in names}
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{path}: cannot be read; encoder.heads=false starts the heads anew ({error})") from None
    # Files of before say nothing of the schema.
    if (metadata.get("labels", list(LABELS)), metadata.get("relations", list(RELATIONS))) != (list(LABELS), list(RELATIONS)):
        raise ModelError(f"{path}: heads for another schema; encoder.heads=false starts them anew")
    differing = [field.name for field in fields(size) if getattr(size, field.name) != getattr(network.size, field.name)]
    shaping = [name for name in differing if "dropout" not in name]
    if shaping:
        raise ModelError(f"{path}: heads of another size ({', '.join(shaping)}); set them alike, or encoder.heads=false")
    try:
        missing, unexpected = network.load_state_dict(weights, strict=False)
    except RuntimeError:
        raise ModelError(f"{path}: heads for another encoder or schema; encoder.heads=false starts them anew") from None
    if unexpected or any(not name.startswith("encoder.") for name in missing):
        raise ModelError(f"{path}: heads of another version of the network; encoder.heads=false starts them anew")


def load_predictor(folder: Path, device: str | None = None) -> Predictor:
    """A predictor on the torch network; `device` defaults to the GPU when there is one."""
    network, tokenizer, settings, lexicon = load_model(folder)
    network.to(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    return Predictor(network, tokenizer, settings, lexicon)
