"""A newer chapter around a learner's work: each kind of change once, on a few cells."""

from __future__ import annotations

import copy
from typing import Any

import nbformat
import pytest

from utils.course.building.plan import notebook_of
from utils.course.keeping_up.cells import in_bytes
from utils.course.keeping_up.merge import CannotMerge, Merged, _Merge, merged

STUB = '    raise NotImplementedError("Exercise {}: your turn")'


def text(source: str, id_: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "id": id_, "metadata": {}, "source": source}


def code(source: str, id_: str, said: str = "") -> dict[str, Any]:
    outputs = [{"output_type": "stream", "name": "stdout", "text": said}] if said else []
    cell = {"cell_type": "code", "id": id_, "metadata": {}, "source": source}
    return {**cell, "outputs": outputs, "execution_count": 1}


def exercise(number: str, title: str, name: str, signature: str = "x") -> list[dict[str, Any]]:
    slug = f"exercise-{number.replace('.', '-')}-{title.lower().replace(' ', '-')}"
    stub = f"def {name}({signature}):\n{STUB.format(number)}"
    return [
        text(f"### Exercise {number} · {title}\n★☆☆ · 5 min\n\nWrite it.", f"{slug}-1"),
        code(f'{stub}\n\n\n{name} = check("{number}", {name})', f"{slug}-2"),
    ]


def chapter(*cells: dict[str, Any]) -> dict[str, Any]:
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [*cells]}


def base() -> dict[str, Any]:
    return chapter(
        text("# 04 · Masks", "04-masks-1"),
        code("n = 3", "04-masks-2"),
        *exercise("4.1", "The mask", "mask"),
        text("And so on.", "exercise-4-1-the-mask-3"),
        *exercise("4.2", "The heads", "heads"),
    )


def answered(notebook: dict[str, Any], number: str, body: str = "    return x + 1") -> str:
    """Write an answer in place of the stub; the cell's source."""
    cell = next(c for c in notebook["cells"] if f'check("{number}"' in c["source"])
    cell["source"] = cell["source"].replace(STUB.format(number), body)
    cell["outputs"] = code("", "", f"✅ {number} It\n")["outputs"]
    return cell["source"]


def sources(result: Merged) -> list[str]:
    nbformat.validate(nbformat.from_dict(result.notebook))
    ids = [cell["id"] for cell in result.notebook["cells"]]
    assert len(ids) == len({*ids})
    return [cell["source"] for cell in result.notebook["cells"]]


def test_an_answer_keeps_its_bytes_and_what_it_said() -> None:
    mine, new = base(), base()
    answer = answered(mine, "4.1", "    # mine\n    return x  \t\n")
    new["cells"][0]["source"] = "# 04 · Masks and more"
    new["cells"].insert(2, text("A new paragraph.", "04-masks-3"))
    result = merged(mine, base(), new)
    assert sources(result)[4] == answer
    assert "✅ 4.1" in str(result.notebook["cells"][4]["outputs"])
    assert sources(result)[0] == "# 04 · Masks and more"
    assert (result.answers, result.changed, result.fresh) == (["4.1"], {}, [])


def test_notes_and_added_cells_stay_at_their_place() -> None:
    mine, new = base(), base()
    mine["cells"].insert(4, text("my note ![](attachment:a.png)", "0f3a"))
    mine["cells"][4]["attachments"] = {"a.png": {"image/png": "aGk="}}
    mine["cells"].insert(0, code("first = 1", "04-masks-3"))
    new["cells"].insert(2, text("A new paragraph.", "04-masks-3"))
    result = merged(mine, base(), new)
    kept = sources(result)
    assert kept[0] == "first = 1"
    at = kept.index("my note ![](attachment:a.png)")
    assert 'check("4.1"' in kept[at - 1]
    assert kept[at + 1] == "And so on."
    assert result.notebook["cells"][at]["attachments"] == {"a.png": {"image/png": "aGk="}}
    assert result.added == 2


def test_an_inserted_cell_that_takes_an_old_id_takes_no_work() -> None:
    """The builder numbers cells below a heading: a new second cell is called as the old one was."""
    mine, new = base(), base()
    mine["cells"][1]["source"] = "n = 30"
    new["cells"].insert(1, code("import torch", "04-masks-2"))
    new["cells"][2]["id"] = "04-masks-3"
    result = merged(mine, base(), new)
    assert sources(result)[1:3] == ["import torch", "n = 30"]


