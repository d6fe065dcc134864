"""What other people's programs read and write: annotation tools (`tools`), other codes' data folders (`layouts`)."""
