import torch
from safetensors import safe_open
from tilewright.training.checkpoint import load_tensors, save_tensors


def test_the_library_reads_back_every_value(tmp_path):
    tensors = {
        "a.lora_up.weight": torch.randn(3, 2, 1, 1),
        "a.alpha": torch.tensor(4.0),
        "b.half": torch.randn(5).half(),
        "b.brain": torch.randn(3).bfloat16(),
        "step": torch.tensor([7]),
    }
    path = tmp_path / "loras" / "brick.safetensors"
    save_tensors(path, tensors, {"ss_steps": "7", "ss_note": "Ziegel-Größe"})
    loaded = load_tensors(path)
    assert all(torch.equal(loaded[name], tensors[name]) for name in tensors)
    with safe_open(path, "pt") as file:
        assert file.metadata() == {"ss_steps": "7", "ss_note": "Ziegel-Größe"}


def test_the_same_content_gives_the_same_bytes(tmp_path):
    tensors = {"b": torch.ones(2), "a": torch.zeros(2)}
    save_tensors(tmp_path / "one", tensors, {"x": "1", "y": "2"})
    save_tensors(tmp_path / "two", dict(reversed(tensors.items())), {"y": "2", "x": "1"})
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_every_dtype_is_written_and_tensors_may_share_memory(tmp_path):
    dtypes = [torch.bool, torch.int8, torch.int16, torch.int32, torch.uint8, torch.float64, torch.float8_e4m3fn]
    tensors = {str(dtype): torch.ones(3).to(dtype) for dtype in dtypes}
    table = torch.arange(4.0)
    save_tensors(tmp_path / "state", {**tensors, "one": table, "other": table}, {})
    loaded = load_tensors(tmp_path / "state")
    assert all(loaded[str(dtype)].dtype == dtype for dtype in dtypes)
    assert torch.equal(loaded["one"], table) and torch.equal(loaded["other"], table)
