#!/usr/bin/env python3
"""Checks the Lambda package that `sam build` made: small, fit for Amazon Linux 2023, and able to answer for a panic."""

from __future__ import annotations

import argparse
import io
import re
import sys
import zipfile
from pathlib import Path

MOST_MEGABYTES = 10
# Amazon Linux 2023's.
NEWEST_GLIBC = (2, 34)
# A message of what unwinds a panic. A binary that aborts instead does not hold it.
UNWINDS = b"Rust panics must be rethrown"


def zipped(folder: Path) -> float:
    """Megabytes of what `sam deploy` uploads."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as package:
        for file in sorted(folder.rglob("*")):
            package.write(file, file.relative_to(folder))
    return len(archive.getvalue()) / 1e6


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="what the function is made of")
    folder: Path = parser.parse_args().folder
    failures: list[str] = []

    files = [file.name for file in folder.iterdir()]
    if files != ["bootstrap"]:
        failures.append(f"it must hold `bootstrap` and nothing else, not {files}")
    bootstrap = (folder / "bootstrap").read_bytes()
    megabytes = zipped(folder)
    if megabytes > MOST_MEGABYTES:
        failures.append(f"it is {megabytes:.1f} MB zipped, more than {MOST_MEGABYTES} MB: every cold start reads it in")
    if UNWINDS not in bootstrap:
        failures.append('a panic aborts the process: is `panic = "unwind"` gone from Cargo.toml?')
    asked = [(int(major), int(minor)) for major, minor in re.findall(rb"GLIBC_(\d+)\.(\d+)", bootstrap)]
    glibc = max(asked, default=(0, 0))
    if glibc > NEWEST_GLIBC:
        failures.append(f"it needs glibc {glibc}, and Lambda has {NEWEST_GLIBC}: was it built without cargo-lambda?")

    print(f"{len(bootstrap) / 1e6:.1f} MB, {megabytes:.1f} MB zipped; needs glibc {glibc[0]}.{glibc[1]}")
    for failure in failures:
        print(failure, file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
