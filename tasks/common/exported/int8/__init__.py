"""Networks of whole numbers: what is prepared for all formats, and how each is then made."""
