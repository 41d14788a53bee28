"""The sample town: a story as data (TOML) and the pure functions that turn it into web pages."""
