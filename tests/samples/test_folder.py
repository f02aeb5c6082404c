"""Folders on disk: formats, drills, big logs, the shipped sample data."""

from __future__ import annotations

import json
import sys
import tomllib
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest
from rca.errors import MissingFileError, OutputError, UnknownNameError
from rca.samples import (
    FAMILIES,
    SAMPLES,
    answer,
    big_log,
    drill,
    read_truth,
    sample,
    simulate,
    write,
)
from rca.samples.__main__ import main
from rca.samples.drills import family_of

SHIPPED = Path(__file__).parents[2] / "sample_data"


@pytest.mark.parametrize("format", ["parquet", "csv", "jsonl"])
def test_each_format_holds_the_same_rows(tmp_path: Path, format: str) -> None:
    made = simulate("prompt_unsafe", seed=1, n_rows=3000, text=True)
    place = write(made, tmp_path / "incident", format=format)
    read = {"parquet": pl.read_parquet, "csv": pl.read_csv, "jsonl": pl.read_ndjson}[format]
    log, given = read(place / f"requests.{format}"), pl.DataFrame(made.requests)
    assert sorted(log.columns) == sorted(given.columns)
    assert log["latency_ms"].to_list() == given["latency_ms"].to_list()
    assert log["input"].to_list() == given["input"].to_list()
    times = (
        given["ts"] if format == "parquet" else given["ts"].dt.strftime("%Y-%m-%dT%H:%M:%S%.3fZ")
    )
    assert log["ts"].to_list() == times.to_list()
    lines = (place / "events.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == made.events
    assert tomllib.loads((place / "incident.toml").read_text()) == made.incident
    assert read_truth(place) == made.truth
    assert [p.name for p in tmp_path.iterdir()] == ["incident"]


def test_an_incident_is_replaced_and_anything_else_is_not(tmp_path: Path) -> None:
    made = simulate("quiet", seed=1, n_rows=2000)
    write(made, tmp_path / "one", format="csv")
    write(made, tmp_path / "one")
    assert not (tmp_path / "one" / "requests.csv").exists()
    (tmp_path / "one" / "thesis.tex").write_text("years of work")
    with pytest.raises(OutputError, match=r"thesis\.tex"):
        write(made, tmp_path / "one")
    assert (tmp_path / "one" / "thesis.tex").exists()
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="new or an empty folder"):
        write(made, tmp_path / "file")
    with pytest.raises(OutputError, match="may write to"):
        write(made, tmp_path / "file" / "below")
    with pytest.raises(UnknownNameError, match="Known: parquet, csv, jsonl"):
        write(made, tmp_path / "two", format="xml")


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    made = simulate("quiet", seed=1, n_rows=2000)
    broken = type(made)(made.requests, [{"ts": object()}], made.incident, made.truth)
    with pytest.raises(TypeError):
        write(broken, tmp_path / "one")
    assert list(tmp_path.iterdir()) == []


def test_a_drill_hides_its_truth_until_asked(tmp_path: Path) -> None:
    place = drill(tmp_path / "drill", seed=8, n_rows=6000)
    again = drill(tmp_path / "again", seed=8, n_rows=6000)
    assert answer(place) == answer(again) == simulate(family_of(8), seed=8, n_rows=6000).truth
    for path in place.iterdir():
        assert b"[cause]" not in path.read_bytes()
    with pytest.raises(MissingFileError, match="no truth in"):
        answer(tmp_path)


def test_seeds_reach_every_family() -> None:
    assert {family_of(seed) for seed in range(400)} == set(FAMILIES)


def test_a_big_log_is_written_in_row_groups_with_its_fault(tmp_path: Path) -> None:
    truth = big_log(60_000, 1, tmp_path / "big", batch_rows=10_000)
    about = pq.read_metadata(tmp_path / "big" / "requests.parquet")
    assert about.num_rows == 60_000
    assert 5 <= about.num_row_groups <= 7
    log = pl.read_parquet(tmp_path / "big" / "requests.parquet")
    assert log["ts"].is_sorted()
    assert log["request_id"].n_unique() == 60_000
    assert read_truth(tmp_path / "big") == truth
    new = pl.col("model_version") == truth.cause.slice["model_version"]
    worse = log.filter(new)["correct"].mean() - log.filter(~new)["correct"].mean()
    assert worse < -0.05


def test_the_shipped_samples_are_what_the_code_draws() -> None:
    assert sorted(p.name for p in SHIPPED.iterdir() if p.is_dir()) == sorted(SAMPLES)
    assert sum(p.stat().st_size for p in SHIPPED.rglob("*") if p.is_file()) < 6_000_000
    for name in SAMPLES:
        made = sample(name)
        assert pq.read_table(SHIPPED / name / "requests.parquet").equals(made.requests), name
        assert read_truth(SHIPPED / name) == made.truth
        lines = (SHIPPED / name / "events.jsonl").read_text(encoding="utf-8").splitlines()
        assert [json.loads(line) for line in lines] == made.events
        assert len(made.events) >= 8


def test_a_shipped_prompt_is_hostile_and_models_have_inputs() -> None:
    log = pl.read_parquet(SHIPPED / "accuracy_drop" / "requests.parquet")
    text = "\n".join(log["input"])
    assert "<script>" in text
    assert "\x1b[" in text
    assert log["output"].null_count() > 0
    with pytest.raises(UnknownNameError, match="Did you mean 'data_drift'"):
        sample("data_drif")


def test_the_command_writes_all_samples(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["rca.samples", str(tmp_path)])
    main()
    assert len(capsys.readouterr().out.splitlines()) == len(SAMPLES)
    for name in SAMPLES:
        for part in ("events.jsonl", "incident.toml", "truth.toml"):
            assert (tmp_path / name / part).read_bytes() == (SHIPPED / name / part).read_bytes()


def test_the_samples_cover_the_failures_and_the_traps() -> None:
    kinds = {name: read_truth(SHIPPED / name).cause.kind for name in SAMPLES}
    assert kinds == {
        "accuracy_drop": "deploy",
        "latency_spike": "upstream",
        "cost_explosion": "config",
        "unsafe_outputs": "prompt",
        "data_drift": "pipeline",
        "traffic_mix": "traffic_mix",
        "seasonal_dip": "season",
        "labels_stopped": "data_quality",
    }
    traps = ("traffic_mix", "seasonal_dip", "labels_stopped")
    assert all(read_truth(SHIPPED / name).cause.event_id is None for name in traps)
