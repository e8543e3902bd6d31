#!/usr/bin/env python3
"""Packs a built binary for a release: an archive for servers, and the zip for Lambda.

    tools/package.py BINARY FOLDER [--tag v1.2.3]

BINARY is the `bootstrap` that `sam build` makes; it is the whole program, on Lambda and elsewhere. FOLDER gets

    deckhand-VERSION-linux-ARCH.tar.gz    deckhand, agents.toml, a unit for systemd, the licences
    deckhand-VERSION-lambda-ARCH.zip      bootstrap, agents.toml

ARCH is read from the binary, VERSION from Cargo.toml; a tag that differs from it is an error. The same binary gives the
same bytes: no time, no owner and no order of this machine is in them.
"""

import argparse
import gzip
import io
import re
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# e_machine of ELF.
MACHINES = {62: "x86_64", 183: "arm64"}

# The first moment that a zip can name.
EPOCH = 315532800
ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)


class Wrong(Exception):
    """Why nothing is packed."""


def architecture(binary: bytes) -> str:
    """Of a program for 64-bit Linux, in the words of AWS and of the archives."""
    if binary[:6] != b"\x7fELF\x02\x01":
        raise Wrong("the binary is no program for 64-bit Linux")
    machine = int.from_bytes(binary[18:20], "little")
    if machine not in MACHINES:
        raise Wrong(f"the binary is for a machine that has no release (ELF {machine})")
    return MACHINES[machine]


def version(root: Path, tag: str | None) -> str:
    """What Cargo.toml says, if the tag and the example that names a release say the same."""
    with (root / "Cargo.toml").open("rb") as file:
        stated = tomllib.load(file)["workspace"]["package"]["version"]
    if tag is not None and tag != f"v{stated}":
        raise Wrong(f"the tag is {tag}, the version in Cargo.toml {stated}: release v{stated}, or change Cargo.toml")
    compose = (root / "examples/compose.yaml").read_text()
    named = re.search(r"image: \S+:(\S+)", compose)
    if named is None or named[1] != stated:
        raise Wrong(f"examples/compose.yaml does not name the image of version {stated}")
    return stated


def tar_gz(top: str, files: dict[str, tuple[bytes, int]]) -> bytes:
    """An archive of these files, by name, with their modes, in one folder."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, (content, mode) in sorted(files.items()):
            entry = tarfile.TarInfo(f"{top}/{name}")
            entry.size, entry.mode, entry.mtime = len(content), mode, EPOCH
            archive.addfile(entry, io.BytesIO(content))
    return gzip.compress(plain.getvalue(), mtime=0)


def zipped(files: dict[str, tuple[bytes, int]]) -> bytes:
    """A zip of these files. Lambda unpacks their modes, too."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, (content, mode) in sorted(files.items()):
            entry = zipfile.ZipInfo(name, ZIP_EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3
            entry.external_attr = (0o100000 | mode) << 16
            archive.writestr(entry, content, compresslevel=9)
    return out.getvalue()


def package(binary: Path, folder: Path, tag: str | None = None, root: Path = ROOT) -> list[Path]:
    """Writes both archives."""
    program = binary.read_bytes()
    arch, stated = architecture(program), version(root, tag)

    def shipped(path: str) -> tuple[bytes, int]:
        return (root / path).read_bytes(), 0o644

    agents = shipped("agents.toml")
    server = {
        "deckhand": (program, 0o755),
        "agents.toml": agents,
        "deckhand.service": shipped("examples/deckhand.service"),
        "LICENSE-APACHE": shipped("LICENSE-APACHE"),
        "LICENSE-MIT": shipped("LICENSE-MIT"),
    }
    top = f"deckhand-{stated}-linux-{arch}"
    made = {
        f"{top}.tar.gz": tar_gz(top, server),
        f"deckhand-{stated}-lambda-{arch}.zip": zipped({"bootstrap": (program, 0o755), "agents.toml": agents}),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in made.items():
        (folder / name).write_bytes(content)
    return [folder / name for name in made]


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary", type=Path, metavar="BINARY")
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("--tag", help="the release's tag, to be checked")
    given = parser.parse_args()
    try:
        made = package(given.binary, given.folder, given.tag)
    except (Wrong, OSError) as error:
        print(f"package: {error}", file=sys.stderr)
        return 1
    for file in made:
        print(f"{file.stat().st_size:>10}  {file}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
