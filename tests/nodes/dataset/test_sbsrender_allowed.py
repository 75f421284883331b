"""Which sbsrender Render Substance runs, where it is found, and what an archive cannot make it write."""

import io
import os
import shutil

import folder_paths
import py7zr
import pytest
from tilewright.common.errors import InputError
from tilewright.dataset.substance import tool

pytest_plugins = ["substance_studio"]
pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name == "nt", reason="the stand-in is a script with a #! line")]

FOREIGN = [
    "/bin/sh",
    "/usr/bin/sbsrender",
    "sbsrender",
    "./sbsrender",
    "~/sbsrender",
    r"\\server\share\sbsrender.exe",
    "//server/share/sbsrender",
    r"\\?\UNC\server\share\sbsrender.exe",
    r"\\.\pipe\sbsrender",
    r"C:\Users\me\Downloads\sbsrender.exe",
    "file://server/share/sbsrender",
    "sbsrender\0",
    "CON",
    "$(sbsrender)",
    "sbsrender; rm -rf /",
]


@pytest.mark.parametrize("name", [*FOREIGN, "planted", "beside"])
def test_only_an_allowed_sbsrender_is_run_and_nothing_is_looked_up_elsewhere(studio, tmp_path, monkeypatch, name):
    for folder in ("input", "Substance tools beside"):
        planted = tmp_path / folder / "sbsrender"
        planted.parent.mkdir(exist_ok=True)
        shutil.copy(studio.tool, planted)
    name = {"planted": str(tmp_path / "input"), "beside": f"{studio.tool.parent} beside"}.get(name, name)
    touched = []
    with monkeypatch.context() as patched:
        for call in ("stat", "lstat", "open", "scandir"):
            patched.setattr(os, call, lambda path, *_, **__: touched.append(path))
        with pytest.raises(InputError, match="none of those that may be run"):
            tool.choose_tool(name, [studio.tool])
    assert touched == [] and studio.calls() == []


def test_the_node_runs_none_but_an_allowed_sbsrender(studio, tmp_path):
    evil = tmp_path / "downloads" / "sbsrender"
    evil.parent.mkdir()
    shutil.copy(studio.tool, evil)
    with pytest.raises(InputError, match="none of those that may be run"):
        studio.render(1, sbsrender=str(evil))
    assert not (evil.parent / "calls.jsonl").exists() and studio.calls() == []


def test_a_graph_may_choose_among_the_allowed_by_file_or_folder(tmp_path):
    first, second = tmp_path / "2023" / "sbsrender", tmp_path / "2024" / "sbsrender"
    assert tool.choose_tool("", [first, second]) == first
    for name in (str(second), str(second.parent), f" {second.parent}{os.sep} ", str(second.parent / "." / "sbsrender")):
        assert tool.choose_tool(name, [first, second]) == second


@pytest.mark.parametrize("identifier", ["../../evil", "/tmp/evil", "C:\\evil", "a/b", ".."])
def test_an_archive_cannot_name_a_file_elsewhere(studio, tmp_path, identifier):
    with py7zr.SevenZipFile(studio.archive, "w") as file:
        evil = studio.description.replace('identifier="height"', f'identifier="{identifier}"').replace(
            "Old Bricks", identifier
        )
        file.writef(io.BytesIO(evil.encode()), "assemblies/content/0000/Bricks.xml")
    with pytest.raises(InputError, match="An output of the archive is .* cannot name a file"):
        studio.render(1, outputs="")
    assert studio.calls() == []


def test_a_graph_may_be_called_anything_and_its_files_stay_in_the_folder(studio, tmp_path):
    with py7zr.SevenZipFile(studio.archive, "w") as file:
        evil = studio.description.replace("pkg://Old Bricks", "pkg://../../Old: Bricks?")
        file.writef(io.BytesIO(evil.encode()), "assemblies/content/0000/Bricks.xml")
    dataset = studio.render(1)[0]
    assert {sample.file.parent for sample in dataset.samples} == {studio.output}


@pytest.mark.parametrize("place", ["TILEWRIGHT_SBSRENDER", "SAT_INSTALL_PATH", "PATH", "a usual place"])
def test_sbsrender_is_found_where_it_usually_is(studio, monkeypatch, place):
    folder = str(studio.tool.parent)
    monkeypatch.setenv("PATH", "")
    if place == "a usual place":
        monkeypatch.setattr(tool, "USUAL_PLACES", (f"{studio.tool.parent.parent}/Substance*",))
    else:
        monkeypatch.setenv(place, folder)
    assert tool.allowed_tools([]) == [studio.tool]


def test_sbsrender_is_found_by_setting_and_its_absence_is_explained(studio, monkeypatch):
    monkeypatch.setenv("TILEWRIGHT_SBSRENDER", str(studio.tool))
    assert len(studio.render(1, sbsrender="")[0]) == 2
    monkeypatch.delenv("TILEWRIGHT_SBSRENDER")
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(tool, "USUAL_PLACES", ())
    monkeypatch.delitem(folder_paths.folder_names_and_paths, tool.CONFIG_KEY)
    with pytest.raises(InputError, match="sbsrender was not found.*Designer"):
        studio.render(1, sbsrender="")
