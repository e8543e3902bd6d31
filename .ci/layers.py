#!/usr/bin/env python3
"""Holds src/ to the layers of docs/layers.txt: no import upwards, and no circle inside a folder.

Also looks for circles between the files of standins/src. Reads `use` lines and inline paths
(`crate::…`, `super::…`, `self::…`) outside of tests. A re-export (`pub use`) by a mod.rs from its own folder is not a
use: whoever goes through it uses the file that the name comes from.
"""

import re
import sys
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LAYERS = ROOT / "docs" / "layers.txt"
TESTS = re.compile(r"^#\[cfg\(test\)\]\n(?:pub(?:\(\w+\))? )?mod \w+ \{.*?^\}$", re.M | re.S)
# Comments, strings, characters: each as one token, so that none is mistaken for another.
NOISE = re.compile(r"""//[^\n]*|/\*.*?\*/|\br(#*)".*?"\1|"(?:\\.|[^"\\])*"|'(?:\\u\{\w+\}|\\.|[^\\'])'""", re.S)
USE = re.compile(r"^\s*(pub(?:\([\w: ]+\))? )?use ([^;]+);", re.M)
RENAMED = re.compile(r"\b(?:crate|super|self) as \w+")
INLINE = re.compile(r"\b(?:crate|super|self)(?:::\w+)+")


def layers():
    """The modules of the list, from top to bottom."""
    lines = (line.split("#")[0].strip() for line in LAYERS.read_text().splitlines())
    return [line for line in lines if line]


def expand(tree):
    """The paths of a use tree: `a::{b, c::{self, d}}` gives a::b, a::c, a::c::d."""
    tree = re.sub(r"\s+as\s+\w+|\s", "", tree)
    while inner := re.search(r"([\w:]*)\{([^{}]*)\}", tree):
        paths = (inner[1] + path for path in inner[2].split(",") if path)
        tree = tree.replace(inner[0], ",".join(paths), 1)
    return [path.removesuffix("::self") for path in tree.split(",") if path]


class Crate:
    """The modules of one crate and what each uses."""

    def __init__(self, src):
        self.files, self.folders = {}, set()
        for file in sorted(src.rglob("*.rs")):
            parts = list(file.relative_to(src).with_suffix("").parts)
            if parts[-1] in ("mod", "lib"):
                parts.pop()
                self.folders.add(tuple(parts))
            if "tests" not in parts:
                self.files[tuple(parts)] = NOISE.sub(" ", TESTS.sub("", file.read_text()))
        self.reexports = defaultdict(dict)
        for module, text in self.files.items():
            for public, tree in USE.findall(text):
                for path in expand(tree) if public else []:
                    if target := self.absolute(module, path):
                        self.reexports[module][path.rsplit("::", 1)[-1]] = target

    def absolute(self, module, path):
        """The path from the crate's root, or None if it leads out of the crate."""
        first, *rest = path.split("::")
        if first in ("crate", "deckhand"):
            return tuple(rest)
        if first not in ("super", "self"):
            return (*module, first, *rest) if (*module, first) in self.files else None
        at = module[:-1] if first == "super" else module
        return self.absolute(at, "::".join(rest)) if rest[:1] == ["super"] else (*at, *rest)

    def owner(self, path):
        """The file that a path leads to, through re-exports."""
        for length in range(len(path), -1, -1):
            module = path[:length]
            if module not in self.files:
                continue
            name = path[length] if length < len(path) else None
            target = self.reexports[module].get(name)
            return self.owner(target) if target and target != path else module
        return ()

    def uses(self):
        """For each file the files that it uses."""
        graph = {}
        for module, text in self.files.items():
            paths = [(path, public) for public, tree in USE.findall(text) for path in expand(tree)]
            paths += [(path, "") for path in INLINE.findall(USE.sub("", text))]
            used = set()
            for path, public in paths:
                target = self.absolute(module, path)
                inside = target and target[: len(module)] == module
                if target and not (public and inside and module in self.folders):
                    used.add(target)
            graph[module] = {self.owner(path) for path in used} - {module, ()}
        return graph


def circles(graph):
    """The sets of files that use each other, directly or through others."""

    def reached(start):
        seen, ahead = set(), [start]
        while ahead:
            new = graph.get(ahead.pop(), set()) - seen
            seen |= new
            ahead += new
        return seen

    below = {module: reached(module) for module in graph}
    return {tuple(sorted(o for o in below[module] if module in below[o])) for module in below} - {()}


def main():
    order = {module: at for at, module in enumerate(layers())}
    deckhand = Crate(ROOT / "src").uses()
    tops = {module[0] for module in deckhand if module}
    problems = [f"{top}: is not in docs/layers.txt" for top in sorted(tops - order.keys())]
    problems += [f"{top}: is in docs/layers.txt, not in src/" for top in sorted(order.keys() - tops)]
    for module, used in sorted(deckhand.items()):
        for other in sorted(used):
            if module and order.get(other[0], 99) < order.get(module[0], -1):
                problems.append(f"{'::'.join(module)} uses {'::'.join(other)}, which is above it")
    for module, text in Crate(ROOT / "src").files.items():
        if renamed := RENAMED.search(text):
            problems.append(f"{'::'.join(module)}: {renamed[0]!r} hides what is used")
    for graph in (deckhand, Crate(ROOT / "standins" / "src").uses()):
        problems += ["circle: " + ", ".join(map("::".join, members)) for members in sorted(circles(graph))]
    for problem in problems:
        print(problem)
    print(f"{len(deckhand)} files in {len(tops)} modules: {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
