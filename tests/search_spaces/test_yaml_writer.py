"""What is written is what is read back, comments or not."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sweeps.search_spaces.yaml_reader import parse_yaml
from sweeps.search_spaces.yaml_writer import write_yaml

KEYS = st.text(min_size=1, max_size=8).filter(lambda key: key != "<<")
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**6), 10**6)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.sampled_from(
        ["yes", "null", "1e3", "0x1f", "a: b", "# no", "- x", "~", "{", "package.mod:f"]
    )
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=20,
)
TEXTS = st.text("abc xyz:#-", max_size=200)


def paths_in(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    found = [path] if path else []
    if isinstance(value, dict):
        for key, inner in value.items():
            found += paths_in(inner, (*path, key))
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            found += paths_in(inner, (*path, at))
    return found


@given(st.dictionaries(KEYS, VALUES, min_size=1, max_size=5), st.data())
def test_any_values_survive_with_comments_anywhere(value: dict[str, Any], data: Any) -> None:
    places = data.draw(st.lists(st.sampled_from(paths_in(value)), max_size=3))
    comments = {place: data.draw(TEXTS) for place in places}
    text = write_yaml(value, comments, "two\nlines")
    read = parse_yaml(text, "written.yaml").value
    assert read == value
    assert repr(read) == repr(value)  # 1 and 1.0 and True are not alike


def test_a_sweep_file_looks_as_a_person_would_write_it() -> None:
    value = {
        "name": "digits",
        "space": {
            "model": {"kind": "mlp", "units": {"int": [1, 8]}},
            "optimizer": {
                "choice": [{"kind": "sgd", "lr": {"float": [0.1, 1.0]}}, {"kind": "adam"}]
            },
        },
    }
    place = ("space", "optimizer", "choice", 0, "lr")
    assert write_yaml(value, {place: "why"}, "Head.") == (
        "# Head.\n"
        "name: digits\n"
        "space:\n"
        "  model: {kind: mlp, units: {int: [1, 8]}}\n"
        "  optimizer:\n"
        "    choice:\n"
        "      - kind: sgd\n"
        "        # why\n"
        "        lr: {float: [0.1, 1.0]}\n"
        "      - {kind: adam}\n"
    )
