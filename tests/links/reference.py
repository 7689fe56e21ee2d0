"""The measures of a graph in plain Python, found in other ways than the room's own."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Mapping

Pair = tuple[str, str]


def links_of(rows: Iterable[Pair]) -> set[Pair]:
    return {(source, target) for source, target in rows if source != target}


def depths(pages: Iterable[str], links: set[Pair], home: str) -> dict[str, int | None]:
    found: dict[str, int | None] = dict.fromkeys(pages)
    found[home] = 0
    queue = deque([home])
    while queue:
        page = queue.popleft()
        depth = found[page]
        assert depth is not None
        for source, target in links:
            if source == page and found[target] is None:
                found[target] = depth + 1
                queue.append(target)
    return found


def pagerank(pages: set[str], weights: Mapping[Pair, float], damping: float = 0.85) -> dict[str, float]:
    """Solved as linear equations (Gauss), not by iteration: x = (1 - d) / n + d * (M + dangling) x."""
    order = sorted(pages)
    n = len(order)
    place = {page: index for index, page in enumerate(order)}
    given = [0.0] * n
    for (source, _), weight in weights.items():
        given[place[source]] += weight
    matrix = [[float(i == j) for j in range(n)] + [(1 - damping) / n] for i in range(n)]
    for (source, target), weight in weights.items():
        matrix[place[target]][place[source]] -= damping * weight / given[place[source]]
    for j in range(n):
        if not given[j]:
            for i in range(n):
                matrix[i][j] -= damping / n
    for pivot in range(n):
        best = max(range(pivot, n), key=lambda i: abs(matrix[i][pivot]))
        matrix[pivot], matrix[best] = matrix[best], matrix[pivot]
        for i in range(n):
            if i != pivot and matrix[i][pivot]:
                factor = matrix[i][pivot] / matrix[pivot][pivot]
                matrix[i] = [a - factor * b for a, b in zip(matrix[i], matrix[pivot], strict=True)]
    return {page: matrix[i][n] / matrix[i][i] for page, i in place.items()}


def components(pages: set[str], links: set[Pair]) -> list[set[str]]:
    """The largest first; of equals, that with the least address."""
    left, found = set(pages), []
    while left:
        group, edge = set[str](), {min(left)}
        while edge:
            group |= edge
            edge = {b for a, b in links if a in edge} | {a for a, b in links if b in edge}
            edge -= group
        found.append(group)
        left -= group
    return sorted(found, key=lambda group: (-len(group), min(group)))


def reciprocal(links: set[Pair]) -> float:
    return sum((b, a) in links for a, b in links) / len(links) if links else 0.0


def matrix(links: set[Pair], segment: Mapping[str, str]) -> Counter[Pair]:
    return Counter((segment[a], segment[b]) for a, b in links)
