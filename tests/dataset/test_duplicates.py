import io
import time

import numpy as np
import pytest
import torch
from PIL import Image
from tilewright.dataset.duplicates import find_duplicates, fingerprint_texture


def texture(seed, size=256):
    """Smooth tileable noise in three related channels, (3, size, size) in 0..1."""
    spectrum = torch.randn(3, size, size, dtype=torch.complex64, generator=torch.Generator().manual_seed(seed))
    frequency = torch.fft.fftfreq(size) * size
    noise = torch.fft.ifft2(spectrum / (1 + frequency[:, None] ** 2 + frequency**2) ** 0.5).real
    noise = noise.mean(0) + 0.3 * noise
    return (0.5 + 0.12 * noise / noise.std()).clamp(0, 1)


def recompressed(image):
    pixels = (image.movedim(0, -1) * 255).round().byte().numpy()
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=60)
    return torch.from_numpy(np.array(Image.open(file))).movedim(-1, 0) / 255


def are_duplicates(a, b):
    return find_duplicates(torch.stack([fingerprint_texture(a), fingerprint_texture(b)])) == [(1, 0)]


@pytest.mark.parametrize(
    "change",
    [
        lambda image: image.roll((17, 41), (1, 2)),
        lambda image: image.rot90(1, (1, 2)),
        lambda image: image.rot90(2, (1, 2)).roll(5, 2),
        lambda image: image.flip(2),
        lambda image: image.transpose(1, 2).roll(30, 1),
        recompressed,
        lambda image: recompressed(image.rot90(3, (1, 2)).roll((3, 50), (1, 2))),
        lambda image: torch.nn.functional.interpolate(image[None], scale_factor=2, mode="bilinear")[0],
    ],
    ids=["roll", "quarter turn", "half turn and roll", "mirror", "transpose and roll", "JPEG", "all of it", "resized"],
)
def test_the_same_texture_is_found(change):
    image = texture(1)
    assert are_duplicates(image, change(image))


@pytest.mark.parametrize(
    "other",
    [
        lambda image: texture(2),
        lambda image: image[[1, 2, 0]],
        lambda image: (image + torch.tensor([0.1, 0, -0.1]).view(3, 1, 1)).clamp(0, 1),
        lambda image: 0.5 + 0.7 * (image - 0.5),
    ],
    ids=["another one", "swapped colours", "tinted", "faded"],
)
def test_variants_stay(other):
    image = texture(1)
    assert not are_duplicates(image, other(image))


def test_regular_patterns_of_different_shape_stay():
    squares = torch.zeros(3, 64, 64)
    squares[:, ::16] = 1
    squares[:, :, ::16] = 1
    bonded = squares.clone()
    bonded[:, 16:32] = bonded[:, 16:32].roll(8, 2)
    assert not are_duplicates(squares, bonded)


def test_a_twin_among_many_is_found_without_comparing_all_with_all():
    """1,500 textures of different colours: compared pair by pair they took 7 s of a core."""
    generator = torch.Generator().manual_seed(0)
    spectra = torch.randn(1500, 3, 49, 49, 2, generator=generator) * 0.01
    fingerprints = torch.view_as_complex(spectra)
    fingerprints = fingerprints + fingerprints.flip(-1, -2).conj()  # as those of pictures, whose values are real
    fingerprints[..., 24, 24] = torch.rand(1500, 3, generator=generator)
    fingerprints[700] = fingerprints[3].rot90(1, (-2, -1))
    begun = time.process_time()
    assert find_duplicates(fingerprints) == [(700, 3)]
    assert time.process_time() - begun < 3
