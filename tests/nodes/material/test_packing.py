"""Grey maps in the channels of one image, and what each engine's preset makes of a material."""

import pytest
import torch
from tilewright.common.errors import InputError
from tilewright.material.arrangement import arrange
from tilewright.material.engine_presets import MAPS, PRESETS
from tilewright.material.packing import LAYOUTS, Channel, pack_channels, parse_channel
from tilewright.nodes.material import PackChannels

# Every map has a value of its own, so that one pixel tells where each channel came from.
VALUES = {"height": 0.1, "roughness": 0.2, "metallic": 0.3, "occlusion": 0.4, "opacity": 0.6}
COLORS = {"basecolor": (0.11, 0.12, 0.13), "normal": (0.5, 0.7, 0.9), "emissive": (0.21, 0.22, 0.23)}


def material():
    grey = {name: torch.full((1, 3, 4, 4), value) for name, value in VALUES.items()}
    return grey | {name: torch.tensor(rgb)[None, :, None, None].expand(1, 3, 4, 4) for name, rgb in COLORS.items()}


def pixel(image):
    return pytest.approx(image[0, :, 0, 0].tolist(), abs=1e-6)


def test_channels_are_read_as_they_are_said():
    assert parse_channel("roughness", MAPS) == Channel("roughness")
    assert parse_channel(" 1 - Roughness ", MAPS) == Channel("roughness", inverted=True)
    assert parse_channel("basecolor.g", MAPS) == Channel("basecolor", "g")
    assert parse_channel("0.5", MAPS) == Channel(constant=0.5)


@pytest.mark.parametrize("text", ["", "gloss", "basecolor.x", "2", "-1", "nan", "1-0.5"])
def test_what_is_no_channel_is_said(text):
    with pytest.raises(InputError, match="is not a channel"):
        parse_channel(text, MAPS)


def test_missing_maps_are_neutral_and_said():
    channels = [parse_channel(text, MAPS) for text in LAYOUTS["ORM, ARM (Unreal, Godot, glTF)"]]
    packed, notes = pack_channels({"roughness": torch.full((1, 1, 4, 4), 0.2)}, channels)
    assert pixel(packed) == [1.0, 0.2, 0.0]
    assert notes == ["There is no occlusion map; 1 stands for it.", "There is no metallic map; 0 stands for it."]


def test_maps_of_different_size_are_refused():
    maps = {"roughness": torch.rand(1, 1, 4, 4), "metallic": torch.rand(1, 1, 8, 8)}
    with pytest.raises(InputError, match=r"roughness 4 x 4 \(1\), metallic 8 x 8 \(1\)"):
        pack_channels(maps, [Channel("roughness"), Channel("metallic")])


@pytest.mark.parametrize(
    ("preset", "expected"),
    [
        ("Unreal", {"BC": [0.11, 0.12, 0.13, 0.6], "ORM": [0.4, 0.2, 0.3], "H": [0.1], "N": [0.5, 0.3, 0.9]}),
        ("Unity URP", {"MetallicSmoothness": [0.3, 0.3, 0.3, 0.8], "Occlusion": [0.4], "Normal": [0.5, 0.7, 0.9]}),
        ("Unity HDRP", {"MaskMap": [0.3, 0.4, 1.0, 0.8], "BaseColor": [0.11, 0.12, 0.13, 0.6]}),
        ("Godot", {"orm": [0.4, 0.2, 0.3], "normal": [0.5, 0.7, 0.9], "emission": [0.21, 0.22, 0.23]}),
        ("Blender", {"Roughness": [0.2], "Alpha": [0.6], "Base_Color": [0.11, 0.12, 0.13]}),
        ("glTF", {"occlusionRoughnessMetallic": [0.4, 0.2, 0.3], "baseColor": [0.11, 0.12, 0.13, 0.6]}),
        ("plain", {"basecolor": [0.11, 0.12, 0.13], "opacity": [0.6], "normal": [0.5, 0.7, 0.9]}),
    ],
)
def test_presets_put_every_channel_where_the_engine_reads_it(preset, expected):
    images, _ = arrange(material(), PRESETS[preset], "OpenGL")
    found = {file.suffix: image for file, image in images.items()}
    assert {suffix: pixel(found[suffix]) for suffix in expected} == expected


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_takes_every_map(preset):
    _, notes = arrange(material(), PRESETS[preset], "OpenGL")
    assert [note for note in notes if "not written" in note] == []


def test_green_is_flipped_only_where_the_conventions_differ():
    for preset, given, flipped in [
        ("Unreal", "DirectX", False),
        ("Godot", "DirectX", True),
        ("MaterialX", "DirectX", True),
        ("plain", "DirectX", False),
    ]:
        images, notes = arrange({"normal": material()["normal"]}, PRESETS[preset], given)
        assert pixel(next(iter(images.values()))) == [0.5, 0.3 if flipped else 0.7, 0.9]
        assert any("green flipped" in note for note in notes) == flipped


def test_a_map_without_a_file_is_said():
    _, notes = arrange({"opacity": material()["opacity"], "height": material()["height"]}, PRESETS["Unreal"], "OpenGL")
    assert "opacity: has no file in this preset and was not written." in notes


def test_the_node_packs_what_a_person_writes():
    grey = torch.full((1, 4, 4, 3), 0.25)
    color = torch.tensor([0.1, 0.2, 0.3]).expand(1, 4, 4, 3)
    image, report = PackChannels.execute(
        "custom", "1-roughness, basecolor.b, 0.5, opacity", roughness=grey, basecolor=color
    )
    assert image.shape == (1, 4, 4, 4)
    assert image[0, 0, 0].tolist() == pytest.approx([0.75, 0.3, 0.5, 1.0])
    assert "R: 1-roughness" in report
    assert "There is no opacity map; 1 stands for it." in report


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_packs(layout):
    image, _ = PackChannels.execute(layout, metallic=torch.ones(1, 4, 4))
    assert image.shape == (1, 4, 4, len(LAYOUTS[layout]))


def test_packing_nothing_and_packing_five_are_refused():
    with pytest.raises(InputError, match="There are 5 channels"):
        PackChannels.execute("custom", "height,height,height,height,height", height=torch.rand(1, 4, 4))
    with pytest.raises(InputError, match="None of the maps to pack is connected"):
        PackChannels.execute("RMA", height=torch.rand(1, 4, 4))
