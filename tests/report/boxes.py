"""Where matplotlib puts the words of a figure: what leaves its frame, what lies over something else, what is too small."""

from itertools import combinations

from matplotlib.figure import Figure
from matplotlib.text import Text

SLACK = 1.5  # pixels that a box may reach into another: boxes hold the blank around letters
SMALLEST = 9.0  # pixels of a letter's height at the size in which pages show a figure on a phone, which is its own


def words(figure: Figure) -> list[Text]:
    """Every text that is drawn; ticks outside an axis's range have labels that are not."""
    hidden: set[Text] = set()
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            margin = 1e-9 * (high - low)
            for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
                if not (axes.axison and low - margin <= tick.get_loc() <= high + margin):
                    hidden |= {tick.label1, tick.label2}
            if not axes.axison:
                hidden.add(axis.label)
    return [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip() and text not in hidden]


def faults(figure: Figure) -> list[str]:
    """A sentence for every text that leaves the figure, lies over another, or is too small to be read."""
    figure.canvas.draw()
    boxes = [(text.get_text(), text.get_window_extent()) for text in words(figure)]
    frame = figure.bbox
    found = [
        f"{said!r} leaves the figure"
        for said, box in boxes
        if box.x0 < frame.x0 - SLACK or box.y0 < frame.y0 - SLACK or box.x1 > frame.x1 + SLACK or box.y1 > frame.y1 + SLACK
    ]
    for (said, box), (other, beside) in combinations(boxes, 2):
        width = min(box.x1, beside.x1) - max(box.x0, beside.x0)
        height = min(box.y1, beside.y1) - max(box.y0, beside.y0)
        if width > SLACK and height > SLACK:
            found.append(f"{said!r} and {other!r} overlap")
    for text in words(figure):
        if text.get_fontsize() * figure.dpi / 72 < SMALLEST:
            found.append(f"{text.get_text()!r} is smaller than {SMALLEST:g} pixels")
    return found
