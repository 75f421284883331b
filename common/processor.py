"""What the processor can do by itself."""

import torch


def processor_multiplies(dtype: torch.dtype) -> bool:
    """Whether the processor has instructions for matrix products in float32, bfloat16 or float16.

    Without them PyTorch converts number by number: 50 times slower than float32 on a processor with AVX2 only.
    """
    if dtype == torch.float32:
        return True
    if not torch.backends.mkldnn.is_available():
        return False
    asked = {
        torch.bfloat16: torch.ops.mkldnn._is_mkldnn_bf16_supported,
        torch.float16: torch.ops.mkldnn._is_mkldnn_fp16_supported,
    }
    return bool(asked[dtype]())
