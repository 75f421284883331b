from pathlib import Path
from xml.etree import ElementTree

from tilewright.material.engine_presets import PRESETS
from tilewright.material.materialx import materialx_document, write_documents

FILES = {file: Path(f"wall_{file.suffix}.png") for file in PRESETS["MaterialX"].files if file.suffix != "occlusion"}


def test_each_map_drives_its_input_of_a_standard_surface():
    root = ElementTree.fromstring(materialx_document("wall", FILES, "srgb_texture", 2.5))
    surface = root.find("standard_surface")
    driven = {one.get("name"): one.get("nodename") for one in surface if one.get("nodename")}
    assert driven["base_color"] == "M_wall_basecolor" and driven["normal"] == "M_wall_normal_normalmap"
    assert root.find("displacement/input[@name='scale']").get("value") == "2.5"
    color = root.find("image[@name='M_wall_basecolor']/input")
    assert (color.get("value"), color.get("colorspace")) == ("wall_basecolor.png", "srgb_texture")


def test_names_outside_ascii_become_node_names_and_exr_is_linear(tmp_path):
    (document,) = write_documents(tmp_path, {"墙 1": FILES}, "EXR half", 1.0)
    text = document.read_text(encoding="utf-8")
    assert document.name == "墙 1.mtlx" and 'name="M___1"' in text and "lin_rec709" in text