def test_a_changed_stub_is_told_and_shown_below_the_answer() -> None:
    mine, new = base(), base()
    answer = answered(mine, "4.1")
    new["cells"][2:4] = exercise("4.1", "The mask", "mask", "n, window=None")
    result = merged(mine, base(), new)
    assert sources(result)[3] == answer
    assert "def mask(n, window=None)" in sources(result)[4]
    assert "+def mask(n, window=None):" in result.changed["4.1"]


def test_a_changed_text_is_told() -> None:
    mine, new = base(), base()
    answered(mine, "4.1")
    new["cells"][2]["source"] += " And test it."
    result = merged(mine, base(), new)
    assert (result.changed, result.reworded) == ({}, {"4.1": "+And test it."})


def test_an_exercise_whose_number_moved_takes_its_answer_along() -> None:
    mine = base()
    answer = answered(mine, "4.2")
    new = chapter(
        *base()["cells"][:5],
        *exercise("4.2", "A leak", "leak"),
        *exercise("4.3", "The heads", "heads"),
    )
    result = merged(mine, base(), new)
    assert result.moved == {"4.2": "4.3"}
    assert sources(result)[-1] == answer.replace('check("4.2"', 'check("4.3"')
    assert result.fresh == ["4.2"]
    assert "your turn" in sources(result)[-3]


def test_the_answer_to_an_exercise_that_is_gone_is_kept_and_not_run() -> None:
    mine = base()
    answer = answered(mine, "4.2")
    new = chapter(*base()["cells"][:5], *exercise("4.2", "A leak", "leak"))
    result = merged(mine, base(), new)
    assert result.removed == ["4.2"]
    assert result.notebook["cells"][-1]["cell_type"] == "raw"
    assert sources(result)[-1] == answer


def test_prose_that_only_the_learner_changed_stays_theirs() -> None:
    mine, new = base(), base()
    mine["cells"][4]["source"] = "And so on. I see: a mask is a table."
    new["cells"][0]["source"] = "# 04 · New"
    result = merged(mine, base(), new)
    assert sources(result)[4] == mine["cells"][4]["source"]
    assert (result.edited, result.beside) == (1, 0)


@pytest.mark.parametrize(("place", "kind"), [(4, "markdown"), (1, "raw")])
def test_what_both_changed_stands_in_both_versions(place: int, kind: str) -> None:
    mine, new = base(), base()
    mine["cells"][place]["source"] += " # mine"
    new["cells"][place]["source"] += " # theirs"
    result = merged(mine, base(), new)
    at = sources(result).index(new["cells"][place]["source"])
    assert sources(result)[at + 2] == mine["cells"][place]["source"]
    assert result.notebook["cells"][at + 2]["cell_type"] == kind
    assert result.beside == 1


def test_an_edited_cell_that_the_release_dropped_is_kept() -> None:
    mine, new = base(), base()
    mine["cells"][1]["source"] = "n = 3  # tried with 30, too slow"
    del new["cells"][1]
    assert "n = 3  # tried with 30, too slow" in sources(merged(mine, base(), new))


def test_an_answer_split_over_two_cells_stays_in_order() -> None:
    mine = base()
    whole = answered(mine, "4.1")
    function, _, check = whole.partition("\n\n\n")
    mine["cells"][3]["source"] = check
    mine["cells"].insert(3, code(function, "9d1e"))
    new = base()
    new["cells"][0]["source"] = "# 04 · New"
    kept = sources(merged(mine, base(), new))
    assert kept.index(function) + 1 == kept.index(check)


def test_a_second_try_beside_the_first_is_kept() -> None:
    mine, new = base(), base()
    first = answered(mine, "4.1")
    mine["cells"].insert(4, code(first.replace("+ 1", "+ 2"), "77aa"))
    new["cells"][0]["source"] = "# 04 · New"
    kept = sources(merged(mine, base(), new))
    assert kept.index(first) + 1 == kept.index(first.replace("+ 1", "+ 2"))


def test_ids_that_a_program_dropped_are_no_loss() -> None:
    mine, new = base(), base()
    answer = answered(mine, "4.2")
    mine["cells"].insert(2, text("note", ""))
    for cell in mine["cells"]:
        cell.pop("id")
    new["cells"][0]["source"] = "# 04 · New"
    kept = sources(merged(mine, base(), new))
    assert len(kept) == len(new["cells"]) + 1
    assert kept[-1] == answer
    assert kept[2] == "note"


