"""A first source file for a site nobody has described yet. Pure: pages in, draft out; a person checks it.

The start page tells the family and where the entries are, one entry page where title, time and body are. What is
proposed was tried on these pages: list rules find the entries, detail rules read what the generic extractor reads.
"""
