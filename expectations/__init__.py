"""Gates: what a table must hold before the next stage may read it.

`baseline` is derived from the contract, `common` from the names of columns, and one module per table
(`clean_posts` for clean.posts) adds what neither can say. `gate.check` judges a frame by all of them with Great
Expectations, which only `engine` imports and only when it is called: the import costs seconds.
"""
