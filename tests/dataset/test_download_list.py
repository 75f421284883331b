"""Lists as public data sets give them: every form gives the same rows."""

import json

import pytest
from tilewright.common.errors import InputError
from tilewright.dataset.download_list import LARGEST_LIST, Wanted, read_list, wanted_images
from tilewright.dataset.download_record import name_of

A, B = "https://example.org/a.png", "https://example.org/b.png"


def wanted(tmp_path, name, text, column="", prefix="", caption_column=""):
    file = tmp_path / name
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return wanted_images(read_list(file), column, prefix, caption_column)


def addresses(found):
    return [one.address for one in found]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.txt", f"# mine\n{A}\n\n  {B}  \n{A}\n"),
        ("a.csv", f"id,url\n1,{A}\n2,{B}\n"),
        ("a.csv", f"\ufeffid;url\r\n1;{A}\r\n2;{B}\r\n"),
        ("a.csv", f'title,image_url\n"two\nlines, quoted",{A}\n"",{B}\n'),
        ("a.csv", f"id;url\r\n1;{A}\r\n2;{B}\r\n".encode("utf-16")),
        ("a.txt", f"{A}\n{B}\n".encode("utf-16")),
        ("a.jsonl", f'{{"url": "{A}", "score": NaN}}\n{{"url": "{B}"}}\n'),
        ("a.tsv", f"caption\turl\nred, blue\t{A}\nb\t{B}\n"),
        ("a.json", json.dumps([A, B])),
        ("a.json", json.dumps([{"url": A}, {"url": B}])),
        ("a.json", json.dumps({"info": {"n": 2}, "images": [{"id": 1, "url": A}, {"id": 2, "url": B}]})),
        ("a.json", json.dumps({"url": [A, B], "caption": ["a", "b"]})),
        ("a.json", json.dumps([{"image": {"urls": {"full": A}}}, {"image": {"urls": {"full": B}}}])),
        ("a.jsonl", f'{{"url": "{A}"}}\n\n{{"url": "{B}"}}\n'),
    ],
)
def test_every_form(tmp_path, name, text):
    assert addresses(wanted(tmp_path, name, text)) == [A, B]


def test_captions_and_the_other_columns(tmp_path):
    text = f"url,caption,licence,author\n{A},red brick,CC0,Ann\n{B},,CC-BY,\n"
    assert wanted(tmp_path, "a.csv", text, caption_column="caption") == [
        Wanted(A, "red brick", {"licence": "CC0", "author": "Ann"}),
        Wanted(B, "", {"licence": "CC-BY"}),
    ]


def test_a_prefix_completes_file_names(tmp_path):
    text = "id,file\n1,a.png\n2,https://example.org/b.png\n"
    assert addresses(wanted(tmp_path, "a.csv", text, column="file", prefix="https://example.org/")) == [A, B]
    assert addresses(wanted(tmp_path, "a.txt", "a.png\nb.png\n", prefix="https://example.org/")) == [A, B]


def test_a_usual_name_goes_before_the_first_column_with_addresses(tmp_path):
    text = f"page,url\nhttps://example.org/page1,{A}\nhttps://example.org/page2,{B}\n"
    assert addresses(wanted(tmp_path, "a.csv", text)) == [A, B]


@pytest.mark.parametrize(
    ("name", "text", "options", "message"),
    [
        ("a.csv", "", {}, "list is empty"),
        ("a.csv", "id,url\n", {}, "list is empty"),
        ("a.csv", f"id,url\n1,{A}\n", {"column": "link"}, "column is 'link'.*Its columns are: id, url"),
        ("a.csv", f"id,url\n1,{A}\n", {"caption_column": "text"}, "caption_column is 'text'"),
        ("a.csv", "id,name\n1,a.png\n", {}, "No column of the list holds addresses.*id, name"),
        ("a.csv", "id,url\n1,\n", {"column": "url"}, "No row of the list has anything in the column 'url'"),
        ("a.json", "{not json", {}, "is not what its ending says"),
        ("a.jsonl", '{"url": 1}\nnope', {}, "is not what its ending says"),
        ("a.txt", b"\xff\xfe\x00\xd8", {}, "cannot be read: not UTF-8 or UTF-16 text"),
        ("a.csv", b"PK\3\4\xff\xfe", {}, "cannot be read: it is a document or an archive"),
        ("a.csv", "<!DOCTYPE html>", {}, "cannot be read: it is a web page"),
        ("a.json", "[" * 100_000, {}, "nested too deeply"),
        ("a.jsonl", "[" * 100_000, {}, "nested too deeply"),
        ("a.json", '[{"url": ' + "9" * 5000 + "}]", {}, "is not what its ending says"),
    ],
)
def test_lists_that_cannot_be_read_are_named(tmp_path, name, text, options, message):
    with pytest.raises(InputError, match=message):
        wanted(tmp_path, name, text, **options)


def test_a_list_without_end_is_not_read(tmp_path):
    file = tmp_path / "a.csv"
    with file.open("wb") as sparse:
        sparse.truncate(LARGEST_LIST + 1)
    with pytest.raises(InputError, match="larger than 256 MB"):
        read_list(file)


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("https://example.org/a/Old%20brick_normal.png?x=1", "Old_brick_normal"),
        ("https://example.org/", "image"),
        ("https://example.org/..%2f..%2fetc%2fpasswd", "passwd"),
        ("https://example.org/con.png", "image"),
        ("https://example.org/" + "x" * 300, "x" * 60),
        ("http://[bad/x.png", "image"),
    ],
)
def test_names_of_addresses(address, name):
    assert name_of(address) == name
