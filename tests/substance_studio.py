"""A ComfyUI with a Substance archive and a stand-in for sbsrender, for the tests of Render Substance.

A test file asks for the fixture `studio` with `pytest_plugins = ["substance_studio"]`.
"""

import io
import json
import sys
from pathlib import Path

import folder_paths
import py7zr
import pytest
from tilewright.dataset.substance import tool
from tilewright.nodes.dataset.render_substance import RenderSubstance

STAND_IN = Path(__file__).parent / "nodes" / "dataset" / "sbsrender_stand_in.py"

BRICKS = """<sbsdescription><graphs>
  <graph pkgurl="pkg://Old Bricks" label="Old Bricks" category="Masonry/Walls" keywords="brick;outdoor">
    <sbspresets><sbspreset label="Wet"><presetinput identifier="wear" type="0" value="0.9"/>
      <presetinput identifier="photo" type="5" value="/etc/passwd"/></sbspreset></sbspresets>
    <outputs>
      <output uid="1" identifier="basecolor"/>
      <output uid="2" identifier="height"/>
    </outputs>
    <inputs>
      <input uid="3" identifier="$outputsize" type="8" default="8,8" alteroutputs="1,2"/>
      <input uid="4" identifier="$randomseed" type="4" default="0" alteroutputs="1,2"/>
      <input uid="5" identifier="wear" type="0" default="0.5" alteroutputs="1,2">
        <inputgui widget="slider" label="Wear"><guislider min="0" max="1" step="0.25"/></inputgui></input>
      <input uid="6" identifier="rows" type="4" default="8" alteroutputs="1,2">
        <inputgui widget="slider" label="Rows" group="Layout"><guislider min="4" max="12"/></inputgui></input>
      <input uid="7" identifier="tint" type="3" default="0.5,0.2,0.1,1" alteroutputs="1">
        <inputgui widget="color" label="Tiles"/></input>
      <input uid="8" identifier="depth" type="0" default="0.5" alteroutputs="2">
        <inputgui widget="slider" label="Depth"><guislider min="0" max="1"/></inputgui></input>
      <input uid="9" identifier="bond" type="4" default="1" alteroutputs="1,2"><inputgui widget="combobox" label="Bond">
        <guicombobox>
          <guicomboboxitem value="1" text="Running"/><guicomboboxitem value="5" text="Stack"/>
        </guicombobox></inputgui></input>
      <input uid="10" identifier="photo" type="5" alteroutputs="1"/>
    </inputs>
  </graph></graphs></sbsdescription>"""


class Studio:
    """A ComfyUI with an archive of this description, and a stand-in for sbsrender outside of ComfyUI's folders."""

    description = BRICKS

    def __init__(self, folder):
        self.output = folder / "Ausgabe für Tests" / "datasets" / "bricks"
        self.archive = folder / "input" / "alte Ziegel №1.sbsar"
        self.archive.parent.mkdir()
        with py7zr.SevenZipFile(self.archive, "w") as file:
            file.writef(io.BytesIO(BRICKS.encode()), "assemblies/content/0000/Bricks.xml")
        self.tool = folder / "Substance tools" / "sbsrender"
        self.tool.parent.mkdir()
        script = STAND_IN.read_text(encoding="utf-8")
        self.tool.write_text(f"#!{sys.executable} -S\n{script}", encoding="utf-8")
        self.tool.chmod(0o755)

    def behave(self, **behaviour):
        (self.tool.parent / "behaviour.json").write_text(json.dumps(behaviour))

    def calls(self):
        file = self.tool.parent / "calls.jsonl"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def render(self, count=3, outputs="basecolor, height", seed=1, **options):
        options = {"folder": "bricks", "sbsrender": str(self.tool), "timeout": 30.0} | options
        return RenderSubstance.execute(self.archive.name, "", outputs, count, "128", seed, **options)


@pytest.fixture
def studio(tmp_path, monkeypatch):
    monkeypatch.setattr(folder_paths, "input_directory", str(tmp_path / "input"))
    monkeypatch.setattr(folder_paths, "output_directory", str(tmp_path / "Ausgabe für Tests"))
    studio = Studio(tmp_path)
    monkeypatch.setitem(folder_paths.folder_names_and_paths, tool.CONFIG_KEY, ([str(studio.tool.parent)], set()))
    return studio
