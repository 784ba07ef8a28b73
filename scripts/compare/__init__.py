"""Compares parzen with Python tools on the same data, side by side in one run.

`__main__` reads the command line; `environment` makes what is needed; `data` the samples;
`host` is the process in which one of the `tools` runs; `measure` takes turns, watches the
machine and does the statistics; `report` writes the table.

Only what runs inside a host, or writes the data, imports a package: the rest, and the tests,
need nothing but the standard library.
"""
