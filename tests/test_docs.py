"""What the pages for readers name is there: source files, and the targets of links."""

import re
from pathlib import Path
from urllib.parse import unquote

import pytest

PACK = Path(__file__).resolve().parent.parent
PAGES = sorted([*PACK.glob("*.md"), *PACK.glob("docs/*.md"), *PACK.glob("web/docs/*.md")])
ROOMS = (
    "captions|common|dataset|evaluation|host|launch|material|nodes|sd_scripts|seamless|sets|tests|training|upscale|web"
)
each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(PACK).as_posix())


@each_page
def test_the_files_that_a_page_names_exist(page):
    named = re.findall(rf"`((?:{ROOMS})/[\w/.]+\.(?:py|js|mjs))`", page.read_text(encoding="utf-8"))
    assert [file for file in named if not (PACK / file).is_file()] == []


@each_page
def test_the_links_of_a_page_lead_somewhere(page):
    targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8"))
    local = [target for target in targets if not re.match(r"\w+:|/", target)]
    assert [target for target in local if not (page.parent / unquote(target)).exists()] == []
