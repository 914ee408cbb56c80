"""Whole runs on the tiny corpus: the command, a kill, the exported folder."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from pydantic import ValidationError
from tiny_pretraining import tiny_recipe
from tokenizers import Tokenizer
from transformers import AutoModel, AutoTokenizer

from model.runtime.errors import ConfigError
from train.pretrain.checkpoint import save_checkpoint
from train.pretrain.config import Budget, Corpus, Objective, PretrainConfig, load_config
from train.pretrain.corpus import CorpusError
from train.pretrain.model import build_model
from train.pretrain.run import Trainer, pretrain
from train.pretrain.teacher import UNTAGGED, Morpheme, Teacher, tag_class
from train.pretrain.tokens import PackedTokens
from train.pretrain.vocabulary import CLS, SEP, SPECIAL_PIECES

REPOSITORY = Path(__file__).parents[3]
RECIPES = sorted((REPOSITORY / "configs/pretrain").glob("*.yaml"))


def losses(output: Path) -> dict[int, float]:
    lines = (output / "log.jsonl").read_text(encoding="utf-8").splitlines()
    return {record["step"]: record["loss"] for record in map(json.loads, lines)}


class Killed(BaseException):
    """Stands for a kill: nothing of the run's own code sees it."""


def kill_after(step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    original = Trainer._step

    def dying(self: Trainer, rate: float) -> dict[str, torch.Tensor]:
        if self.progress.step == step:
            raise Killed
        result = original(self, rate)
        if self.progress.step == step - 2:
            save_checkpoint(self.checkpoint, self.model, self.optimiser, self.progress)
        return result

    monkeypatch.setattr(Trainer, "_step", dying)


@pytest.mark.parametrize("kind", ["masked", "replaced"])
def test_a_killed_run_resumes_to_the_same_losses(
    corpus_folder: Path, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = tiny_recipe(corpus_folder, tmp_path / "whole", kind)
    pretrain(whole)
    broken = tiny_recipe(corpus_folder, tmp_path / "broken", kind)
    with monkeypatch.context() as patch:
        kill_after(7, patch)
        with pytest.raises(Killed):
            pretrain(broken)
    assert pretrain(broken).step == 12
    assert losses(broken.output) == pytest.approx(losses(whole.output), abs=1e-4)
    assert (whole.output / "before-decay.pt").exists()


def test_the_exported_folder_loads_with_transformers_alone(corpus_folder: Path, tmp_path: Path) -> None:
    config = tiny_recipe(corpus_folder, tmp_path)
    pretrain(config)
    tokenizer = AutoTokenizer.from_pretrained(config.export)
    model, info = AutoModel.from_pretrained(config.export, output_loading_info=True)
    assert model.config.max_position_embeddings == tokenizer.model_max_length == config.training.length
    assert model.embeddings.position_embeddings.num_embeddings == config.training.length
    assert not info["missing_keys"]
    assert not info["unexpected_keys"]
    assert type(model).__name__ == "ElectraModel"
    assert model.config.hidden_dropout_prob == pytest.approx(0.1)
    hidden = model.float()(**tokenizer("나주시와 전주시", return_tensors="pt")).last_hidden_state
    assert hidden.shape[-1] == 32
    assert torch.isfinite(hidden).all()


def test_the_warm_start_gives_a_lower_first_loss(corpus_folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("gensim")
    cold = tiny_recipe(corpus_folder, tmp_path / "cold", steps=4)
    warm = tiny_recipe(corpus_folder, tmp_path / "warm", steps=4, tokens=20_000)
    pretrain(cold)
    pretrain(warm)
    assert losses(warm.output)[1] < losses(cold.output)[1] - 0.3


def eojeol_teacher() -> Teacher:
    """Stands for the analyser: every word is a proper noun whose last character is a particle."""

    def teach(texts: Sequence[str]) -> Iterator[list[Morpheme]]:
        for text in texts:
            spans = [match.span() for match in re.finditer(r"\S+", text)]
            yield [m for start, end in spans for m in (Morpheme("NNP", start, end - 1), Morpheme("JX", end - 1, end))]

    return teach


def test_a_teacher_gives_every_piece_a_class_that_the_encoder_learns(
    corpus_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("train.pretrain.run.kiwi", eojeol_teacher)
    tiny = tiny_recipe(corpus_folder, tmp_path, steps=60)
    config = tiny.model_copy(update={"objective": Objective(teacher="kiwi")})
    pretrain(config)
    pieces = PackedTokens(config.output / "tokens.bin", 32, seed=1)
    ids, tags = pieces.batch(0, 50), pieces.tags(0, 50)
    # Only separators, and nothing of the text, are without a class.
    assert (tags[ids >= len(SPECIAL_PIECES)] != UNTAGGED).all() and (tags[(ids == CLS) | (ids == SEP)] == UNTAGGED).all()
    assert set(np.unique(tags)) - {UNTAGGED} <= {tag_class(tag, begins) for tag in ("NNP", "JX") for begins in (True, False)}
    log = [json.loads(line) for line in (config.output / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    assert log[-1]["teacher_loss"] < 0.5 * log[0]["teacher_loss"]
    assert log[-1]["loss"] == pytest.approx(log[-1]["masked_loss"] + log[-1]["teacher_loss"], abs=1e-3)


def test_an_output_folder_keeps_to_its_recipe(corpus_folder: Path, tmp_path: Path) -> None:
    config = tiny_recipe(corpus_folder, tmp_path, steps=1)
    pretrain(config)
    longer = config.training.model_copy(update={"budget": Budget(steps=2), "log_every": 2})
    assert pretrain(config.model_copy(update={"training": longer})).step == 2
    other = {"objective": Objective(whole_words=True), "corpus": config.corpus.model_copy(update={"folder": tmp_path / "no"})}
    with pytest.raises(ConfigError, match=r"another corpus\.folder, objective\.whole_words"):
        pretrain(config.model_copy(update=other))


def test_a_start_that_is_not_there_yet_leaves_no_vocabulary_behind(corpus_folder: Path, tmp_path: Path) -> None:
    first = tiny_recipe(corpus_folder, tmp_path / "first", steps=1)
    second = tiny_recipe(corpus_folder, tmp_path / "second", steps=1).model_copy(update={"start_from": first.export})
    for mistaken in ({}, {"start_from": None, "continue_run": tmp_path}, {"corpus": Corpus(folder=tmp_path / "no")}):
        with pytest.raises((ConfigError, CorpusError)):
            pretrain(second.model_copy(update=mistaken))
    assert not second.output.exists()
    pretrain(first)
    pretrain(second)
    assert (second.output / "tokenizer/tokenizer.json").read_bytes() == (first.export / "tokenizer.json").read_bytes()
    shutil.rmtree(first.export)
    assert pretrain(second).step == 1  # what has begun does not need its start any more


def test_first_weights_can_take_an_earlier_vocabulary(corpus_folder: Path, tmp_path: Path) -> None:
    first = tiny_recipe(corpus_folder, tmp_path / "first", steps=1)
    pretrain(first)
    recipe = tiny_recipe(corpus_folder, tmp_path / "second", steps=1).model_dump(mode="json")
    recipe |= {"tokenizer": str(first.output / "tokenizer"), "vocabulary": {"size": 400}}
    second = PretrainConfig.model_validate(recipe)
    pretrain(second)
    assert (second.output / "tokenizer/tokenizer.json").read_bytes() == (first.output / "tokenizer/tokenizer.json").read_bytes()
    with pytest.raises(ValidationError, match="bring their own tokenizer"):
        PretrainConfig.model_validate(recipe | {"start_from": str(first.export)})


@pytest.mark.parametrize(
    ("section", "change", "said"),
    [
        ("training", {"length": 65}, "more than architecture"),
        ("objective", {"keep_fraction": 0.6, "random_fraction": 0.5}, "at most 1"),
    ],
)
def test_recipes_that_cannot_be(corpus_folder: Path, tmp_path: Path, section: str, change: dict[str, float], said: str) -> None:
    recipe = tiny_recipe(corpus_folder, tmp_path).model_dump(mode="json")
    recipe[section] |= change
    with pytest.raises(ValidationError, match=said):
        PretrainConfig.model_validate(recipe)


def test_a_teacher_needs_the_masked_objective() -> None:
    with pytest.raises(ValidationError, match=r"objective\.teacher"):
        Objective(kind="replaced", teacher="kiwi")


def test_overrides_stand_above_the_recipe() -> None:
    config = load_config(REPOSITORY / "configs/pretrain/base.yaml", ["objective.whole_words=true", "training.batch=8"])
    assert config.objective.whole_words and config.training.batch == 8
    with pytest.raises(ConfigError, match="dotted"):
        load_config(REPOSITORY / "configs/pretrain/base.yaml", ["objective.whole_words"])


def test_training_lowers_the_loss(corpus_folder: Path, tmp_path: Path) -> None:
    config = tiny_recipe(corpus_folder, tmp_path, steps=80)
    pretrain(config)
    curve = losses(config.output)
    first, last = (sum(curve[s] for s in steps) / 10 for steps in (range(1, 11), range(71, 81)))
    assert last < first - 0.5


def test_a_run_can_start_from_an_exported_encoder(corpus_folder: Path, tmp_path: Path) -> None:
    first = tiny_recipe(corpus_folder, tmp_path / "first", steps=2)
    pretrain(first)
    second = tiny_recipe(corpus_folder, tmp_path / "second", steps=1)
    # Another seed, and next to no rate: what is exported is the start or nothing like it.
    training = second.training.model_copy(update={"seed": 99, "rate": 1e-9})
    pretrain(second.model_copy(update={"start_from": first.export, "training": training}))
    before, after = (AutoModel.from_pretrained(c.export, dtype=torch.float32).state_dict() for c in (first, second))
    for name, weight in before.items():
        assert torch.allclose(weight, after[name], atol=1e-3), name


def test_a_run_can_continue_another_from_before_its_decay(corpus_folder: Path, tmp_path: Path) -> None:
    first = tiny_recipe(corpus_folder, tmp_path / "first")
    pretrain(first)
    longer = tiny_recipe(corpus_folder, tmp_path / "second", steps=20).model_copy(update={"continue_run": first.output})
    assert pretrain(longer).step == 20
    # The schedule decays over the last quarter: the earlier run kept its state after step 10 of 12.
    assert min(losses(longer.output)) == 11
    kept = AutoModel.from_pretrained(first.output / "before-decay").embeddings.word_embeddings.weight
    assert not torch.equal(kept, AutoModel.from_pretrained(first.export).embeddings.word_embeddings.weight)
    spent = tiny_recipe(corpus_folder, tmp_path / "third", steps=10).model_copy(update={"continue_run": first.output})
    with pytest.raises(ConfigError, match="spent the budget already"):
        pretrain(spent)


@pytest.mark.slow
def test_the_command_runs_the_smoke_recipe(corpus_folder: Path, tmp_path: Path) -> None:
    recipe = yaml.safe_load((REPOSITORY / "configs/pretrain/smoke.yaml").read_text(encoding="utf-8"))
    recipe |= {"output": str(tmp_path / "run"), "export": str(tmp_path / "encoder")}
    recipe["corpus"] = {"folder": str(corpus_folder)}
    path = tmp_path / "smoke.yaml"
    path.write_text(yaml.safe_dump(recipe), encoding="utf-8")
    command = [sys.executable, "-m", "train.pretrain", "--config", str(path)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=REPOSITORY, env=environment)
    assert "steps" in done.stdout
    assert (tmp_path / "encoder/model.safetensors").exists()


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_every_shipped_recipe_loads(path: Path) -> None:
    assert isinstance(load_config(path), PretrainConfig)


def test_a_misspelt_key_is_refused(corpus_folder: Path, tmp_path: Path) -> None:
    recipe = tiny_recipe(corpus_folder, tmp_path).model_dump(mode="json")
    recipe["training"]["learning_rate"] = 1e-3
    with pytest.raises(ValidationError, match="learning_rate"):
        PretrainConfig.model_validate(recipe)


def test_a_budget_is_steps_or_minutes(corpus_folder: Path, tmp_path: Path) -> None:
    recipe = tiny_recipe(corpus_folder, tmp_path).model_dump(mode="json")
    recipe["training"]["budget"] = {"steps": 3, "cpu_minutes": 1}
    with pytest.raises(ValidationError, match="either"):
        PretrainConfig.model_validate(recipe)


def test_positions_that_an_exported_encoder_lacks_start_anew(corpus_folder: Path, tmp_path: Path) -> None:
    config = tiny_recipe(corpus_folder, tmp_path / "first", steps=2)
    pretrain(config)
    pieces = Tokenizer.from_file(str(config.export / "tokenizer.json")).get_vocab_size()
    model = build_model(config, pieces)
    before = model.encoder.embeddings.position_embeddings.weight.detach().clone()
    model.continue_from(config.export, torch.ones(pieces))
    after, length = model.encoder.embeddings.position_embeddings.weight, config.training.length
    exported = AutoModel.from_pretrained(config.export, dtype=torch.float32).embeddings.position_embeddings.weight
    assert len(exported) == length < len(after)
    assert torch.equal(after[:length], exported) and torch.equal(after[length:], before[length:])
