from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import rca
import rca.widgets

SAMPLE = Path(__file__).resolve().parents[2] / "sample_data" / "accuracy_drop"
HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(autouse=True)
def fresh():
    rca.widgets.forget()


@pytest.fixture(scope="session")
def incident():
    return rca.read_incident(SAMPLE)


@pytest.fixture(scope="session")
def comparison(incident):
    return incident.comparison(onset=rca.correlate_events(incident).onset)


@pytest.fixture(scope="session")
def answers():
    """Two versions that answered the same forty questions; every text is hostile."""
    rng = np.random.default_rng(1)
    return rca.read_logs(
        pd.DataFrame(
            {
                "model_version": ["v1"] * 40 + ["v2" + HOSTILE] * 40,
                "question_id": [*range(40)] * 2,
                "region": ["eu" + HOSTILE, "us"] * 40,
                "latency_ms": rng.gamma(2, 50, 80),
                "correct": [1] * 40 + [0] * 15 + [1] * 25,
                "input": [HOSTILE] * 80,
                "output": ["yes " + HOSTILE] * 80,
            }
        )
    )
