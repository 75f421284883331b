"""What the training panel reads off a log: by the module itself, in a browser without ComfyUI."""

import pytest
from tilewright.training.preflight import course_warnings


def told(web, body, given=None):
    """What JavaScript gives that knows the module as `m`."""
    return web.evaluate(f"async given => {{ const m = await import('/web/training/course.js'); {body} }}", given)


def part(steps, begin=0, end=100, events=(), every=1.0, start=0.0):
    return {
        "begin": begin,
        "end": end,
        "steps": {
            "step": steps,
            "loss": [1 / step for step in steps],
            "lr": [0.001] * len(steps),
            "time": [start + every * step for step in steps],
        },
        "events": list(events),
    }


def test_what_is_new_is_added_and_what_begins_anew_replaces(web):
    given = [part([1, 2]), part([3], begin=100, end=150), part([1], begin=0, end=60)]
    body = "const c = new m.Course(); return given.map(one => { c.add(one); return [[...c.step], c.end]; });"
    assert told(web, body, given) == [[[1, 2], 100], [[1, 2, 3], 150], [[1], 60]]


def test_the_time_left_leaves_out_steps_in_which_samples_were_painted(web):
    begun = {"event": "begun", "step": 0, "steps": 110}
    one = part(list(range(1, 11)), events=[begun, {"event": "sampled", "step": 9}], every=2.0)
    one["steps"]["time"][8] += 300  # the samples of step 9
    one["steps"]["time"][9] += 300
    body = "const c = new m.Course(); c.add(given); return [c.secondsPerStep, c.secondsLeft];"
    assert told(web, body, one) == [2.0, 200.0]


def test_smoothing_is_that_of_the_picture(web):
    from tilewright.training.plot import smoothed

    losses = [1.0, 0.2, 0.7, 0.4, 0.9, 0.1]
    assert told(web, "return m.smoothed(given, 3);", losses) == pytest.approx(smoothed(losses, 3))


def test_no_peak_is_lost_by_thinning(web):
    body = """const values = Array.from({ length: 100000 }, (_, i) => Math.sin(i / 1000));
    values[50_003] = 9; values[70_001] = -9; values[10] = null;
    const kept = m.decimated(values, 0, values.length - 1, 500);
    const ordered = kept.every((one, i) => !i || one > kept[i - 1]);
    return [kept.length <= 1002, kept.includes(50003), kept.includes(70001), kept[0], kept.at(-1), ordered];"""
    assert told(web, body) == [True, True, True, 0, 99999, True]


def test_a_prompt_stands_beside_the_image_whose_caption_is_nearest(web):
    references = [{"caption": "grey gravel"}, {"caption": "red bricks, wall, mossy"}, {"caption": "a red roof"}]
    assert told(web, "return m.nearestReference('old mossy red bricks', given);", references) == references[1]
    assert told(web, "return m.nearestReference('lace', []) ?? null;") is None


def test_the_scale_shows_the_course_and_not_the_wildest_step(web):
    low, high = told(web, "return m.lossRange([[0.1, 0.2]], [...Array(99).fill(0.15), 50], false);")
    assert 0 <= low < 0.1 and 0.2 < high < 0.25
    assert told(web, "return m.lossRange([], [], false);") == [0, 1]
    assert min(told(web, "return m.lossRange([[0, 0.2]], [], true);")) > 0


def test_numbered_runs_belong_to_the_name(web):
    names = ["wall", "wall_00002", "wall_2", "wall_x", "walls", "wall_old_00002"]
    assert told(web, "return given.map(name => m.isRunOf(name, 'wall'));", names) == [
        True,
        True,
        False,
        False,
        False,
        False,
    ]


def test_numbers_and_times_in_words(web):
    assert told(web, "return [9, 249, 3849].map(m.clock);") == ["0:09", "4:09", "1:04:09"]
    assert told(web, "return [0.123456, 0.0001, null].map(m.shortNumber);") == ["0.1235", "1.00e-4", "–"]
    assert told(web, "return [m.nearestStep(60, [10, 50, 100]), m.nearestStep(5, [])];") == [50, None]


@pytest.mark.parametrize(
    "fixed, validation",
    [
        ([0.5, 0.4, 0.3], [0.5, 0.4, 0.3]),
        ([], []),
        ([0.3], [0.3]),
        ([0.3, 0.61], []),  # steep: told at the second measurement
        ([0.3, 0.59], []),  # which may be jitter
        ([0.3, 0.2, 0.35, 0.38], []),
        ([0.3, 0.2, 0.35, 0.38, 0.23], []),  # three above the lowest, by a tenth
        ([0.3, 0.2, 0.35, 0.38, 0.21], []),
        ([0.3, 0.2, 0.2, 0.38, 0.23], []),
        ([0.4, 0.3], [0.3, 0.2, 0.35, 0.38, 0.23]),
        ([0.3, 0.7], [0.3, 0.7]),  # the one on fixed noise explains the other
    ],
)
def test_a_loss_that_rises_is_told_at_once_as_the_run_itself_tells_it(web, fixed, validation):
    losses = {"fixed": fixed, "validation": validation}
    events = [
        {"event": "measured", "step": 50 * number, name: loss}
        for name, values in losses.items()
        for number, loss in enumerate(values)
    ]
    body = """const { warnings } = await import("/web/training/warnings.js");
    const course = new m.Course(); course.add(given); return warnings(course);"""
    expected = course_warnings(*([(50 * number, loss) for number, loss in enumerate(one)] for one in losses.values()))
    assert told(web, body, part([1, 2], events=events)) == expected
