"""What the pages of the 工作台 show, and what their forms do: published marts and register in, plain values out.

The register is read live, so that a page shows what was decided a second ago; titles, grades and coverage come from
`analytics.duckdb` as last published. Nothing here knows of HTTP. Every decision is one call of `service.act_all`.
"""
