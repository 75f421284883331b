"""Render Substance on a stand-in for sbsrender: what it asks for, what it makes of the answers, how it goes on."""

import json
import os
import time

import psutil
import pytest
from tilewright.captions.from_parameters import caption_record
from tilewright.common.errors import InputError
from tilewright.common.manifest import JOURNAL_NAME, append_record, read_manifest
from tilewright.dataset.substance.description import SubstanceGraph
from tilewright.dataset.substance.tool import Children, Engine, RenderFailed, command
from tilewright.nodes.dataset import render_substance
from tilewright.nodes.dataset.load import LoadDataset
from tilewright.nodes.dataset.render_substance import RenderSubstance

pytest_plugins = ["substance_studio"]
pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name == "nt", reason="the stand-in is a script with a #! line")]


def test_every_variation_is_rendered_with_all_its_maps_and_a_manifest(studio):
    dataset, folder, report = studio.render(3)
    assert folder == str(studio.output)
    assert [sample.map for sample in dataset.samples] == ["basecolor", "height"] * 3
    assert all(sample.file.is_file() and sample.tileable for sample in dataset.samples)
    assert "3 materials rendered" in report
    loaded = LoadDataset.execute("datasets/bricks", "any")[0]
    assert {one.file.name: one.record for one in loaded.samples} == {
        one.file.name: one.record for one in dataset.samples
    }
    assert not list(studio.output.glob(".*"))


def test_the_command_line_is_the_one_that_sbsrender_documents(studio):
    studio.render(1, presets=False, engine="sse2", bit_depth="8")
    (call,) = studio.calls()
    assert call["--input"] == [str(studio.archive)]
    assert call["--input-graph"] == ["pkg://Old Bricks"]
    assert call["--input-graph-output"] == ["basecolor", "height"]
    assert (call["--output-format"], call["--output-bit-depth"], call["--engine"]) == (["png"], ["8"], ["sse2"])
    values = dict(value.split("@") for value in call["--set-value"])
    assert values["$outputsize"] == "7,7"
    assert set(values) == {"$outputsize", "$randomseed", "wear", "rows", "tint", "depth", "bond"}


def test_presets_come_first_and_hold_only_numbers(studio):
    dataset = studio.render(2, outputs="basecolor")[0]
    first, second = (sample.record for sample in dataset.samples)
    assert first.parameters["preset"].value == "Wet"
    assert first.parameters["wear"].value == 0.9
    assert "preset" not in second.parameters
    assert "/etc/passwd" not in json.dumps(studio.calls())


def test_a_render_gets_its_exact_caption(studio):
    fixed = "wear = 1\nrows = 4\ntint = 0.54, 0.29, 0.2, 1\nbond = Stack"
    dataset = studio.render(1, outputs="basecolor", presets=False, fixed=fixed)[0]
    assert caption_record(dataset.samples[0].record, "basecolor") == (
        "old bricks, walls, outdoor, red-brown tiles, high wear, low rows layout, stack bond"
    )


def test_finished_renders_are_never_made_twice(studio):
    first = studio.render(3)[0]
    assert len(studio.calls()) == 3
    again, _, report = studio.render(5)
    assert len(studio.calls()) == 5
    assert "2 materials rendered" in report and "3 were there already" in report
    assert again.samples[:6] == first.samples
    first.samples[0].file.unlink()
    studio.render(5)
    assert len(studio.calls()) == 6
    studio.archive.write_bytes(studio.archive.read_bytes() + b"\0")
    studio.render(1)
    assert len(studio.calls()) == 7
    for number, change in enumerate([dict(bit_depth="8"), dict(outputs="height"), dict(fixed="wear = 1")], 8):
        studio.render(1, **change)
        assert len(studio.calls()) == number
    studio.behave(version="2.0")
    studio.render(1)
    assert len(studio.calls()) == 11


def test_renders_of_another_plan_in_the_same_folder_are_named(studio):
    assert "Load Dataset reads them" not in studio.render(2)[2]
    dataset, _, report = studio.render(2, seed=2, presets=False)
    assert len(dataset) == 4
    assert (
        "2 materials of earlier runs lie in the same folder, and Load Dataset reads them as well: Old Bricks" in report
    )


def test_a_failed_render_is_tried_once_more(studio):
    studio.behave(flaky=True)
    assert len(studio.render(2)[0]) == 4
    assert len(studio.calls()) == 4


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        ({"fail": True}, "ended with code 1: .*Engine ran out of memory"),
        (
            {"complain": True},
            r'ended with code 1: \[INFO\] Loading package \[ERROR\]\[SBSRender\] Cannot link "bricks"$',
        ),
        ({"no folder": True}, "ended with code 47: .*Output folder .* does not exist"),
        ({"partial": True}, "did not write the output height"),
        ({"damaged": True}, "wrote the output basecolor, but it is damaged"),
        ({"hang": True}, "did not finish within 3 seconds"),
    ],
)
def test_what_sbsrender_does_wrong_is_told_in_its_words(studio, behaviour, words):
    studio.behave(**behaviour)
    with pytest.raises(InputError, match=words):
        studio.render(1, timeout=3.0 if "hang" in behaviour else 60.0)
    assert len(studio.calls()) == 2
    assert not list(studio.output.iterdir())


