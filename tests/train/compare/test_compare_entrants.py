"""Finding, opening and measuring what takes part; predictions kept on disk; the command line."""

import hashlib
import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from samples import GOLD, answers_of, document, gold_articles, write_checkpoint, write_corpus, write_run
from typer.testing import CliRunner

from model.checkpoint import save_model
from model.export import export_onnx
from model.network import JointNetwork
from model.runtime.document import write_jsonl
from model.runtime.errors import ConfigError, DataError, ModelError
from model.runtime.predictor import Predictor
from train.compare.__main__ import app
from train.compare.entrants import Entrant, find_entrants, opened, recipe_name, size_of
from train.compare.logs import ENTITIES, LOSS, training_cost, training_log
from train.compare.predictions import answers, cache_key
from train.compare.recipes import flattened, side_by_side
from train.config import Recipe

Build = Callable[..., Predictor]
FACTS = {"seed": 13, "minutes": 2.5, "epochs": 18.0, "machine": "Linux", "threads": 2}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_tiny_run(folder: Path, predictor: Predictor) -> Path:
    """A run whose model can be opened."""
    write_run(folder, Recipe(name=folder.name), FACTS)
    assert isinstance(predictor.network, JointNetwork)
    save_model(folder / "model", predictor.network, predictor.tokenizer, predictor.settings, predictor.lexicon)
    return folder


def described(*places: str, checkpoints: bool = False) -> list[tuple[str, str, int | None]]:
    return [(e.name, e.kind, e.step) for e in find_entrants(places, checkpoints)]


def test_runs_and_their_checkpoints_in_the_order_of_training(here: Path) -> None:
    run = write_run(Path("runs/a"), Recipe(name="a"), FACTS)
    for step in (100, 20):
        write_checkpoint(run, step, [])
    write_run(Path("runs/b"), Recipe(name="b"), FACTS)
    assert described("runs/a", "runs/b", "runs/a") == [("a", "run", None), ("b", "run", None)]
    stages = [("a@20", "checkpoint", 20), ("a@100", "checkpoint", 100)]
    assert described("runs/a/checkpoint-*") == described("runs/a/checkpoints/checkpoint-*") == stages
    assert described("runs/a", checkpoints=True) == [*stages, ("a", "run", None)]
    assert described("runs/a/model") == [("a", "model", None)]
    assert described("runs/*") == [("a", "run", None), ("b", "run", None)]


