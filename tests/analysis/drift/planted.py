"""Logs with one planted fault, for the tests and the benchmark table of drift."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import rca

DAYS = 5
START = pd.Timestamp("2026-03-02")
INCIDENT_HOURS = 8
Frame = pd.DataFrame


@dataclass(frozen=True)
class Planted:
    """A fault: its code, its column and how it changes the rows that it touches."""

    code: str
    column: str | None
    damage: Callable[[Frame, np.ndarray, np.random.Generator], Frame]
    whole: bool = False


def clean(n: int, rng: np.random.Generator) -> Frame:
    """Return rows of a service with a daily cycle, and a clean column for every kind of fault."""
    t = np.sort(rng.random(n)) * (DAYS * 24 + INCIDENT_HOURS) * 3600
    hour = (t / 3600) % 24
    cycle = np.cos(2 * np.pi * (hour - 15) / 24)
    ts = START + pd.to_timedelta(np.round(t, 3), unit="s")
    cities = np.array(["Zürich", "Berlin", "Köln", "Paris", "Malmö", "Rome"])
    tiers = np.array(["gold", "silver", "bronze", "basic"])
    return pd.DataFrame(
        {
            "ts": ts,
            "request_id": np.char.add("r", np.arange(n).astype(str)),
            "amount": np.round(np.exp(rng.normal(4 + 0.2 * cycle, 0.8)), 2),
            "income": np.round(np.exp(rng.normal(10, 0.5, n)), 0),
            "temperature": rng.normal(18 + 3 * cycle, 5),
            "balance": rng.normal(300, 120, n),
            "speed": rng.gamma(4, 12, n),
            "load": rng.beta(2, 3, n),
            "hour_local": np.floor(hour).astype(float),
            "updated_at": ts - pd.to_timedelta(rng.gamma(4, 300, n), unit="s"),
            "city": cities[rng.choice(6, n, p=[0.3, 0.2, 0.18, 0.14, 0.1, 0.08])],
            "tier": tiers[rng.choice(4, n, p=[0.15, 0.25, 0.35, 0.25])],
            "channel": np.array(["web", "app", "api"])[rng.choice(3, n, p=[0.5, 0.3, 0.2])],
            "code": np.array(["10", "20", "30", "40"])[rng.choice(4, n)],
            "score": rng.beta(3, 2, n),
            "correct": (rng.random(n) < 0.9).astype(float),
        }
    )


def _set(column: str, make: Callable[[pd.Series], object]) -> Callable[..., Frame]:
    def damage(frame: Frame, hit: np.ndarray, rng: np.random.Generator) -> Frame:
        frame.loc[hit, column] = make(frame.loc[hit, column])
        return frame

    return damage


def _swap(frame: Frame, hit: np.ndarray, rng: np.random.Generator) -> Frame:
    frame.loc[hit, ["income", "balance"]] = frame.loc[hit, ["balance", "income"]].to_numpy()
    return frame


def _lose_join(frame: Frame, hit: np.ndarray, rng: np.random.Generator) -> Frame:
    frame.loc[hit, ["income", "tier"]] = None
    return frame


def _twice(frame: Frame, hit: np.ndarray, rng: np.random.Generator) -> Frame:
    return pd.concat([frame, frame[hit]], ignore_index=True)


def _drop_bronze(frame: Frame, hit: np.ndarray, rng: np.random.Generator) -> Frame:
    return frame[~(hit & (frame["tier"] == "bronze"))]


def _fan_out(frame: Frame, hit: np.ndarray, rng: np.random.Generator) -> Frame:
    other = frame[hit].copy()
    other["tier"] = "other"
    return pd.concat([frame, other], ignore_index=True)


def _thin(frame: Frame, hit: np.ndarray, rng: np.random.Generator) -> Frame:
    return frame[~hit]


def _late(frame: Frame, hit: np.ndarray, rng: np.random.Generator) -> Frame:
    left = (frame["ts"].max() - frame["ts"]).dt.total_seconds().to_numpy() / 3600
    pending = hit & (rng.random(len(frame)) > np.clip(left / INCIDENT_HOURS, 0, 1))
    frame.loc[pending, "correct"] = np.nan
    return frame


def _older(values: pd.Series) -> pd.Series:
    return values - pd.to_timedelta(np.linspace(3000, 9000, len(values)), unit="s")


def _mangled(values: pd.Series) -> list[str]:
    return [v.encode().decode("latin-1") for v in values]


FAULTS: dict[str, Planted] = {
    "nulls": Planted("NULL_SPIKE", "amount", _set("amount", lambda _: None)),
    "nulls in text": Planted("NULL_SPIKE", "tier", _set("tier", lambda _: None)),
    "default value": Planted("CONSTANT_FLOOD", "income", _set("income", lambda _: -1.0)),
    "stuck": Planted(
        "STUCK", "speed", _set("speed", lambda x: np.resize([40.5, 41.0, 33.25], len(x)))
    ),
    "x1000": Planted("UNIT_CHANGE", "amount", _set("amount", lambda x: x * 1000)),
    "cents": Planted("UNIT_CHANGE", "income", _set("income", lambda x: x / 100)),
    "fahrenheit": Planted(
        "UNIT_CHANGE", "temperature", _set("temperature", lambda x: 1.8 * x + 32)
    ),
    "logarithm": Planted("UNIT_CHANGE", "amount", _set("amount", np.log)),
    "sign": Planted("SIGN_FLIP", "amount", _set("amount", lambda x: -x)),
    "offset": Planted("OFFSET", "balance", _set("balance", lambda x: x + 500)),
    "clipped": Planted(
        "CLIPPING", "speed", _set("speed", lambda x: x.clip(upper=45.0)), whole=True
    ),
    "rounded": Planted("ROUNDING", "temperature", _set("temperature", np.round)),
    "renamed": Planted(
        "CATEGORY_RENAMED", "channel", _set("channel", lambda x: x.replace("web", "browser"))
    ),
    "merged": Planted(
        "CATEGORY_MERGED",
        "tier",
        _set("tier", lambda x: x.replace(["gold", "silver"], "paid")),
        whole=True,
    ),
    "new": Planted("CATEGORY_NEW", "channel", _set("channel", lambda _: "partner")),
    "lost": Planted("CATEGORY_LOST", "tier", _drop_bronze, whole=True),
    "case": Planted("CASE_CHANGE", "city", _set("city", lambda x: x.str.upper())),
    "encoding": Planted("ENCODING_BREAK", "city", _set("city", _mangled)),
    "type": Planted("TYPE_CHANGE", "code", _set("code", lambda x: "c" + x)),
    "swapped": Planted("COLUMNS_SWAPPED", "income", _swap),
    "hours": Planted("TIMEZONE_SHIFT", "hour_local", _set("hour_local", lambda x: (x + 2) % 24)),
    "time zone": Planted(
        "TIMEZONE_SHIFT", "updated_at", _set("updated_at", lambda x: x - pd.Timedelta(hours=2))
    ),
    "stale": Planted("FRESHNESS_LAG", "updated_at", _set("updated_at", _older)),
    "join lost": Planted("JOIN_LOSS", "income", _lose_join),
    "schema": Planted("SCHEMA_CHANGE", "load", _set("load", lambda _: None), whole=True),
    "score collapse": Planted(
        "SCORE_COLLAPSE", "score", _set("score", lambda x: 0.5 + 0.05 * (x - 0.5)), whole=True
    ),
    "pile-up": Planted(
        "THRESHOLD_PILEUP", "score", _set("score", lambda x: 0.5 + 0.01 * (x - 0.5))
    ),
    "labels stopped": Planted("LABELS_STOPPED", "correct", _set("correct", lambda _: np.nan)),
    "labels late": Planted("LABELS_DELAYED", "correct", _late, whole=True),
    "twice": Planted("DUPLICATED_ROWS", None, _twice),
    "fan-out": Planted("JOIN_FANOUT", None, _fan_out),
    "sampled": Planted("SAMPLING_CHANGE", None, _thin),
}


@dataclass(frozen=True)
class Case:
    """A comparison with a planted fault: how many rows of the incident it touched, since when."""

    comparison: rca.Comparison
    planted: Planted
    share: float
    onset: pd.Timestamp


def plant(name: str, *, n: int, share: float, seed: int, lead_hours: float = 2.0) -> Case:
    """Plant a fault in a share of the rows since some hours before the current window."""
    rng = np.random.default_rng(seed)
    frame, planted = clean(n, rng), FAULTS[name]
    end = START + pd.Timedelta(days=DAYS, hours=INCIDENT_HOURS)
    incident = end - pd.Timedelta(hours=INCIDENT_HOURS)
    onset = incident + pd.Timedelta(hours=lead_hours, minutes=17)
    since = (frame["ts"] >= onset).to_numpy()
    share = 1.0 if planted.whole else share
    hit = since & (rng.random(n) < share)
    before = frame.copy()
    damaged = planted.damage(frame, hit, rng)
    now = (before["ts"] >= incident).to_numpy()
    real = hit
    if planted.column and len(damaged) == len(before):
        old, new = before[planted.column], damaged[planted.column]
        real = hit & ~((old == new) | (old.isna() & new.isna())).to_numpy()
    if name == "lost":
        real = hit & (before["tier"] == "bronze").to_numpy()
    comparison = rca.Comparison.by_time(
        rca.read_logs(damaged),
        baseline=rca.Window.of(str(START), str(incident)),
        incident=rca.Window.of(str(incident), str(end)),
        metric="accuracy",
    )
    return Case(comparison, planted, float(real[now].mean()), onset)
