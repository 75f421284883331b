"""Sentences of the views with their values filled in: by the module itself, in a browser without ComfyUI."""

import pytest

TRANSLATED = {"{count} image | {count} images": "{count} 张图像"}


def said(web, sentence, values, words=None):
    body = "const m = await import('/web/lib/i18n.js'); m.setWords(words); return m.t(sentence, values);"
    return web.evaluate(f"async ([sentence, values, words]) => {{ {body} }}", [sentence, values, words or {}])


@pytest.mark.parametrize(("count", "english"), [(0, "0 images"), (1, "1 image"), (2, "2 images"), (11, "11 images")])
def test_one_is_said_in_the_singular(web, count, english):
    assert said(web, "{count} image | {count} images", {"count": count}) == english


def test_a_language_without_plurals_has_one_form(web):
    assert said(web, "{count} image | {count} images", {"count": 1}, TRANSLATED) == "1 张图像"


def test_what_has_no_value_is_left_as_it_stands(web):
    assert said(web, "{count} of {total}", {"count": 1}) == "1 of {total}"
