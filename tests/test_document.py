"""Blocks as text and as HTML: never wider than 110 columns, all of the user's words escaped, and no meaning in styles, scripts or SVG."""

from __future__ import annotations

import base64
import html.parser
import math
import re
import subprocess
import sys

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from dldebug_magics.document import Branch, Code, Details, Difference, Figure, Heading, Panels, Table, Text, Tree, as_html, as_text
from dldebug_magics.plot import plotted, sparkline

HOSTILE = ["<script>alert(1)</script>", "</td></table><b>", '" onerror="x', "'><img src=x>", "&amp;", "<!--", "]]>", "<style>p{}</style>"]
OURS = {*"section h3 h4 p strong br pre code table caption thead tbody tr th td img details summary blockquote".split()}
OURS |= {"figure", "figcaption", "ins", "del", "span", "div"}
MARKS = "▁▂▃▄▅▆▇█"
words = st.text("abcdefgXYZ_.0123456789<>&\"'", min_size=1, max_size=12)
sentences = st.lists(words, min_size=1, max_size=30).map(" ".join)
anything = st.one_of(st.text(max_size=400), sentences, st.text("xy_.()[]", min_size=100, max_size=400))
curves = st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=1, max_size=150)
relaxed = settings(max_examples=40, deadline=None, derandomize=True)
pytestmark = pytest.mark.filterwarnings("ignore:No artists with labels")  # a name that begins with `_` is no label
few = settings(relaxed, max_examples=10, phases=(Phase.explicit, Phase.generate))  # pictures take time


def tables(cell: st.SearchStrategy[str], widest: int = 6) -> st.SearchStrategy[Table]:
    def of(count: int) -> st.SearchStrategy[Table]:
        row = st.lists(cell, min_size=count, max_size=count)
        return st.builds(Table, cell, row, st.lists(row, max_size=3))

    return st.integers(1, widest).flatmap(of)


def trees(cell: st.SearchStrategy[str], widest: int = 6) -> st.SearchStrategy[Tree]:
    def of(count: int) -> st.SearchStrategy[Tree]:
        row = st.lists(cell, min_size=count, max_size=count).map(tuple)
        leaf = st.builds(Branch, row)
        branch = st.recursive(
            leaf, lambda below: st.builds(Branch, row, st.lists(below, max_size=3).map(tuple), st.booleans()), max_leaves=6
        )
        return st.builds(Tree, cell, row, st.lists(branch, max_size=3), st.just(()) | row)

    return st.integers(1, widest).flatmap(of)


def figures(name: st.SearchStrategy[str]) -> st.SearchStrategy[Figure]:
    return st.builds(Figure, name, st.dictionaries(name, curves, min_size=1, max_size=3), st.none() | st.tuples(name, st.floats(-1, 5)))


def panels(name: st.SearchStrategy[str]) -> st.SearchStrategy[Panels]:
    course = st.builds(lambda name, values: (name, range(len(values)), values), name, curves)
    return st.builds(Panels, name, name, st.lists(course, min_size=1, max_size=3).map(tuple))


def blocks(text: st.SearchStrategy[str], *more: st.SearchStrategy) -> st.SearchStrategy:
    level = st.sampled_from([3, 4])
    code = st.builds(Code, text), st.builds(Difference, text, text.map("+{0}\n-{0}\n {0}".format))
    leaf = st.one_of(st.builds(Heading, text, level), st.builds(Text, text, st.booleans()), *code, tables(text), trees(text), *more)
    return leaf | st.builds(Details, text, st.lists(leaf, max_size=3).map(tuple))


class Reader(html.parser.HTMLParser):
    """What a viewer keeps that strips styles, scripts and SVG: the text, alternative texts, and which tags there were."""

    def __init__(self, source: str):
        super().__init__(convert_charrefs=True)
        self.text, self.tags, self.open, self.pictures = "", set(), [], []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        if tag not in ("br", "img"):
            self.open.append(tag)
        if tag == "img":
            self.pictures.append(dict(attributes))
            self.text += f" {dict(attributes).get('alt', '')} "
        self.text += " "

    def handle_endtag(self, tag):
        assert self.open.pop() == tag
        self.text += " "

    def handle_data(self, data):
        self.text += "" if self.open and self.open[-1] in ("style", "script", "svg") else data


