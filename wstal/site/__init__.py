"""Metrics, tables, notebooks, documents -> pages that open from disk. Knows nothing of how methods are trained."""
