"""params.yaml as typed records. Knows what may be set in every room below; no array, no network, no file of a dataset."""
