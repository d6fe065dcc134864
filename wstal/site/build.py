"""All pages: the verdicts, a page an entry, and every executed notebook."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from wstal import published
from wstal.base.paths import Tree
from wstal.config.parameters import Parameters
from wstal.evaluation import metrics
from wstal.evaluation.metrics import Metrics
from wstal.report import claims, leaderboard, naming, overview, real_videos, results
from wstal.report.paired import MOST
from wstal.site import claim_cards, notebook_html, seed_differences
from wstal.site.claim_cards import ClaimCard
from wstal.site.pages import FOLDER, Site

FEW = 10  # seeds that are soon run
TABLES = {"04_leaderboard": leaderboard.table}  # of notebooks whose table has columns of its own


def write(params: Parameters, tree: Tree, documented: bool = False) -> Site:
    """Write reports/index.html and reports/site/ from the metrics, figures and notebooks that are there.

    `documented`: pages link to the documents, which wstal/site/documents.py adds.
    """
    site, entries = Site(tree, documented), published.in_order(params.reported)
    found = {entry: metrics.read(entry, tree) for entry in entries}
    site.share()
    index(site, found)
    for entry in entries:
        page(site, entry, found[entry], params)
    rendered(site)
    site.finish()
    return site


def index(site: Site, found: dict[str, Metrics]) -> None:
    """The first page: a strip an entry, paper by paper; apart from them, what no paper claims."""
    strips = overview.strips(list(found), site.tree)
    papers: dict[str, list[Metrics]] = {}
    for entry, one in found.items():
        if paper := published.paper(entry):
            papers.setdefault(paper.name, []).append(one)
    sections = [section(name, of_paper) for name, of_paper in papers.items()]
    asked = [strip(one, claim_cards.ours(one)) for one in found.values()]
    own = [one for one in asked if one["cards"] or not published.paper(one["entry"])]
    judged = [one for strip in strips for one in strip.claims]
    tables = [overview.counts(strips), overview.aggregates(strips)]
    why = undecided([card for section in sections for strip in section["strips"] for card in strip["cards"]])
    site.write(
        "index.html", "index.html", why=why, sections=sections, own=own, count=claims.count(judged), tables=tables,
        real=real_videos.table(site.root / "real"),
    )  # fmt: skip


def undecided(judged: Sequence[ClaimCard]) -> str:
    """Why so many claims are undecided, in a sentence; empty where none is."""
    needed = [card.needed for card in judged if card.kind == "undecided"]
    if not needed:
        return ""
    few, more = (sum(seeds is not None and seeds <= most for seeds in needed) for most in (FEW, MOST))
    return (
        f"Undecided: the seeds that ran leave open whether there is a difference. If mean and spread stay so, {FEW} "
        f"seeds would decide {few} of the {len(needed)}, {MOST} would decide {more}."
    )


def section(name: str, found: Sequence[Metrics]) -> dict[str, Any]:
    """One paper on the first page."""
    strips = [strip(one, claim_cards.cards(one)) for one in found]
    judged = [judged for one in found for judged in claims.judge(claims.claims(one))]
    return {"name": name, "paper": published.paper(found[0].entry), "count": claims.count(judged), "strips": strips}


def strip(found: Metrics, shown: Sequence[ClaimCard]) -> dict[str, Any]:
    """An entry on the first page, with a field for each of the cards."""
    return {"entry": found.entry, "title": naming.title(found), "cards": shown, "seeds": seeds(found)}


def seeds(found: Metrics) -> int:
    """Seeds of every row of an entry."""
    return len(next(iter(found.rows.values())))


def page(site: Site, entry: str, found: Metrics, params: Parameters) -> None:
    """An entry: its claims as cards, what we ask beside them, its table, its figures, and where all of it comes from."""
    figures = sorted(site.tree.figures(entry).glob("*.png"))
    site.write(
        f"{FOLDER}/{entry}.html", "entry.html", entry=entry, title=naming.title(found), printed=published.entry(entry),
        paper=published.paper(entry), cards=claim_cards.cards(found), ours=claim_cards.ours(found), draw=seed_differences.seeds,
        seeds=seeds(found),
        content=TABLES.get(params.reported[entry].notebook, results.of_entry)(found),
        count=claims.count(claims.judge(claims.claims(found))),
        figures=[(image.name, image.stem.replace("_", " "), *size(image)) for image in figures],
        sources=sources(entry, params),
    )  # fmt: skip


def sources(entry: str, params: Parameters) -> dict[str, str]:
    """What made an entry: its stages, its notebooks, and the files of reports/ with its parameters."""
    joined = entry in params.ensembles
    trained = params.ensembles[entry].of if joined else entry
    return {
        "stage": f"{'ensemble' if joined else 'results'}@{entry}",
        "notebook": f"{'05' if joined else '04'}_{entry}",
        "train_stage": f"train@{trained}",
        "train_notebook": f"03_train-{trained}",
        "rows": f"plan/rows/{entry}.yaml",
        "judging": f"plan/judging/{entry}.yaml",
    }


def size(image: Path) -> tuple[int, int]:
    """Width and height of a PNG in pixels, from its first bytes."""
    head = image.read_bytes()[:24]
    return int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big")


def rendered(site: Site) -> None:
    """A page for every executed notebook, and a list of them."""
    export, folder = notebook_html.exporter(), site.root / "notebooks"
    paths = sorted(folder.glob("[!.]*.ipynb"))
    for path in paths:
        content = notebook_html.inside(path, export)
        site.write(f"{FOLDER}/notebooks/{path.stem}.html", "notebook.html", title=path.stem, name=path.name, content=content)
    listed = [(path.stem, notebook_html.title(path)) for path in paths]
    site.write(f"{FOLDER}/notebooks.html", "notebooks.html", title="Notebooks", notebooks=listed)