def squeezed(text: str) -> str:
    """Without white space and case: text may be broken anywhere, and headings stand in capitals."""
    return "".join(text.casefold().split())


@relaxed
@given(st.lists(blocks(anything, figures(anything), panels(anything)), max_size=4))
def test_text_is_at_most_110_columns_wide(found):
    assert max(map(len, as_text(found).splitlines()), default=0) <= 110


@pytest.mark.parametrize("width", [1, 109, 110, 111, 500])
def test_long_words_are_broken_and_nothing_is_lost(width):
    word = "".join(chr(97 + i % 26) for i in range(width))
    for block in (Heading(word, 3), Heading(word, 4), Text(word), Code(word), Table(word, (word, "b"), [(word, word)]), Details(word, ())):
        text = block.as_text()
        assert max(map(len, text.splitlines())) <= 110
        assert set(text.lower()) >= set(word)
        assert isinstance(block, Table) or word in squeezed(text)


def test_code_of_ordinary_width_is_left_as_it_is():
    source = "def f(x):\n    # two  spaces\n\n    return x" + " + 1" * 10
    assert Code(source).as_text().replace("\n    ", "\n")[4:] == source


def test_a_table_keeps_its_columns_apart():
    rows = [("first cell", "1.00", "any number"), ("second", "a " * 80, "nothing")]
    lines = Table("caption", ("what", "seen", "expected"), rows).as_text().splitlines()
    assert lines[0] == "caption"
    start = lines[1].index("seen")
    assert [line[2:start].strip() for line in lines[1:4]] == ["what", "first cell", "second"]
    assert sum(line[start:].count("a ") + line.endswith("a") for line in lines[3:]) >= 80


@relaxed
@given(st.lists(blocks(st.sampled_from(HOSTILE) | anything), max_size=4))
def test_no_text_becomes_a_tag_and_each_tag_is_closed(found):
    read = Reader(as_html(found))
    assert read.tags <= OURS
    assert not read.open


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_text_reads_as_it_was_written(hostile):
    found = [Heading(hostile), Text(hostile), Code(hostile), Table(hostile, (hostile,), [(hostile,)]), Details(hostile, (Text(hostile),))]
    source = as_html([*found, Figure(hostile, {hostile: (1.0, 0.5)})])
    assert hostile == "&amp;" or hostile not in source
    read = Reader(source)
    assert read.text.count(hostile) >= 9
    assert read.tags <= OURS and set(read.pictures[0]) <= {"alt", "src", "style"}


def test_a_script_in_anything_is_text():
    source = as_html([Text("</p><script>alert('1')</script>"), Code("<svg onload=x>"), Text("<style>*{display:none}</style>", strong=True)])
    assert not re.search(r"<(script|svg|style)", source)
    assert Reader(source).tags == {"section", "p", "pre", "code", "strong"}


@few
@given(
    st.lists(
        st.one_of(st.builds(Text, sentences), st.builds(Code, words), tables(words, 3), trees(words, 3), figures(words), panels(words)),
        min_size=1,
        max_size=3,
    )
)
def test_every_word_and_number_of_the_text_stands_in_the_stripped_html(found):
    stripped = {form for word in Reader(as_html(found)).text.split() for form in (word, word.removesuffix(";"))}
    told = [word for word in as_text(found).split() if not set(word) <= {*MARKS, "!"}]
    assert set(told) <= stripped


