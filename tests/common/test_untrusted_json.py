import pytest
from tilewright.common import untrusted_json
from tilewright.common.errors import InputError
from tilewright.common.untrusted_json import parse_untrusted_json, read_untrusted_json


def test_json_is_read_with_or_without_a_mark(tmp_path):
    for encoding in ("utf-8", "utf-8-sig"):
        (tmp_path / "a.json").write_text('{"a": [1, "煉"]}', encoding=encoding)
        assert read_untrusted_json(tmp_path / "a.json") == {"a": [1, "煉"]}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("[" * 100_000, "nested too deeply"),
        ("{", "not JSON"),
        ("NaN", "not a JSON number"),
        ("", "not JSON"),
        ("[1e999]", "1e999 is larger than a number can be"),
        ("9" * 5000, "its 5,000 digits is larger"),
    ],
)
def test_what_is_none_is_told(content, reason):
    with pytest.raises(InputError, match=reason):
        parse_untrusted_json(content)


def test_numbers_are_what_they_say():
    assert parse_untrusted_json("[-0.5, 1e308, 18446744073709551616]") == [-0.5, 1e308, 2**64]


def test_a_name_that_stands_twice_is_told_where_names_must_be_unique():
    twice = '{"a": {"b": 1, "c": 2, "b": 3}}'
    assert parse_untrusted_json(twice) == {"a": {"b": 3, "c": 2}}
    with pytest.raises(InputError, match="'b' stands twice in one object"):
        parse_untrusted_json(twice, unique=True)


def test_files_that_cannot_be_taken_are_told(tmp_path, monkeypatch):
    with pytest.raises(InputError, match="cannot be read"):
        read_untrusted_json(tmp_path / "missing.json")
    (tmp_path / "a.json").write_bytes(b"\xff\xff")
    with pytest.raises(InputError, match="not UTF-8"):
        read_untrusted_json(tmp_path / "a.json")
    monkeypatch.setattr(untrusted_json, "MOST_BYTES", 1)
    with pytest.raises(InputError, match="larger than"):
        read_untrusted_json(tmp_path / "a.json")
