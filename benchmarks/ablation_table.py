"""The tables of the ablations as Markdown: ours beside the paper's, and which of its orderings hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from benchmarks.ablation_rows import CLAIMS, NOT_IN_THE_PAPER, QUESTIONS, ROWS, TABLES, Row
from benchmarks.ablation_statistics import (
    CONTRADICTED,
    HOLDS,
    UNDECIDED,
    Spread,
    difference,
    orderings,
    verdict,
)
from tformer_keras.models.counting import Size

Found = Mapping[str, Sequence[float]]


def as_markdown(rows: Sequence[Row], found: Found, spread: Spread, sizes: Mapping[str, Size]) -> str:
    """All of it: a table for each of the paper's, and the rows that it lacks; the spread; claims and counts."""
    parts = []
    groups = {title: [ROWS[name] for name in paper] for title, paper in TABLES.items()}
    groups["Not in the paper"] = list(NOT_IN_THE_PAPER)
    for title, members in groups.items():
        kept = [row for row in members if row in rows]
        if kept:
            parts.append(_figures(title, kept, found, sizes))
    parts.append(_spread(found, spread))
    claims = [(title, pair) for title, pairs in CLAIMS.items() for pair in pairs]
    claims += [("–", pair) for pair in QUESTIONS]
    claims = [(title, pair) for title, pair in claims if set(pair) <= set(found)]
    if claims:
        parts.append(_claims(claims, found, spread))
    parts += [_counts(title, paper, found, spread) for title, paper in TABLES.items()]
    return "\n\n".join(part for part in parts if part)


def _figures(title: str, rows: Sequence[Row], found: Found, sizes: Mapping[str, Size]) -> str:
    seeds = len(next(iter(found.values())))
    heads = [title, "parameters", "M MACs", "ours, %", *(f"seed {seed}" for seed in range(seeds))]
    paper = TABLES.get(title)
    lines = [_line([*heads, "the paper's, %"] if paper else heads)]
    lines.append("|---|" + "---:|" * (len(heads) - (not paper)))
    for row in rows:
        size, values = sizes[row.name], found[row.name]
        cells = [row.label, f"{size.parameters:,}", f"{size.macs / 1e6:.2f}", f"{np.mean(values):.2f}"]
        cells += [f"{value:.2f}" for value in values]
        lines.append(_line([*cells, f"{paper[row.name]:.1f}"] if paper else cells))
    return "\n".join(lines)


def _spread(found: Found, spread: Spread) -> str:
    seeds = len(next(iter(found.values())))
    if spread.needed is None:
        return f"{seeds} seed(s) of {len(found)} row(s) have no spread: nothing is decided."
    return (
        f"{seeds} seeds of {len(found)} rows: a run deviates by {spread.deviation:.2f} points ({spread.freedom} "
        "degrees of freedom; rows' means and seeds' shifts are taken away). Two rows are told apart by more than "
        f"{spread.needed:.2f} points (95 %): of rows that are equal, one pair in twenty would be."
    )


def _claims(claims: Sequence[tuple[str, tuple[str, str]]], found: Found, spread: Spread) -> str:
    lines = [
        _line(["table", "better than", "the paper's, points", "ours, points", ""]),
        "|---|---|---:|---:|---|",
    ]
    for title, (better, other) in claims:
        paper = TABLES.get(title)
        theirs = f"{paper[better] - paper[other]:+.1f}" if paper else ""
        ours = f"{difference(found, better, other):+.2f}"
        said = verdict(found, spread, better, other)
        lines.append(_line([title, f"`{better}` than `{other}`", theirs, ours, said]))
    return "\n".join(lines)


def _counts(title: str, paper: Mapping[str, float], found: Found, spread: Spread) -> str:
    pairs = orderings(paper, list(found))
    if not pairs:
        return ""
    counted = Counter(verdict(found, spread, *pair) for pair in pairs)
    kinds = ", ".join(f"{counted[kind]} {_PLURAL[kind]}" for kind in (HOLDS, CONTRADICTED, UNDECIDED))
    return f"{title}, all {len(pairs)} pairs whose figures differ in the paper: {kinds}."


_PLURAL = {HOLDS: "hold", CONTRADICTED: "do not hold", UNDECIDED: "are not decided"}


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
