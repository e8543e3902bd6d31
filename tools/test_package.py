#!/usr/bin/env python3
"""Tests of package.py."""

import tarfile
import tempfile
import tomllib
import unittest
import zipfile
from pathlib import Path

from package import ROOT, Wrong, package, version


def binary(machine: int) -> bytes:
    """The head of a program for Linux."""
    return b"\x7fELF\x02\x01".ljust(18, b"\0") + machine.to_bytes(2, "little") + b"the rest"


class Packages(unittest.TestCase):
    """What is in the archives."""

    def setUp(self) -> None:
        """A folder and the version."""
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.version = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]["version"]

    def packed(self, content: bytes, into: str = "out", tag: str | None = None) -> list[Path]:
        """The archives of this binary."""
        file = self.folder / "bootstrap"
        file.write_bytes(content)
        return package(file, self.folder / into, tag)

    def test_names_tell_version_and_architecture(self) -> None:
        for machine, arch in [(62, "x86_64"), (183, "arm64")]:
            names = [file.name for file in self.packed(binary(machine))]
            expected = [f"deckhand-{self.version}-linux-{arch}.tar.gz", f"deckhand-{self.version}-lambda-{arch}.zip"]
            self.assertEqual(names, expected)

    def test_lambda_gets_a_program_and_the_agents_beside_it(self) -> None:
        _, packed = self.packed(binary(62))
        with zipfile.ZipFile(packed) as archive:
            modes = {entry.filename: oct(entry.external_attr >> 16) for entry in archive.infolist()}
            self.assertEqual(modes, {"agents.toml": "0o100644", "bootstrap": "0o100755"})
            self.assertEqual(archive.read("bootstrap"), binary(62))
            self.assertEqual(archive.read("agents.toml"), (ROOT / "agents.toml").read_bytes())

    def test_a_server_gets_one_folder_that_belongs_to_nobody_of_here(self) -> None:
        packed, _ = self.packed(binary(183))
        top = packed.name.removesuffix(".tar.gz")
        with tarfile.open(packed) as archive:
            entries = {entry.name: entry for entry in archive.getmembers()}
            names = ["LICENSE-APACHE", "LICENSE-MIT", "agents.toml", "deckhand", "deckhand.service"]
            self.assertEqual(list(entries), [f"{top}/{name}" for name in names])
            for name, entry in entries.items():
                mode = 0o755 if name.endswith("/deckhand") else 0o644
                self.assertEqual((entry.mode, entry.uid, entry.gid, entry.uname), (mode, 0, 0, ""))

    def test_the_same_binary_gives_the_same_bytes(self) -> None:
        first, second = (self.packed(binary(62), into) for into in ("first", "second"))
        self.assertEqual([file.read_bytes() for file in first], [file.read_bytes() for file in second])

    def test_what_cannot_be_packed_is_named(self) -> None:
        for content, words in [
            (b"#!/bin/sh\n", "no program for 64-bit Linux"),
            (b"", "no program for 64-bit Linux"),
            (binary(40), "ELF 40"),
        ]:
            with self.assertRaisesRegex(Wrong, words):
                self.packed(content)
        self.assertFalse((self.folder / "out").exists())

    def test_the_tag_is_the_version(self) -> None:
        self.packed(binary(62), tag=f"v{self.version}")
        for tag in ("v9.9.9", self.version, "main"):
            with self.assertRaisesRegex(Wrong, f"the tag is {tag}"):
                self.packed(binary(62), tag=tag)

    def test_the_example_names_the_version_too(self) -> None:
        (self.folder / "examples").mkdir()
        (self.folder / "Cargo.toml").write_text('[workspace.package]\nversion = "2.0.0"\n')
        compose = self.folder / "examples/compose.yaml"
        compose.write_text("    image: ghcr.io/a/b:2.0.0\n")
        self.assertEqual(version(self.folder, "v2.0.0"), "2.0.0")
        compose.write_text("    image: ghcr.io/a/b:1.9.0\n")
        with self.assertRaisesRegex(Wrong, "compose.yaml"):
            version(self.folder, None)


if __name__ == "__main__":
    unittest.main()