def test_a_wildcard_passes_over_what_is_no_entrant(here: Path, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("runs/a", "runs/.trash", "runs/.old/b"):
        write_run(Path(name), Recipe(name="a"), FACTS)
    Path("runs/.a.lock").write_text("")
    Path("runs/notes.txt").write_text("")
    Path("runs/speed").mkdir()
    write_checkpoint(Path("runs/begun"), 5, [])
    Path("runs/begun/config.yaml").write_text("{}")
    assert described("runs/*") == described(str(here / "runs/*")) == described("*/*") == [("a", "run", None)]
    assert "begun: the run is not finished" in caplog.text and "notes.txt" not in caplog.text
    assert described("runs/.t*") == [(".trash", "run", None)] and described("runs/.old/*") == [("b", "run", None)]
    with pytest.raises(ModelError, match=r"runs/s\*: there is no such run"):
        find_entrants(["runs/s*"])


def test_predictions_are_pointed_to_what_scores_them(here: Path) -> None:
    Path("pred.jsonl").write_text("")
    with pytest.raises(ModelError, match=r"python -m train.data agreement gold.jsonl pred.jsonl"):
        find_entrants(["pred.jsonl"])


def test_entrants_of_one_name_are_told_apart(here: Path) -> None:
    for folder in ("x/a", "y/a"):
        write_run(Path(folder), Recipe(name="a"), FACTS)
    assert [name for name, *_ in described("x/a", "y/a")] == ["x/a", "y/a"]


@pytest.mark.parametrize("place", ["nowhere", "no*where", "empty", "file.txt", "runs/a/checkpoint-7"])
def test_what_is_no_entrant_is_refused_by_name(here: Path, place: str) -> None:
    Path("empty").mkdir()
    Path("file.txt").write_text("")
    with pytest.raises(ModelError, match=place.replace("*", r"\*")):
        find_entrants([place])


def test_size_cost_and_log(here: Path) -> None:
    run = write_run(Path("runs/a"), Recipe(name="a"), FACTS, parameters=123)
    history = [{"step": 5, "loss": 2.0}, {"step": 5, "loss": 1.5}, {"step": 9, "eval_entity_f1": 0.5}]
    write_checkpoint(run, 9, history)
    whole, stage = find_entrants(["runs/a", "runs/a/checkpoint-9"])
    assert size_of(whole).parameters == 123 and size_of(whole).bytes > 4 * 123
    assert size_of(stage).parameters == 3
    assert (training_cost(whole).minutes, training_cost(whole).steps, training_cost(whole).windows) == (2.5, 9, 72)
    assert (training_cost(stage).minutes, training_cost(stage).epochs) == (None, 0.9)
    log = training_log(run)
    assert log.curve(LOSS) == ((5, 1.5),) and log.curve(ENTITIES) == ((9, 0.5),) and log.curve("none") == ()


def test_settings_side_by_side() -> None:
    assert flattened({"a": {"b": 1, "c": None}, "d": "x"}) == {"a.b": "1", "a.c": "null", "d": "x"}
    rows = side_by_side([{"a": 1, "b": {"c": True}}, {"b": {"c": True}, "e": 2}])
    assert [(row.key, row.values, row.differs) for row in rows] == [
        ("a", ("1", ""), True),
        ("b.c", ("true", "true"), False),
        ("e", ("", "2"), True),
    ]


def test_predictions_are_kept_until_something_they_depend_on_changes(here: Path, tiny_predictor: Build) -> None:
    write_tiny_run(Path("runs/a"), tiny_predictor(outside=1.0))
    (entrant,) = find_entrants(["runs/a"])
    gold = [document(body, f"t{n}") for n, body in enumerate(GOLD)]
    first = answers(entrant, gold, 1, Path("cache"))
    assert first.speed.median > 0 and first.speed.articles == 4 and first.speed.where.startswith("CPU, 1 thread")
    (kept,) = Path("cache").iterdir()
    stamp = kept.stat().st_mtime_ns
    assert answers(entrant, gold, 1, Path("cache")) == first
    assert kept.stat().st_mtime_ns == stamp
    assert cache_key(entrant, gold, 1) != cache_key(entrant, gold[:3], 1)
    write_tiny_run(Path("runs/b"), tiny_predictor(outside=2.0))
    assert cache_key(find_entrants(["runs/b"])[0], gold, 1) != cache_key(entrant, gold, 1)
    kept.write_text(kept.read_text()[:-40])
    again = answers(entrant, gold, 1, Path("cache"))
    assert again.predictions == first.predictions
    assert json.loads(kept.read_text())["format"] == 1


def test_a_checkpoint_is_its_weights_in_the_model_of_its_run(here: Path, tiny_predictor: Build) -> None:
    text = "부산시는 3일 후쿠오카시를 방문했다."
    final, early = tiny_predictor(outside=0.5), tiny_predictor(outside=-0.5)
    write_tiny_run(Path("runs/a"), final)
    write_tiny_run(Path("other"), early)
    folder = write_checkpoint(Path("runs/a"), 5, [])
    (folder / "model.safetensors").write_bytes(Path("other/model/model.safetensors").read_bytes())
    (entrant,) = find_entrants(["runs/a/checkpoint-5"])
    with opened(entrant, 1) as predictor:
        assert predictor.predict(text) == early.predict(text) != final.predict(text)


def packed(folder: Path, wheel: Path) -> Path:
    """The exported folder as the wheel carries it, with a file that tries to leave the folder."""
    with zipfile.ZipFile(wheel, "w") as archive:
        for path in folder.iterdir():
            archive.write(path, f"dosilink/weights/{path.name}")
        archive.writestr("dosilink/weights/../../escaped.txt", "x")
    return wheel


@pytest.mark.slow
def test_exported_folder_and_wheel_answer_as_the_run_does(here: Path, tiny_predictor: Build) -> None:
    predictor = tiny_predictor(outside=0.5)
    run = write_tiny_run(Path("runs/a"), predictor)
    folder = Path("exported")
    folder.mkdir()
    assert isinstance(predictor.network, JointNetwork)
    export_onnx(predictor.network, folder)
    for name in ("dosilink.json", "tokenizer.json", "lexicon.json"):
        (folder / name).write_bytes((run / "model" / name).read_bytes())
    wheel = packed(folder, Path("dosilink-0.1.0-py3-none-any.whl"))
    text = "부산시는 3일 후쿠오카시를 방문해 수소 분야 협력을 논의했다."
    expected = [(e.start, e.end, e.label) for e in predictor.predict(text).entities]
    onnx, whl = find_entrants(["exported", str(wheel)])
    assert (onnx.kind, whl.kind) == ("onnx", "wheel")
    for entrant in (onnx, whl):
        with opened(entrant, 1) as exported:
            assert [(e.start, e.end, e.label) for e in exported.predict(text).entities] == expected
        assert recipe_name(entrant) == "tiny"
        assert size_of(entrant).parameters == pytest.approx(size_of(find_entrants(["runs/a"])[0]).parameters, rel=0.1)
    assert not list(here.rglob("escaped.txt"))


def test_a_file_that_is_no_wheel_of_ours(here: Path) -> None:
    broken, other = Path("broken.whl"), Path("other.whl")
    broken.write_bytes(b"no zip")
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("x/y.py", "")
    for path, said in ((broken, "cannot be unpacked"), (other, "no wheel of this project")):
        with pytest.raises(ModelError, match=said), opened(Entrant("x", "wheel", path)):
            pass


# Command line


@pytest.fixture
def two_runs(here: Path, tiny_predictor: Build) -> Path:
    write_corpus(Path("data"))
    write_tiny_run(Path("runs/a"), tiny_predictor(outside=0.2))
    write_tiny_run(Path("runs/b"), tiny_predictor(outside=0.6))
    return here


def command(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["--data", "data", "--resamples", "200", "--cache", "cache", *arguments])
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.stdout


def test_a_comparison_writes_three_files(two_runs: Path) -> None:
    code, said = command("runs/a", "runs/b")
    assert code == 0 and "report: reports/a_b-test-data/report.html" in said
    assert {path.name for path in Path("reports/a_b-test-data").iterdir()} == {"report.html", "report.md", "report.json"}


def test_reports_on_other_data_stand_apart_and_name_their_data(two_runs: Path) -> None:
    write_corpus(Path("data/annotations"))
    write_corpus(Path("other"))
    write_jsonl(Path("other/test.jsonl"), gold_articles()[:3])
    for data, folder in (("data/annotations", "a-test"), ("other", "a-test-other")):
        command("runs/a", "--data", data)
        digits = hashlib.sha256(Path(data, "test.jsonl").read_bytes()).hexdigest()[:12]
        found = json.loads(Path("reports", folder, "report.json").read_text())
        assert (found["data"], found["data_sha256"]) == (data, digits)
        assert f"Split test of {data} (sha256 {digits}), " in Path("reports", folder, "report.md").read_text()
        assert f"<b>test of {data} (sha256 {digits})</b>" in Path("reports", folder, "report.html").read_text()


def test_notes_are_printed_where_the_verdict_is_read(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_corpus(Path("data"))
    for name in ("a", "b"):
        write_run(Path("runs") / name, Recipe(name=name), {"train.jsonl sha256": "other"})
    monkeypatch.setattr("train.compare.comparison.answers", lambda *_: answers_of(GOLD, 0.9, 10.0))
    monkeypatch.setattr("train.compare.__main__.Sampling", _lenient)
    for arguments in (("runs/a", "runs/b"), ("--baseline", "runs/a", "--candidate", "runs/b", "--fail-if-worse", "entity_f1")):
        code, said = command(*arguments)
        assert code == 0 and "note: b was made with another train.jsonl than the present one" in said


def test_a_data_folder_with_nothing_but_the_split(two_runs: Path) -> None:
    Path("data/train.jsonl").unlink()
    code, said = command("runs/a", "runs/b", "--output", "out")
    assert code == 0 and "note: data has no train.jsonl" in said and "another train.jsonl" not in said
    report = Path("out/report.md").read_text()
    assert "seen and unseen names are not told apart" in report and "Mentions F1, names seen" not in report
    assert "F1 by length of the article" in report
    assert json.loads(Path("out/report.json").read_text())["entrants"]["a"]["seen"] == {}


def test_a_broken_training_split_is_named_before_anything_is_predicted(two_runs: Path) -> None:
    Path("data/train.jsonl").write_text("{broken\n")
    with pytest.raises(DataError, match=r"train\.jsonl"):
        command("runs/a")
    assert not Path("cache").exists()


def test_a_report_of_one_run_has_no_pairs(two_runs: Path) -> None:
    code, _ = command("runs/a", "--output", "out", "--title", "One")
    data = json.loads(Path("out/report.json").read_text())
    assert code == 0 and data["title"] == "One" and data["pairs"] == []


def test_the_gate_passes_and_fails(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_corpus(Path("data"))
    for name in ("good", "bad"):
        write_run(Path("runs") / name, Recipe(name=name), FACTS)
    bare = [re.sub(r"\[([^/]*)/\w+\]", r"\1", body.split("\n>")[0]) for body in GOLD]
    bodies = {"good": GOLD, "bad": bare}
    monkeypatch.setattr("train.compare.comparison.answers", lambda entrant, *_: answers_of(bodies[entrant.name], 0.9, 10.0))
    monkeypatch.setattr("train.compare.__main__.Sampling", _lenient)
    code, said = command("--baseline", "runs/good", "--candidate", "runs/bad", "--fail-if-worse", "entity_f1:0.005")
    assert code == 1 and "FAIL  entity_f1: −100.0 points" in said
    code, _ = command("--baseline", "runs/bad", "--candidate", "runs/good", "--fail-if-worse", "entity_f1:0.005")
    assert code == 0


def test_a_gate_that_could_never_fail_is_refused(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_corpus(Path("data"))
    for name in ("good", "bad"):
        write_run(Path("runs") / name, Recipe(name=name), FACTS)
    gate = ("--baseline", "runs/good", "--candidate", "runs/bad", "--fail-if-worse", "entity_f1:0.005")
    # Four articles have sixteen swaps: p is never below 1/8, so at the usual level nothing is significant. Nothing is predicted:
    # the runs have no weights to predict with.
    with pytest.raises(DataError, match=r"test.jsonl: 4 articles are too few for any verdict at this level \(at least 6\)"):
        command(*gate)
    # At a level that four articles can reach, a type that one article has is still out of reach.
    monkeypatch.setattr("train.compare.__main__.Sampling", _lenient)
    monkeypatch.setattr("train.compare.comparison.answers", lambda *_: answers_of(GOLD, 0.9, 10.0))
    said = r"relation_f1.VISITS: 1 article of 4 \(the others hold none\) is too few .* \(at least 4\)$"
    with pytest.raises(DataError, match=said):
        command(*gate, "--fail-if-worse", "relation_f1.VISITS", "--output", "out")
    assert Path("out/report.json").is_file()


def _lenient(resamples: int, seed: int) -> object:
    from train.compare.statistics import Sampling  # noqa: PLC0415

    return Sampling(resamples, seed, alpha=0.2)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "name at least one run"),
        (("--split", "all", "runs/a"), "the splits are"),
        (("--baseline", "runs/a"), "together"),
        (("x", "--baseline", "a", "--candidate", "b", "--fail-if-worse", "entity_f1"), "together"),
    ],
)
def test_wrong_arguments(here: Path, arguments: tuple[str, ...], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        command(*arguments)
