"""Events in the canonical columns: each file kind, each alias, each error."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from rca.errors import (
    BadValueError,
    CorruptFileError,
    MissingColumnError,
    MissingFileError,
    RCAError,
)
from rca.logs.events import read_events
from rca.logs.events.kinds import kind_of
from rca.model.event import EVENT_COLUMNS, Event

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)

FULL = {
    "event_id": "d1",
    "ts": "2026-03-01T12:00:00Z",
    "kind": "deploy",
    "title": "ranker 8",
    "ts_end": "2026-03-01T12:10:00Z",
    "service": "search",
    "target": "ranker",
    "from_version": "7",
    "version": "8",
    "environment": "production",
    "status": "success",
    "actor": "ci",
    "inputs": ["raw.clicks"],
    "outputs": ["features.ctr"],
    "url": "https://ci.example/1",
    "inferred": False,
    "region": "eu",
}
EXPECTED = Event(
    event_id="d1",
    ts=NOON,
    kind="deploy",
    title="ranker 8",
    ts_end=datetime(2026, 3, 1, 12, 10, tzinfo=UTC),
    service="search",
    target="ranker",
    from_version="7",
    version="8",
    environment="production",
    status="success",
    actor="ci",
    inputs=("raw.clicks",),
    outputs=("features.ctr",),
    url="https://ci.example/1",
    scope={"region": "eu"},
)


def write(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def jsonl(*rows: dict[str, object]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def file_of(kind: str, folder: Path) -> Path:
    frame = pd.DataFrame([FULL])
    if kind == "csv":
        text = frame.assign(inputs="raw.clicks", outputs="features.ctr").to_csv(index=False)
        return write(folder / "e.dat", text)
    if kind == "parquet":
        frame.to_parquet(folder / "e.dat")
        return folder / "e.dat"
    whole = json.dumps(FULL)
    texts = {
        "jsonl": whole + "\n",
        "json object": json.dumps(FULL, indent=2),
        "json array": json.dumps([FULL], indent=2),
        "bom": "\ufeff" + whole,
    }
    if kind == "gzip":
        return write(folder / "e.dat", gzip.compress(whole.encode()))
    if kind == "utf-16":
        return write(folder / "e.dat", whole.encode("utf-16"))
    return write(folder / "e.dat", texts[kind])


@pytest.mark.parametrize(
    "kind",
    ["jsonl", "json object", "json array", "bom", "gzip", "utf-16", "csv", "parquet"],
)
def test_every_file_kind_gives_every_canonical_column(kind: str, tmp_path: Path) -> None:
    events = read_events(file_of(kind, tmp_path))
    assert events.items == (EXPECTED,)
    assert events.caveats == ()


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, pa.Table.from_pylist])
def test_tables_of_each_library(make) -> None:
    assert read_events(make([FULL])).items == (EXPECTED,)


def test_lazy_frame_and_duckdb_relation() -> None:
    relation = duckdb.connect().sql("select timestamp '2026-03-01 12:00' as ts, 'deploy' as kind")
    assert read_events(relation).items[0].ts == NOON
    assert read_events(pl.LazyFrame([FULL])).items == (EXPECTED,)


def test_pandas_times_of_any_precision_and_nulls() -> None:
    frame = pd.DataFrame(
        {
            "ts": pd.to_datetime(["2026-03-01T12:00:00.000000123Z"] * 2),
            "ts_end": [pd.NaT, pd.Timestamp("2026-03-01T13:00:00Z")],
            "kind": ["deploy", None],
            "weight": [float("nan"), 0.5],
        }
    )
    first, second = read_events(frame)
    assert {first.ts, second.ts} == {NOON}
    by_kind = {event.kind: event for event in (first, second)}
    assert by_kind["deploy"].ts_end is None
    assert by_kind["deploy"].scope == {}
    assert by_kind["annotation"].scope == {"weight": 0.5}


@pytest.mark.parametrize(
    ("row", "field", "value"),
    [
        ({"id": 7}, "event_id", "7"),
        ({"type": "Deployment"}, "kind", "deploy"),
        ({"name": "roll out"}, "title", "roll out"),
        ({"newVersion": "9"}, "version", "9"),
        ({"Previous Version": "8"}, "from_version", "8"),
        ({"env": "prod"}, "environment", "prod"),
        ({"author": {"login": "ada"}}, "actor", "ada"),
        ({"inputs": "raw.a, raw.b"}, "inputs", ("raw.a", "raw.b")),
        ({"finished_at": "2026-03-01T14:00:00+01:00"}, "ts_end", NOON.replace(hour=13)),
        ({"labels": {"region": "eu"}}, "scope", {"region": "eu"}),
        ({"region": ["eu", "us"]}, "scope", {"region": ("eu", "us")}),
    ],
)
def test_aliases(row: dict[str, object], field: str, value: object) -> None:
    (event,) = read_events([{"timestamp": "2026-03-01T12:00:00Z", **row}])
    assert getattr(event, field) == value


def test_the_canonical_name_wins_over_an_alias_and_the_alias_is_kept() -> None:
    (event,) = read_events([{"type": "push", "kind": "deploy", "ts": "2026-03-01T12:00Z"}])
    assert (event.kind, event.scope) == ("deploy", {"type": "push"})


@pytest.mark.parametrize(
    "time",
    [
        *("2026-03-01T12:00:00Z", "2026-03-01T13:00:00+01:00", "2026-03-01 12:00:00 +0000 UTC"),
        *("Sun, 01 Mar 2026 12:00:00 GMT", "2026-03-01T12:00:00.000000000Z", "20260301120000"),
        *(1772366400, 1772366400.0, 1772366400000, 1772366400000000, 1772366400000000000),
        *("1772366400", "1772366400000", NOON, datetime(2026, 3, 1, 12)),
    ],
)
def test_times_of_every_kind_are_utc(time: object) -> None:
    assert read_events([{"ts": time, "kind": "deploy"}]).items[0].ts == NOON


def test_naive_times_are_said_and_a_mix_is_said() -> None:
    rows = [{"ts": "2026-03-01T12:00:00", "kind": "deploy"}]
    assert read_events(rows).caveats == ("1 time without a zone taken as UTC (events, row 1)",)
    rows.append({"ts": "2026-03-01T12:00:00+02:00", "kind": "deploy"})
    (caveat,) = read_events(rows).caveats
    assert "1 time without a zone taken as UTC, mixed with 1 that name one" in caveat


def test_a_zone_given_by_name_is_a_zone() -> None:
    for time in ("Sun, 01 Mar 2026 12:00:00 GMT", "2026-03-01 12:00:00 UTC"):
        assert read_events([{"ts": time, "kind": "deploy"}]).caveats == ()


def test_a_date_is_midnight_and_said() -> None:
    events = read_events([{"ts": "2026-03-01", "kind": "deploy"}])
    assert events.items[0].ts == NOON.replace(hour=0)
    assert "midnight UTC" in events.caveats[0]


def test_unknown_kinds_are_kept_and_mapped_ones_are_said() -> None:
    rows = [{"ts": NOON, "kind": kind} for kind in ("haircut", "feature-flag", "deploy", None)]
    events = read_events(rows)
    assert sorted(e.kind for e in events) == ["annotation", "deploy", "flag", "haircut"]
    said = "\n".join(events.caveats)
    assert "'feature-flag' taken as flag (1 event)" in said
    assert "unknown kinds kept as they are: 'haircut' (1)" in said
    assert "without a kind, taken as annotation: events, row 4" in said


def test_repeated_ids_are_made_unique_and_repeated_events_kept_once() -> None:
    one = {"id": "a", "ts": NOON, "kind": "deploy"}
    events = read_events(
        [one, {**one, "version": "2"}, one, {"id": "a-2", "ts": NOON, "kind": "flag"}]
    )
    assert sorted(e.event_id for e in events) == ["a", "a-2", "a-3"]
    assert "1 event given twice kept once" in events.caveats
    assert any("made unique" in caveat and "a" in caveat for caveat in events.caveats)


def test_ids_are_given_where_none_are_and_do_not_depend_on_the_run() -> None:
    rows = [{"ts": NOON, "kind": "deploy"}, {"id": "deploy-1", "ts": NOON, "kind": "deploy"}]
    assert [e.event_id for e in read_events(rows)] == [e.event_id for e in read_events(rows)]
    assert len({e.event_id for e in read_events(rows)}) == 2


def test_an_empty_file_gives_no_events_and_says_so(tmp_path: Path) -> None:
    for text in ("", "\n", "[]", "ts,kind\n", "\ufeff"):
        events = read_events(write(tmp_path / "e.csv", text))
        assert len(events) == 0
        assert "is empty" in events.caveats[0]
    assert read_events([]).caveats == ("no events in a list of 0",)


def test_a_folder_a_glob_and_a_list_of_paths(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", jsonl(FULL))
    write(tmp_path / "b.csv", "time,kind\n2026-03-02T00:00:00Z,flag\n")
    write(tmp_path / "requests.csv", "ts,latency_ms,model\n2026-03-02T00:00:00Z,3,m\n")
    write(tmp_path / "README.md", "# notes")
    events = read_events(tmp_path)
    assert [e.kind for e in events] == ["deploy", "flag"]
    said = "\n".join(events.caveats)
    assert "requests.csv: a log of requests" in said
    assert "README.md" in said
    assert len(read_events(str(tmp_path / "*.jsonl"))) == 1
    assert len(read_events([tmp_path / "a.jsonl", tmp_path / "b.csv"])) == 2


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('{"ts": 1772366400}\n{"ts": 17723\n{"ts": 1772366400}\n', "line 2"),
        ('{"ts": 1772366400}\n{"ts": 1772366400}\n{"ts": 17', "line 3"),
        ('{"ts"\n{"ts": 1772366400}\n', "line 1"),
        ('[{"ts": 1772366400},\n{"ts": ]', "line 1"),
        ("ts,kind\n2026-03-01T12:00:00Z,deploy\n2026-03-01T12:00:00Z\n", "line 3"),
        ("ts,kind\n2026-03-01T12:00:00Z,deploy,\n", "line 2"),
    ],
)
def test_a_broken_line_is_named_by_number(text: str, line: str, tmp_path: Path) -> None:
    with pytest.raises(CorruptFileError, match=rf"e\.x, {line} "):
        read_events(write(tmp_path / "e.x", text))


@pytest.mark.parametrize(
    ("source", "error", "says"),
    [
        ("nowhere.jsonl", MissingFileError, "no file nowhere.jsonl"),
        ("", MissingFileError, "no path given"),
        ("a\x00b", MissingFileError, "is no path"),
        ("\ud800", MissingFileError, "is no path"),
        ("nowhere-*.jsonl", MissingFileError, "no file matches"),
        ([{"kind": "deploy"}], MissingColumnError, "has no time of its events"),
        ([{"ts": NOON}, {"kind": "deploy"}], BadValueError, "events, row 2 has no time"),
        ({"events": [{"ts": NOON}, 5]}, BadValueError, "row 1, events 2 has no time"),
        ([{"ts": "yesterday"}], BadValueError, r"events, row 1: 'yesterday' is not a time"),
        ([{"ts": 12.5}], BadValueError, "the clock is relative"),
        ([{"ts": True}], BadValueError, "truth value"),
        ([{"ts": 1e300}], BadValueError, "beyond the year"),
        ([{"ts": "0001-01-01T00:00:00+14:00"}], BadValueError, "outside the calendar"),
        (3, BadValueError, "cannot be read from a int"),
        ([3], BadValueError, "cannot be read from a int"),
    ],
)
def test_errors_say_what_to_do(source: object, error: type[RCAError], says: str) -> None:
    with pytest.raises(error, match=says):
        read_events(source)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (gzip.compress(b'{"ts": 1772366400}' * 1000, mtime=0)[:-20], "gzip file cut short"),
        (b"PAR1garbagePAR1", "Parquet file that cannot be read"),
        (b"\x80\x04\x95\x00", "a pickle"),
        (b"PK\x03\x04", "unpack it"),
        (b"ts,kind\n\xff\xfe\xfa", "line 2 is not utf-8 text"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a":' * 100_000, "nested too deeply"),
        (b"[1, 2]", "row 1 is a int"),
        (b"ts,kind,kind\n1,a,b\n", "line 1: the header names kind more than once"),
        (b'{"ts": ' + b"9" * 5000 + b"}", "line 1"),
        (b"apiVersion: v1\na: &x [1]\nb: *x\n", "line 3 is not plain YAML: an alias"),
        (b"apiVersion: v1\na: [1\n", "line 3 is not plain YAML"),
        (b"apiVersion: v1\na: " + b"[" * 50_000, "nested too deeply"),
    ],
)
def test_broken_files(data: bytes, says: str, tmp_path: Path) -> None:
    with pytest.raises(RCAError, match=says):
        read_events(write(tmp_path / "e.x", data))


def test_a_large_file_is_refused_even_when_it_is_small_on_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = import_module("rca.logs.events.files")
    monkeypatch.setattr(files, "MAX_BYTES", 1 << 20)
    path = write(tmp_path / "bomb.gz", gzip.compress(b" " * (8 << 20)))
    with pytest.raises(CorruptFileError, match="more than 1 MB"):
        read_events(path)


def test_nan_and_infinity_are_no_values(tmp_path: Path) -> None:
    text = '{"ts": 1772366400, "kind": "deploy", "version": NaN, "x": -Infinity, "y": NaN}'
    (event,) = read_events(write(tmp_path / "e.json", text))
    assert event.version is None
    assert "y" not in event.scope


def test_the_table_has_the_canonical_columns_then_the_scope() -> None:
    table = read_events([FULL]).table
    assert tuple(table.columns) == (*EVENT_COLUMNS, "region")


@pytest.mark.parametrize("kind", ["csv", "json", "parquet", "frame"])
def test_a_table_of_events_that_was_saved_is_read_back(kind: str, tmp_path: Path) -> None:
    second = {"event_id": "d2", "ts": "2026-03-02T00:00:00Z", "kind": "flag", "region": "us"}
    events = read_events([{**FULL, "inputs": ["raw.clicks", "raw.users"]}, second])
    path = tmp_path / "saved"
    if kind == "csv":
        events.table.to_csv(path, index=False)
    elif kind == "json":
        events.table.to_json(path, orient="records", date_format="iso")
    elif kind == "parquet":
        events.table.to_parquet(path)
    again = read_events(events.table if kind == "frame" else path)
    assert again.items == events.items
    assert again.caveats == ()


@pytest.mark.parametrize("name", ["events", "data"])
def test_a_list_of_events_inside_an_object(name: str, tmp_path: Path) -> None:
    path = write(tmp_path / "e.json", json.dumps({name: [FULL], "total": 1}))
    assert read_events(path).items == (EXPECTED,)
    assert read_events(tmp_path).items == (EXPECTED,)


def test_scope_in_a_cell_of_a_table(tmp_path: Path) -> None:
    text = 'ts,kind,scope\n2026-03-01T12:00:00Z,deploy,"{""region"": ""eu""}"\n'
    assert read_events(write(tmp_path / "e.csv", text)).items[0].scope == {"region": "eu"}


def test_a_broken_events_file_in_a_folder_is_an_error_and_prose_is_not(tmp_path: Path) -> None:
    write(tmp_path / "notes.txt", "We saw it, at noon.\nThen, it, stopped, again.\n")
    write(tmp_path / "events.txt", "time,kind\n2026-03-01T12:00:00Z,deploy\n")
    events = read_events(tmp_path)
    assert len(events) == 1
    assert any("notes.txt" in caveat for caveat in events.caveats)
    write(tmp_path / "events.txt", "time,kind\n2026-03-01T12:00:00Z\n")
    with pytest.raises(CorruptFileError, match=r"events\.txt, line 2"):
        read_events(tmp_path)


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        *(("Deployment", "deploy"), ("rolled back", "rollback"), ("feature_flag", "flag")),
        *(("ALTER TABLE", "schema_change"), ("dbt backfill", "pipeline"), ("promptEdit", "prompt")),
        *(("model rollout", "model_version"), ("Deploy of the job runner", "deploy")),
        *(("config change", "config"), ("provider outage", "upstream"), ("haircut", None)),
        *(("unflagged", None), ("", None)),
    ],
)
def test_kinds_are_read_from_words(word: str, kind: str | None) -> None:
    assert kind_of(word) == kind


def test_an_end_before_its_start_is_dropped_and_said() -> None:
    row = {"ts": "2026-03-01T12:00:00Z", "ts_end": "2026-03-01T11:00:00Z", "kind": "deploy"}
    events = read_events([row])
    assert events.items[0].ts_end is None
    assert events.caveats == ("an end before its start was dropped (events, row 1)",)
