"""A folder of exports as an incident."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
import rca
from rca.errors import (
    BadValueError,
    CorruptFileError,
    EmptyLogError,
    InputError,
    MissingColumnError,
    MissingFileError,
    RCAError,
    UnknownNameError,
    WindowError,
)

N = 240


def requests(**columns: object) -> pd.DataFrame:
    table = pd.DataFrame(
        {
            "request_id": [f"r{i}" for i in range(N)],
            "ts": pd.date_range("2026-03-01", periods=N, freq="min").strftime("%Y-%m-%dT%H:%M:%SZ"),
            "latency_ms": [float(i % 7) + 100 for i in range(N)],
        }
    )
    return table.assign(**columns)


def folder(tmp_path: Path, table: pd.DataFrame, **files: str) -> Path:
    table.to_csv(tmp_path / "requests.csv", index=False)
    for name, text in files.items():
        (tmp_path / name.replace("__", ".")).write_text(text, encoding="utf-8")
    return tmp_path


def test_a_folder_is_an_incident(tmp_path: Path) -> None:
    place = folder(
        tmp_path,
        requests(),
        events__jsonl='{"ts": "2026-03-01T02:00:00Z", "kind": "deploy", "title": "v2"}\n',
        incident__toml='metric = "p95_latency"\nservice = "qa"\n'
        "alerted_at = 2026-03-01T03:00:00Z\n",
    )
    incident = rca.read_incident(place)
    assert incident.logs.n_rows == N
    assert len(incident.events) == 1
    assert incident.service == "qa"
    assert incident.alerted_at.isoformat() == "2026-03-01T03:00:00+00:00"
    assert incident.metric is not None
    assert incident.metric.name == "p95_latency"


def test_what_the_call_says_wins_and_the_end_of_the_log_is_the_alert(tmp_path: Path) -> None:
    place = folder(tmp_path, requests(), incident__toml='metric = "p95_latency"\n')
    incident = rca.read_incident(place, metric="mean_latency")
    assert incident.metric is not None
    assert incident.metric.name == "mean_latency"
    assert incident.alerted_at.isoformat().startswith("2026-03-01T03:59:00")
    assert "no events were given" in incident.caveats[0]


def test_repeated_ids_are_counted_once_and_said(tmp_path: Path) -> None:
    twice = pd.concat([requests(), requests().head(10).assign(latency_ms=1.0)])
    logs = rca.read_incident(folder(tmp_path, twice)).logs
    assert logs.n_rows == N
    assert any("10 rows repeat a request_id" in c for c in logs.caveats)


def test_rows_without_time_are_left_out_and_said(tmp_path: Path) -> None:
    table = requests()
    table.loc[:4, "ts"] = None
    logs = rca.read_incident(folder(tmp_path, table)).logs
    assert logs.n_rows == N - 5
    assert any("5 of 240 rows have no time" in c for c in logs.caveats)


@pytest.mark.parametrize(
    ("table", "kwargs", "error", "says"),
    [
        (requests().head(0), {}, EmptyLogError, "no rows"),
        (requests().drop(columns="ts"), {}, MissingColumnError, "no timestamp column"),
        (requests(ts="yesterday"), {}, BadValueError, "'ts'.*yesterday"),
        (requests(ts=None), {}, BadValueError, "timestamp column is empty"),
        (requests(), {"metric": "p95_latncy"}, UnknownNameError, "Did you mean 'p95_latency'"),
        (requests(), {"metric": "cost"}, MissingColumnError, "cost_usd"),
        (requests(latency_ms=None), {"metric": "mean_latency"}, BadValueError, "latency_ms.*empty"),
        (requests(), {"alerted_at": "2027-01-01T00:00:00Z"}, WindowError, "2027-01-01"),
        (requests(), {"alerted_at": "2020-01-01T00:00:00Z"}, WindowError, "2020-01-01"),
        (requests(), {"alerted_at": "at noon"}, RCAError, "at noon"),
        (requests(latency_ms=["x"] + [1] * (N - 1)), {}, BadValueError, "latency_ms.*mixes types"),
    ],
)
def test_bad_input_is_one_clear_line(
    tmp_path: Path, table: pd.DataFrame, kwargs: dict[str, str], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says) as caught:
        rca.read_incident(folder(tmp_path, table), **kwargs)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


def test_a_missing_folder_and_an_empty_one(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="no incident folder"):
        rca.read_incident(tmp_path / "nowhere")
    (tmp_path / "readme.txt").touch()
    with pytest.raises(MissingFileError, match=r"no requests\.\*.*readme.txt"):
        rca.read_incident(tmp_path)


def test_a_broken_line_of_events_is_named_by_number(tmp_path: Path) -> None:
    good = '{"ts": "2026-03-01T02:00:00Z", "kind": "deploy", "title": "v2"}\n'
    place = folder(tmp_path, requests(), events__jsonl=good + '{"ts": "2026-')
    with pytest.raises(RCAError, match="line 2"):
        rca.read_incident(place)


def test_a_setting_nobody_reads_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BadValueError, match="metrik"):
        rca.read_incident(folder(tmp_path, requests(), incident__toml='metrik = "x"\n'))
    with pytest.raises(BadValueError, match="not TOML"):
        rca.read_incident(folder(tmp_path, requests(), incident__toml="metric = \n"))
    with pytest.raises(InputError, match="baseline_window"):
        rca.read_incident(folder(tmp_path, requests(), incident__toml='baseline_window = "x"\n'))


def test_a_corrupt_parquet_log_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "requests.parquet").write_bytes(b"PAR1 and then nothing")
    with pytest.raises(CorruptFileError, match=r"requests\.parquet"):
        rca.read_incident(tmp_path)


def test_a_known_export_is_found_whatever_it_is_called(tmp_path: Path) -> None:
    row = {"spend": 0.5, "endTime": "2026-03-01 10:00:01", "model": "m"}
    rows = [
        row | {"request_id": f"r{i}", "startTime": f"2026-03-01 10:{i:02}:00"} for i in range(9)
    ]
    text = "".join(json.dumps(each) + "\n" for each in rows)
    (tmp_path / "LiteLLM_SpendLogs.txt").write_text(text)
    (tmp_path / "notes.md").write_text("Seen at ten.\n")
    incident = rca.read_incident(tmp_path, metric="cost")
    assert incident.logs.n_rows == 9
    assert incident.logs.intake.files[0].format == "LiteLLM spend logs"
