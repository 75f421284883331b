import io
import json
import tracemalloc
from pathlib import Path

import folder_paths
import py7zr
import pytest
from tilewright.common.errors import InputError
from tilewright.dataset.substance.archive import read_archive
from tilewright.nodes.dataset.inspect_substance import InspectSubstance

ARCHIVES = Path(__file__).resolve().parents[4] / "shared" / "data" / "substance"
needs_archives = pytest.mark.skipif(not ARCHIVES.is_dir(), reason="the shared Substance archives are not here")

BRICKS = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE sbsdescription SYSTEM "sbsdescription.dtd">
<sbsdescription><graphs count="1">
  <graph pkgurl="pkg://Bricks" label="Old Bricks" category="Masonry" keywords="brick; wall" author="Ann">
    <sbspresets><sbspreset label="Wet"><presetinput identifier="wear" type="0" value="0.9"/></sbspreset></sbspresets>
    <outputs>
      <output uid="1" identifier="out_a" type="5" width="256" height="128">
        <outputgui label="Colour"><channels><channel names="baseColor"/></channels></outputgui></output>
      <output uid="2" identifier="Height" type="5"/>
    </outputs>
    <inputs>
      <input uid="3" identifier="$randomseed" type="4" default="0" alteroutputs="1,2"/>
      <input uid="4" identifier="wear" type="0" default="0.5" alteroutputs="1">
        <inputgui widget="slider" label="Wear" group="Age"><guislider min="0" max="1" step="0.01"/></inputgui></input>
      <input uid="5" identifier="offset" type="1" default="0,0.25" alteroutputs="1,2">
        <inputgui widget="slider"><guislider min="-1" max="1,2"/></inputgui></input>
      <input uid="6" identifier="bond" type="4" default="2" alteroutputs="2">
        <inputgui widget="combobox" label="Bond"><guicombobox>
          <guicomboboxitem value="1" text="Running"/><guicomboboxitem value="2" text="Stack"/>
        </guicombobox></inputgui></input>
      <input uid="7" identifier="turn" type="0" default="0" alteroutputs="">
        <inputgui widget="angle"><guiangle min="-180" max="180"/></inputgui></input>
    </inputs>
  </graph>
