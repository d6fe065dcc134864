"""Video files -> frames -> snippets, and optical flow between frames. Knows no network."""
