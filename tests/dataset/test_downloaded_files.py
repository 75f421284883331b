"""What is made of a downloaded file and of a list, and what is said of a download."""

import io
import zlib

import numpy as np
import pytest
from hand_written_png import png
from PIL import Image
from tilewright.common.errors import InputError
from tilewright.common.png_chunks import MOST_UNPACKED
from tilewright.dataset import download
from tilewright.dataset.download import Failed, check_aiohttp, checked_suffix
from tilewright.dataset.download_list import Wanted, lines_as_rows
from tilewright.dataset.download_record import Download, DownloadRecord
from tilewright.dataset.download_report import download_report


def encoded(kind):
    file = io.BytesIO()
    Image.new("RGB", (4, 4), "#808080").save(file, kind)
    return file.getvalue()


@pytest.mark.parametrize(("kind", "suffix"), [("PNG", "png"), ("JPEG", "jpg"), ("TIFF", "tif"), ("WEBP", "webp")])
def test_the_content_says_the_ending_whatever_the_address_did(tmp_path, kind, suffix):
    file = tmp_path / "picture.bmp"
    file.write_bytes(encoded(kind))
    assert checked_suffix(file) == suffix


def test_a_png_with_packed_texts_and_a_picture_beyond_pillows_limit_are_taken(tmp_path, monkeypatch):
    packed = (b"zTXt", b"Comment\0\0" + zlib.compress(bytes(20 * MOST_UNPACKED), 9))
    assert checked_suffix(png(tmp_path / "a.png", np.zeros((4, 4, 3), np.uint8), 8, 2, packed)) == "png"
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 4)  # Pillow refuses twice as many
    file = tmp_path / "b.png"
    file.write_bytes(encoded("PNG"))
    assert checked_suffix(file) == "png"


def test_a_photo_of_several_pictures_is_a_jpeg(tmp_path):
    several = tmp_path / "a.bin"
    Image.new("RGB", (4, 4)).save(several, "MPO", save_all=True, append_images=[Image.new("RGB", (4, 4), "#808080")])
    assert checked_suffix(several) == "jpg"


@pytest.mark.parametrize(
    ("content", "reason"), [(b" \n<!DOCTYPE html>", "a web page"), (encoded("PNG")[:-30], "damaged"), (b"GIF", "image")]
)
def test_what_is_no_whole_image_has_failed(tmp_path, content, reason):
    file = tmp_path / "picture.png"
    file.write_bytes(content)
    with pytest.raises(Failed, match=reason):
        checked_suffix(file)


def test_an_aiohttp_that_cannot_check_addresses_is_refused(monkeypatch):
    check_aiohttp()
    monkeypatch.delattr(download.aiohttp, "SocketFactoryType")
    with pytest.raises(InputError, match="aiohttp .* cannot check addresses. Update it"):
        check_aiohttp()


def test_lines_are_addresses_and_remarks():
    rows = lines_as_rows("# mine\nhttps://a/1.png\n\n  https://a/2.png  \r\n#https://a/3.png\n")
    assert [list(row.values()) for row in rows] == [["https://a/1.png"], ["https://a/2.png"]]


def test_a_report_counts_what_is_there_and_names_the_rest_by_reason(tmp_path):
    record = DownloadRecord(tmp_path)
    (tmp_path / "a.png").write_bytes(b"x" * 2**20)
    addresses = [f"https://a/{letter}.png" for letter in "abc"]
    record.downloads = {
        addresses[0]: Download(addresses[0], "a", "a.png", bytes=2**20),
        addresses[1]: Download(addresses[1], "b", reason="the server says 404 Not Found"),
        addresses[2]: Download(addresses[2], "c", reason="the server says 404 Not Found"),
    }
    assert download_report(record, [Wanted(address) for address in addresses], 5).splitlines() == [
        f"1 of 3 images lie in {tmp_path} (1.0 MB); downloads.json says whence.",
        "The list holds 2 more; raise limit for them.",
        "2 did not come; they are asked for again next time:",
        f"  the server says 404 Not Found: {addresses[1]}, {addresses[2]}",
    ]
    alone = download_report(record, [Wanted(addresses[0])], 1)
    assert alone == f"1 of 1 images lie in {tmp_path} (1.0 MB); downloads.json says whence."
