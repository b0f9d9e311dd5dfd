"""YAML: what people write is what is read, each fault with its line, each part with its place."""

from __future__ import annotations

import json
import math
import os
import threading
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from sweeps.search_spaces import yaml_reader
from sweeps.search_spaces.yaml_reader import YamlError, parse_yaml, read_text
from tests.search_spaces.spaces_to_draw import QUICK

words = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=8)
# PyYAML leaves texts such as 0E0, numbers of YAML 1.2, without quotes: no digits here.
plain_words = st.text("onyestrue: #-'\"{}[]&*!|>%@,", max_size=6)


def _json_values(texts: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, Any]]:
    values = st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
        max_leaves=6,
    )
    return st.dictionaries(texts, values, min_size=1, max_size=3)


def _fault(text: str) -> YamlError:
    with pytest.raises(YamlError) as caught:
        parse_yaml(text, "sweep.yaml")
    return caught.value


@pytest.mark.parametrize(("text", "expected"), [
    ("1e-3", 0.001), ("1.0e-3", 0.001), ("1E5", 1e5), (".5", 0.5), ("5.", 5.0), ("-0.5", -0.5),
    ("7", 7), ("-7", -7), ("+7", 7), ("007", 7), ("0x1F", 31), ("0o17", 15),
    ("1_000", "1_000"), ("1:30", "1:30"), ("2026-01-02", "2026-01-02"), ("1.2.3", "1.2.3"),
    ("on", "on"), ("off", "off"), ("yes", "yes"), ("no", "no"), ("y", "y"),
    ("true", True), ("False", False), ("tRue", "tRue"),
    ("null", None), ("~", None), ("", None), ("none", "none"),
    ("'1'", "1"), ('"true"', "true"), ("''", ""), ("|\n  1", "1"),
    (".inf", math.inf), ("-.INF", -math.inf), ("inf", "inf"), ("nan", "nan"),
    ("e5", "e5"), ("1e", "1e"), (".", "."), ("-", [None]), ("<<", "<<"),
], ids=str)  # fmt: skip
def test_a_scalar_is_what_it_looks_like(text: str, expected: object) -> None:
    found = parse_yaml(f"x: {text}" if text != "-" else "x:\n  -", "f").value["x"]
    assert (type(found), found) == (type(expected), expected)


def test_not_a_number_is_read() -> None:
    assert math.isnan(parse_yaml("x: .NaN", "f").value["x"])


@QUICK
@given(value=_json_values(words))
def test_json_is_read_as_json_reads_it(value: dict[str, Any]) -> None:
    finite = json.dumps(value).replace("-Infinity", "-1e999").replace("Infinity", "1e999")
    assert repr(parse_yaml(finite, "f").value) == repr(json.loads(finite))


@QUICK
@given(value=_json_values(plain_words), flow=st.booleans())
def test_what_pyyaml_writes_is_read_back(value: dict[str, Any], flow: bool) -> None:
    text = yaml.safe_dump(value, default_flow_style=flow, sort_keys=False)
    assert repr(parse_yaml(text, "f").value) == repr(value)


PLACES = """\
name: digits
space:
  model: {kind: mlp, units: {int: [16, 256]}}
  empty:
  list:
    - x
    - [y, {z: 1}]
"quoted key":    3
"""


@pytest.mark.parametrize(("path", "value_at", "key_at"), [
    ((), (1, 1), (1, 1)),
    (("name",), (1, 7), (1, 1)),
    (("space",), (3, 3), (2, 1)),
    (("space", "model"), (3, 10), (3, 3)),
    (("space", "model", "kind"), (3, 17), (3, 11)),
    (("space", "model", "units", "int"), (3, 35), (3, 30)),
    (("space", "model", "units", "int", 1), (3, 40), (3, 40)),
    (("space", "empty"), (4, 9), (4, 3)),
    (("space", "list"), (6, 5), (5, 3)),
    (("space", "list", 0), (6, 7), (6, 7)),
    (("space", "list", 1, 1), (7, 11), (7, 11)),
    (("space", "list", 1, 1, "z"), (7, 15), (7, 12)),
    (("quoted key",), (8, 18), (8, 1)),
    (("space", "model", "absent", 3), (3, 10), (3, 3)),
    (("absent",), (1, 1), (1, 1)),
], ids=str)  # fmt: skip
def test_every_part_has_its_place(
    path: tuple[str | int, ...], value_at: tuple[int, int], key_at: tuple[int, int]
) -> None:
    document = parse_yaml(PLACES, "f")
    assert document.position(path) == value_at
    assert document.position(path, at_key=True) == key_at


@QUICK
@given(value=_json_values(words))
def test_every_key_has_a_place_where_the_text_has_it(value: dict[str, Any]) -> None:
    text = json.dumps(value)
    document = parse_yaml(text, "f")
    starts = {key: document.position((key,), at_key=True)[1] - 1 for key in value}
    assert all(text.startswith(json.dumps(key), at) for key, at in starts.items())


