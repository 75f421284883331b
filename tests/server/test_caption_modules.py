"""The caption editor's language and its changes of many captions, which know no page."""

import pytest

_RUN = """async ([module, body, given]) => {
  const address = new URL(`extensions/tilewright/views/captions/${module}`, location.href).href;
  return new Function("lib", "given", body)(await import(address), given);
}"""

PICTURES = [
    {"text": "brick wall, red", "map": "basecolor", "material": "wall_1", "tokens": 4, "signs": []},
    {"text": "brick floor, worn edges", "map": "normal", "material": "floor", "tokens": 80, "signs": ["cut", "edited"]},
    {
        "text": "",
        "map": "basecolor",
        "material": "oak_2",
        "tokens": 0,
        "signs": ["empty", "excluded"],
        "excluded": True,
    },
    {"text": "a photo of an old red wall (1:1)", "map": "height", "material": "oak", "tokens": 9, "signs": ["seam"]},
]


def run(editor, module, body, given=None):
    return editor.evaluate(_RUN, [module, body, given])


def found(editor, query):
    for picture in PICTURES:
        picture["tags"] = [tag.strip() for tag in picture["text"].split(",") if tag.strip()]
        picture.setdefault("name", picture["material"] + ".png")
        picture.setdefault("excluded", False)
        picture.setdefault("size", [512, 256])
    body = "const test = lib.parseQuery(given[0]); return given[1].flatMap((one, i) => (test(one) ? [i] : []));"
    return run(editor, "query.js", body, [query, PICTURES])


@pytest.mark.parametrize(
    ("query", "images"),
    [
        ("", [0, 1, 2, 3]),
        ("brick", [0, 1]),
        ("BRICK wall", [0]),
        ('"red wall"', [3]),
        ("wall or floor", [0, 1, 3]),
        ("brick and not wall", [1]),
        ("brick -wall", [1]),
        ("not (wall or floor)", [2]),
        ("wall red or floor", [0, 1, 3]),
        ("tag:red", [0]),
        ('tag:"worn edges"', [1]),
        ("tag:worn*", [1]),
        ("tag:worn", []),
        ("caption:red", [0, 3]),
        ("tokens>75", [1]),
        ("tokens:>75", [1]),
        ("tokens<=4", [0, 2]),
        ("tags=2", [0, 1]),
        ("width:512 height<300", [0, 1, 2, 3]),
        ("map:normal", [1]),
        ("map:norm", []),
        ("material:oak*", [2, 3]),
        ("name:oak.png", [3]),
        ("excluded", [2]),
        ("-excluded brick", [0, 1]),
        ("empty", [2]),
        ("cut or seam", [1, 3]),
        ("badge:edited", [1]),
        ('"excluded"', []),
        ("(1:1", None),
        ('"(1:1)"', [3]),
        ("a*wall", [3]),
        ("wall.", []),
    ],
)
def test_the_filter_finds(editor, query, images):
    if images is None:
        with pytest.raises(Exception, match="no partner"):
            found(editor, query)
    else:
        assert found(editor, query) == images


@pytest.mark.parametrize(
    ("query", "message", "at"),
    [
        ("brick )", "has no partner", 6),
        ("(brick", "has no partner", 0),
        ('tag:"brick', "quotation mark has no partner", 0),
        ("tokens>many", "“many” is no number", 0),
        ("wall tokens>", "“” is no number", 5),
        ("tag:", "Say what follows", 0),
        ("wall or", "Something is missing", 7),
        ("not", "Something is missing", 3),
        ("()", "Something is missing", 1),
    ],
)
def test_a_filter_that_cannot_be_understood_says_where(editor, query, message, at):
    body = "try { lib.parseQuery(given); } catch (error) { return [error.name, error.message, error.at]; }"
    _, told, where = run(editor, "query.js", body, query)
    assert message in told and where == at


@pytest.mark.parametrize(
    ("replacing", "caption", "after"),
    [
        ({"find": "wall", "by": "facade", "words": True}, "Wall, walls, brick wall", "facade, walls, brick facade"),
        ({"find": "wall", "by": "facade", "cased": True}, "Wall, walls", "Wall, facades"),
        ({"find": "red", "by": "", "words": True}, "red, brick, red", "brick"),
        ({"find": "red brick", "by": "$& (new)"}, "red brick", "$& (new)"),
        ({"find": r"(\w+) wall", "by": "wall of $1", "pattern": True}, "brick wall", "wall of brick"),
        ({"find": "a.c", "by": "x"}, "abc, a.c", "abc, x"),
        ({"find": "ö", "by": "oe", "words": True}, "ö, schön", "oe, schön"),
        ({"find": "", "by": "x"}, "as it is ", "as it is "),
        ({"find": "nothing", "by": "x"}, "odd  spaces ,,", "odd  spaces ,,"),
    ],
)
def test_replacing(editor, replacing, caption, after):
    whole = {"words": False, "cased": False, "pattern": False, **replacing}
    assert run(editor, "phrases.js", "return lib.replacer(given[0])(given[1]);", [whole, caption]) == after


@pytest.mark.parametrize(
    ("call", "after"),
    [
        ("withTag('brick, red', 'worn')", "brick, red, worn"),
        ("withTag('brick, Red', 'red')", "brick, Red"),
        ("withTag('', 'worn, red')", "worn, red"),
        ("withTag('brick', 'worn', true)", "worn, brick"),
        ("withoutTag('brick, Red, worn', 'red')", "brick, worn"),
        ("withoutTag('brick, reddish', 'red')", "brick, reddish"),
        ("renamedTag('brick, red, worn', 'red', 'dark red')", "brick, dark red, worn"),
        ("renamedTag('brick, red, crimson', 'red', 'crimson')", "brick, crimson"),
        ("renamedTag('brick, red', 'red', 'red')", "brick, red"),  # which deleted the tag in another program
        ("countTags([{tags: ['Red', 'a']}, {tags: ['red', 'red']}]).map(one => `${one.tag} ${one.count}`).join()",
         "Red 2,a 1"),
        ("suggestions([{tag: 'old brick'}, {tag: 'brick wall'}, {tag: 'red'}], 'bri').join()", "brick wall,old brick"),
    ],
)  # fmt: skip
def test_tags(editor, call, after):
    assert run(editor, "phrases.js", f"return lib.{call};") == after


def test_what_two_texts_share(editor):
    body = "return lib.common('brick wall, red', 'brick facade, red');"
    assert run(editor, "replacing.js", body) == {"begin": 6, "end": 5}
