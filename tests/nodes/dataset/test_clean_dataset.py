import numpy as np
import pytest
import torch
from PIL import Image
from tilewright.common.conventions import clear_convention
from tilewright.common.errors import InputError
from tilewright.common.image_writing import write_png
from tilewright.common.texture_dataset import Sample, TextureDataset
from tilewright.nodes.dataset.clean import CleanDataset

SIZE = 64


def waves(seed, size=SIZE):
    """A seamless texture: a few waves of whole periods, (3, size, size) in 0..1."""
    draw = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size] * (2 * np.pi / size)
    tones = [np.sin(draw.integers(1, 5) * x + draw.integers(1, 5) * y + draw.uniform(0, 6)) for _ in range(6)]
    channels = [0.5 + 0.06 * sum(w * t for w, t in zip(draw.uniform(0.5, 1, 6), tones, strict=True)) for _ in range(3)]
    return torch.from_numpy(np.stack(channels)).float()


def saved(folder, name, image, kind="basecolor", caption="", material="", convention=""):
    write_png(folder / name, image)
    return Sample(
        folder / name, kind, (image.shape[2], image.shape[1]), caption, material or name, convention=convention
    )


def clean(*samples, min_side=0, reject_duplicates=False, seams="off", **options):
    return CleanDataset.execute(TextureDataset(samples), min_side, reject_duplicates, seams, **options)


def files(dataset):
    return [sample.file.name for sample in dataset.samples]


def reject_one(bad, good, reason, **options):
    """Check that `bad` is rejected beside `good`, and that the report says why."""
    kept, rejected, report = clean(bad, good, **options)
    assert files(kept) == [good.file.name]
    assert rejected.samples == (bad,)
    assert any(reason in line and bad.file.name in line for line in report.splitlines())


@pytest.fixture
def good(tmp_path):
    return saved(tmp_path, "good.png", waves(1))


def test_sizes(tmp_path, good):
    reject_one(saved(tmp_path, "small.png", waves(2, 32)), good, "smaller than 64", min_side=64)
    reject_one(saved(tmp_path, "large.png", waves(2, 128)), good, "larger than 64", max_side=64)


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        (torch.full((3, SIZE, SIZE), 0.4), "flat colour"),
        (torch.zeros(3, SIZE, SIZE), "black"),
        (waves(3) * (torch.arange(SIZE) > 40), "black over more than half"),
        ((waves(3) + 0.52).clamp(max=1), "saturated"),
    ],
    ids=["flat", "black", "mostly black", "clipped"],
)
def test_pictures_without_content(tmp_path, good, image, reason):
    reject_one(saved(tmp_path, "bad.png", image), good, reason)


def test_a_roughness_map_may_be_flat(tmp_path):
    assert len(clean(saved(tmp_path, "r.png", torch.ones(1, SIZE, SIZE), "roughness"))[0]) == 1


def test_heavy_compression(tmp_path, good):
    Image.fromarray((waves(5).movedim(0, -1) * 255).byte().numpy()).save(tmp_path / "mush.webp", quality=1)
    mush = Sample(tmp_path / "mush.webp", "basecolor", (SIZE, SIZE))
    reject_one(mush, good, "compressed below", kilobytes_per_pixel=0.0005)


def test_coarse_scans(tmp_path, good):
    Image.fromarray((waves(5).movedim(0, -1) * 255).byte().numpy()).save(tmp_path / "scan.png", dpi=(72, 72))
    reject_one(Sample(tmp_path / "scan.png", "basecolor", (SIZE, SIZE)), good, "less than 150 dpi", min_dpi=150)


def test_a_file_that_was_damaged_since_it_was_loaded(tmp_path, good):
    broken = saved(tmp_path, "broken.png", waves(2))
    broken.file.write_bytes(broken.file.read_bytes()[:200])
    reject_one(broken, good, "damaged or incomplete")