def test_a_missing_folder_ends_sbsrender_with_47_so_it_is_made_before(studio, tmp_path):
    missing = tmp_path / "not there"
    graph = SubstanceGraph("pkg://Old Bricks")
    arguments = command(studio.archive, graph, ["height"], Engine(studio.tool, "1", 7, "png", "8"), missing)
    with pytest.raises(RenderFailed, match="ended with code 47: .*not there does not exist"):
        Children().run(arguments, 30)
    missing.mkdir()
    Children().run(arguments, 30)
    assert [file.name for file in missing.iterdir()] == ["height.png"]


def test_several_processes_run_at_once_within_cores_and_memory(studio, monkeypatch):
    monkeypatch.setattr(render_substance.os, "cpu_count", lambda: 4)
    monkeypatch.setattr(render_substance, "_free_megabytes", lambda: 8000)
    told = []
    monkeypatch.setattr(render_substance, "progress_callback", lambda: lambda done, total: told.append((done, total)))
    studio.behave(meet=2)  # alone, a process would wait for the second until it is given up
    assert len(studio.render(4, outputs="height")[0]) == 4
    assert {(call["--cpu-count"][0], call["--memory-budget"][0]) for call in studio.calls()} == {("2", "2000")}
    assert told == sorted(told) and told[-1] == (4, 4)


def test_a_killed_run_loses_no_finished_render(studio):
    first = studio.render(2)[0]
    records = read_manifest(studio.output)
    (studio.output / "manifest.json").unlink()
    for record in records:
        append_record(studio.output, record)
    assert studio.render(2)[0].samples == first.samples
    assert len(studio.calls()) == 2
    assert read_manifest(studio.output) == records and not (studio.output / JOURNAL_NAME).exists()


class Cancelled(BaseException):
    pass


def test_cancelling_ends_the_children_at_once_and_keeps_what_is_finished(studio, monkeypatch):
    studio.render(1)
    studio.behave(hang=True)

    def cancel_when_started(done, total):
        if len(studio.calls()) > 1:
            raise Cancelled

    monkeypatch.setattr(render_substance, "progress_callback", lambda: cancel_when_started)
    with pytest.raises(Cancelled):
        studio.render(4, timeout=600.0)
    assert not running_stand_ins(studio)
    assert sorted(path.suffix for path in studio.output.iterdir()) == [".json", ".png", ".png"]
    studio.behave()
    monkeypatch.setattr(render_substance, "progress_callback", lambda: lambda done, total: None)
    assert "1 were there already" in studio.render(2)[2]


def running_stand_ins(studio):
    """Processes whose command line names this studio's tool, after at most a second for the system to clear up."""
    for _ in range(20):
        found = [one for one in psutil.process_iter(["cmdline"]) if str(studio.tool) in (one.info["cmdline"] or [])]
        if not found:
            break
        time.sleep(0.05)
    return found


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"outputs": "emissive"}, "no output 'emissive'. It has: basecolor"),
        ({"vary": "hue"}, "no input or group 'hue'.*wear, rows"),
        ({"fixed": "hue = 1"}, "no input 'hue' to fix"),
        ({"fixed": "tint = 1, 2"}, "must be 4 numbers"),
        ({"fixed": "bond = Herringbone"}, "one of running, stack"),
        ({"fixed": "wear = 1; rm -rf /"}, "must be 1 numbers"),
        ({"engine": "--output-path /tmp"}, "cannot name a render engine"),
        ({"engine": "../d3d11pc"}, "cannot name a render engine"),
    ],
)
def test_names_and_values_are_checked_before_rendering(studio, options, message):
    with pytest.raises(InputError, match=message):
        studio.render(**options)
    assert studio.calls() == []


def test_renders_that_were_deleted_are_made_again(studio):
    asked = {"archive": studio.archive.name, "folder": "bricks"}
    dataset = studio.render(2)[0]
    before = RenderSubstance.fingerprint_inputs(**asked)
    assert RenderSubstance.fingerprint_inputs(**asked) == before
    gone = dataset.samples[0].file
    gone.unlink()
    assert RenderSubstance.fingerprint_inputs(**asked) != before  # so the host runs the node again
    assert "1 materials rendered" in studio.render(2)[2] and gone.is_file()
