"""Grey maps in the channels of one image, and what each engine's preset makes of a material."""

import pytest
import torch
from tilewright.common.errors import InputError
from tilewright.material.arrangement import arrange
from tilewright.material.engine_presets import MAPS, PRESETS
from tilewright.material.packing import (
    LAYOUTS,
    UNPACK_LAYOUTS,
    Channel,
    pack_channels,
    parse_channel,
    parse_unpacking,
    shown_channels,
    unpack_channels,
)
from tilewright.nodes.material import PackChannels, UnpackChannels

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


def test_one_and_two_channels_come_as_three_so_that_every_node_takes_them():
    one = PackChannels.execute("custom", "roughness", roughness=torch.full((1, 4, 4), 0.25))[0]
    assert one[0, 0, 0].tolist() == [0.25] * 3
    two = shown_channels(torch.tensor([0.1, 0.2])[None, :, None, None].expand(1, 2, 4, 4))
    assert pixel(two) == [0.1, 0.2, 0.0]


def test_comfyui_saves_a_packed_single_channel(tmp_path, monkeypatch):
    import folder_paths

    from nodes import SaveImage

    monkeypatch.setattr(folder_paths, "get_output_directory", lambda: str(tmp_path))
    image = PackChannels.execute("custom", "roughness", roughness=torch.full((1, 4, 4), 0.2))[0]
    SaveImage().save_images(image)
    assert len(list(tmp_path.glob("*.png"))) == 1


def test_names_of_other_tools_are_understood():
    assert parse_channel("AO", MAPS) == Channel("occlusion")
    assert parse_channel("1-metalness", MAPS) == Channel("metallic", inverted=True)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_what_was_packed_comes_out_again(layout):
    grey = {name: torch.rand(1, 8, 8) for name in ("occlusion", "roughness", "metallic")}
    packed = PackChannels.execute(layout, **grey)[0]
    height, roughness, metallic, occlusion, opacity, report = UnpackChannels.execute(packed, layout)
    found = {"roughness": roughness, "metallic": metallic, "occlusion": occlusion}
    for name in (channel.map for channel in parse_unpacking(LAYOUTS[layout]) if channel):
        torch.testing.assert_close(found[name], grey[name][..., None].expand(-1, -1, -1, 3))
    assert (height.unique().tolist(), opacity.unique().tolist()) == ([0.5], [1.0])
    assert "height: not in this layout; 0.5 stands for it" in report


def test_gloss_becomes_roughness():
    gloss = torch.rand(1, 8, 8, 3)[..., :1].expand(-1, -1, -1, 3)
    torch.testing.assert_close(UnpackChannels.execute(gloss, "gloss")[1], 1 - gloss)


def test_the_smoothness_in_a_files_alpha_comes_through_load_maps_mask():
    rgb, smoothness = torch.rand(1, 8, 8, 3), torch.rand(1, 8, 8)
    roughness = UnpackChannels.execute(rgb, "HDRP mask (Unity)", alpha=1 - smoothness)[1]
    torch.testing.assert_close(roughness[..., 0], 1 - smoothness)
    with pytest.raises(InputError, match="needs 4 channels, and the image has 3. Connect the file's alpha"):
        UnpackChannels.execute(rgb, "HDRP mask (Unity)")
    with pytest.raises(InputError, match="differ in size"):
        UnpackChannels.execute(rgb, "HDRP mask (Unity)", alpha=torch.zeros(1, 64, 64))


def test_a_custom_order_is_read_as_it_is_written():
    image = torch.tensor([0.1, 0.2, 0.3]).expand(1, 4, 4, 3)
    height, roughness, *_ = UnpackChannels.execute(image, "custom", "-, 1-roughness, height")
    assert (float(height[0, 0, 0, 0]), float(roughness[0, 0, 0, 0])) == (pytest.approx(0.3), pytest.approx(0.8))


@pytest.mark.parametrize(
    ("words", "story"),
    [
        ("occlusion.r", "without '.r'"),
        ("-, -", "No channel is a map"),
        ("0.5", "No channel is a map"),
        ("basecolor", "is not a channel"),
        ("height, height, height, height, height", "There are 5 channels"),
    ],
)
def test_what_cannot_be_unpacked_is_said(words, story):
    with pytest.raises(InputError, match=story):
        parse_unpacking(words.split(","))
    with pytest.raises(InputError, match=story):
        UnpackChannels.execute(torch.rand(1, 4, 4, 3), "custom", words)
    UnpackChannels.execute(torch.rand(1, 4, 4, 3), "gloss", words)  # where they do not count


def test_unpacking_takes_the_first_of_equal_channels_and_fills_in_what_is_wanted():
    image = torch.tensor([0.1, 0.2, 0.3, 0.4])[None, :, None, None].expand(1, 4, 2, 2)
    channels = parse_unpacking(UNPACK_LAYOUTS["metallic smoothness (Unity URP)"])
    maps, notes = unpack_channels(image, channels, ["metallic", "roughness", "occlusion"])
    assert {name: round(float(pixels[0, 0, 0, 0]), 6) for name, pixels in maps.items()} == {
        "metallic": 0.1, "roughness": 0.6, "occlusion": 1.0
    }  # fmt: skip
    assert notes == ["metallic: R", "roughness: 1-A", "occlusion: not in this layout; 1 stands for it"]
