"""Which nodes a session has: what has gone, what has come, and what is said of it."""

from __future__ import annotations

from typing import Any

from sweeps.record.session_nodes import SessionNodes


def node(name: str) -> dict[str, Any]:
    return {"name": name, "cpus": 1.0, "gpus": 0.0}


def begun(*names: str) -> SessionNodes:
    return SessionNodes().after({"event": "session", "nodes": list(map(node, names))})


def changed(before: SessionNodes, *names: str) -> tuple[dict[str, Any], SessionNodes]:
    change = before.change_to(list(map(node, names)))
    return change, before.after({"event": "nodes", **change})


def test_the_same_nodes_in_another_order_are_no_change() -> None:
    assert begun("a", "b", "b").change_to([node("b"), node("a"), node("b")]) == {}


def test_a_node_that_goes_is_missed_until_it_is_back() -> None:
    change, after = changed(begun("a", "b"), "a")
    assert (change["lost"], change["joined"], change["gone"]) == (["b"], [], ["b"])
    assert after.words == "node b has left the cluster"
    assert [one["name"] for one in after.now] == ["a"]
    change, after = changed(after, "a", "b")
    assert (change["lost"], change["joined"], change["gone"]) == ([], ["b"], [])
    assert after.words == ""


def test_one_of_several_nodes_of_one_name_is_missed() -> None:
    change, after = changed(begun("a", "a", "a"), "a", "a")
    assert (change["lost"], after.words) == (["a"], "node a has left the cluster")


def test_a_node_that_takes_the_place_of_another_does_not_make_it_come_back() -> None:
    change, after = changed(begun("a", "b"), "a", "c")
    assert (change["lost"], change["joined"]) == (["b"], ["c"])
    assert after.words == "node b has left the cluster"


def test_many_nodes_are_counted_and_few_are_named() -> None:
    _, few = changed(begun(*"abcd"), "d")
    _, many = changed(begun(*"abcde"), "e")
    assert few.words == "3 nodes have left the cluster (a, b, c)"
    assert many.words == "4 nodes have left the cluster"


def test_words_of_others_stand_behind_those_of_nodes_and_end_with_the_session() -> None:
    _, after = changed(begun("a", "b"), "a")
    after = after.after({"event": "shared", "text": "shares the nodes: x holds 1 of 2 CPUs"})
    assert after.words == "node b has left the cluster; shares the nodes: x holds 1 of 2 CPUs"
    over = after.after({"event": "end"})
    assert (over.words, over.now) == ("", after.now)
    assert after.after({"event": "session", "nodes": [node("a")]}).words == ""
