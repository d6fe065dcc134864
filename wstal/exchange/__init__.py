"""What other people's programs read and write: annotation tools (`tools`), other codes' data folders (`layouts`).

It knows files and times, and no model: nothing that trains may import it.
"""
