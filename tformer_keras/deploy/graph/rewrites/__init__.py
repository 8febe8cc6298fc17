"""Exact rewrites of the device graph, one a file: `rewrite(graph) -> None` edits the graph in place."""
