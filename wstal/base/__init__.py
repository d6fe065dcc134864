"""What every room stands on: errors, records, paths, time grids, files, seeds, processes. Knows no other room."""
