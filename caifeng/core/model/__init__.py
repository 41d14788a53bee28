"""Domain types: the words of the field and the shape of every configuration file. No I/O."""
