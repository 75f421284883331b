"""Every way in which a lack of memory is told is known as one, and what the machine lacks is said in words."""

import errno

import pytest
import torch
from tilewright.common.errors import InputError
from tilewright.host.out_of_memory import is_out_of_memory, lack_of_memory_told


class Onnx(Exception):
    __module__ = "onnxruntime.capi.onnxruntime_pybind11_state"


CPU = "[enforce fail at alloc_cpu.cpp:121] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"
MEMORY = {
    "of Python": MemoryError(),
    "of a mapped file": OSError(errno.ENOMEM, "Cannot allocate memory"),
    "of CUDA": torch.OutOfMemoryError("CUDA out of memory"),
    "of the CPU": RuntimeError(CPU),
    "of the CPU on Windows": RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes."),
    "of Apple": RuntimeError("MPS backend out of memory (MPS allocated: 9 GB)"),
    "of DirectML": RuntimeError("Could not allocate tensor. There is not enough GPU video memory available!"),
    "of cuBLAS": RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate(handle)"),
    "of onnxruntime": Onnx("Failed to allocate memory for requested buffer of size 9"),
}
OTHER = {
    "told already": InputError("The device ran out of memory even with tiles of 64 pixels."),
    "shapes": RuntimeError("mat1 and mat2 shapes cannot be multiplied"),
    "a disk": OSError(errno.ENOSPC, "No space left on device"),
}


def really_asked():
    with pytest.raises(RuntimeError) as told:
        torch.empty(2**50, dtype=torch.uint8)
    return told.value


@pytest.mark.parametrize("kind", MEMORY)
def test_a_lack_of_memory_is_known(kind):
    assert is_out_of_memory(MEMORY[kind])


@pytest.mark.parametrize("kind", OTHER)
def test_other_errors_are_none(kind):
    assert not is_out_of_memory(OTHER[kind])


def test_what_the_machine_lacks_is_told_with_its_size():
    error = really_asked()
    assert is_out_of_memory(error)
    with pytest.raises(InputError, match=r"^Occlusion asked .* has left, 1.13e\+06 GB in one piece\. Take fewer"):
        with lack_of_memory_told("Occlusion"):
            raise error
    with pytest.raises(InputError, match=r"this machine has left\. Take"), lack_of_memory_told("Occlusion"):
        raise MemoryError


@pytest.mark.parametrize("kind", ["of DirectML", "of cuBLAS"])
def test_a_graphics_card_that_the_host_does_not_know_to_be_full_is_named(kind):
    with pytest.raises(InputError, match="than the graphics card has left"), lack_of_memory_told("Occlusion"):
        raise MEMORY[kind]


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("CUDA"), *OTHER.values()])
def test_what_a_device_lacks_is_left_to_the_host_and_other_errors_pass(error):
    with pytest.raises(type(error)) as told, lack_of_memory_told("Occlusion"):
        raise error
    assert told.value is error
