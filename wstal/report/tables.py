"""A table of text cells, as Markdown, CSV and LaTeX."""

from dataclasses import dataclass

from wstal.base import files
from wstal.base.paths import Tree
from wstal.border import csvfile

ESCAPES = {
    "±": r"$\pm$", "τ": r"$\tau$", "κ": r"$\kappa$", "−": "$-$", "–": "--", "<": "$<$", ">": "$>$",
    "_": r"\_", "%": r"\%", "&": r"\&", "`": "",
}  # fmt: skip


@dataclass(frozen=True, repr=False)
class Table:
    """Cells as text; the first column names the row."""

    title: str
    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    @property
    def texts(self) -> tuple[bool, ...]:
        """Which columns hold words, to stand on the left; numbers stand on the right."""
        others = ("".join(row[k] for row in self.rows) for k in range(1, len(self.header)))
        return True, *(any(character.isalpha() for character in text) for text in others)

    def markdown(self) -> str:
        """The table as GitHub Markdown, caption below. A mean and its deviation stay on one line."""
        lines = [self.header, ["---" if text else "---:" for text in self.texts], *self.rows]
        body = "\n".join("| " + " | ".join(cells) + " |" for cells in lines).replace(
            " ± ", "\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}"
        )
        return f"**{self.title}**\n\n{body}\n\n*{self.caption}*\n"

    def csv(self) -> str:
        """The table as comma-separated values."""
        return f"# {self.title}. {self.caption}\n{csvfile.text((self.header, *self.rows))}"

    def latex(self) -> str:
        """The table for LaTeX with booktabs."""
        rows = [" & ".join(latex_text(cell) for cell in row) + r" \\" for row in (self.header, *self.rows)]
        columns = "".join("l" if text else "r" for text in self.texts)
        lines = [r"\begin{table}", rf"\caption{{{latex_text(self.title)}. {latex_text(self.caption)}}}"]
        lines += [rf"\begin{{tabular}}{{{columns}}}", r"\toprule", rows[0], r"\midrule", *rows[1:]]
        return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", r"\end{table}"]) + "\n"

    def __repr__(self) -> str:
        return f"{self.title}: {len(self.rows)} rows"

    def _repr_markdown_(self) -> str:
        return self.markdown()

    def save(self, name: str, tree: Tree) -> None:
        """Write reports/tables/<name>.{md,csv,tex}."""
        for suffix, text in (("md", self.markdown()), ("csv", self.csv()), ("tex", self.latex())):
            files.write(tree.output(tree.tables() / f"{name}.{suffix}"), text)


def latex_text(cell: str) -> str:
    """Text with what LaTeX treats specially escaped."""
    for plain, escaped in ESCAPES.items():
        cell = cell.replace(plain, escaped)
    return cell
