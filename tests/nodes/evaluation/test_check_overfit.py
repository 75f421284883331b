import pytest
import torch
from tilewright.common.errors import InputError
from tilewright.common.texture_dataset import TextureDataset
from tilewright.dataset.procedural.render import render_material
from tilewright.evaluation.copies import turns

pytestmark = pytest.mark.slow

pytest_plugins = ["small_grids"]


def rendered(seed, material="terrazzo"):
    return render_material(material, seed, 128, maps=["basecolor"]).maps["basecolor"]


@pytest.fixture
def sets(grids):
    return [
        grids.dataset(name, [rendered(seed) for seed in seeds], [""] * len(seeds))
        for name, seeds in {"training": range(6), "held_out": range(50, 56)}.items()
    ]


def batch(*pictures):
    return torch.stack(pictures).movedim(1, -1)


def test_renders_are_found_however_they_lie_and_new_ones_are_not(grids, sets):
    copies = [turns(rendered(n).roll((31 * n, 17), (-2, -1)))[:, n] for n in range(3)]
    checked = grids.check(images=batch(*copies, rendered(90), rendered(91)), dataset=sets[0], held_out=sets[1])
    assert checked.copied_share == pytest.approx(0.6)
    assert "picture 1: copy, 1.000 with 00.png" in checked.report
    assert "picture 3: copy, 1.000 with 02.png" in checked.report
    assert "picture 4: not a copy" in checked.report


def test_a_piece_of_a_render_in_a_new_picture_is_found(grids, sets):
    picture = rendered(90)
    picture[:, 32:64, 64:96] = rendered(2).rot90(1, (-2, -1))[:, 10:42, 50:82]
    checked = grids.check(images=batch(picture, rendered(91)), dataset=sets[0], held_out=sets[1])
    assert checked.copied_share == 0
    assert "picture 1: not a copy" in checked.report and "1 piece copied" in checked.report
    assert checked.report.splitlines()[-1].endswith("0 pieces copied")


def test_the_picture_shows_the_render_as_it_lies(grids, sets):
    copy = turns(rendered(1).roll((31, 17), (-2, -1)))[:, 5]
    page = grids.check(images=batch(copy), dataset=sets[0], held_out=sets[1]).image[0]
    left, right = page[12:204, 12:204], page[12:204, 216:408]
    inner = slice(4, 44), slice(4, 44)  # no frame of a copied piece stands here
    assert (left[inner] - right[inner]).abs().mean() < 0.05


def test_without_held_out_renders_it_says_so(grids, sets):
    assert "No held-out renders" in grids.check(images=batch(rendered(90)), dataset=sets[0]).report


def test_renders_in_both_sets_are_told(grids, sets):
    with pytest.raises(InputError, match="6 images are in dataset and in held_out"):
        grids.check(images=batch(rendered(90)), dataset=sets[0], held_out=sets[0])


def test_held_out_renders_that_are_training_renders_under_another_name_are_told(grids, sets):
    twins = [rendered(2).roll(9, -1), turns(rendered(3))[:, 5], *(rendered(seed) for seed in range(50, 54))]
    held_out = grids.dataset("others", twins, [""] * 6)
    report = grids.check(images=batch(rendered(90)), dataset=sets[0], held_out=held_out).report
    assert "2 of 6 held-out renders are training renders as well" in report and "such as 00.png, 01.png:" in report
    assert (
        "are training renders as well"
        not in grids.check(images=batch(rendered(90)), dataset=sets[0], held_out=sets[1]).report
    )


def test_held_out_twins_do_not_hide_copied_pieces(grids, sets):
    picture = rendered(90)
    picture[:, 32:64, 64:96] = rendered(2).rot90(1, (-2, -1))[:, 10:42, 50:82]
    twins = [rendered(2).roll(9, -1), *(rendered(seed) for seed in range(50, 55))]
    held_out = grids.dataset("one twin", twins, [""] * 6)
    checked = grids.check(images=batch(picture, rendered(91)), dataset=sets[0], held_out=held_out)
    assert "picture 1: not a copy" in checked.report and "1 piece copied" in checked.report
    assert "No other held-out renders" not in checked.report
    only_twins = grids.dataset("twins", [rendered(seed).roll(9, -1) for seed in range(2)], [""] * 2)
    report = grids.check(images=batch(picture), dataset=sets[0], held_out=only_twins).report
    assert "2 of 2 held-out renders are training renders as well" in report and "No other held-out renders" in report


def test_files_in_both_sets_are_told_before_any_is_read(grids, sets):
    for sample in sets[0].samples:
        sample.file.unlink()
    with pytest.raises(InputError, match="6 images are in dataset and in held_out"):
        grids.check(images=batch(rendered(90)), dataset=sets[0], held_out=sets[0])


def test_no_pictures_and_no_renders_are_told(grids, sets):
    with pytest.raises(InputError, match="images is an empty batch"):
        grids.check(images=torch.zeros(0, 128, 128, 3), dataset=sets[0])
    with pytest.raises(InputError, match="dataset has no images"):
        grids.check(images=batch(rendered(90)), dataset=TextureDataset(()))


def test_a_picture_of_one_colour_is_no_copy(grids, sets):
    assert grids.check(images=torch.full((1, 128, 128, 3), 0.5), dataset=sets[0]).copied_share == 0


def test_a_picture_of_no_numbers_is_named(grids, sets):
    pictures = torch.stack([torch.full((128, 128, 3), 0.5), torch.full((128, 128, 3), torch.nan)])
    with pytest.raises(InputError, match="16384 of 32768 pixels that are not numbers"):
        grids.check(images=pictures, dataset=sets[0])
