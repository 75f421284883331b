"""The aesthetic head, and what is made of embeddings."""

import pytest
import torch
from aesthetic_state import head_state
from tilewright.common.errors import InputError
from tilewright.evaluation.aesthetic import AestheticHead
from tilewright.evaluation.embeddings import CROPS, contrast, cosines, views


def affine_map(head):
    """Weight (768,) and bias () that the layers of a head without ReLUs come to."""
    weight, bias = head.layers[0]
    for following, offset in head.layers[1:]:
        weight, bias = following @ weight, following @ bias + offset
    return weight[0], bias[0]


def test_the_five_layers_are_one_affine_map():
    head = AestheticHead.from_state(head_state(), "sac+logos+ava1-l14-linearMSE.safetensors")
    embeddings = torch.randn(16, 768, generator=torch.Generator().manual_seed(1)) * 9
    weight, bias = affine_map(head)
    direct = torch.nn.functional.normalize(embeddings.double(), dim=1) @ weight + bias
    assert (head(embeddings) - direct).abs().max() < 1e-5


def test_nothing_scores_the_bias():
    head = AestheticHead.from_state(head_state(), "linear")
    assert float(head(torch.zeros(1, 768))) == pytest.approx(float(affine_map(head)[1]))


def test_the_rectified_file_cuts_off_what_is_below_0():
    state = head_state()
    linear, rectified = (AestheticHead.from_state(state, name) for name in ("linearMSE", "ava+logos-l14-reluMSE"))
    embeddings = torch.randn(4, 768, generator=torch.Generator().manual_seed(1))
    assert not torch.allclose(linear(embeddings), rectified(embeddings))


def test_another_file_is_refused():
    with pytest.raises(InputError, match="not a LAION aesthetic predictor"):
        AestheticHead.from_state({"unet.weight": torch.zeros(2)}, "bricks.safetensors")


def test_the_contrast_does_not_see_what_lowers_all_cosines_alike():
    cosine = torch.rand(6, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    prompts = [0, 0, 1, 1, 2, 2]
    assert torch.allclose(contrast(cosine, prompts), contrast(cosine - 0.2, prompts))
    own = cosine.clone()
    own[torch.arange(6), torch.tensor(prompts)] += 0.1
    assert torch.allclose(
        contrast(own, prompts) - contrast(cosine, prompts), torch.full((6,), 0.1, dtype=torch.float64)
    )
    assert contrast(cosine[:, :1], [0] * 6) is None


def test_cosines_do_not_know_lengths():
    assert cosines(torch.tensor([[3.0, 4.0]]), torch.tensor([[6.0, 8.0], [-4.0, 3.0]])).tolist() == [[1.0, 0.0]]


def test_crops_wrap_and_keep_the_scale():
    image = torch.rand(3, 96, 128)
    whole, *crops = views(image, 32)
    assert torch.equal(whole, image)
    assert [crop.shape for crop in crops] == [(3, 32, 32)] * CROPS
    assert torch.equal(views(image, 100)[0], image) and len(views(image, 100)) == 1
