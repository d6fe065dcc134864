"""The folder of every artefact. The only file that spells a path of the repository."""

import os
from dataclasses import dataclass
from pathlib import Path

from wstal.base.errors import UserError

ROOT = Path(__file__).resolve().parents[2]
PARAMS = ROOT / "params.yaml"
NOTEBOOKS = ROOT / "notebooks"
CACHE = ROOT / ".cache"  # trained rows, smoke runs, failed notebooks; may be deleted at any time


@dataclass(frozen=True)
class Tree:
    """Where one pipeline keeps its files: the repository, or a scratch folder of the same shape."""

    root: Path

    def annotations(self, dataset: str) -> Path:
        """Folder of videos.json (labels) and segments.json (times)."""
        return self.root / "data" / "annotations" / dataset

    def features(self, dataset: str) -> Path:
        """Folder of <stream>.npy and manifest.json."""
        return self.root / "data" / "features" / dataset

    def weights(self) -> Path:
        """Folder of the weights of backbones, as published or converted."""
        return self.root / "data" / "raw" / "weights"

    def networks(self) -> Path:
        """The JSON file of how many networks each entry has."""
        return self.root / "data" / "networks.json"

    def run(self, entry: str, row: str, seed: int) -> Path:
        """Folder of a training run: weights, scores, detections."""
        return self.root / "runs" / entry / row / str(seed)

    def plan(self) -> Path:
        """Folder of what params.yaml comes to: wstal/config/plan.py."""
        return self.root / "reports" / "plan"

    def metrics(self, entry: str) -> Path:
        """The JSON file of an entry's metrics."""
        return self.root / "reports" / "metrics" / f"{entry}.json"

    def figures(self, entry: str) -> Path:
        """Folder of an entry's figures."""
        return self.root / "reports" / "figures" / entry

    def index(self) -> Path:
        """The page of all tables and figures."""
        return self.root / "reports" / "index.html"

    def tables(self) -> Path:
        """Folder of tables."""
        return self.root / "reports" / "tables"

    def output(self, path: Path) -> Path:
        """The path, ready to be written, its folder made.

        What the pipeline owns is written inside a DVC stage only, so that a notebook run by hand or by a test can never
        change it.

        Raises:
            UserError: outside a DVC stage, for a path of the repository's own tree.
        """
        if self.root == ROOT and not os.environ.get("DVC_STAGE"):
            raise UserError(f"{path} belongs to the pipeline, so only a stage may write it; run `dvc repro` instead.")
        path.parent.mkdir(parents=True, exist_ok=True)
        return path


PIPELINE = Tree(ROOT)


def scratch(name: str) -> Tree:
    """The scratch tree of smoke run `name`, below CACHE."""
    return Tree(CACHE / "smoke" / name)