def test_a_difference_says_by_its_signs_what_goes_and_what_comes():
    block = Difference("Corrected: cell 3", "@@ -1,2 +1,2 @@\n x = 1\n-y = x < 2\n+y = x")
    page = block.as_html()
    assert block.as_text().splitlines()[1:] == ["    @@ -1,2 +1,2 @@", "     x = 1", "    -y = x < 2", "    +y = x"]
    assert ">-y = x &lt; 2</del>" in page and ">+y = x</ins>" in page and "\n x = 1\n" in page
    assert 'tabindex="0"' in page and 'aria-label="Corrected: cell 3"' in page and "<figcaption>Corrected: cell 3</figcaption>" in page
    assert not re.search(r"(?<!background-)(?<!-)color:", page), "the colour of text is the page's own, dark or light"


def test_headings_and_details_keep_their_words_too():
    found = [Heading("A verdict", 3), Heading("ERROR, proven: x", 4), Details("Why", (Text("because 42"), Table("t", ("a",), [("b",)])))]
    told = re.sub("^[-=]+$", "", as_text(found), flags=re.MULTILINE)
    assert squeezed(Reader(as_html(found)).text) == squeezed(told)


@few
@given(figures(st.text("ab$_^{}<\"' äλ", max_size=60)) | panels(st.text("ab$_^{}<\"' äλ", max_size=60)))
def test_a_figure_is_a_small_png_with_an_alternative_text(figure):
    picture = Reader(figure.as_html()).pictures[0]
    head, _, data = picture["src"].partition(",")
    raw = base64.b64decode(data, validate=True)
    assert head == "data:image/png;base64"
    assert raw.startswith(b"\x89PNG\r\n\x1a\n") and b"IEND" in raw[-12:]
    assert 0 < len(raw) < 60_000
    assert picture["alt"].strip() or not figure.alt.strip()


def test_panels_say_what_is_to_be_seen_in_them():
    courses = ("loss", range(5), [2.0, 9.0, math.nan, 1.0, 1.5]), ("rate", [0, 4], [0.1, 0.1])
    said = Panels("The course", "step", courses).as_text()
    assert said == "The course: loss from 2 to 1.5, between 1 and 9, not finite 1 times of 5; rate 0.1 throughout."


def test_a_figure_shows_its_curves():
    """Another curve is another picture; the same curve is the same one, byte for byte."""
    once, twice, other = (plotted({"as it is": c}) for c in ([3.0, 2.0, 1.0], [3.0, 2.0, 1.0], [3.0, 2.0, 2.9]))
    assert once == twice != other
    assert plotted({"as it is": [3.0, 2.0, 1.0]}, ("floor", 0.5)) != once


def test_a_figure_leaves_pyplot_and_the_users_settings_alone():
    code = (
        "import sys, matplotlib; matplotlib.use('svg'); before = dict(matplotlib.rcParams)\n"
        "from dldebug_magics.document import Figure; Figure('alt', {'a': [1.0, 2.0, float('nan')]}, ('floor', 0.1)).as_html()\n"
        "print('matplotlib.pyplot' in sys.modules, dict(matplotlib.rcParams) == before)"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "False True\n"


@relaxed
@given(curves, st.integers(1, 80))
def test_a_sparkline_has_a_mark_a_value_and_says_first_and_last(values, width):
    first, marks, last = sparkline(values, width).split(" ")
    assert (first, last) == (f"{values[0]:.3g}", f"{values[-1]:.3g}")
    assert len(marks) == min(len(values), width) and set(marks) <= {*MARKS, "!"}
    if len(values) <= width:
        assert [mark == "!" for mark in marks] == [not math.isfinite(v) for v in values]


@relaxed
@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=60))
def test_a_sparkline_is_as_high_as_its_values(values):
    heights = [MARKS.index(mark) for mark in sparkline(values).split(" ")[1]]
    ordered = [height for _, height in sorted(zip(values, heights, strict=True))]
    assert ordered == sorted(ordered)
    assert ordered[0] == 0 and ordered[-1] == (7 if max(values) > min(values) else 0)
    assert sparkline([]) == "" and sparkline([2.0]) == "2 ▁ 2"


