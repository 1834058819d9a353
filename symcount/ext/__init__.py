"""Put formulas into documentation and tests: one module for each host, which alone loads it.

`symcount.ext.sphinx` is an extension of Sphinx and `symcount.ext.mkdocs` a module of macros for
MkDocs. What a page asks for, and which files its answer depends on, is `symcount.drift.requests`.
"""
