"""What was encoded once is read back where it was made from the same, and made again where it was not."""

import hashlib

import pytest
import torch
from tilewright.common.errors import UnreadableImage
from tilewright.training.tensor_cache import file_digest, kept


@pytest.fixture
def made():
    """The numbers that `make` gives, one more each time."""
    return []


def test_the_same_facts_are_made_once(tmp_path, made):
    def make():
        made.append(len(made))
        return {"latent": torch.full((2,), float(len(made)))}

    for _ in range(2):
        assert kept(tmp_path, ("image", 512), make)["latent"].tolist() == [1, 1]
    assert kept(tmp_path, ("image", 768), make)["latent"].tolist() == [2, 2]
    assert kept(None, ("image", 512), make)["latent"].tolist() == [3, 3]
    for file in tmp_path.iterdir():
        file.write_bytes(b"damaged")
    assert kept(tmp_path, ("image", 512), make)["latent"].tolist() == [4, 4]


def test_a_digest_is_that_of_the_content(tmp_path):
    (tmp_path / "a.png").write_bytes(b"brick")
    assert file_digest(tmp_path / "a.png") == hashlib.blake2b(b"brick", digest_size=20).hexdigest()
    with pytest.raises(UnreadableImage):
        file_digest(tmp_path / "gone.png")
