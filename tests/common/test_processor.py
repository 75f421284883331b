"""What the processor multiplies by itself."""

import pytest
import torch
from tilewright.common.processor import processor_multiplies


def test_every_processor_multiplies_float32():
    assert processor_multiplies(torch.float32)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_a_build_without_the_library_of_kernels_has_no_half_precision(monkeypatch, dtype):
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    assert not processor_multiplies(dtype)
