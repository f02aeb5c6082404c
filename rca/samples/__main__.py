"""``python -m rca.samples FOLDER``: write the eight sample incidents."""

from __future__ import annotations

import argparse

from rca.samples.showcase import write_samples


def main() -> None:
    """Read the folder from the command line, write, and say what was written."""
    parser = argparse.ArgumentParser(prog="python -m rca.samples", description=__doc__)
    parser.add_argument("folder", help="where the folders of the sample incidents go")
    for place in write_samples(parser.parse_args().folder):
        size = sum(path.stat().st_size for path in place.iterdir())
        print(f"{place}  {size / 1e3:.0f} kB")  # noqa: T201


if __name__ == "__main__":
    main()
