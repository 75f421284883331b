import folder_paths
import numpy as np
import pytest
import torch
from tilewright.common.image_writing import write_png
from tilewright.common.images import read_image
from tilewright.common.texture_dataset import Sample, TextureDataset
from tilewright.dataset.augment import Augmentation, augment_dataset
from tilewright.dataset.transforms import ColorShift, Variation, shift_color, varied_size, varied_strips, vary_caption
from tilewright.nodes.dataset.augment import AugmentDataset

SIZE = 32


def hills(size=SIZE):
    """A tileable height without any symmetry, (1, size, size)."""
    y, x = np.mgrid[:size, :size] * (2 * np.pi / size)
    height = np.sin(x + 0.3) + 0.5 * np.sin(2 * y - x) + 0.3 * np.cos(3 * x + 2 * y)
    return torch.from_numpy(height)[None] / 5 + 0.5


def varied(image, kind, convention, variation):
    return torch.cat(list(varied_strips(image, kind, convention, variation)), 1)


def normals(height, convention):
    """Encoded normals of a height by wrapped central differences, rows downward."""
    h = height[0] * 10
    p, q = (h.roll(-1, 1) - h.roll(1, 1)) / 2, (h.roll(-1, 0) - h.roll(1, 0)) / 2
    z = torch.rsqrt(1 + p * p + q * q)
    return torch.stack([-p * z, (q if convention == "OpenGL" else -q) * z, z]) * 0.5 + 0.5


@pytest.mark.parametrize("convention", ["OpenGL", "DirectX"])
@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize("mirror", [False, True])
def test_normals_turn_with_the_surface(convention, turns, mirror):
    variation = Variation(shift=(0.25, 0.5), mirror=mirror, turns=turns)
    of_varied_height = normals(varied(hills(), "height", "", variation), convention)
    varied_normals = varied(normals(hills(), convention), "normal", convention, variation)
    assert torch.allclose(varied_normals, of_varied_height, atol=1e-12, rtol=0)


def test_a_roll_is_a_roll_at_every_resolution():
    variation = Variation(shift=(0.25, 0.5))
    assert torch.equal(varied(hills(32), "height", "", variation), hills(32).roll((-16, -8), (1, 2)))
    assert torch.equal(varied(hills(64), "height", "", variation), hills(64).roll((-32, -16), (1, 2)))


@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize("mirror", [False, True])
def test_strips_are_the_rolled_mirrored_and_turned_whole(mirror, turns):
    height = torch.rand(1, 600, 520, generator=torch.Generator().manual_seed(0))
    variation = Variation(shift=(0.25, 0.5), crop=0.9, mirror=mirror, turns=turns)
    piece = height.roll((-300, -130), (1, 2))[:, :540, :468]
    expected = (piece.flip(-1) if mirror else piece).rot90(turns, (-2, -1))
    assert torch.equal(varied(height, "height", "", variation), expected)
    assert varied_size(600, 520, variation) == expected.shape[1:]


def test_crops_wrap_only_where_they_may():
    wrapped = varied(hills(), "height", "", Variation(shift=(0.75, 0), crop=0.5))
    assert torch.equal(wrapped, torch.cat([hills()[:, :16, 24:], hills()[:, :16, :8]], 2))
    inside = varied(hills(), "height", "", Variation(shift=(0.5, 0.25), crop=0.5, wraps=False))
    assert torch.equal(inside, hills()[:, 8:24, 16:])


@pytest.mark.parametrize(
    ("mirror", "turns", "expected"),
    [
        (False, 0, "Horizontal planks, light from the left, top edge worn"),
        (False, 1, "Vertical planks, light from the bottom, left edge worn"),
        (False, 2, "Horizontal planks, light from the right, bottom edge worn"),
        (False, 3, "Vertical planks, light from the top, right edge worn"),
        (True, 0, "Horizontal planks, light from the right, top edge worn"),
        (True, 1, "Vertical planks, light from the top, left edge worn"),
    ],
)
def test_words_for_directions_follow(mirror, turns, expected):
    assert vary_caption("Horizontal planks, light from the left, top edge worn", mirror, turns) == expected


def test_no_colour_shift_is_no_change_and_grey_stays_grey():
    image = torch.rand(3, 4, 4, generator=torch.Generator().manual_seed(0))
    assert shift_color(image, ColorShift()) is image
    grey = torch.full((3, 2, 2), 0.5)
    turned = shift_color(grey, ColorShift(chroma=1.3, hue=0.3))
    assert torch.allclose(turned, grey, atol=1e-3)