def test_without_the_old_release_the_answers_are_told_by_their_stubs() -> None:
    mine, new = base(), base()
    answer = answered(mine, "4.2")
    mine["cells"].insert(2, text("note", "5b0c9d1e-1111-4222-8333-123456789012"))
    new["cells"][4]["source"] = "And so forth."
    new["cells"][2:4] = exercise("4.1", "The mask", "mask", "n, window=None")
    result = merged(mine, None, new)
    assert result.answers == ["4.2"]
    assert sources(result)[-1] == answer
    assert sources(result)[2] == "note"
    assert "And so forth." in sources(result)
    assert len(sources(result)) == len(new["cells"]) + 1


def test_without_the_old_release_and_without_ids_nothing_is_guessed() -> None:
    mine = base()
    for cell in mine["cells"]:
        cell.pop("id")
    with pytest.raises(CannotMerge, match="no ids"):
        merged(mine, None, base())


def test_a_second_update_changes_nothing() -> None:
    mine, new = base(), base()
    answered(mine, "4.1")
    mine["cells"][1]["source"] = "n = 30"
    new["cells"][1]["source"] = "n = 4"
    new["cells"][2:4] = exercise("4.1", "The mask", "mask", "n, window=None")
    once = merged(mine, base(), new)
    twice = merged(copy.deepcopy(once.notebook), new, new)
    assert sources(twice) == sources(once)
    again = in_bytes(twice.notebook)
    assert in_bytes(notebook_of(again)) == again


def test_outputs_go_with_the_source_that_made_them() -> None:
    mine, new = base(), base()
    answered(mine, "4.2")
    mine["cells"][1] = code("n = 3", "04-masks-2", "mine")
    assert "mine" in str(merged(mine, base(), new).notebook["cells"][1]["outputs"])
    new["cells"][1] = code("n = 4", "04-masks-2", "theirs")
    assert "theirs" in str(merged(mine, base(), new).notebook["cells"][1]["outputs"])


def test_half_a_character_and_odd_line_ends_are_kept() -> None:
    mine, new = base(), base()
    odd = answered(mine, "4.1", "    return 'a\\u2028' '\u2028'  # \ud83d\r\n")
    new["cells"][0]["source"] = "# 04 · New"
    made = notebook_of(in_bytes(merged(mine, base(), new).notebook))
    assert odd in ["".join(cell["source"]) for cell in made["cells"]]


def test_the_kernel_that_was_chosen_stays_chosen() -> None:
    mine = base()
    mine["metadata"] = {"kernelspec": {"name": "mine", "display_name": "Mine"}}
    assert merged(mine, base(), base()).notebook["metadata"]["kernelspec"]["name"] == "mine"


def test_the_releases_cells_keep_their_ids_whatever_the_learners_are_called() -> None:
    mine, new = base(), base()
    mine["cells"].insert(0, code("first = 1", "04-masks-3"))
    new["cells"].insert(2, text("A new paragraph.", "04-masks-3"))
    result = merged(mine, base(), new)
    ids = [cell["id"] for cell in result.notebook["cells"]]
    assert sources(result)[ids.index("04-masks-3")] == "A new paragraph."


def test_a_cell_that_was_emptied_comes_back() -> None:
    mine, new = base(), base()
    mine["cells"][1]["source"] = " "
    new["cells"][0]["source"] = "# 04 · New"
    assert sources(merged(mine, base(), new))[1] == "n = 3"


@pytest.mark.parametrize("forgets", ["_put_behind", "_orphan", "_answer"])
def test_a_merge_that_would_lose_a_cell_is_refused(
    forgets: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Were there a fault in the merge itself, it would be noticed before anything is written."""
    mine, new = base(), base()
    answered(mine, "4.1")
    answered(mine, "4.2")
    mine["cells"].append(text("note", "0f3a"))
    new["cells"][-2:] = exercise("4.2", "A leak", "leak")
    merged(mine, base(), new)
    forgotten = new["cells"][0] if forgets == "_answer" else None
    monkeypatch.setattr(_Merge, forgets, lambda *_: forgotten)
    with pytest.raises(CannotMerge, match="would be lost"):
        merged(mine, base(), new)
