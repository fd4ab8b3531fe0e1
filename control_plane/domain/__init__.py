"""Ground floor: the rules, as pure values and functions.

No await, no clock, no environment, no framework: the standard library and msgspec only. Times, ids and randomness come in
as arguments. Everything above may import from here.
"""