@pytest.fixture
def materials(tmp_path, monkeypatch):
    monkeypatch.setattr(folder_paths, "output_directory", str(tmp_path / "output"))
    samples = []
    for name in ("a", "b"):
        maps = {
            "basecolor": hills(32).float().expand(3, -1, -1) * torch.tensor([1, 0.7, 0.5]).view(3, 1, 1),
            "height": hills(32).float(),
            "roughness": hills(64).float(),
            "normal": normals(hills(32), "DirectX").float(),
        }
        for kind, image in maps.items():
            file = tmp_path / f"{name}_{kind}.png"
            write_png(file, image, 16)
            samples.append(
                Sample(file, kind, (image.shape[2],) * 2, "horizontal waves", name, tileable=True, convention="DirectX")
            )
    return TextureDataset(tuple(samples))


def test_all_maps_of_a_material_change_together(materials):
    dataset, report = AugmentDataset.execute(materials, 3, 5, "more", color=0.5)
    assert len(dataset) == 4 * len(materials)
    assert report.startswith("24 variations")
    by_file = {sample.file.stem: sample for sample in dataset.samples}
    for name in ("a_{}_v1", "a_{}_v2", "b_{}_v3"):
        height = read_image(by_file[name.format("height")].file).double()
        normal = read_image(by_file[name.format("normal")].file).double()
        assert (normal - normals(height, "DirectX")).abs().max() < 2e-4  # 16-bit rounding of both
        assert by_file[name.format("height")].material == name[0] + name[-3:]


def test_the_same_seed_gives_the_same_files(materials):
    def contents(seed, folder):
        dataset, _ = AugmentDataset.execute(materials, 2, seed, folder, keep_originals=False)
        return [sample.file.read_bytes() for sample in dataset.samples]

    assert contents(1, "one") == contents(1, "two")
    assert contents(1, "one") != contents(2, "three")


def test_pieces_do_not_tile_and_have_the_size_asked_for(materials):
    dataset, _ = AugmentDataset.execute(materials, 1, 0, "pieces", crop=32, keep_originals=False)
    assert {(sample.map, sample.size, sample.tileable) for sample in dataset.samples} == {
        ("basecolor", (16, 16), False),
        ("height", (16, 16), False),
        ("roughness", (32, 32), False),
        ("normal", (16, 16), False),
    }


def test_without_colour_the_basecolor_keeps_its_values(materials):
    dataset, _ = AugmentDataset.execute(materials, 1, 0, "plain", keep_originals=False)
    original = read_image(materials.samples[0].file)
    varied = read_image(dataset.samples[0].file)
    assert torch.allclose(original.flatten().sort().values, varied.flatten().sort().values, atol=0.5 / 255 + 1e-6)


def test_numbers_for_files_of_one_name_pass_over_those_that_another_file_has(tmp_path):
    names = ["a/wall.png", "b/wall_2.png", "c/Wall.png", "d/wall.png"]
    for name in names:
        write_png(tmp_path / name, torch.rand(3, 8, 8))
    samples = tuple(Sample(tmp_path / name, "basecolor", (8, 8), material=name, tileable=True) for name in names)
    augmented = augment_dataset(TextureDataset(samples), tmp_path / "views", Augmentation(1), 0, lambda *_: None)
    written = [sample.file.name for sample in augmented.samples]
    assert written == ["wall_v1.png", "wall_2_v1.png", "Wall_3_v1.png", "wall_4_v1.png"]


def test_sync_removes_views_of_an_earlier_run_and_nothing_else(tmp_path):
    source, folder = tmp_path / "wall.png", tmp_path / "views"
    write_png(source, torch.rand(3, 8, 8))
    dataset = TextureDataset((Sample(source, "basecolor", (8, 8), material="wall", tileable=True),))
    augment_dataset(dataset, folder, Augmentation(3), 0, lambda *_: None)
    write_png(folder / "mine.png", torch.rand(3, 8, 8))
    write_png(folder / "wall_v2.png", torch.rand(3, 8, 8))  # painted over since
    augmented = augment_dataset(dataset, folder, Augmentation(1), 0, lambda *_: None, sync=True)
    assert [path.name for path in augmented.removed] == ["wall_v3.png"]
    assert {path.name for path in folder.glob("*.png")} == {"wall_v1.png", "wall_v2.png", "mine.png"}
    assert [sample.origin for sample in augmented.samples] == ["wall"]
