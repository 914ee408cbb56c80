"""Masking, schedule, first weights and the networks."""

from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_pretraining import tiny_recipe
from transformers import ElectraModel

from train.pretrain.config import Objective, PretrainConfig, WarmStart
from train.pretrain.locality import point_heads_at_neighbours, sinusoids
from train.pretrain.masking import mask_batch
from train.pretrain.model import ReplacedModel, build_model, encoder_config, sample
from train.pretrain.schedule import in_decay, rate_factor
from train.pretrain.teacher import CLASSES, TAGS, UNTAGGED, Morpheme, piece_classes, tag_class
from train.pretrain.vectors import train_vectors
from train.pretrain.vocabulary import CLS, MASK, SEP


def packed(rows: int, length: int, pieces: int) -> np.ndarray:
    ids = np.random.default_rng(0).integers(5, pieces, (rows, length))
    ids[:, 0], ids[:, -1] = CLS, SEP
    return ids


def test_masking_hides_a_fixed_number_a_row_and_no_special_piece() -> None:
    ids = packed(8, 40, 100)
    batch = mask_batch(ids, np.zeros(100, dtype=bool), Objective(mask_fraction=0.2), np.random.default_rng(1))
    assert len(batch.positions) == 8 * 8
    assert len(set(batch.positions.tolist())) == len(batch.positions)
    assert (batch.targets >= 5).all()
    assert (ids.ravel()[batch.positions] == batch.targets).all()
    untouched = np.setdiff1d(np.arange(ids.size), batch.positions)
    assert (batch.masked.ravel()[untouched] == ids.ravel()[untouched]).all()
    assert 0.6 < (batch.masked.ravel()[batch.positions] == MASK).mean() < 0.95


def test_whole_words_are_hidden_together() -> None:
    # Words of two pieces: an even id starts one and the odd id after it continues it.
    ids = np.tile(np.array([CLS, *range(6, 46), SEP]), (4, 1))
    continues = np.arange(50) % 2 == 1
    objective = Objective(mask_fraction=8 / 42, whole_words=True)
    batch = mask_batch(ids, continues, objective, np.random.default_rng(1))
    for row in np.sort(batch.targets.reshape(4, 8)):
        assert (row[1::2] == row[::2] + 1).all()


def test_the_schedule_is_a_trapezoid() -> None:
    factors = [rate_factor(p, warmup=0.1, decay=0.2) for p in (0.0, 0.05, 0.1, 0.5, 0.8, 0.9, 1.0, 1.1)]
    assert factors == pytest.approx([0, 0.5, 1, 1, 1, 0.5, 0, 0])
    assert [in_decay(p, 0.2) for p in (0.5, 0.8, 0.81)] == [False, False, True]


def test_vectors_put_pieces_of_like_company_together() -> None:
    pytest.importorskip("gensim")
    # Pieces 5-9 and 10-14 never meet.
    rng = np.random.default_rng(0)
    rows = [rng.integers(5, 10, 128) if i % 2 else rng.integers(10, 15, 128) for i in range(200)]
    ids = np.concatenate(rows).astype(np.uint16)
    vectors = train_vectors(ids, 15, 8, WarmStart(sample=0.0), seed=1)
    unit = torch.nn.functional.normalize(vectors[5:], dim=1)
    likeness = unit @ unit.T
    assert likeness[:5, :5].mean() > 0.5 > likeness[:5, 5:].mean()
    assert vectors[5:].std() == pytest.approx(0.05, rel=0.01)


def test_heads_start_at_their_neighbours(tmp_path: Path) -> None:
    torch.manual_seed(0)
    config = tiny_recipe(tmp_path, tmp_path)
    architecture = config.architecture.model_copy(
        update={"hidden_size": 256, "num_attention_heads": 4, "embedding_size": 128, "max_position_embeddings": 512}
    )
    encoder = ElectraModel(encoder_config(200, architecture, 0.0, "eager"))
    with torch.no_grad():
        encoder.embeddings.word_embeddings.weight.normal_(std=0.05)
        encoder.embeddings.position_embeddings.weight.copy_(sinusoids(512, 128, 0.05))
        point_heads_at_neighbours(encoder)
        seen = encoder(input_ids=torch.randint(5, 200, (2, 60)), output_attentions=True).attentions[0].mean(0)
    for head, offset in enumerate((-1, 1, -2, 2)):
        by_offset = {d: torch.diagonal(seen[head], d).mean().item() for d in range(-20, 21)}
        assert max(by_offset, key=lambda d: by_offset[d]) == offset
        assert by_offset[offset] > 0.2


def test_sampling_follows_the_probabilities() -> None:
    torch.manual_seed(0)
    logits = torch.tensor([[0.7, 0.1, 0.2]]).log().expand(5000, 3)
    shares = torch.bincount(sample(logits), minlength=3) / 5000
    assert shares.tolist() == pytest.approx([0.7, 0.1, 0.2], abs=0.03)


@pytest.mark.parametrize("kind", ["masked", "replaced"])
def test_an_objective_gives_every_weight_a_gradient(tmp_path: Path, kind: str) -> None:
    config: PretrainConfig = tiny_recipe(tmp_path, tmp_path, kind)
    model = build_model(config, 100)
    batch = mask_batch(packed(4, 32, 100), np.zeros(100, dtype=bool), config.objective, np.random.default_rng(1))
    losses = model(*(torch.from_numpy(a) for a in (batch.ids, batch.masked, batch.positions, batch.targets)))
    losses["loss"].backward()
    assert all(parameter.grad is not None for parameter in model.parameters())
    if kind == "replaced":
        assert isinstance(model, ReplacedModel)
        assert model.generator.embeddings is model.encoder.embeddings
        assert 0 <= losses["discriminator_accuracy"] <= 1


def test_a_piece_takes_the_morpheme_of_its_first_character() -> None:
    # 지난 나주시에: 지나/VV + ㄴ/ETM share 난, 나주시/NNP + 에/JKB; pieces 지난, 나, ##주시에.
    morphemes = [Morpheme("VV", 0, 2), Morpheme("ETM", 1, 2), Morpheme("NNP", 3, 6), Morpheme("JKB", 6, 7)]
    classes = piece_classes(8, morphemes, [0, 1, 3, 4, 6, 7])
    expected = [("VV", True), ("VV", False), ("NNP", True), ("NNP", False), ("JKB", True)]
    assert classes.tolist() == [*(tag_class(*pair) for pair in expected), UNTAGGED]


def test_classes_of_tags_are_distinct_and_in_range() -> None:
    classes = [tag_class(tag, begins) for tag in (*TAGS, "W_URL") for begins in (False, True)]
    assert sorted(classes) == list(range(1, CLASSES))
    assert tag_class("VV-R", begins=True) == tag_class("VV", begins=True)