@pytest.mark.parametrize(("text", "place", "message"), [
    ("", (1, 1), "the file is empty; see search_spaces/examples"),
    ("# only a comment\n", (1, 1), "the file is empty"),
    ("---\n", (2, 1), "the file must be a mapping: `key: value` lines"),
    ("- a\n- b\n", (1, 1), "the file must be a mapping: `key: value` lines"),
    ("just words", (1, 1), "the file must be a mapping: `key: value` lines"),
    ("a: 1\nb: 2\na: 3\n", (3, 1), "duplicate key 'a' (first on line 1); keep one of the two"),
    ("x:\n  {a: 1,\n   a: 2}", (3, 4), "duplicate key 'a' (first on line 2); keep one of the two"),
    ("a: 1\n'a': 2", (2, 1), "duplicate key 'a' (first on line 1); keep one of the two"),
    ("a:\n\tb: 1\n", (2, 1), "indent with spaces, not tabs"),
    ("a:\n  b: 1\n\tc: 1\n", (3, 1), "indent with spaces, not tabs"),
    ("a: [1, 2\nb: 3", (2, 2), "not YAML: expected ',' or ']', but got ':'"),
    ("a: b: c", (1, 5), "not YAML: mapping values are not allowed here"),
    ("a: 'x", (1, 6), "not YAML: found unexpected end of stream"),
    ("a: *nowhere", (1, 4), "not YAML: found undefined alias 'nowhere'"),
    ("a: 1\nb: \0", (2, 4), "not YAML: the character '\\x00'"),
    ("a: 1\n---\nb: 2\n", (2, 1), "the file has more than one document; remove the line"),
    ("a: &q {b: 1}\nc:\n  <<: *q\n", (3, 3), "merge keys (<<) are not supported; write"),
    ("1: x", (1, 1), "a key must be text; put it in quotes"),
    ("true: x", (1, 1), "a key must be text"),
    ("[a]: x", (1, 1), "a key must be text"),
    ("? {a: 1}\n: x", (1, 3), "a key must be text"),
    ("~: x", (1, 1), "a key must be text"),
    ("a: !!python/object/apply:os.system [ls]", (1, 4), "tags such as 'tag:yaml.org,2002:python"),
    ("a: !own {b: 1}", (1, 4), "tags such as '!own' are not supported; write the value itself"),
    ("a: !!str 5", (1, 4), "tags such as 'tag:yaml.org,2002:str' are not supported"),
    ("a: 1\n!own b: 2", (2, 1), "tags such as '!own' are not supported"),
    ("a: !!int '5'", (1, 4), "tags such as 'tag:yaml.org,2002:int' are not supported"),
    ("!!set {a: 1}", (1, 1), "tags such as 'tag:yaml.org,2002:set' are not supported"),
    ("a: " + "9" * 5000, (1, 4), "a whole number must have at most 400 digits"),
    ("a: 0x" + "f" * 5000, (1, 4), "a whole number must have at most 400 digits"),
    ("a: &x [*x]", (1, 4), "more than 64 levels deep"),
    ("a: &x {b: *x, c: *x}", (1, 4), "more than 64 levels deep"),
    ("a: " + "[" * 100 + "]" * 100, (1, 68), "more than 64 levels deep"),
    ("a: " + "[" * 5000, (1, 1), "too deeply nested"),
], ids=lambda value: str(value)[:40])  # fmt: skip
def test_a_fault_is_said_with_its_place(text: str, place: tuple[int, int], message: str) -> None:
    error = _fault(text)
    assert message in str(error)
    assert (error.line, error.column) == place


def test_anchors_are_expanded_into_values_of_their_own() -> None:
    document = parse_yaml("a: &x {b: [1]}\nc: *x\n", "f")
    document.value["a"]["b"].append(2)
    assert document.value == {"a": {"b": [1, 2]}, "c": {"b": [1]}}
    assert document.position(("c", "b")) == (1, 11)


def test_a_billion_laughs_are_refused() -> None:
    levels = [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]" for n in range(1, 10)]
    error = _fault("\n".join(["l0: &l0 lol", *levels]))
    assert "more than 200,000 values, anchors expanded" in str(error)


@pytest.mark.parametrize("text", ["\ufeffa: 1\nb: 2\n", "a: 1\r\nb: 2\r\n", "---\na: 1\nb: 2\n..."])
def test_marks_of_other_editors_do_no_harm(text: str) -> None:
    document = parse_yaml(text, "f")
    assert document.value == {"a": 1, "b": 2}
    assert document.position(("a",), at_key=True)[1] == 1


def test_a_file_is_read_under_its_path(tmp_path: Path) -> None:
    path = tmp_path / "sweep.yaml"
    path.write_text("name: größe\n", encoding="utf-8")
    document = parse_yaml(read_text(path), str(path))
    assert document.value == {"name": "größe"}
    assert document.name == str(path)


def test_a_file_of_another_encoding_is_refused_with_the_place(tmp_path: Path) -> None:
    path = tmp_path / "sweep.yaml"
    path.write_bytes("a: é\nname: grö".encode() + "ße".encode("latin-1"))
    with pytest.raises(YamlError, match=r"not UTF-8: byte 16 is 0xdf; save the file") as caught:
        read_text(path)
    assert (caught.value.line, caught.value.column) == (2, 10)


def test_a_missing_file_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_text(tmp_path / "absent.yaml")


def test_what_never_ends_is_read_no_further_than_a_file_may_be() -> None:
    with pytest.raises(YamlError, match="not be longer than 16 MiB"):
        read_text(Path("/dev/zero"))


def test_a_pipe_is_read_to_its_end_and_one_that_nobody_writes_to_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe = tmp_path / "sweep.yaml"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=("name: größe\n", "utf-8"), daemon=True)
    writer.start()
    assert read_text(pipe) == "name: größe\n"
    writer.join()
    monkeypatch.setattr(yaml_reader, "_PATIENCE_S", 0.05)
    with pytest.raises(YamlError, match=r"must come to an end.*write it to a file"):
        read_text(pipe)
