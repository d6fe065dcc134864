"""Values that are well-formed and yet wrong or odd: names, times, lengths, features. One list of checks, refused or noted.

`catalogue.py` is the list, `findings.py` gathers what they find. Everything here looks at records in memory and opens no file.
Only `segments.py` knows when actions happen; nothing up to `training` may import it.
"""
