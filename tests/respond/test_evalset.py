"""An evaluation set that grows: no doubles, no leaks, no version changed after it was written."""

from __future__ import annotations

import json
import random
import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rca.errors import BadValueError, CorruptFileError, MissingFileError, OutputError
from rca.respond.evalset import EvalCase, apply, create, mask, propose, read_evalset, score
from rca.respond.evalset.near import NearIndex, similarity


def case(name, text, expected="yes", **other):
    label = {"expected": expected, "labelled_by": "ann"} if expected else {}
    return EvalCase(**{"id": name, "input": text, "redacted": True, **label, **other})


QUESTION = "Can I return a pair of shoes that I bought in the sale of last month?"
HELD = "Which countries do you deliver a parcel to within three working days?"


@pytest.fixture
def base(tmp_path):
    cases = [
        case("c1", QUESTION, "yes, within 30 days"),
        case("c2", "Where is my order number five of last Tuesday?", None),
        case("h1", HELD, "eight", split="holdout"),
        case("t1", "How do I change the password of my account?", "so", split="train"),
    ]
    return create(tmp_path / "shop", cases, actor="ann", reason="first cases")


def outcome(base, *cases, **other):
    patch = propose(base, cases, added_by="bob", **other)
    return dict(zip(patch.table["id"], patch.table["outcome"], strict=True)), patch


def test_each_kind_of_case_is_told(base):
    found, patch = outcome(
        base,
        case("n1", "Do you sell gift vouchers for a birthday?"),
        case("n2", QUESTION.upper() + "  ", "yes, within 30  DAYS"),
        case("n3", QUESTION.replace("a pair of shoes", "a pair of boots")),
        case("n4", QUESTION, "no"),
        case("n5", HELD + "?"),
        case("n6", "Where is my order number five of last tuesday?", "on its way"),
        case("n7", "How do I change the password of my  account?"),
        case("n8", "Do you sell gift vouchers for a birthday?", "no"),
        case("n9", "Is there a shop in Hamburg?"),
        seen_in_training=["Is there a shop in Hamburg?"],
    )
    assert found == {
        "n1": "added",
        "n2": "exact_duplicate",
        "n3": "near_duplicate",
        "n4": "conflict",
        "n5": "leak",
        "n6": "label",
        "n7": "leak",
        "n8": "conflict",  # with n1, which came in the same batch
        "n9": "leak",
    }
    assert [c.id for c in patch.added] == ["n1", "n3"]
    assert patch.labels[0].id == "c2"
    codes = {finding.code for finding in patch.findings()}
    assert codes == {"EVALSET_CONFLICT", "EVALSET_LEAK", "EVALSET_NEAR_DUPLICATE"}
    assert len(patch.plot().data) == 1
    assert [c.id for c in patch.without("n3").added] == ["n1"]


def test_a_new_version_is_written_and_the_old_one_stays(base):
    before = {p: p.read_bytes() for p in base.folder.rglob("v0001/*")}
    new = case("n1", "Do you sell gift vouchers?")
    label = case("n6", "Where is my order number five of last tuesday?", "on its way")
    grown = apply(propose(base, [new, label], added_by="bob"), actor="bob", reason="INC-7")
    assert {p: p.read_bytes() for p in before} == before
    assert grown.version == 2
    again = read_evalset(base.folder)
    assert again == grown
    assert again.manifest.parent == base.manifest.digest
    assert {c.id: c.expected for c in again.cases}["c2"] == "on its way"
    assert again.manifest.n_labelled == 5
    assert read_evalset(base.folder, version=1) == base
    kept = next(c for c in again.cases if c.id == "n1")
    assert (kept.added_by, kept.redacted, kept.added_at is not None) == ("bob", True, True)


def test_a_patch_of_an_old_version_is_refused(base):
    first = propose(base, [case("n1", "Do you sell vouchers?")], added_by="bob")
    second = propose(base, [case("n2", "Is the shop open on Sunday?")], added_by="ann")
    apply(first, actor="bob", reason="INC-7")
    with pytest.raises(BadValueError, match=r"now at version 2\. Propose the cases again"):
        apply(second, actor="ann", reason="INC-8")