def test_a_visible_seam_is_rejected_or_left_unmarked(tmp_path, good):
    ramp = waves(4) + torch.linspace(-0.15, 0.15, SIZE)
    reject_one(saved(tmp_path, "ramp.png", ramp), good, "does not tile", seams="reject")
    kept = clean(saved(tmp_path, "ramp.png", ramp), good, seams="mark")[0]
    assert [sample.tileable for sample in kept.samples] == [False, True]


def test_the_first_of_duplicates_stays_with_its_caption(tmp_path):
    first = saved(tmp_path, "first.png", waves(1), caption="mine")
    second = saved(tmp_path, "second.png", waves(1).roll((10, 20), (1, 2)).rot90(1, (1, 2)))
    third = saved(tmp_path, "third.png", waves(2))
    kept, rejected, report = clean(first, second, third, reject_duplicates=True)
    assert files(kept) == ["first.png", "third.png"]
    assert kept.captions == ["mine", ""]
    assert "the same texture as first.png: second.png" in report
    assert len(clean(first, second, third)[0]) == 3


def test_colour_variants_keep_the_height_they_share(tmp_path):
    samples = []
    for name, tint in [("red", (0.2, 0, 0)), ("blue", (0, 0, 0.2))]:
        color = waves(1) + torch.tensor(tint).view(3, 1, 1)
        samples.append(saved(tmp_path, f"{name}_basecolor.png", color, material=name))
        samples.append(saved(tmp_path, f"{name}_height.png", waves(9)[:1], "height", material=name))
    assert len(clean(*samples, reject_duplicates=True)[0]) == 4


def test_a_material_that_is_there_twice_goes_with_all_its_maps(tmp_path):
    samples = []
    for name in ("one", "two"):
        samples.append(saved(tmp_path, f"{name}_basecolor.png", waves(1), material=name))
        samples.append(saved(tmp_path, f"{name}_height.png", waves(9)[:1], "height", material=name))
    assert files(clean(*samples, reject_duplicates=True)[0]) == ["one_basecolor.png", "one_height.png"]


def bumps(sign, seed):
    """Normals of a bumpy surface; sign is 1 for OpenGL and -1 for DirectX."""
    height = waves(seed)[0].double() * 40
    p, q = height.roll(-1, 1) - height.roll(1, 1), height.roll(-1, 0) - height.roll(1, 0)
    normal = torch.nn.functional.normalize(torch.stack([-p, sign * q, torch.full_like(p, 2)]), dim=0)
    return (normal * 0.5 + 0.5).float()


def test_the_convention_is_read_from_the_pixels():
    assert clear_convention(bumps(1, 1)[None]) == "OpenGL"
    assert clear_convention(bumps(-1, 1)[None]) == "DirectX"
    assert clear_convention(torch.tensor([0.5, 0.5, 1]).view(1, 3, 1, 1).expand(1, 3, 16, 16)) == ""


def test_normal_maps_of_the_other_convention(tmp_path):
    normals = [saved(tmp_path, f"{n}.png", bumps(sign, n), "normal") for n, sign in enumerate([1, 1, -1])]
    assert files(clean(*normals)[0]) == ["0.png", "1.png"]
    assert files(clean(*normals, normals="DirectX")[0]) == ["2.png"]
    assert len(clean(*normals, normals="off")[0]) == 3
    assert [sample.convention for sample in clean(*normals)[0].samples] == ["OpenGL", "OpenGL"]


def test_a_normal_map_that_contradicts_its_name(tmp_path):
    good, lie = (
        saved(tmp_path, f"{n}.png", bumps(1, n), "normal", convention=c) for n, c in enumerate(["", "DirectX"])
    )
    reject_one(lie, good, "named DirectX, but its pixels are OpenGL")


def test_nothing_left_is_an_error_with_the_reasons(tmp_path):
    with pytest.raises(InputError, match="2 smaller than 512 pixels"):
        clean(saved(tmp_path, "a.png", waves(1)), saved(tmp_path, "b.png", waves(2)), min_side=512)
