"""Every way in which a file may keep normals comes out as the same normals, or is refused by its name."""

import pytest
import torch
from tilewright.common.errors import InputError
from tilewright.common.srgb import linear_from_srgb, srgb_from_linear
from tilewright.material.map_inputs import normals_of
from tilewright.material.normal_encodings import check_tangent_space, overhang, rebuild_normals
from tilewright.material.normals import decode_normals, encode_normals, unit


def hills(seed=0, steep=0.5):
    """Encoded unit normals (1, 3, 32, 32) that lean any way."""
    xy = steep * torch.randn(1, 2, 32, 32, generator=torch.Generator().manual_seed(seed))
    return encode_normals(unit(torch.cat([xy, torch.ones(1, 1, 32, 32)], dim=1)))


def channels(*parts):
    return torch.cat([torch.full((1, 1, 32, 32), part) if isinstance(part, float) else part for part in parts], dim=1)


X, Y, Z = hills().split(1, dim=1)
KEPT = {
    "two channels": (channels(X, Y), "has two channels"),
    "blue is 0": (channels(X, Y, 0.0), "nothing in blue"),
    "blue is 0.5": (channels(X, Y, 0.5), "nothing in blue"),
    "blue is 1": (channels(X, Y, 1.0), "nothing in blue"),
    "DXT5nm, white red": (channels(1.0, Y, Y, X), "DXT5nm"),
    "DXT5nm, black": (channels(0.0, Y, 0.0, X), "DXT5nm"),
    "DXT5nm, grey": (channels(Y, Y, Y, X), "DXT5nm"),
    "signed": (decode_normals(hills()), "is signed"),
    "encoded as a colour": (srgb_from_linear(hills()), "went through the sRGB curve"),
    "made linear": (linear_from_srgb(hills()), "was made linear"),
}


@pytest.mark.parametrize(("kept", "story"), KEPT.values(), ids=KEPT)
def test_every_encoding_is_recognised_and_rebuilt(kept, story):
    found, notes = rebuild_normals(kept, "The map")
    torch.testing.assert_close(found, hills(), rtol=0, atol=2e-3)
    assert story in notes[0]
    assert normals_of(kept, "The map")[1] == notes


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize(("kept", "story"), KEPT.values(), ids=KEPT)
def test_rounded_to_a_file_too(kept, story, bits):
    levels = 2**bits - 1
    found, notes = rebuild_normals((kept * levels).round() / levels, "The map")
    angle = torch.rad2deg((decode_normals(found) - decode_normals(hills())).norm(dim=1))
    assert angle.mean() < 1
    assert story in notes[0]


ORDINARY = {
    "hills": hills(),
    "eight bits": (hills() * 255).round() / 255,
    "flat": channels(0.5, 0.5, 1.0),
    "so gentle that blue hardly varies": hills(steep=0.03),
    "waves along x": encode_normals(unit(torch.cat([X - 0.5, torch.zeros_like(X), torch.ones_like(X)], dim=1))),
    "a height in alpha": torch.cat([hills(), torch.rand(1, 1, 32, 32)], dim=1),
    "flat with a height in alpha": channels(0.5, 0.5, 1.0, torch.rand(1, 1, 32, 32)),
    "random colours": torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(1)),
}


@pytest.mark.parametrize("pixels", ORDINARY.values(), ids=ORDINARY)
def test_what_is_as_expected_or_unknown_stays_to_the_bit(pixels):
    found, notes = rebuild_normals(pixels, "The map")
    assert torch.equal(found, pixels[:, :3])
    assert notes == []


REFUSED = {
    "grey": (torch.rand(1, 1, 32, 32).expand(1, 3, 32, 32), "is grey"),
    "DXT5nm without its alpha": (channels(1.0, Y, Y), "looks like a DXT5nm map"),
    "object space": (encode_normals(unit(torch.randn(1, 3, 32, 32))), r"into the surface in \d+% of its pixels"),
    "a picture": (torch.rand(1, 3, 32, 32), "into the surface"),
}


@pytest.mark.parametrize(("pixels", "story"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_tangent_space_is_refused_by_its_name(pixels, story):
    with pytest.raises(InputError, match=story):
        check_tangent_space(pixels, "The map")


def test_normals_of_another_length_are_said_to_be_normalised():
    assert check_tangent_space(hills(), "The map") == []
    short = encode_normals(0.7 * decode_normals(hills()))
    assert check_tangent_space(short, "The map") == ["The map: its length is off by 0.3 on average; it was normalised."]


def test_overhang_is_the_part_that_points_inwards():
    half = channels(0.5, 0.5, 1.0)
    half[..., :8, :] = torch.tensor([0.5, 0.5, 0.0])[:, None, None]
    assert overhang(half) == 0.25