def test_a_patch_that_adds_nothing_writes_nothing(base):
    with pytest.raises(BadValueError, match=r"adds nothing .*1 leak"):
        apply(propose(base, [case("n", HELD)], added_by="bob"), actor="bob", reason="x")
    assert [p.name for p in base.folder.glob("v*") if p.is_dir()] == ["v0001"]


def test_redaction_happens_before_anything_else_and_cannot_be_left_out(base):
    secret = "I am ann@example.org, my key is sk-abcdefghijklmnop1234 and card 4111-1111-1111-1111"
    patch = propose(base, [case("n", secret, "Dear ann@example.org", redacted=False)],
                    added_by="bob")  # fmt: skip
    apply(patch, actor="bob", reason="INC-7")
    text = (base.folder / "v0002" / "cases.jsonl").read_text()
    assert "ann@example.org" not in text
    assert "sk-abc" not in text
    assert "4111" not in text
    with pytest.raises(BadValueError, match="redact = None: cases enter a set redacted"):
        propose(base, [case("m", "hello there")], added_by="bob", redact=None)
    with pytest.raises(BadValueError, match="redact returned 11 for the input"):
        propose(base, [case("m", "hello there")], added_by="bob", redact=len)
    with pytest.raises(BadValueError, match="case 'x' was not redacted"):
        create(base.folder / "other", [case("x", "hi", redacted=False)], actor="a", reason="b")


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("mail Bob.Smith+x@mail.example.co.uk now", "mail [email] now"),
        ("Authorization: Bearer abc.def-123", "Authorization: Bearer [key]"),
        ("AKIAIOSFODNN7EXAMPLE", "[key]"),
        ("api_key = 'xyzzy-12345'", "api_key = [key]"),
        ("call +49 (170) 123-4567", "call [number]"),
        ("id 0123456789abcdef0123456789abcdef", "id [key]"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc", "[key]"),
        ("-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----", "[key]"),
        ("in 2026 we sold 1234567 of v1.2.3", "in 2026 we sold 1234567 of v1.2.3"),
        ("internationalisation is a long word", "internationalisation is a long word"),
    ],
)
def test_masks(text, masked):
    assert mask(text) == masked


@pytest.mark.parametrize(
    "text",
    ["a-" * 50_000, "eyJ-" * 25_000, "1 " * 50_000 + "a", "a.b@" * 25_000, "token " * 16_000,
     "-----BEGIN A" * 8_000, "=" * 100_000],
)  # fmt: skip
def test_hostile_text_is_masked_without_going_over_it_again_and_again(text):
    assert isinstance(mask(text), str)


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="ab1 @.-=", max_size=300))
def test_masking_twice_changes_nothing_more(text):
    assert mask(mask(text)) == mask(text)


def test_the_index_finds_what_comparing_with_all_finds():
    rng = random.Random(4)
    words = [
        "order",
        "parcel",
        "refund",
        "shoe",
        "card",
        "late",
        "broken",
        "where",
        "when",
        "how",
        "my",
        "the",
        "a",
        "is",
    ]
    texts = [" ".join(rng.choices(words, k=rng.randint(3, 12))) for _ in range(200)]
    index = NearIndex(case(f"c{i}", text) for i, text in enumerate(texts))
    near = 0
    for text in texts[:60]:
        probe = text + " please"
        best = max(similarity(probe, other) for other in texts)
        found = index.nearest(probe, threshold=0.7)
        assert (found is not None) == (best >= 0.7)
        if found:
            near += 1
            assert found[1] == pytest.approx(best)
    assert 10 < near < 60


