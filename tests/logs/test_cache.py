"""Large text exports are parsed once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import rca
from rca.logs import convert, flat, incident, read


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the cache; every file is large."""
    for module in (convert, incident, read):
        monkeypatch.setattr(module, "SMALL", 0)
    folder = tmp_path / "cache"
    monkeypatch.setenv("RCA_CACHE", str(folder))
    return folder


def export(tmp_path: Path, n: int = 3, *, known: bool) -> Path:
    path = tmp_path / "log.jsonl"
    rows = [
        {"request_id": f"r{i}", "spend": 0.5, "startTime": "2026-03-01 10:00:00", "region": "eu"}
        if known
        else {"ts": "2026-03-01T10:00:00Z", "latency_ms": i, "region": "eu"}
        for i in range(n)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows) + '{"half')
    return path


@pytest.mark.parametrize("known", [True, False])
def test_a_file_is_parsed_once(tmp_path: Path, place: Path, known: bool) -> None:
    path = export(tmp_path, known=known)
    shares: list[float] = []
    first = rca.read_logs(path, progress=shares.append)
    assert shares[-1] == 1.0
    (kept,) = place.iterdir()
    written = kept.stat().st_mtime_ns
    again = rca.read_logs(path)
    assert [p.stat().st_mtime_ns for p in place.iterdir()] == [written]
    for logs in (first, again):
        assert logs.n_rows == 3
        assert dict(logs.intake.left_out) == {"not whole JSON": 1}
        assert sorted(logs.columns) == sorted(first.columns)


@pytest.mark.parametrize("known", [True, False])
def test_a_changed_file_is_parsed_again(tmp_path: Path, place: Path, known: bool) -> None:
    assert rca.read_logs(export(tmp_path, known=known)).n_rows == 3
    assert rca.read_logs(export(tmp_path, 4, known=known)).n_rows == 4
    assert len(list(place.iterdir())) == 2


@pytest.mark.parametrize("known", [True, False])
def test_without_the_cache_nothing_is_left(tmp_path: Path, place: Path, known: bool) -> None:
    logs = rca.read_logs(export(tmp_path, known=known), cache=False)
    assert logs.n_rows == 3
    assert not place.exists()


def test_a_large_csv_goes_through_the_cache_too(tmp_path: Path, place: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("ts,latency_ms\n2026-03-01T10:00:00Z,5\n")
    assert rca.read_logs(path).n_rows == 1
    assert len(list(place.glob("*.parquet"))) == 1
    assert flat.flat is not None


def test_a_cache_that_cannot_be_written_says_what_to_do(
    tmp_path: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    monkeypatch.setenv("RCA_CACHE", str(blocked / "below"))
    with pytest.raises(
        rca.RCAError, match="Set RCA_CACHE to another one, or read with cache=False"
    ):
        rca.read_logs(export(tmp_path, known=True))


def test_a_failed_parse_leaves_no_part(tmp_path: Path, place: Path) -> None:
    path = tmp_path / "log.json"
    path.write_text('[{"request_id": "r", "spend": 1, "startTime": "2026-03-01"}, {"x"')
    with pytest.raises(rca.RCAError):
        rca.read_logs(path)
    assert list(place.iterdir()) == []
