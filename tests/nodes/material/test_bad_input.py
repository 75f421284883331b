"""What artists read when a map is no map: counted, refused or repaired, and never a traceback."""

import pytest
import torch
from tilewright.common.errors import InputError
from tilewright.nodes.material import (
    BlendNormals,
    ConvertNormal,
    Curvature,
    HeightFromImage,
    HeightToNormal,
    NormalToHeight,
    Occlusion,
    PackChannels,
    SaveMaterial,
)

FLAT = torch.tensor([0.5, 0.5, 1.0])
NODES = {
    "height from image": lambda image, **switch: HeightFromImage.execute(image, **switch),
    "height to normal": lambda image, **switch: HeightToNormal.execute(image, **switch),
    "normal to height": lambda image, **switch: NormalToHeight.execute(image, **switch),
    "blended base": lambda image, **switch: BlendNormals.execute(image, FLAT.expand(1, 8, 8, 3), **switch),
    "blended detail": lambda image, **switch: BlendNormals.execute(FLAT.expand(1, 8, 8, 3), image, **switch),
    "convert normal": lambda image, **switch: ConvertNormal.execute(image, **switch),
    "occlusion": lambda image, **switch: Occlusion.execute(image, **switch),
    "curvature": lambda image, **switch: Curvature.execute(image, **switch),
}
each_node = pytest.mark.parametrize("node", NODES.values(), ids=NODES)


@pytest.fixture(autouse=True)
def inference_mode():
    with torch.inference_mode():
        yield


def with_broken_pixels():
    """8 x 8 flat normals, which are a fine colour image too, with two pixels that are no numbers."""
    image = FLAT.repeat(1, 8, 8, 1)
    image[0, 1, 2] = torch.nan
    image[0, 3, 4, 1] = torch.inf
    return image


def report_of(output):
    return next(one for one in output.args if isinstance(one, str))


@each_node
def test_pixels_that_are_no_numbers_are_counted_and_refused(node):
    with pytest.raises(InputError, match="has 2 of 64 pixels that are not numbers .* turn on 'repair'"):
        node(with_broken_pixels())


@each_node
def test_pixels_that_are_no_numbers_are_repaired_on_demand_and_counted(node):
    output = node(with_broken_pixels(), repair=True)
    images, report = output.args, report_of(output)
    assert "2 of 64 pixels were not numbers; the mean of the others stands for them" in report
    assert all(image.isfinite().all() for image in images if isinstance(image, torch.Tensor))


@each_node
def test_whole_maps_are_not_said_to_be_repaired(node):
    assert "not numbers" not in report_of(node(FLAT.repeat(1, 8, 8, 1), repair=True))


def test_repaired_normals_are_those_around():
    found = ConvertNormal.execute(with_broken_pixels(), "OpenGL", repair=True)[0]
    torch.testing.assert_close(found, FLAT.expand(1, 8, 8, 3))


def test_a_map_of_nothing_but_nan_becomes_flat():
    height, *_ = HeightFromImage.execute(torch.full((1, 8, 8, 3), torch.nan), repair=True)
    assert torch.equal(height, torch.full((1, 8, 8, 3), 0.5))


def test_a_mask_that_is_no_number_is_told_and_repaired():
    flat, mask = FLAT.expand(1, 8, 8, 3), torch.ones(1, 8, 8)
    mask[0, 2, 3] = torch.nan
    with pytest.raises(InputError, match="The mask has 1 of 64 pixels that are not numbers"):
        BlendNormals.execute(flat, flat, mask=mask)
    normal, report = BlendNormals.execute(flat, flat, mask=mask, repair=True)
    assert normal.isfinite().all()
    assert "The mask: 1 of 64 pixels were not numbers" in report


def test_export_refuses_what_it_would_write_wrong():
    for node in (lambda **maps: SaveMaterial.execute("m", **maps), lambda **maps: PackChannels.execute("RMA", **maps)):
        with pytest.raises(InputError, match="The roughness map has 2 of 64 pixels that are not numbers"):
            node(roughness=with_broken_pixels())


@each_node
@pytest.mark.parametrize(("rows", "columns"), [(2, 8), (8, 1)])
def test_fewer_than_three_pixels_are_no_surface(node, rows, columns):
    with pytest.raises(InputError, match=f"is {columns} x {rows} pixels. A surface needs at least 3 x 3"):
        node(torch.rand(1, rows, columns, 3))


def test_export_names_the_map_that_is_no_surface():
    for node in (lambda **maps: SaveMaterial.execute("m", **maps), lambda **maps: PackChannels.execute("RMA", **maps)):
        with pytest.raises(InputError, match="The metallic map is 8 x 2 pixels. A surface needs at least 3 x 3"):
            node(metallic=torch.rand(1, 2, 8, 3))


@pytest.mark.parametrize("node", [HeightToNormal, Occlusion, Curvature])
def test_colour_given_as_height_says_which_channel_is_used(node):
    assert "The height is a colour image: its luminance was used." in report_of(node.execute(torch.rand(1, 8, 8, 3)))
    assert "luminance" not in report_of(node.execute(torch.rand(1, 8, 8, 1)))


def test_height_from_image_says_which_channel_is_used():
    image = torch.rand(1, 8, 8, 3)
    assert HeightFromImage.execute(image)[1] == "The image's luminance became the height."
    assert HeightFromImage.execute(image, "red")[1] == "The image's red became the height."
    assert HeightFromImage.execute(image[..., :1])[1] == "The image's only channel became the height."


def test_an_image_without_alpha_has_none_to_offer():
    with pytest.raises(InputError, match="has 3 channels and no alpha"):
        HeightFromImage.execute(torch.rand(1, 8, 8, 3), "alpha")


@pytest.mark.parametrize("node", [NormalToHeight, ConvertNormal])
def test_a_grey_image_is_no_normal_map(node):
    with pytest.raises(InputError, match="The normal map has 1 channel"):
        node.execute(torch.rand(1, 8, 8))


def test_batches_that_do_not_match_are_named():
    one, two = torch.rand(1, 8, 8, 3), torch.rand(2, 8, 8, 3)
    with pytest.raises(InputError, match=r"base 8 x 8 \(1\), detail 8 x 8 \(2\)"):
        BlendNormals.execute(one, two)
    with pytest.raises(InputError, match=r"base 8 x 8 \(2\), detail 8 x 8 \(2\), mask 8 x 8 \(1\)"):
        BlendNormals.execute(two, two, mask=torch.ones(1, 8, 8))
    with pytest.raises(InputError, match=r"occlusion 8 x 8 \(2\), roughness 8 x 8 \(1\)"):
        PackChannels.execute("ORM, ARM (Unreal, Godot, glTF)", occlusion=two, roughness=one)
    with pytest.raises(InputError, match="height 2, roughness 1"):
        SaveMaterial.execute("m", height=two, roughness=one)
