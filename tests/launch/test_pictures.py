"""The pictures of templates: which files, and where each stands in the square."""

from PIL import Image
from tilewright.launch.pictures import composed, marked, shown

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)
PROMPT = {"1": {"_meta": {"picture": 2}}, "2": {"_meta": {}}, "3": {"_meta": {"picture": 1}}}


def corners(*colors):
    square = composed([Image.new("RGB", (64, 64), color) for color in colors])
    assert square.size == (512, 512)
    return [square.getpixel(place) for place in ((5, 5), (500, 5), (5, 500), (500, 500))]


def test_pictures_share_the_square():
    assert corners(RED) == [RED] * 4
    assert corners(RED, GREEN) == [RED, GREEN, RED, GREEN]
    assert corners(RED, GREEN, BLUE) == [RED, GREEN, RED, BLUE]
    assert corners(RED, GREEN, BLUE, WHITE) == [RED, GREEN, BLUE, WHITE]


def test_a_picture_is_cut_and_not_stretched():
    wide = Image.new("RGB", (200, 100), RED)
    wide.paste(Image.new("RGB", (100, 100), BLUE), (50, 0))
    assert composed([wide]).getpixel((5, 5)) == BLUE


def test_the_files_are_those_of_the_marked_nodes_in_their_order():
    outputs = {"1": {"images": [{"filename": "a"}]}, "3": {"images": [{"filename": str(n)} for n in range(4)]}}
    assert marked(PROMPT) == ["3", "1"]
    assert [file["filename"] for file in shown(PROMPT, outputs)] == ["0", "1", "2", "3"]


def test_of_a_batch_there_are_pictures_of_its_beginning_and_its_end():
    outputs = {"1": {"images": []}, "3": {"images": [{"filename": str(n)} for n in range(8)]}}
    assert [file["filename"] for file in shown(PROMPT, outputs)] == ["0", "2", "4", "6"]
