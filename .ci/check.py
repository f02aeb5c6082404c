"""Every check of the repository, in order of speed; ends with the closing line of the tests."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from time import perf_counter

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
PARTS = ["rca", "tests", "benchmarks", ".ci/check.py"]
CHECKS = {
    "style": [sys.executable, "-m", "ruff", "check", *PARTS],
    "format": [sys.executable, "-m", "ruff", "format", "--check", *PARTS],
    "layers": [str(BIN / "lint-imports"), "--no-cache"],
    "types": [sys.executable, "-m", "mypy"],
    "tests, doctests and notebooks": [
        sys.executable,
        *("-m", "pytest", "-n", os.environ.get("RCA_TEST_WORKERS", "2"), "--dist", "loadfile"),
        *("-rs", "--durations", "15", *sys.argv[1:]),
    ],
}


def main() -> int:
    """Run all checks, the later ones too when one fails; return how many failed."""
    failed = []
    for name, command in CHECKS.items():
        print(f"== {name}", flush=True)
        start = perf_counter()
        if subprocess.run(command, cwd=ROOT, check=False).returncode:
            failed.append(name)
        print(f"== {name}: {perf_counter() - start:.0f} s", flush=True)
    print(f"failed: {', '.join(failed)}" if failed else "all checks passed", flush=True)
    return len(failed)


if __name__ == "__main__":
    sys.exit(main())