def small_tree() -> Tree:
    inner = Branch(("block <b>", "3 x 4"), (Branch(("one", "4")), Branch(("two", "5"))), open=False)
    return Tree(
        "What runs", ("call", "output"), [Branch(("net", "1"), (Branch(("first", "2")), inner, Branch(("last", "6"))))], ("total", "21")
    )


def test_a_tree_is_an_indented_table_that_leaves_out_what_is_folded():
    assert small_tree().as_text().splitlines() == [
        "What runs",
        "  call                         output",
        "  net                          1",
        "    first                      2",
        "    block <b> [2 rows inside]  3 x 4",
        "    last                       6",
        "  total                        21",
    ]


def test_a_tree_keeps_everything_in_a_page_without_styles_and_scripts():
    source = re.sub(r' (style|align|scope)="[^"]*"', "", small_tree().as_html())
    inside = "<blockquote><table><caption>inside"
    assert source.startswith(
        f"<figure><figcaption>What runs</figcaption><details open><summary><strong>net</strong> output 1</summary>{inside} net"
    )
    assert f"<details><summary><strong>block &lt;b&gt; [2 rows inside]</strong> output 3 x 4</summary>{inside} block &lt;b&gt;<" in source
    assert source.count("<tr><th>call</th><th>output</th></tr>") == 4, "each table says what its columns are"
    assert re.findall("<caption>(.*?)</caption>", source)[2:] == ["inside net, after block &lt;b&gt;", "all together"]
    order = [source.index(f"<th>{name}</th>") for name in ("first", "one", "two", "last", "total")]
    assert order == sorted(order)
    assert Reader(source).tags <= OURS


def test_a_tree_without_any_rows_inside_is_one_table_with_its_totals():
    source = Tree("What runs", ("call", "output"), [Branch(("one", "4")), Branch(("two", "5"))], ("total", "9")).as_html()
    assert re.findall("<caption>(.*?)</caption>", source) == ["What runs"] and source.count("<tr>") == 4
    beside = Tree("What runs", ("call",), [Branch(("one",)), Branch(("net",), (Branch(("two",)),)), Branch(("three",))]).as_html()
    assert re.findall("<caption>(.*?)</caption>", beside) == ["before net", "inside net", "after net"]


def test_only_what_says_something_of_other_cells_is_a_head():
    """An empty head, a head of nothing and a row of blocks are what a screen reader stumbles over."""
    source = re.sub(r' (style|align)="[^"]*"', "", Table("c", ("", "seen"), [("loss", "2 █▆▃! 1"), ("", "4 apart")]).as_html())
    assert '<thead><tr><td></td><th scope="col">seen</th></tr></thead>' in source
    assert '<th scope="row">loss</th><td>2 <span aria-hidden="true">█▆▃!</span> 1</td>' in source and "<td></td><td>4 apart</td>" in source
    assert "<thead>" not in Table("c", ("", ""), [("a", "b")]).as_html() and 'scope="row"' in Table("c", ("", ""), [("a", "b")]).as_html()
    assert 'scope="row"' not in Table("c", ("what",), [("a",)]).as_html()


@pytest.mark.parametrize(("row", "wide"), [("abcd", True), ("abc", False), (("a", "1 █▆ 2"), True)])
def test_a_wide_table_is_scrolled_by_keyboard_where_the_page_is_narrow(row, wide):
    source = Table("All & more", row, [row]).as_html()
    assert source.startswith('<div tabindex="0" role="group" aria-label="All &amp; more"') == wide and source.endswith("</div>") == wide


def test_indented_cells_stay_indented_when_they_are_broken():
    deep = Branch(("c" * 80, "x" * 90))
    for _ in range(3):
        deep = Branch(("a", "b"), (deep,))
    lines = Tree("caption", ("call", "output"), [deep]).as_text().splitlines()
    assert all(line.startswith("        ccc") for line in lines if "ccc" in line) and max(map(len, lines)) <= 110
