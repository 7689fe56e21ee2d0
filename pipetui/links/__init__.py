"""Link graphs: from CSV files of links and pages to measures, a report, and files for other programs.

    with Graph.load(Path("edges.csv.gz"), Path("pages.csv"), temp_directory=out) as graph:
        graph.measure(home="https://www.example.com/")
        told = report(graph)
        write_all(graph, told, out)

`make` is all of it in one call, `in_thread` for an asyncio program.
DuckDB does the work, out of core. Of pipetui only the leaves are needed.
"""

from .database import Stop
from .errors import BadInput, Cancelled, LinksError
from .files import (
    write_all,
    write_cosmograph,
    write_edges_parquet,
    write_gexf,
    write_graphml,
    write_nodes_csv,
    write_nodes_parquet,
    write_report,
)
from .graph import Block, Graph, Measured
from .make import in_thread, make
from .markdown import markdown
from .measure import PageRank
from .report import Broken, Loss, Matrix, Ranked, Report, WithoutBlock, report
from .summary import Numbers, in_words, numbers

__all__ = [
    "BadInput", "Block", "Broken", "Cancelled", "Graph", "LinksError", "Loss", "Matrix", "Measured", "Numbers",
    "PageRank", "Ranked", "Report", "Stop", "WithoutBlock", "in_thread", "in_words", "make", "markdown", "numbers",
    "report", "write_all", "write_cosmograph", "write_edges_parquet", "write_gexf", "write_graphml", "write_nodes_csv",
    "write_nodes_parquet", "write_report",
]  # fmt: skip
