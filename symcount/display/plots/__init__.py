"""Draw formulas with matplotlib, one module for each kind of picture."""
