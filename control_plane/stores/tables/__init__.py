"""The tables as Piccolo classes: what migrations are made from. Statements on them are in the files one floor up.

Row-level security, grants, and constraints Piccolo has no word for stand in the migrations beside them.
"""
