"""The scorer of the public benchmark and the page of figures."""

import json
from pathlib import Path

import pytest

from bench.public_sets import write
from bench.report import page, save, tables
from bench.score import PUBLIC, read, score
from caifeng.core.errors import DataError

TASKS = sorted(path.parent for path in PUBLIC.glob("*/gold.jsonl"))


def test_gold_scores_one_and_covers_its_texts():
    assert len(TASKS) == 9
    for task in TASKS:
        gold = read(task / "gold.jsonl")
        if not task.name.startswith("titles_"):
            texts = [json.loads(line)["id"] for line in (task / "texts.jsonl").read_text("utf8").splitlines()]
            assert list(dict.fromkeys(name.partition("/")[0] for name in gold)) == texts
            assert len(texts) >= 40
        found = score(task.name, gold, gold)
        assert found.get("macro_f1", found.get("f1")) == 1.0


def test_the_sets_are_those_of_the_worked_examples(tmp_path: Path):
    write(tmp_path)
    made = {file.relative_to(tmp_path): file.read_text("utf8") for file in tmp_path.rglob("*.jsonl")}
    kept = {file.relative_to(PUBLIC): file.read_text("utf8") for file in PUBLIC.rglob("*.jsonl")}
    assert made == kept, "python -m bench.public_sets"


def test_no_text_of_others_is_in_them():
    names = [name for task in TASKS if task.name.startswith("titles_") for name in read(task / "gold.jsonl")]
    assert len(names) > 2000
    assert all(set(name) <= set("0123456789abcdef-") for name in names)
    assert [task.name for task in TASKS if (task / "texts.jsonl").exists() and task.name.startswith("titles_")] == []


def test_what_is_left_out_is_wrong_and_groups_go_by_pairs():
    gold = {"1": "a", "2": "a", "3": "b", "4": "b"}
    assert score("stance", gold, {"1": "a", "3": "b"})["accuracy"] == 0.5
    found = score("reposts", gold, dict.fromkeys(gold, "x"))
    assert (found["precision"], found["recall"]) == (0.3333, 1.0)


@pytest.mark.parametrize(
    "text", ["x", "[]", '{"id": 1}', '{"id": 1, "label": []}', '{"id":1,"label":1}\n{"id":1,"label":1}']
)
def test_a_bad_line_is_named(tmp_path: Path, text: str):
    (tmp_path / "p.jsonl").write_text(text, "utf8")
    with pytest.raises(DataError, match=r"line \d"):
        read(tmp_path / "p.jsonl")


def test_an_unknown_id_is_refused():
    with pytest.raises(DataError, match="no such id"):
        score("stance", {"1": "a"}, {"2": "a"})


def test_the_page_shows_the_last_run_and_no_skipped_one(tmp_path: Path):
    save({"bench": "x", "ours": {"rate": 1200}, "cores": 2}, tmp_path)
    save({"bench": "x", "ours": {"rate": 3400}, "cores": 2}, tmp_path)
    save({"bench": "y", "skipped": "no data"}, tmp_path)
    text = page(tmp_path)
    assert "| figure | ours |\n| --- | --- |\n| rate | 3,400 |" in text
    assert "1,200" not in text
    assert "## y" not in text


def test_what_has_the_same_figures_stands_side_by_side():
    peer = {"f1": 0.9, "kinds": {"copy": 1, "other": 2}}
    single, sides, apart = tables(
        {
            "posts": 1000,
            "known": None,
            "ours": peer,
            "theirs": {**peer, "slow": True},
            "stages": {"clean": 1.5, "load": [1, 2]},
        }
    )
    assert single.splitlines()[2:] == ["| posts | 1,000 |", "| known | — |"]
    assert sides.splitlines() == [
        "| figure | ours | theirs |",
        "| --- | --- | --- |",
        "| f1 | 0.9 | 0.9 |",
        "| kinds › copy | 1 | 1 |",
        "| kinds › other | 2 | 2 |",
        "| slow |  | yes |",
    ]
    assert apart.splitlines()[0] == "| figure | stages |"


def test_records_of_another_kind_stand_apart():
    by_size, at_all = {"10": {"clean": 1, "load": 2}}, {"10": 3}
    assert len(tables({"seconds": by_size, "cpu": by_size, "rate": at_all})) == 2