</graphs></sbsdescription>"""


def archive(path, xml=BRICKS, name="assemblies/content/0000/Bricks.xml", **more):
    with py7zr.SevenZipFile(path, "w") as file:
        for entry, content in {name: xml, **more}.items():
            file.writef(io.BytesIO(content.encode()), entry)
    return path


def test_everything_that_a_description_says_is_read(tmp_path):
    (graph,) = read_archive(archive(tmp_path / "a.sbsar"))
    assert (graph.url, graph.label, graph.category, graph.keywords) == (
        "pkg://Bricks",
        "Old Bricks",
        "Masonry",
        ("brick", "wall"),
    )
    assert [(output.identifier, output.map, output.width) for output in graph.outputs] == [
        ("out_a", "basecolor", 256),
        ("Height", "height", 0),
    ]
    seed, wear, offset, bond, turn = graph.inputs
    assert seed.is_system and seed.outputs == ("out_a", "Height")
    assert (wear.label, wear.group, wear.default, wear.minimum, wear.maximum, wear.step) == (
        "Wear", "Age", (0.5,), (0.0,), (1.0,), (0.01,),
    )  # fmt: skip
    assert (offset.minimum, offset.maximum) == ((-1.0, -1.0), (1.0, 2.0))
    assert bond.choices == ((1, "Running"), (2, "Stack"))
    assert (turn.minimum, turn.maximum, turn.outputs) == ((-180.0,), (180.0,), ())
    assert graph.presets[0].values == {"wear": "0.9"}


def test_several_descriptions_in_one_archive(tmp_path):
    other = BRICKS.replace("pkg://Bricks", "pkg://Tiles")
    graphs = read_archive(archive(tmp_path / "a.sbsar", **{"assemblies/content/0000/Tiles.xml": other}))
    assert [graph.name for graph in graphs] == ["Bricks", "Tiles"]


@needs_archives
@pytest.mark.parametrize("path", sorted(ARCHIVES.glob("*.sbsar")), ids=lambda path: path.stem)
def test_real_archives(path):
    (graph,) = read_archive(path)
    assert {"basecolor", "normal", "roughness", "metallic"} <= {output.map for output in graph.outputs}
    assert any(one.outputs for one in graph.inputs)


@needs_archives
def test_a_real_archive_in_words_and_json(tmp_path, monkeypatch):
    monkeypatch.setattr(folder_paths, "input_directory", str(ARCHIVES))
    text, data = InspectSubstance.execute("WallBricks.sbsar")
    assert "  Inputs of Rough:\n    rough (Tiles): float; 0 to 1; default 0.5; affects roughness" in text
    assert "basecolor for baseColor: basecolor" in text
    (graph,) = json.loads(data)
    assert graph["inputs"][2]["maximum"] == [64]


BOMB = """<?xml version="1.0"?><!DOCTYPE s [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]><sbsdescription x="&c;"/>"""
EXTERNAL = '<!DOCTYPE s [<!ENTITY x SYSTEM "file:///etc/passwd">]><sbsdescription/>'
BAD = {
    "empty": (lambda path: path.write_bytes(b""), "empty"),
    "zip": (lambda path: path.write_bytes(b"PK\x03\x04 a zip"), "not a whole 7z archive"),
    "truncated": (lambda path: path.write_bytes(archive(path).read_bytes()[:-40]), "not a whole 7z archive"),
    "no description": (lambda path: archive(path, name="readme.txt"), "no description"),
    "open element": (lambda path: archive(path, "<sbsdescription>"), "damaged"),
    "another XML": (lambda path: archive(path, "<html/>"), "begins with <html>"),
    "no graphs": (lambda path: archive(path, "<sbsdescription/>"), "no graph"),
    "odd number": (lambda path: archive(path, BRICKS.replace('default="0.5"', 'default="soft"')), "damaged"),
    "no url": (lambda path: archive(path, BRICKS.replace(' pkgurl="pkg://Bricks"', "")), "damaged"),
    "bomb": (lambda path: archive(path, BOMB), "entities"),
    "external entity": (lambda path: archive(path, EXTERNAL), "entities"),
    "many elements": (lambda path: archive(path, "<sbsdescription>" + "<a/>" * 400_000), "elements"),
    "long": (lambda path: archive(path, " " * 17_000_000), "larger than 16 MB"),
}


SLOW = "many elements"  # as many as count against memory


@pytest.mark.parametrize(
    ("write", "reason"),
    [pytest.param(*bad, id=name, marks=pytest.mark.slow if name == SLOW else ()) for name, bad in BAD.items()],
)
def test_bad_archives_are_refused_with_a_reason(tmp_path, write, reason):
    path = tmp_path / "bad.sbsar"
    write(path)
    tracemalloc.start()
    with pytest.raises(InputError, match=f"bad.sbsar cannot be read.*{reason}"):
        read_archive(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 150_000_000


@pytest.mark.parametrize("name", ["../../evil.xml", "/etc/evil.xml", "C:/evil.xml", "a\\..\\..\\evil.xml"])
def test_names_that_point_out_of_the_archive_are_refused(tmp_path, monkeypatch, name):
    listed = py7zr.SevenZipFile.list

    def renamed(self):
        files = listed(self)
        files[0].filename = name  # py7zr does not write such archives itself
        return files

    path = archive(tmp_path / "a.sbsar")
    monkeypatch.setattr(py7zr.SevenZipFile, "list", renamed)
    with pytest.raises(InputError, match="points out of the archive"):
        read_archive(path)


def test_an_archive_outside_the_allowed_folders_is_refused():
    assert "outside the folders" in InspectSubstance.validate_inputs("/etc/passwd")
    assert "no such file" in InspectSubstance.validate_inputs("nothing.sbsar")
