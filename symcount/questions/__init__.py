"""Answer questions about a formula, each for a method of `symcount.ParamCount`."""
