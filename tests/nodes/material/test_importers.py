"""What other programs' importers make of a saved material: OpenImageIO, the Khronos glTF validator, MaterialX.

Blender's Python package is no requirement of the tests: it needs NumPy 1, and the host has NumPy 2. To have it judge
too, `pip install --target FOLDER bpy "numpy<2"` and name FOLDER in the variable TILEWRIGHT_BPY.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import folder_paths
import MaterialX
import numpy as np
import OpenImageIO
import pytest
import torch
import trimesh
from tilewright.common.images import read_image
from tilewright.material.engine_presets import MAPS, PRESETS
from tilewright.material.material_files import MATERIAL_FORMATS
from tilewright.nodes.material import SaveMaterial

pytestmark = pytest.mark.slow
NAMES = ["brick #3", "100% wool", "old wall 4K", "砖墙", "façade & co", "walls/inner/brick"]
VALIDATOR = "gltf-validator@2.0.0-dev.3.10"
each_name = pytest.mark.parametrize("name", NAMES)


@pytest.fixture(autouse=True)
def output(tmp_path, monkeypatch):
    monkeypatch.setattr(folder_paths, "get_output_directory", lambda: str(tmp_path))
    monkeypatch.setattr(folder_paths, "get_temp_directory", lambda: str(tmp_path / "temp"))
    with torch.inference_mode():
        yield tmp_path


@pytest.fixture(scope="session")
def validate(tmp_path_factory):
    """A function that gives the messages of the Khronos validator, worse than a hint, for some files."""
    folder = tmp_path_factory.mktemp("khronos")
    if shutil.which("npm") is None:
        pytest.skip("the Khronos validator runs in Node.js, which is not installed")
    install = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder), VALIDATOR]
    if subprocess.run(install, capture_output=True, timeout=240).returncode:
        pytest.skip("the Khronos validator could not be installed from the package index")
    (folder / "package.json").touch()

    def found(*files):
        script = Path(__file__).with_name("khronos.mjs")
        run = subprocess.run(
            ["node", str(script), str(folder), *map(str, files)],
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
        issues = [message for report in json.loads(run.stdout) for message in report["issues"]["messages"]]
        return [(issue["code"], issue["message"]) for issue in issues if issue["severity"] < 2]  # errors and warnings

    return found


def material(size=16):
    """Every map, of true normals, and a cut-out opacity."""
    maps = {name: torch.rand(1, size, size, 3) for name in MAPS if name not in ("normal", "opacity")}
    return maps | {
        "normal": torch.tensor([0.5, 0.5, 1.0]).repeat(1, size, size, 1),
        "opacity": (torch.rand(1, size, size) > 0.5).float(),
    }


def by_oiio(path):
    """The pixels (H, W, C) of a file as floats, read by OpenImageIO; PNG's alpha is left beside the colours."""
    as_stored = OpenImageIO.ImageSpec()
    as_stored.attribute("oiio:UnassociatedAlpha", 1)
    buffer = OpenImageIO.ImageBuf(str(path), 0, 0, as_stored)
    pixels = buffer.get_pixels(OpenImageIO.FLOAT)
    assert not buffer.has_error, buffer.geterror()
    return pixels


@each_name
@pytest.mark.parametrize("preset", PRESETS)
def test_openimageio_reads_every_file_of_every_preset(preset, name, output):
    SaveMaterial.execute(name, preset=preset, **material())
    files = [file for file in (output / "materials" / name).iterdir() if file.suffix == ".png"]
    assert len(files) >= 4
    for file in files:
        ours = read_image(file).movedim(0, -1).numpy()
        np.testing.assert_allclose(by_oiio(file), ours, atol=1e-6)


@pytest.mark.parametrize("file_format", [each for each in MATERIAL_FORMATS if each != "GLB"])
def test_openimageio_reads_every_format(file_format, output):
    maps = material()
    SaveMaterial.execute("m", preset="Unreal", file_format=file_format, **maps)
    (normal,) = (output / "materials/m").glob("T_m_N.*")
    np.testing.assert_allclose(by_oiio(normal), maps["normal"][0].numpy(), atol=0.003)


def test_alpha_in_an_exr_is_associated_as_its_readers_expect(output):
    """OpenImageIO keeps colours multiplied by alpha: that is what it must find."""
    color, opacity = torch.full((1, 8, 8, 3), 0.5), torch.full((1, 8, 8), 0.25)
    SaveMaterial.execute("m", preset="Unreal", file_format="EXR float", basecolor=color, opacity=opacity)
    found = by_oiio(output / "materials/m/T_m_BC.exr")
    np.testing.assert_allclose(found[0, 0], [0.2140411 * 0.25] * 3 + [0.25], atol=1e-6)


