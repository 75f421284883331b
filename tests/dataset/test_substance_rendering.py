"""A plan carried out by a stand-in for sbsrender, which behaves as it does without Substance."""

import sys
from pathlib import Path

import pytest
from tilewright.common.errors import InputError
from tilewright.common.images import read_image
from tilewright.common.manifest import read_manifest
from tilewright.dataset.substance.description import SubstanceGraph, SubstanceInput, SubstanceOutput
from tilewright.dataset.substance.plan import Variant
from tilewright.dataset.substance.render import plan_jobs, render_plan, render_report, rendered_files, rendered_samples
from tilewright.dataset.substance.tool import Engine

GRAPH = SubstanceGraph(
    "pkg://Bricks",
    inputs=(SubstanceInput("gap", 0), SubstanceInput("$outputsize", 8)),
    outputs=(SubstanceOutput("basecolor"), SubstanceOutput("mystery")),
)
PLAN = [Variant({"gap": (value,)}, seed) for seed, value in enumerate((0.25, 0.5), 1)]
STAND_IN = Path(__file__).parents[1] / "nodes" / "dataset" / "sbsrender_stand_in.py"


@pytest.fixture
def archive(tmp_path):
    file = tmp_path / "bricks.sbsar"
    file.write_bytes(b"the stand-in does not look into it")
    return file


@pytest.fixture
def engine(tmp_path):
    tool = tmp_path / "tool" / "sbsrender"
    tool.parent.mkdir()
    tool.write_text(f"#!{sys.executable} -S\n{STAND_IN.read_text(encoding='utf-8')}", encoding="utf-8")
    tool.chmod(0o755)
    return Engine(tool, "1.0", 6, "png", "8")


def carried_out(archive, engine, folder, plan=PLAN, checked=lambda done, total: None):
    folder.mkdir(exist_ok=True)
    return render_plan(archive, GRAPH, GRAPH.outputs, plan, engine, folder, 2, 30.0, checked)


def test_jobs_are_named_after_archive_values_and_tool_each_once(archive, engine):
    jobs = plan_jobs(archive, GRAPH, GRAPH.outputs, [*PLAN, PLAN[0]], engine)
    assert len(jobs) == 2 and all(job.name.startswith("Bricks_") for job in jobs)
    assert jobs[0].arguments == ["--set-value", "gap@0.25", "--set-value", "$outputsize@6,6"]
    newer = Engine(engine.tool, "2.0", 6, "png", "8")
    assert not {job.name for job in plan_jobs(archive, GRAPH, GRAPH.outputs, PLAN, newer)} & {job.name for job in jobs}
    archive.write_bytes(b"another archive")
    assert plan_jobs(archive, GRAPH, GRAPH.outputs, PLAN, engine)[0].name != jobs[0].name


def test_a_plan_is_rendered_once_and_known_by_its_manifest(archive, engine, tmp_path):
    folder, told = tmp_path / "renders", []
    first = carried_out(archive, engine, folder, checked=lambda done, total: told.append((done, total)))
    assert told[-1] == (2, 2) and first.reused == [] and first.failures == {}
    assert [record.seed for record in first.records] == [1, 2]
    assert read_image(folder / first.records[0].maps["basecolor"]).shape == (3, 64, 64)
    assert sorted(record.name for record in read_manifest(folder)) == sorted(one.name for one in first.records)
    again = carried_out(archive, engine, folder, PLAN[:1])
    assert again.reused == [first.records[0].name] and again.others == [first.records[1].name]
    assert render_report(again, folder).splitlines()[0] == f"0 materials rendered to {folder}, 1 were there already."
    assert "gap 0.25" in render_report(again, folder) and first.records[1].name in render_report(again, folder)


def test_outputs_of_no_known_map_are_no_samples(archive, engine, tmp_path):
    folder = tmp_path / "renders"
    rendered = carried_out(archive, engine, folder)
    samples = rendered_samples(rendered, folder, 64)
    assert [(sample.map, sample.size, sample.material) for sample in samples] == [
        ("basecolor", (64, 64), record.name) for record in rendered.records
    ]
    assert all(sample.file.is_file() and sample.record.maps.keys() == {"basecolor", "mystery"} for sample in samples)


def test_where_every_render_failed_the_tools_words_are_told(archive, engine, tmp_path):
    (engine.tool.parent / "behaviour.json").write_text('{"fail": true}')
    with pytest.raises(InputError, match="none of the 2 renders of bricks.sbsar(.|\n)*Engine ran out of memory"):
        carried_out(archive, engine, tmp_path / "renders")
    assert list((tmp_path / "renders").iterdir()) == []


def test_the_files_of_all_renders_are_listed(archive, engine, tmp_path):
    rendered = carried_out(archive, engine, tmp_path / "out")
    assert sorted(rendered_files(rendered, tmp_path / "out")) == sorted((tmp_path / "out").glob("*.png"))
