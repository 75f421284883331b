"""Errors that say that memory has run out, of a device or of the machine."""

import comfy.model_management


def is_out_of_memory(error: Exception) -> bool:
    """Whether an error of PyTorch or Python is one. Of main memory PyTorch tells with a plain RuntimeError."""
    if isinstance(error, MemoryError) or comfy.model_management.is_oom(error):
        return True
    return isinstance(error, RuntimeError) and "can't allocate memory" in str(error)
