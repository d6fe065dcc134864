"""`wstal explain FILE`: where a table, figure, metrics file, run or file of detections comes from, and how to make it again.

What the pipeline has made, dvc.lock and the plan know. What `wstal train` and `wstal localize` have made lies beside a file
`provenance.yaml` (wstal/app/provenance.py).
"""

import hashlib
import json
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from wstal.app import differences, provenance
from wstal.base.errors import UserError
from wstal.base.paths import ROOT
from wstal.border import yamlfile

CURE = "make it with `dvc repro`"
IGNORED = ("__pycache__", ".ipynb_checkpoints", ".wstal-")  # as .dvcignore says
Stages = Mapping[str, Any]  # of dvc.lock
Lines = list[tuple[str, str]]  # (what, what is known of it)


def explain(path: Path, root: Path = ROOT) -> str:
    """All that is known of a file or folder, in lines of text.

    Raises:
        UserError: there is nothing, or nobody knows where it comes from.
    """
    if not path.exists():
        raise UserError(f"{path} is missing; name a file or folder that the pipeline, `wstal train` or `wstal localize` made.")
    whole = path.resolve()
    lines = _of_pipeline(whole, root.resolve()) or _beside(whole)
    if not lines:
        raise UserError(
            f"{path} is no output of the pipeline, and no {provenance.NAME} lies beside it, so nobody knows where it comes "
            "from; name a file below reports/, runs/ or data/, a run of `wstal train`, or an output of `wstal localize`."
        )
    width = max(len(name) for name, _ in lines)
    return "\n".join([str(path), *(f"  {name:{width}}  {text}" for name, text in lines)])


def _of_pipeline(path: Path, root: Path) -> Lines:
    """What dvc.lock knows of an output; nothing of another file."""
    if not path.is_relative_to(root) or not (root / "dvc.lock").is_file():
        return []
    stages: Stages = yamlfile.read(root / "dvc.lock", CURE)["stages"]
    name = path.relative_to(root).as_posix()
    makers = {out["path"]: stage for stage, entry in stages.items() for out in entry.get("outs", [])}
    out = next((one for one in makers if name == one or name.startswith(f"{one}/")), None)
    if out is None:
        return []
    stage = makers[out]
    before = upstream(stage, stages, makers)
    listed = next(one for one in stages[stage]["outs"] if one["path"] == out)
    first = commit(root, listed["md5"])
    lines = [("made by", f"stage {stage}: {said(stages[stage]['cmd'])}"), ("commit", first)]
    lines += [("as made", as_made(root / out, listed["md5"])), *_planned(before, stages, root)]
    deps = {dep["path"]: dep["md5"] for one in before for dep in stages[one].get("deps", [])}
    code = {dep: md5 for dep, md5 in deps.items() if dep.startswith(("wstal", "notebooks/", "params.yaml"))}
    data = {dep: md5 for dep, md5 in deps.items() if dep not in code and not dep.startswith("reports/plan")}
    lines += [("data", f"{dep}, md5 {md5}") for dep, md5 in sorted(data.items())]
    lines += [("code", f"{dep}, md5 {md5}{_changed(root / dep, md5)}") for dep, md5 in sorted(code.items())]
    lock = hashlib.sha256((root / "requirements.lock").read_bytes()).hexdigest()
    known = first.split(" of ")
    again = [*([f"git checkout {known[0]}"] if len(known) == 2 else []), "make setup", f"dvc repro {stage}"]
    return [*lines, ("environment", f"requirements.lock, sha256 {lock}"), ("again", "; ".join(again))]


def upstream(stage: str, stages: Stages, makers: Mapping[str, str]) -> list[str]:
    """A stage and all that it depends on, each once; `makers` are {output: stage}."""
    todo, known = [stage], [stage]
    while todo:
        for dep in stages[todo.pop(0)].get("deps", []):
            for out, maker in makers.items():
                near = out == dep["path"] or dep["path"].startswith(f"{out}/") or out.startswith(f"{dep['path']}/")
                if near and maker not in known:
                    known.append(maker)
                    todo.append(maker)
    return known


def _planned(before: Iterable[str], stages: Stages, root: Path) -> Lines:
    """Presets, seeds and protocol of the plans that stages depend on."""
    lines: Lines = []
    for dep in dict.fromkeys(dep["path"] for one in before for dep in stages[one].get("deps", [])):
        file = root / dep
        if not dep.startswith("reports/plan/") or not file.is_file():
            continue
        plan = yamlfile.read(file, CURE)
        lines.append(("parameters", f"{dep}, sha256 {hashlib.sha256(file.read_bytes()).hexdigest()[:16]}"))
        rows = plan.get("rows", {})
        presets = [f"{row} {entry['preset']}" for row, entry in rows.items() if isinstance(entry, dict) and "preset" in entry]
        lines += [("presets", ", ".join(presets))] if presets else []
        lines += [("seeds", ", ".join(map(str, plan["seeds"])))] if "seeds" in plan else []
        if judged := plan.get("evaluation"):
            lines.append(("protocol", f"{judged['protocol']} at tIoU {', '.join(f'{t:g}' for t in judged['tious'])}"))
    return lines


def commit(root: Path, md5: str) -> str:
    """The commit whose dvc.lock first had this hash."""
    done = _git(root, "log", "--format=%H of %cs", "--reverse", f"-S{md5}", "--", "dvc.lock")
    return done.splitlines()[0] if done else "none: git is missing, or dvc.lock is not committed"


def _git(root: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def as_made(path: Path, md5: str) -> str:
    """Whether an output is what dvc.lock says."""
    if not path.exists():
        return "it is not here; `dvc checkout` or `dvc repro` brings it"
    return f"yes, md5 {md5}" if hashed(path) == md5 else f"no: it was changed, or dvc.lock is of another run (md5 {md5})"


def _changed(path: Path, md5: str) -> str:
    return "" if hashed(path) == md5 else " (changed since)"


def hashed(path: Path) -> str:
    """The md5 of a file or folder, as DVC has it: that of a folder is of a list of its files."""
    if path.is_file():
        return hashlib.md5(path.read_bytes()).hexdigest()
    if not path.is_dir():
        return ""
    names = [one for one in differences.files(path) if not any(part.startswith(IGNORED) for part in one.split("/"))]
    listed = [{"md5": hashed(path / name), "relpath": name} for name in names]
    return hashlib.md5(json.dumps(listed, sort_keys=True).encode()).hexdigest() + ".dir"


def said(command: str | list[str]) -> str:
    """The command of a stage."""
    return command if isinstance(command, str) else "; ".join(command)


def _beside(path: Path) -> Lines:
    """What the provenance beside a file, or in a folder, says."""
    for folder in (path, *path.parents)[:4]:
        file = folder / provenance.NAME
        if file.is_file():
            return provenance.lines(file, path)
    return []
