"""Detections in videos as one HTML page that opens anywhere, offline, with all in one file. Knows no run and no ground truth.

page.py       the page and its cards, in HTML
drawing.py    one video's curves and intervals, in SVG
style.css     light and dark
script.js     a cursor that follows mouse, arrow keys and the player, a search field; without it the page still shows everything
"""

from wstal.report.timeline.drawing import Film as Film
from wstal.report.timeline.page import frame as frame
from wstal.report.timeline.page import nothing_found as nothing_found
from wstal.report.timeline.page import page as page
