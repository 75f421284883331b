"""What is said of a file of weights that cannot be read: what it is, and nothing that it is not."""

import json
import pickle
import struct
import zipfile

import comfy.utils
import pytest
import torch
from safetensors.torch import save_file
from tilewright.common.errors import InputError
from tilewright.host.weight_files import read_weights

TENSORS = {"lora.weight": torch.arange(6.0)}
WHAT = "The LoRA walls/a.safetensors"


def told(path, what=WHAT):
    with pytest.raises(InputError) as error:
        read_weights(path, what)
    assert str(path.parent) not in str(error.value) and "\x1b" not in str(error.value)
    return str(error.value)


def with_header_of(path, length):
    """A safetensors file whose header has so many bytes, filled up with spaces as its writers fill it."""
    save_file(TENSORS, path)
    content = path.read_bytes()
    own = struct.unpack("<Q", content[:8])[0]
    path.write_bytes(struct.pack("<Q", length) + content[8 : 8 + own].ljust(length) + content[8 + own :])
    return path.read_bytes()


def test_a_whole_file_gives_its_tensors_and_what_it_says_of_itself(tmp_path):
    save_file(TENSORS, tmp_path / "a.safetensors", {"ss_steps": "3"})
    tensors, metadata = read_weights(tmp_path / "a.safetensors", WHAT)
    assert torch.equal(tensors["lora.weight"], TENSORS["lora.weight"]) and metadata == {"ss_steps": "3"}
    torch.save(TENSORS, tmp_path / "a.pt")
    assert torch.equal(read_weights(tmp_path / "a.pt", WHAT)[0]["lora.weight"], TENSORS["lora.weight"])


@pytest.mark.parametrize("length", [0x80, 0x280, 0x580, ord("{") + 256, int.from_bytes(b"{\n\0", "little")])
def test_a_file_that_is_cut_off_is_no_pickle_and_no_text_whatever_its_header_begins_with(tmp_path, length):
    """Every 32nd length of a header begins as a pickle does."""
    path = tmp_path / "a.safetensors"
    content = with_header_of(path, length)
    assert read_weights(path, WHAT)[0].keys() == TENSORS.keys()
    for kept in (len(content) - 4, 64, 12):
        path.write_bytes(content[:kept])
        assert told(path).startswith(f"{WHAT} cannot be read: it is damaged or copied only in part; download")


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_a_pickle_is_named_whatever_its_protocol(tmp_path, protocol):
    (tmp_path / "a.safetensors").write_bytes(pickle.dumps({"weights": list(range(99))}, protocol))
    assert told(tmp_path / "a.safetensors").endswith(
        "it is a pickle, which may run programs; convert it to safetensors."
    )


def test_files_with_the_name_of_another_kind(tmp_path):
    torch.save(TENSORS, tmp_path / "a.safetensors")
    assert "it is a file of PyTorch, whatever its name says; rename it to .pt" in told(tmp_path / "a.safetensors")
    save_file(TENSORS, tmp_path / "a.pt")
    assert "it is a safetensors file; give it a name that ends in .safetensors" in told(tmp_path / "a.pt")
    (tmp_path / "b.safetensors").write_bytes(b'{"error": "not authorised"}')
    assert "it is a text in JSON" in told(tmp_path / "b.safetensors")


