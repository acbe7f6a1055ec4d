"""The atlas: which layer, started how, at what cost, over tasks; as data and as a page.

`atlas.csv` has a row for each run, `atlas.json` a cell for each task, layer and start.
"""
