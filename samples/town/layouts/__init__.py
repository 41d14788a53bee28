"""One module per kind of site: FIRST, where a reader starts; address(post); draw(site, path, day)."""
