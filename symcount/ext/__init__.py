"""Formulas in the documentation of others: one module a host, each loaded by its host alone.

`symcount.ext.sphinx` is an extension of Sphinx and `symcount.ext.mkdocs` a module of macros for
MkDocs. What a page asks for, and which files its answer depends on, is `symcount.drift.requests`.
"""