def test_adding_hard_cases_does_not_move_the_headline(base):
    new = [case(f"n{i}", f"question {i} on {'abcdefgh'[i] * 9}") for i in range(6)]
    grown = apply(propose(base, new, added_by="bob"), actor="bob", reason="INC-7")
    right = {"c1": True, **{f"n{i}": False for i in range(6)}}
    before = score(base, {"c1": True})
    after = score(grown, right, before=base)
    assert before.headline == after.headline == 1.0
    table = after.table.set_index("cases")
    assert table.loc["new cases", ["right", "n"]].tolist() == [0, 6]
    assert table.loc["all cases", "share"] == pytest.approx(1 / 7)
    assert after.findings()[0].n == 1
    assert any("1 cases have no label" in caveat for caveat in after.caveats)


@pytest.mark.parametrize(
    ("outcomes", "message"),
    [
        ({"zz": True}, "'zz', which is no case"),
        ({"c2": True}, "'c2' has no label"),
        ({"c1": "yes"}, "is 'yes'. Give True or False"),
    ],
)
def test_what_cannot_count_is_refused(base, outcomes, message):
    with pytest.raises(BadValueError) as caught:
        score(base, outcomes)
    assert message in str(caught.value)


def _edit(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("cases.jsonl", "30 days", "90 days", "was changed after it was written"),
        ("cases.jsonl", '"split":"holdout"', '"split":"dev"', "line 3: split = 'dev'"),
        ("cases.jsonl", '"id":"c1"', '"id":"../c1"', "line 1: id = '../c1'"),
        ("cases.jsonl", '"id":"c1",', "", "line 1: the field 'id' is missing"),
        ("cases.jsonl", '{"added_at"', '"added_at"', "is not whole JSON"),
        ("manifest.toml", "n_cases = 4", "n_cases = -4", "n_cases = -4"),
        ("manifest.toml", "n_cases = 4", 'n_cases = "4"', "n_cases = '4'"),
        ("manifest.toml", "n_cases = 4", "n_cases = ", "is not whole TOML"),
        ("manifest.toml", "n_cases = 4", "n_case = 4", "unknown field 'n_case'. Did you mean"),
    ],
)
def test_a_changed_version_is_one_clear_error(base, file, old, new, message):
    _edit(base.folder / "v0001" / file, old, new)
    with pytest.raises((BadValueError, CorruptFileError)) as caught:
        read_evalset(base.folder)
    assert message in str(caught.value)


def test_a_changed_past_breaks_the_chain(base):
    apply(propose(base, [case("n", "Do you sell vouchers?")], added_by="b"), actor="b", reason="r")
    _edit(base.folder / "v0001" / "manifest.toml", 'actor = "ann"', 'actor = "eve"')
    with pytest.raises(CorruptFileError, match="version 2 does not follow from version 1"):
        read_evalset(base.folder)


def test_bad_calls_say_what_to_do(base, tmp_path):
    with pytest.raises(MissingFileError, match="no evaluation set at"):
        read_evalset(tmp_path / "none")
    with pytest.raises(MissingFileError, match=r"no version 7\. It has: 1"):
        read_evalset(base.folder, version=7)
    with pytest.raises(OutputError, match="already holds a set"):
        create(base.folder, [], actor="a", reason="b")
    with pytest.raises(BadValueError, match=r"'holdout'\. New cases are of 'regression'"):
        propose(base, [case("n", "hi there", split="holdout")], added_by="bob")
    with pytest.raises(BadValueError, match="the id 'c1' is taken"):
        propose(base, [case("c1", "something else")], added_by="bob")
    with pytest.raises(BadValueError, match="added_by is blank"):
        propose(base, [], added_by=" ")
    with pytest.raises(BadValueError, match="reason = ''"):
        apply(propose(base, [case("n", "hi there")], added_by="b"), actor="b", reason=" ")


def test_the_files_are_plain(base):
    lines = (base.folder / "v0001" / "cases.jsonl").read_text().splitlines()
    assert [json.loads(line)["id"] for line in lines] == ["c1", "c2", "h1", "t1"]
    manifest = tomllib.loads((base.folder / "v0001" / "manifest.toml").read_text())
    assert (manifest["version"], manifest["n_cases"], manifest["reason"]) == (1, 4, "first cases")
