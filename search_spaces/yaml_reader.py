"""Reads YAML into plain values, and remembers where in the file each of them stands.

Scalars follow YAML 1.2's core schema, as people expect: 1e-3 is a number, and only true and false
are booleans (on, off, yes and no are words; so are dates).
"""

from __future__ import annotations

import os
import re
import select
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any

import yaml

from sweeps.search_spaces.problems import KeyPath, Problem, SpaceError

__all__ = ["Document", "YamlError", "parse_yaml", "read_text"]

_INT = re.compile(r"[-+]?[0-9]+")
_WHOLE = re.compile(r"[-+]?[0-9]+|0x[0-9a-fA-F]+|0o[0-7]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_WORDS: dict[str, Any] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True,
    "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_INFINITE_OR_NAN = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_UNTAGGED = ""
_SCALAR_TAGS: dict[str, type] = {
    f"tag:yaml.org,2002:{kind.__name__}": kind for kind in (str, int, float, bool)
}
_MOST_BYTES = 16 << 20
# Of who writes into a pipe, such as a program that imports torch first.
_PATIENCE_S = 60.0
_MOST_NODES = 200_000
_MOST_LEVELS = 64
# Python itself refuses to read, and to write, whole numbers of more than 4,300 digits.
_MOST_DIGITS = 400
Position = tuple[int, int]


class YamlError(SpaceError):
    """The text is no YAML of the kind that is read.

    Attributes:
        line: 1-based line of the fault.
        column: 1-based column.
    """

    def __init__(self, rule: str, line: int = 1, column: int = 1, hint: str = "") -> None:
        super().__init__([Problem((), None, rule, hint=hint)])
        self.line = line
        self.column = column


@dataclass(frozen=True)
class Document:
    """A file's value, and the positions of its parts.

    Attributes:
        name: What messages call the file.
        value: Plain dicts, lists and scalars; a mapping at the top.
    """

    name: str
    value: dict[str, Any]
    _values: dict[KeyPath, Position]
    _keys: dict[KeyPath, Position]

    def position(self, path: Sequence[str | int], at_key: bool = False) -> Position:
        """Return the 1-based line and column of the value at a key path, or of its key.

        Where there is no such path, that of the nearest part above it.
        """
        place = tuple(path)
        while place not in self._values:
            place = place[:-1]
        if at_key and place in self._keys:
            return self._keys[place]
        return self._values[place]


def read_text(path: Path) -> str:
    """Return the text of a file that `parse_yaml` then reads.

    Raises:
        OSError: The file cannot be read.
        YamlError: It is no UTF-8, or never ends.
    """
    try:
        return TextIOWrapper(BytesIO(_read_bytes(path)), encoding="utf-8").read()
    except UnicodeDecodeError as err:
        line, column = _place(err.object[: err.start].decode("utf-8"))
        rule = f"not UTF-8: byte {err.start} is {err.object[err.start]:#04x}"
        raise YamlError(rule, line, column, hint="save the file as UTF-8") from err


def _read_bytes(path: Path) -> bytes:
    """Return what is in a file; a pipe or a device may have no end, or never say anything."""
    file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        is_file, found = stat.S_ISREG(os.fstat(file).st_mode), bytearray()
        while is_file or select.select([file], [], [], _PATIENCE_S)[0]:
            some = os.read(file, 1 << 16)
            if not some:
                return bytes(found)
            found += some
            if len(found) > _MOST_BYTES:
                raise YamlError(f"must not be longer than {_MOST_BYTES >> 20} MiB")
    finally:
        os.close(file)
    raise YamlError(
        f"must come to an end, and nothing was written to it for {_PATIENCE_S:g} s",
        hint="write it to a file",
    )


def parse_yaml(text: str, name: str, with_tags: bool = False) -> Document:
    """Return the document in a text; `name` is what messages call it.

    Args:
        with_tags: scalars may say what they are, as files of other tools do: `!!float 1e-5`.

    Raises:
        YamlError: It is no YAML, has a key twice, or has no mapping at the top.
    """
    try:
        root = yaml.compose(text, Loader=_Loader)
    except yaml.YAMLError as err:
        raise _translated(err, text) from err
    except RecursionError as err:
        raise YamlError("too deeply nested") from err
    if root is None:
        raise YamlError("the file is empty", hint="see search_spaces/examples")
    if not isinstance(root, yaml.MappingNode):
        raise _at(root, "the file must be a mapping: `key: value` lines")
    reader = _Reader(with_tags)
    value = reader.read(root, ())
    return Document(name, value, reader.values, reader.keys)


class _Loader(yaml.SafeLoader):
    """Composes nodes only; scalars are read by this module's own rules."""

    def resolve(self, kind: Any, value: Any, implicit: Any) -> str:
        """Return the tag of a node that names none in the file."""
        return _UNTAGGED


class _Reader:
    def __init__(self, with_tags: bool) -> None:
        self._tags = _SCALAR_TAGS if with_tags else {}
        self.values: dict[KeyPath, Position] = {}
        self.keys: dict[KeyPath, Position] = {}
        self._nodes = 0

    def read(self, node: yaml.Node, path: KeyPath) -> Any:
        self._nodes += 1
        if self._nodes > _MOST_NODES:
            raise _at(node, f"more than {_MOST_NODES:,} values, anchors expanded")
        if len(path) > _MOST_LEVELS:
            raise _at(node, f"more than {_MOST_LEVELS} levels deep")
        if node.tag in self._tags and isinstance(node, yaml.ScalarNode):
            self.values[path] = _position(node)
            return _tagged(node, self._tags[node.tag])
        _refuse_tag(node)
        self.values[path] = _position(node)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.read(item, (*path, i)) for i, item in enumerate(node.value)]
        return _scalar(node)

    def _mapping(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            _refuse_tag(key_node)
            key = _scalar(key_node) if isinstance(key_node, yaml.ScalarNode) else None
            if not isinstance(key, str):
                raise _at(key_node, "a key must be text", hint="put it in quotes")
            if key == "<<" and key_node.style is None:
                raise _at(key_node, "merge keys (<<) are not supported", hint="write the keys out")
            if key in found:
                line = self.keys[(*path, key)][0]
                rule = f"duplicate key {key!r} (first on line {line})"
                raise _at(key_node, rule, hint="keep one of the two")
            self.keys[(*path, key)] = _position(key_node)
            found[key] = self.read(value_node, (*path, key))
        return found


def _refuse_tag(node: yaml.Node) -> None:
    if node.tag != _UNTAGGED:
        rule = f"tags such as {node.tag!r} are not supported"
        raise _at(node, rule, hint="write the value itself")


def _tagged(node: yaml.ScalarNode, kind: type) -> Any:
    value = str(node.value) if kind is str else _scalar(node)
    if kind is float and type(value) is int:
        value = float(value)
    if type(value) is not kind:
        rule = f"{node.value!r} is not of the type of its tag, {kind.__name__}"
        raise _at(node, rule, hint="write the value itself")
    return value


def _scalar(node: yaml.Node) -> Any:
    text = str(node.value)
    if not isinstance(node, yaml.ScalarNode) or node.style is not None:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _WHOLE.fullmatch(text):
        if len(text) > _MOST_DIGITS:
            raise _at(node, f"a whole number must have at most {_MOST_DIGITS} digits")
        return int(text) if _INT.fullmatch(text) else int(text, base=0)
    if _INFINITE_OR_NAN.fullmatch(text):
        return float(text.replace(".", ""))
    return float(text) if _FLOAT.fullmatch(text) else text


def _position(node: yaml.Node) -> Position:
    return node.start_mark.line + 1, node.start_mark.column + 1


def _place(before: str) -> Position:
    """Return the 1-based line and column that follow the text `before`."""
    return before.count("\n") + 1, len(before) - before.rfind("\n")


def _at(node: yaml.Node, rule: str, hint: str = "") -> YamlError:
    return YamlError(rule, *_position(node), hint=hint)


def _translated(error: yaml.YAMLError, text: str) -> YamlError:
    if isinstance(error, yaml.reader.ReaderError):
        line, column = _place(text[: error.position])
        return YamlError(f"not YAML: the character {chr(error.character)!r}", line, column)
    if not isinstance(error, yaml.MarkedYAMLError):
        return YamlError(f"not YAML: {error}")
    mark = error.problem_mark or error.context_mark
    if error.problem == "but found another document":
        rule = "the file has more than one document"
        hint = "remove the line `---`, or split the file in two"
    else:
        rule = f"not YAML: {error.problem}" + (f" ({error.context})" if error.context else "")
        hint = ""
    if mark is None:
        return YamlError(rule, hint=hint)
    lines = text.splitlines()
    faulty = lines[mark.line] if mark.line < len(lines) else ""
    if "\\t" in rule or "\t" in faulty[: len(faulty) - len(faulty.lstrip())]:
        hint = "indent with spaces, not tabs"
    return YamlError(rule, mark.line + 1, mark.column + 1, hint)