@pytest.mark.parametrize(
    ("metadata", "words"),
    [
        ({"ss_steps": 9}, "'ss_steps' in its metadata is no text, which the format does not allow"),
        ({"a": "b", "nested": {"c": 1}}, "'nested' in its metadata is no text"),
        ([1], "its metadata is no list of names and texts"),
    ],
)
def test_metadata_that_the_format_does_not_allow_is_no_damage(tmp_path, metadata, words):
    header = {"__metadata__": metadata, "a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}
    content = json.dumps(header).encode()
    (tmp_path / "a.safetensors").write_bytes(struct.pack("<Q", len(content)) + content + bytes(4))
    assert words in told(tmp_path / "a.safetensors")


TENSOR = b'"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}'


@pytest.mark.parametrize(
    ("header", "words"),
    [
        (b'{"__metadata__": {"loss": NaN}, %b}', "its header is not JSON (NaN is not a JSON number)"),
        (b'{"__metadata__": {"loss": -Infinity}, %b}', "its header is not JSON (-Infinity is not a JSON number)"),
        (b'{"__metadata__": {"loss": 1e999}, %b}', "(1e999 is larger than a number can be)"),
        (b'{"__metadata__": {"seed": ' + b"9" * 5000 + b"}, %b}", "its 5,000 digits is larger than a number can be)"),
        (b'{"__metadata__": ' + b"[" * 10**5 + b"]" * 10**5 + b", %b}", "its header is nested too deeply for JSON"),
        (b'{"__metadata__": {}, "__metadata__": {}, %b}', "('__metadata__' stands twice in one object)"),
        (b"{/* by hand */ %b}", "its header is not JSON (Expecting property name"),
        (b'{"__metadata__": {"a": "\xe9"}, %b}', "its header is not UTF-8 text"),
    ],
)
def test_a_header_that_is_no_json_is_told_by_what_is_wrong_with_it(tmp_path, header, words):
    content = header % TENSOR
    (tmp_path / "a.safetensors").write_bytes(struct.pack("<Q", len(content)) + content + bytes(4))
    said = told(tmp_path / "a.safetensors")
    assert words in said and said.endswith("; have the program that wrote it write it as the format has it, or "
                                           "download or copy it again.")  # fmt: skip


class Anything:
    """What no reader of weights may make."""


@pytest.mark.parametrize("as_zip", [True, False])
def test_what_holds_more_than_tensors_is_not_called_damaged(tmp_path, as_zip):
    torch.save(TENSORS | {"trainer": Anything()}, tmp_path / "a.pt", _use_new_zipfile_serialization=as_zip)
    found = told(tmp_path / "a.pt", "The LoRA walls/a.pt")
    assert found.startswith("The LoRA walls/a.pt cannot be read: it holds more than tensors, which may run programs")
    assert found.endswith("; convert it to safetensors." if as_zip else ", or download or copy it again.")


@pytest.mark.parametrize("as_zip", [True, False])
def test_a_cut_file_of_pytorch_is_damaged(tmp_path, as_zip):
    torch.save(TENSORS, tmp_path / "a.pt", _use_new_zipfile_serialization=as_zip)
    content = (tmp_path / "a.pt").read_bytes()
    for share in (0.3, 0.6, 0.9):
        (tmp_path / "a.pt").write_bytes(content[: int(len(content) * share)])
        assert "copied only in part" in told(tmp_path / "a.pt")
    (tmp_path / "a.pt").write_bytes(bytes(range(60, 200)))
    assert "it is damaged or copied only in part" in told(tmp_path / "a.pt")


def test_what_the_system_refuses_is_told_in_its_words(tmp_path):
    assert told(tmp_path / "gone.safetensors") == f"{WHAT} cannot be read: the system says 'No such file or directory'."
    (tmp_path / "folder.safetensors").mkdir()
    assert "the system says 'Is a directory'" in told(tmp_path / "folder.safetensors")


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
    ],
    ids=["python", "device", "main memory"],
)
def test_a_lack_of_memory_is_no_damage(tmp_path, monkeypatch, error):
    save_file(TENSORS, tmp_path / "a.safetensors")

    def fail(*_given, **_options):
        raise error

    monkeypatch.setattr(comfy.utils, "load_torch_file", fail)
    with pytest.raises(type(error)) as raised:
        read_weights(tmp_path / "a.safetensors", WHAT)
    assert raised.value is error


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"Entry not found", "a text that begins with 'Entry not found', no file of weights"),
        (b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", "a text in XML"),
        (b"\xef\xbb\xbf\r\n<!DocType html>", "a web page"),
        (b"GGUF\3\0\0\0" + bytes(99), "a GGUF file, which ComfyUI does not read"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(99), "an archive (7z); unpack it"),
        (b"Rar!\x1a\7\1\0" + bytes(99), "an archive (RAR); unpack it"),
        (b"\x1f\x8b\x08" + bytes(99), "an archive (gzip); unpack it"),
        (b"\x89PNG\r\n\x1a\n" + bytes(99), "a picture; choose the file of weights"),
        (b"\x89HDF\r\n\x1a\n" + bytes(99), "an HDF5 file"),
        (bytes(5000), "damaged or copied only in part"),
    ],
)
def test_what_is_no_file_of_weights_is_named_for_what_it_is(tmp_path, content, words):
    (tmp_path / "a.safetensors").write_bytes(content)
    assert words in told(tmp_path / "a.safetensors")


@pytest.mark.parametrize("name", ["a.safetensors", "a.pt"])
def test_an_archive_that_holds_weights_is_not_called_weights(tmp_path, name):
    with zipfile.ZipFile(tmp_path / name, "w") as archive:
        archive.writestr("wall.safetensors", b"x")
    assert "it is an archive (ZIP); unpack it" in told(tmp_path / name)


def test_one_part_of_several_is_not_taken_for_the_whole(tmp_path):
    save_file(TENSORS, tmp_path / "wall-00001-of-00002.safetensors")
    assert "is part 1 of 2 of a file, by its name" in told(tmp_path / "wall-00001-of-00002.safetensors")
    save_file(TENSORS, tmp_path / "wall-00001-of-00001.safetensors")
    assert read_weights(tmp_path / "wall-00001-of-00001.safetensors", WHAT)[0].keys() == TENSORS.keys()
