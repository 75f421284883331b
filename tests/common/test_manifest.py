import json
from dataclasses import replace

import pytest
from tilewright.common.errors import InputError
from tilewright.common.manifest import (
    JOURNAL_NAME,
    MANIFEST_NAME,
    MaterialRecord,
    Parameter,
    append_record,
    other_materials,
    read_manifest,
    write_manifest,
)

WALL = MaterialRecord(
    name="wall_1",
    category="bricks",
    label="Ziegelwand",
    seed=7,
    tileable=True,
    maps={"basecolor": "wall_1_basecolor.png"},
    parameters={
        "gap": Parameter(1.5, "gap", 0.0, 2.0, "narrow gap", "wide gap"),
        "tint": Parameter((0.1, 0.2), "tint"),
    },
    colors={"brick": "#8a4b32"},
    keywords=("outdoor", "old"),
    height_cm=2.5,
    size_cm=120.0,
)


def test_what_is_written_is_read(tmp_path):
    write_manifest(tmp_path, {"name": "test"}, [WALL])
    assert read_manifest(tmp_path) == [WALL]


def test_what_is_appended_is_read_and_the_next_manifest_takes_it_in(tmp_path):
    write_manifest(tmp_path, {"name": "test"}, [WALL])
    roof, repainted = replace(WALL, name="roof"), replace(WALL, colors={"brick": "#ffffff"})
    append_record(tmp_path, roof)
    append_record(tmp_path, repainted)
    assert read_manifest(tmp_path) == [roof, repainted]
    write_manifest(tmp_path, {"name": "test"}, read_manifest(tmp_path))
    assert [file.name for file in tmp_path.iterdir()] == [MANIFEST_NAME]
    assert read_manifest(tmp_path) == [roof, repainted]


def test_a_line_that_was_cut_short_is_passed_over(tmp_path):
    append_record(tmp_path, WALL)
    with (tmp_path / JOURNAL_NAME).open("a", encoding="utf-8") as journal:
        journal.write('{"name": "half a')
    assert read_manifest(tmp_path) == [WALL]


def test_a_folder_without_one_has_no_materials(tmp_path):
    assert read_manifest(tmp_path) == []


@pytest.mark.parametrize("name", ["../secret.png", "/etc/passwd", "sub/a.png", "..\\a.png", "C:\\a.png"])
def test_maps_outside_the_folder_are_refused(tmp_path, name):
    path = write_manifest(tmp_path, {"name": "test"}, [WALL])
    content = json.loads(path.read_text(encoding="utf-8"))
    content["materials"][0]["maps"]["basecolor"] = name
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(InputError, match="must lie in the manifest's own folder"):
        read_manifest(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is not a manifest"),
        ("[]", "is not a manifest"),
        ('{"format": "tilewright-manifest", "version": 99, "materials": []}', "version 99"),
        ('{"format": "another", "version": 1, "materials": []}', "format 'another'"),
        ('{"format": "tilewright-manifest", "version": 1, "materials": [{"maps": 3}]}', "is not a manifest"),
        ('{"format": "tilewright-manifest", "version": 1, "materials": 3}', "is not a manifest"),
    ],
)
def test_what_is_no_manifest_is_told(tmp_path, content, message):
    (tmp_path / MANIFEST_NAME).write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        read_manifest(tmp_path)


def test_materials_of_earlier_runs_are_named_up_to_ten():
    assert other_materials(set()) == []
    (line,) = other_materials({"b", "a"})
    assert line.startswith("2 materials of earlier runs lie") and line.endswith(": a, b")
    assert other_materials([f"{number:02}" for number in range(12)])[0].endswith("08, 09, …")
