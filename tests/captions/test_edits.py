"""The journal of edits: what was answered for is there, whatever comes between."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from tilewright.captions import edits as module
from tilewright.captions.edits import JOURNAL, Edit, Journal, open_journal
from tilewright.common.errors import InputError

WALL = Edit("a red wall", seen="wall")


@pytest.fixture
def journal(tmp_path):
    return Journal(tmp_path / "set" / JOURNAL)


def write(journal, **captions):
    return journal.add("test", lambda held: {key: Edit(caption) for key, caption in captions.items()})


def test_an_edit_is_there_for_whoever_opens_the_journal_next(journal, tmp_path):
    assert journal.edits() == {} and journal.last() == 0
    assert journal.add("Caption", lambda held: {"wall": WALL}) == 1
    assert Journal(tmp_path / "set" / JOURNAL).edits() == {"wall": WALL}


def test_what_changes_nothing_is_no_step(journal):
    write(journal, wall="red")
    assert write(journal, wall="red") == 1
    assert write(journal, floor=None) == 1


def test_steps_are_undone_and_done_again_in_their_order_also_by_another_process(journal, tmp_path):
    for caption in ("one", "two", "three"):
        write(journal, wall=caption)
    later = Journal(tmp_path / "set" / JOURNAL)
    later.undo(3)
    assert later.edits()["wall"].caption == "two"
    later.undo(2)
    later.redo(2)
    assert later.edits()["wall"].caption == "two"
    done, undone = later.steps()
    assert ([step.number for step in done], [step.number for step in undone]) == ([1, 2], [3])
    write(later, wall="four")
    assert later.steps()[1] == []
    assert journal.edits()["wall"].caption == "four"  # the first sees what the second wrote


@pytest.mark.parametrize(("which", "number"), [("undo", 1), ("undo", 9), ("redo", 1)])
def test_only_the_latest_step_can_be_turned(journal, which, number):
    write(journal, wall="one")
    write(journal, wall="two")
    with pytest.raises(InputError, match="Another edit came between"):
        getattr(journal, which)(number)
    assert journal.last() == 2


def test_undoing_all_leaves_no_edit(journal):
    write(journal, wall="one")
    journal.undo(1)
    assert journal.edits() == {}
    assert journal.changed_since(0) == {"wall": Edit()}


def test_what_others_touched_since_a_line_is_told_as_it_is_now(journal):
    write(journal, wall="one")
    write(journal, floor="two")
    journal.undo(2)
    assert journal.changed_since(1) == {"floor": Edit()}
    assert journal.changed_since(3) == {}


def test_a_line_that_a_crash_cut_short_is_as_if_it_had_never_been(journal, tmp_path):
    write(journal, wall="one")
    path = tmp_path / "set" / JOURNAL
    with path.open("ab") as file:
        file.write(b'{"id": 2, "changes": {"wall": [null, {"capt')
    again = Journal(path)
    assert again.edits() == {"wall": Edit("one")}
    write(again, wall="two")
    lines = path.read_text().splitlines()
    assert [json.loads(line)["id"] for line in lines] == [1, 2]


def test_a_line_of_a_script_needs_only_what_shall_hold(tmp_path):
    path = tmp_path / JOURNAL
    path.write_text('{"changes": {"wall": {"caption": "by a script"}, "floor": {"excluded": true}}}\n')
    journal = Journal(path)
    assert journal.edits() == {"wall": Edit("by a script"), "floor": Edit(excluded=True)}
    journal.undo(1)
    assert journal.edits() == {}


@pytest.mark.parametrize(
    "line",
    ["{", "[]", '"x"', "{}", '{"changes": 1}', '{"changes": {"a": [1, 2]}}', '{"changes": {"a": {"caption": 1}}}',
     '{"changes": {"a": {"excluded": "yes"}}}', '{"id": "x", "changes": {}}', "\0", "[" * 9999],
)  # fmt: skip
def test_a_line_that_is_no_edit_is_named_and_nothing_is_written_over_it(tmp_path, line):
    path = tmp_path / JOURNAL
    path.write_text(f'{{"changes": {{"wall": {{"caption": "kept"}}}}}}\n{line}\n')
    before = path.read_bytes()
    with pytest.raises(InputError, match="Line 2 of .* is no edit"):
        Journal(path).edits()
    with pytest.raises(InputError):
        write(Journal(path), wall="lost")
    assert path.read_bytes() == before


def test_who_decides_sees_what_holds_and_may_refuse(journal):
    write(journal, wall="one")

    def refuse(held):
        assert held == {"wall": Edit("one")}
        raise InputError("no")

    with pytest.raises(InputError, match="no"):
        journal.add("refused", refuse)
    assert journal.last() == 1


def test_edits_from_many_threads_are_all_kept(tmp_path):
    journal = open_journal(tmp_path)
    assert open_journal(tmp_path) is journal
    barrier = threading.Barrier(8)

    def work(worker):
        barrier.wait()
        for number in range(10):
            write(journal, **{f"{worker}_{number}": "x"})

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert len(Journal(tmp_path / JOURNAL).edits()) == 80


def test_a_journal_that_grows_too_long_forgets_how_but_not_what(journal, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MOST_BYTES", 2000)
    for number in range(40):
        write(journal, wall=f"caption {number}", **{f"image_{number}": "x"})
    assert (tmp_path / "set" / JOURNAL).stat().st_size < 4000
    again = Journal(tmp_path / "set" / JOURNAL)
    assert again.edits() == journal.edits() and len(again.edits()) == 41
    step = again.steps()[0][-1].number
    again.undo(step)
    assert again.edits()["wall"].caption == "caption 38"