@each_name
@pytest.mark.parametrize("file_format", MATERIAL_FORMATS)
def test_khronos_finds_nothing_wrong(validate, name, file_format, output):
    SaveMaterial.execute(name, preset="glTF", file_format=file_format, **material())
    (scene,) = (output / "materials" / name).glob("*.gl[tb]*")
    assert validate(scene) == []


def test_khronos_finds_nothing_wrong_with_few_maps_and_with_batches(validate, output):
    SaveMaterial.execute("height", preset="glTF", height=torch.rand(1, 8, 8))
    SaveMaterial.execute("height glb", file_format="GLB", height=torch.rand(1, 8, 8))
    SaveMaterial.execute("batch", file_format="GLB", basecolor=torch.rand(2, 8, 12, 3))
    scenes = sorted((output / "materials").rglob("*.gl[tb]*"))
    assert [scene.name for scene in scenes] == ["batch_001.glb", "batch_002.glb", "height.gltf", "height glb.glb"]
    assert validate(*scenes) == []


def test_trimesh_finds_the_textures_inside_a_glb(output):
    maps = material()
    path, _ = SaveMaterial.execute("砖墙 #3", file_format="GLB", **maps)
    mesh = trimesh.load(Path(path) / "砖墙 #3.glb", force="scene").to_geometry()
    color = np.asarray(mesh.visual.material.baseColorTexture)
    assert np.array_equal(color[..., :3], (maps["basecolor"][0] * 255).round().byte().numpy())
    assert mesh.visual.material.alphaMode == "MASK"


@each_name
def test_materialx_finds_every_file_by_its_name(name, output):
    path, _ = SaveMaterial.execute(name, preset="MaterialX", **material())
    (file,) = Path(path).glob("*.mtlx")
    document, library = MaterialX.createDocument(), MaterialX.createDocument()
    MaterialX.readFromXmlFile(document, str(file))
    search = MaterialX.getDefaultDataSearchPath()
    MaterialX.loadLibraries(MaterialX.getDefaultDataLibraryFolders(), search, library)
    document.setDataLibrary(library)
    valid, message = document.validate()
    assert valid, message
    images = [node.getInputValue("file") for node in document.getNodes("image")]
    assert len(images) == 8 and all((file.parent / image).is_file() for image in images)


def test_alpha_in_a_tiff_is_unassociated_to_its_readers(output):
    image = torch.full((1, 8, 8, 4), 0.5)
    SaveMaterial.execute("m", basecolor=image, file_format="TIFF")
    buffer = OpenImageIO.ImageBuf(str(output / "materials/m/m_basecolor.tif"))
    assert buffer.spec().getattribute("oiio:UnassociatedAlpha") == 1 or buffer.nativespec().alpha_channel == 3
    np.testing.assert_allclose(by_oiio(output / "materials/m/m_basecolor.tif")[0, 0], [128 / 255] * 4, atol=1e-6)


BLENDER = """
import json, sys, bpy
found = {}
for file in sys.argv[1:]:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.import_scene.gltf(filepath=file)
    (thing,) = bpy.data.objects
    images = sorted((image.name.rsplit("_")[-1].removesuffix(".png"), *image.size) for image in bpy.data.images)
    found[file] = [[material.name for material in bpy.data.materials], images, list(thing.dimensions)]
print("\\n" + json.dumps(found))
"""


@pytest.mark.skipif("TILEWRIGHT_BPY" not in os.environ, reason="TILEWRIGHT_BPY names no folder with Blender's package")
def test_blender_imports_every_name_and_format(output):
    for name in NAMES:
        for file_format in ("PNG", "TIFF", "GLB"):
            whole = f"{name} {file_format}"
            SaveMaterial.execute(whole, preset="glTF", file_format=file_format, size_cm=200.0, **material())
    scenes = list(map(str, (output / "materials").rglob("*.gl[tb]*")))
    command = [sys.executable, "-c", BLENDER, *scenes]
    environment = os.environ | {"PYTHONPATH": os.environ["TILEWRIGHT_BPY"]}
    run = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240, check=True)
    found = json.loads(run.stdout.splitlines()[-1])
    assert len(found) == 3 * len(NAMES)
    suffixes = ["baseColor", "emissive", "normal", "occlusionRoughnessMetallic"]
    for scene, (materials, images, dimensions) in found.items():
        assert materials == [Path(scene).stem]
        assert images == [[suffix, 16, 16] for suffix in suffixes]
        assert dimensions == pytest.approx([2.0, 0.0, 2.0], abs=1e-6)
