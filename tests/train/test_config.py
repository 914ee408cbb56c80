"""Recipes: what ships loads, what is wrong is refused with file and key, what is resolved reads back."""

import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from model.runtime.errors import ConfigError
from train.config import Recipe, load_recipe, recipe_yaml

CONFIGS = sorted((Path(__file__).parents[2] / "configs").glob("*.yaml"))


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "recipe.yaml"
    path.write_text("name: a\ntraining:\n  epochs: 3\n", encoding="utf-8")
    return path


def test_recipes_are_shipped_and_do_not_share_a_run_folder() -> None:
    names = [load_recipe(path).name for path in CONFIGS]
    assert names
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_shipped_recipes_load_and_read_back(path: Path, tmp_path: Path) -> None:
    recipe = load_recipe(path)
    (tmp_path / "resolved.yaml").write_text(recipe_yaml(recipe), encoding="utf-8")
    assert load_recipe(tmp_path / "resolved.yaml") == recipe


def test_what_the_file_leaves_out_has_its_default(recipe: Path) -> None:
    loaded = load_recipe(recipe)
    assert (loaded.name, loaded.training.epochs) == ("a", 3)
    assert loaded == Recipe(name="a").model_copy(update={"training": loaded.training})
    assert loaded.training.model_dump(exclude={"epochs"}) == Recipe(name="a").training.model_dump(exclude={"epochs"})


def test_the_resolved_recipe_writes_out_every_knob(recipe: Path) -> None:
    resolved = yaml.safe_load(recipe_yaml(load_recipe(recipe)))
    assert resolved.keys() == Recipe.model_fields.keys()
    for section in ("encoder", "window", "network", "training"):
        assert resolved[section].keys() == type(getattr(Recipe(name="a"), section)).model_fields.keys()
    assert resolved["training"]["epochs"] == 3


rates = st.floats(min_value=0, exclude_min=True, allow_infinity=False)


@settings(max_examples=50)
@given(rates, st.floats(0, 1), st.integers(0, 2**32 - 1), st.none() | st.integers(1, 64), st.text("가 '\":#-é\\[{", min_size=1))
def test_any_recipe_reads_back(tmp_path: Path, rate: float, share: float, seed: int, threads: int | None, encoder: str) -> None:
    recipe = Recipe.model_validate(
        {
            "name": "a",
            "seed": seed,
            "encoder": {"name": encoder},
            "training": {"encoder_rate": rate, "warmup": share, "threads": threads},
        }
    )
    path = tmp_path / "resolved.yaml"
    path.write_text(recipe_yaml(recipe), encoding="utf-8")
    assert load_recipe(path) == recipe


BAD = [
    ("name: a\nspeed: 3", "speed: unknown key"),
    ("name: a\ntraining: {epoch: 3}", "training.epoch: unknown key"),
    ("name: a\nencoder: {random: {width: 3}}", "encoder.random.width: unknown key"),
    ("seed: 3", "name: Field required"),
    ("name: ../a", "name: String should match"),
    ("name: a\ntraining: {epochs: many}", "training.epochs: Input should be a valid integer"),
    ("name: a\ntraining: {epochs: 0}", "training.epochs: Input should be greater than or equal to 1"),
    ("name: a\ntraining: {epochs: 1.5}", "training.epochs: Input should be a valid integer"),
    ("name: a\ntraining: {encoder_rate: 0}", "training.encoder_rate: Input should be greater than 0"),
    ("name: a\ntraining: {encoder_rate: .inf}", "training.encoder_rate: Input should be a finite number"),
    ("name: a\ntraining: {weight_decay: .nan}", "training.weight_decay: Input should be a finite number"),
    ("name: a\ntraining: {warmup: 1}", "training.warmup: Input should be less than 1"),
    ("name: a\ntraining: {precision: fp8}", "training.precision: Input should be 'auto', 'fp32' or 'bf16'"),
    ("name: a\nthreshold: 1", "threshold: Input should be less than 1"),
    ("name: a\nnetwork: {kernel: 4}", "network: Value error, kernel must be odd"),
    ("name: a\nencoder: {random: {hidden: 64, heads: 3}}", "encoder.random: Value error, hidden must be a multiple of heads"),
    ("name: a\nseed: -1", "seed: Input should be greater than or equal to 0"),
    ("name: a\nseed: 4294967296", "seed: Input should be less than 4294967296"),
    ("name: a\naugmentation: {typography: 0.5}", "augmentation: Value error, typography changes copies, and there are none"),
    ("name: a\ntraining: {start_share: 0.2}", "Value error, training.start_share needs encoder.heads"),
    ("name: a\ntraining: {start_share: 1}", "training.start_share: Input should be less than 1"),
    ("name: a\ntraining:", "training: Input should be a valid dictionary"),
    ("name: a\n1: 2", "1: Keys should be strings"),
    ("name: a\nspeed: 3\nwindow: {length: 2}", "window.length: Input should be greater than or equal to 16; speed: unknown key"),
    ("- name", "should hold keys and values"),
    ("", "should hold keys and values"),
    ("name: [a", "is not valid YAML"),
    ("name: a\x00", "is not valid YAML"),
]


