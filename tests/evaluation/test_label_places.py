"""Names in a plot beside their points, and beside each other."""

from tilewright.evaluation.label_places import GAP, MARK_RADIUS, label_places

FRAME = (0, 0, 400, 400)
SIZE = (60, 16)


def boxes(points, sizes, others=()):
    places = label_places(points, sizes, others, FRAME)
    return [(x, y, x + width, y + height) for (x, y), (width, height) in zip(places, sizes, strict=True)]


def apart(one, other):
    return one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]


def test_a_name_alone_stands_at_the_right_of_its_point():
    assert label_places([(100, 100)], [SIZE], [], FRAME) == [(100 + GAP, 100 - SIZE[1] / 2)]


def test_at_the_right_border_it_stands_at_the_left():
    assert boxes([(390, 100)], [SIZE]) == [(390 - GAP - SIZE[0], 92, 390 - GAP, 108)]


def test_names_of_points_side_by_side_cover_neither_each_other_nor_a_point():
    points, others = [(300, 40), (275, 40), (325, 40)], [(310, 60)]
    found = boxes(points, [SIZE] * 3, others)
    assert all(apart(one, other) for number, one in enumerate(found) for other in found[:number])
    for x, y in points + others:
        mark = (x - MARK_RADIUS, y - MARK_RADIUS, x + MARK_RADIUS, y + MARK_RADIUS)
        assert all(apart(box, mark) for box in found)


def test_points_at_one_place_have_two_names():
    one, other = boxes([(200, 200)] * 2, [SIZE] * 2)
    assert apart(one, other)
