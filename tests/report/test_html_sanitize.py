import pandas as pd
import pytest
from rca.report.html.sanitize import clean, scoped


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("<script>x()</script>a", "a"),
        ('<img src=x onerror="x()">', '<span class="rca-missing">[picture not embedded: x]</span>'),
        ('<a href="javascript:x()">a</a>', "<a>a</a>"),
        ('<a href=" JaVaScRiPt:x()">a</a>', "<a>a</a>"),
        ('<a href="data:text/html,<script>x()</script>">a</a>', "<a>a</a>"),
        ('<meta http-equiv="refresh" content="0;url=//h">a', "a"),
        ('<base href="https://h/"><link rel="dns-prefetch" href="//h">a', "a"),
        ('<iframe src="https://h"></iframe>a', "a"),
        ('<noscript><p title="</noscript><b onclick=x()>">a</noscript>', '<b>"&gt;a</b>'),
        ("<svg><script>x()</script><g onload=x() /></svg>", "<svg><g></g></svg>"),
        ('<p style="position: fixed; top: 0">a</p>', '<p style="position:relative; top: 0">a</p>'),
        ('<p style="background:url(//h/a)">a</p>', '<p style="background:none">a</p>'),
        ("</div></section></main>a", "a"),
        ("<form action=//h><input type=submit></form>", '<input type="checkbox">'),
        ('<img alt="n" src="data:text/html;base64,AAAA">',
         '<span class="rca-missing">[n: picture not embedded: not a picture]</span>'),
    ],
)  # fmt: skip
def test_harm_is_taken_out_and_the_text_is_kept(given, kept):
    assert clean(given) == kept


@pytest.mark.parametrize(
    "harmless",
    [
        '<a href="https://host/x?a=1&amp;b=2">link</a>',
        '<a href="#part">link</a>',
        '<img alt="p" src="data:image/png;base64,AAAA">',
        '<details open=""><summary>more</summary><p class="c" data-x="1">t</p></details>',
        '<svg viewBox="0 0 1 1" role="img"><path d="M0 0h1" stroke="currentColor"></path></svg>',
        '<td style="color: rgb(1,2,3)" colspan="2">7</td>',
        "<math><mi>x</mi></math>",
    ],
)
def test_what_shows_is_left_as_it_is(harmless):
    wrap = ("<table><tbody><tr>", "</tr></tbody></table>") if "<td" in harmless else ("", "")
    assert clean(harmless.join(wrap)) == harmless.join(wrap)


def test_tables_of_pandas_survive_with_their_own_style():
    frame = pd.DataFrame({"slice": ["<script>x</script>"], "n": [3]})
    kept = clean(frame._repr_html_())
    assert "&lt;script&gt;x&lt;/script&gt;" in kept
    assert 'class="dataframe"' in kept
    assert "@scope { .dataframe tbody tr th" in kept


def test_style_sheets_reach_no_further_than_their_output():
    assert scoped("td{color:red} @media print{td{color:blue}}").startswith("@scope { td")
    assert scoped('td::after{content:"}"}') == '@scope { td::after{content:"}"} }'
    assert scoped("td{}} body{display:none} {") == ""
    assert scoped("/* } */ td{}") == "@scope { /* } */ td{} }"
    assert "http" not in scoped('@import "http://h/a.css"; td{background:url( "http://h" )}')
    assert "data:image/png" in scoped("td{background:url(data:image/png;base64,AA==)}")


def test_only_pictures_inside_the_folder_are_embedded(tmp_path):
    folder = tmp_path / "notebook"
    folder.mkdir()
    (folder / "a b.png").write_bytes(b"png")
    (folder / "secret.txt").write_bytes(b"secret")
    (tmp_path / "outside.png").write_bytes(b"outside")
    assert clean('<img alt="" src="a%20b.png">', folder) == (
        '<img alt="" src="data:image/png;base64,cG5n">'
    )
    for address in ("../outside.png", "secret.txt", "none.png", "https://h/a.png", "//h/a.png"):
        assert f"picture not embedded: {address}" in clean(f'<img src="{address}">', folder)