@pytest.mark.parametrize(("content", "message"), BAD)
def test_bad_recipes_name_file_and_key(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError) as raised:
        load_recipe(path)
    assert str(raised.value).startswith(f"{path}: {message}")
    assert "\n" not in str(raised.value)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=re.escape(f"{tmp_path}/missing.yaml: cannot be read (No such file or directory)")):
        load_recipe(tmp_path / "missing.yaml")
    with pytest.raises(ConfigError, match=re.escape(f"{tmp_path}: cannot be read (Is a directory)")):
        load_recipe(tmp_path)
    (tmp_path / "korean.yaml").write_bytes("name: 부산".encode("cp949"))
    with pytest.raises(ConfigError, match=re.escape(f"{tmp_path}/korean.yaml: is not valid YAML")):
        load_recipe(tmp_path / "korean.yaml")


@pytest.mark.parametrize(
    ("override", "section", "knob", "value"),
    [
        ("training.epochs=5", "training", "epochs", 5),
        ("training.encoder_rate=3e-5", "training", "encoder_rate", 3e-5),
        ("window.length=96", "window", "length", 96),  # a section that the file does not have
        ("encoder.name=./folder=1", "encoder", "name", "./folder=1"),
        ("training={patience: 2}", "training", "patience", 2),
    ],
)
def test_overrides(recipe: Path, override: str, section: str, knob: str, value: object) -> None:
    assert getattr(getattr(load_recipe(recipe), section), knob) != value
    assert getattr(getattr(load_recipe(recipe, [override]), section), knob) == value


def test_overrides_leave_the_rest_alone_and_the_last_one_counts(recipe: Path) -> None:
    loaded = load_recipe(recipe, ["seed=1", "encoder.random.layers=2", "seed=2"])
    assert (loaded.seed, loaded.encoder.random.layers, loaded.training.epochs) == (2, 2, 3)


def test_an_override_can_take_a_value_away(tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text("name: a\ntraining: {threads: 2}", encoding="utf-8")
    assert load_recipe(path).training.threads == 2
    assert load_recipe(path, ["training.threads=null"]).training.threads is None


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("training.epochs", "override “training.epochs”: write dotted.key=value"),
        ("=3", "override “=3”: write dotted.key=value"),
        ("name.short=b", "override “name.short=b”: name is not a section"),
        ("training.epochs.x=1", "override “training.epochs.x=1”: epochs is not a section"),
        ("training.epochs=[", "override “training.epochs=[”: the value is not valid YAML"),
        ("training.epoch=3", "{path}: training.epoch: unknown key"),
        ("training.epochs=0", "{path}: training.epochs: Input should be greater than or equal to 1"),
        ("trainings.epochs=3", "{path}: trainings: unknown key"),
    ],
)
def test_bad_overrides_name_the_key(recipe: Path, override: str, message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        load_recipe(recipe, [override])
    assert str(raised.value) == message.format(path=recipe)


def test_a_recipe_does_not_change_under_way() -> None:
    recipe = Recipe(name="a")
    with pytest.raises(ValueError, match="frozen"):
        recipe.training.epochs = 3  # type: ignore[misc]
