"""The MaterialX document beside a material, read and judged by MaterialX itself."""

import folder_paths
import MaterialX
import MaterialX.PyMaterialXGenGlsl as glsl
import MaterialX.PyMaterialXGenShader as shaders
import pytest
import torch
from tilewright.material.engine_presets import MAPS
from tilewright.nodes.material import SaveMaterial


@pytest.fixture
def document(tmp_path, monkeypatch):
    """A function that saves maps, and gives the document that MaterialX reads of them, with its standard library."""
    monkeypatch.setattr(folder_paths, "get_output_directory", lambda: str(tmp_path))
    monkeypatch.setattr(folder_paths, "get_temp_directory", lambda: str(tmp_path / "temp"))

    def saved(name="m", **inputs):
        with torch.inference_mode():
            SaveMaterial.execute(name, preset="MaterialX", height_cm=3.0, **inputs)
        found = MaterialX.createDocument()
        MaterialX.readFromXmlFile(found, str(tmp_path / "materials" / name / f"{name}.mtlx"))
        library = MaterialX.createDocument()
        search = MaterialX.getDefaultDataSearchPath()
        MaterialX.loadLibraries(MaterialX.getDefaultDataLibraryFolders(), search, library)
        found.setDataLibrary(library)
        return found

    return saved


def every_map():
    return {name: torch.rand(1, 8, 8, 3) for name in MAPS}


def surface_of(document):
    material, *others = document.getMaterialNodes()
    assert others == []
    (shader,) = MaterialX.getShaderNodes(material, "surfaceshader")
    return shader


def file_behind(shader, socket):
    """The file that an input of a shader gets, through whatever nodes."""
    node = shader.getConnectedNode(socket)
    while node.getCategory() != "image":
        node = node.getConnectedNode("in") or node.getConnectedNode("displacement")
    return node.getInputValue("file"), node


def test_materialx_finds_it_valid(document):
    valid, message = document(**every_map()).validate()
    assert valid, message


def test_every_map_drives_its_input(document, tmp_path):
    found = document(**every_map())  # which must outlive its nodes
    shader = surface_of(found)
    assert shader.getCategory() == "standard_surface"
    for socket, suffix in {
        "base_color": "basecolor",
        "specular_roughness": "roughness",
        "metalness": "metallic",
        "normal": "normal",
        "opacity": "opacity",
        "emission_color": "emissive",
    }.items():
        name, _ = file_behind(shader, socket)
        assert name == f"m_{suffix}.png"
        assert (tmp_path / "materials" / "m" / name).is_file()
    assert shader.getConnectedNode("normal").getCategory() == "normalmap"
    assert shader.getInputValue("emission") == 1


def test_the_height_displaces_in_centimetres(document):
    found = document(height=torch.rand(1, 8, 8))
    (shift,) = MaterialX.getShaderNodes(found.getMaterialNodes()[0], "displacementshader")
    assert file_behind(shift, "displacement")[0] == "m_height.png"
    assert (shift.getInputValue("scale"), shift.getInput("scale").getUnit()) == (3, "centimeter")


@pytest.mark.parametrize(("file_format", "space"), [("PNG", "srgb_texture"), ("EXR half", "lin_rec709")])
def test_colours_have_their_colour_space_and_data_has_none(document, file_format, space):
    found = document(file_format=file_format, **every_map())
    shader = surface_of(found)
    assert file_behind(shader, "base_color")[1].getInput("file").getColorSpace() == space
    assert file_behind(shader, "specular_roughness")[1].getInput("file").getColorSpace() == ""


def test_it_makes_shader_code(document):
    """What a viewer does first: the graph as GLSL, with a texture for each of the images that are used."""
    found = document(**every_map())
    found.importLibrary(found.getDataLibrary())
    generator = glsl.GlslShaderGenerator.create()
    generator.registerTypeDefs(found)
    context = shaders.GenContext(generator)
    context.registerSourceCodeSearchPath(MaterialX.getDefaultDataSearchPath())
    (element,) = shaders.findRenderableElements(found)
    code = generator.generate("m", element, context)
    pixels = code.getSourceCode("pixel")
    assert all(f"M_m_{name}_file" in pixels for name in ("basecolor", "roughness", "metallic", "normal", "emissive"))


def test_a_name_that_is_no_xml_name(document):
    assert document("täg 1 & 2", basecolor=torch.rand(1, 4, 4, 3)).validate()[0]
