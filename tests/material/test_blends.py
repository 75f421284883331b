"""Blends of normal maps, each by its formula on two tilted planes."""

import pytest
import torch
from tilewright.material.blending import udn, whiteout
from tilewright.material.normals import decode_unit_normals, length_error


def normal(x, y, z):
    vector = torch.tensor([x, y, z])
    return (vector / vector.norm())[None, :, None, None]


FLAT = normal(0.0, 0.0, 1.0)


@pytest.mark.parametrize("blend", [whiteout, udn])
def test_detail_on_a_flat_base_is_the_detail_of_unit_length(blend):
    detail = normal(0.6, 0.0, 0.8)
    blended = blend(FLAT, detail)
    assert length_error(blended) < 1e-6
    if blend is whiteout:
        assert torch.allclose(blended, detail)
    else:  # UDN keeps the base's upright part: x 0.6 over z 1
        assert torch.allclose(blended, normal(0.6, 0.0, 1.0))


def test_the_sideways_parts_add_up():
    base, detail = normal(0.3, 0.0, 1.0), normal(0.0, 0.2, 1.0)
    x, y = float(base[0, 0]), float(detail[0, 1])
    assert torch.allclose(whiteout(base, detail), normal(x, y, float(base[0, 2] * detail[0, 2])))
    assert torch.allclose(udn(base, detail), normal(x, y, float(base[0, 2])))


def test_normals_read_from_an_image_have_unit_length():
    image = torch.rand(1, 3, 8, 8)
    assert length_error(decode_unit_normals(image)) < 1e-6
    assert length_error(torch.tensor([0.0, 0.0, 0.5])[None, :, None, None]) == 0.5
