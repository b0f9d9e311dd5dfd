"""The picture of the rooms in docs/architecture.md: who builds on whom, read from the imports."""

from __future__ import annotations

from graphlib import TopologicalSorter

from tests.test_architecture import PARTS, files_of, parts_of

Graph = dict[str, set[str]]


def picture_of_rooms() -> str:
    """Return a Mermaid flowchart; an arrow that follows from two others is left out."""
    graph = used_rooms()
    lines = [
        f"    {room} --> {below}" for room in order(graph) for below in sorted(direct(graph, room))
    ]
    return "\n".join(["```mermaid", "flowchart TD", *lines, "```"]) + "\n"


def used_rooms() -> Graph:
    """Return which rooms the files of each room import from."""
    return {
        room: {
            other
            for path in files_of(room)
            for other in parts_of(path, with_types=False)
            if other in PARTS and other != room
        }
        for room in PARTS
    }


def order(graph: Graph) -> list[str]:
    """Return the rooms from the top floor down."""
    return list(TopologicalSorter(graph).static_order())[::-1]


def direct(graph: Graph, room: str) -> set[str]:
    """Return the rooms below that no other room below reaches."""
    return {
        below
        for below in graph[room]
        if not any(below in reached(graph, other) for other in graph[room] - {below})
    }


def reached(graph: Graph, room: str) -> set[str]:
    """Return all rooms below one, however far."""
    return graph[room].union(*(reached(graph, below) for below in graph[room]))
