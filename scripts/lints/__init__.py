"""Rules of this codebase that no ready-made linter knows.

Each module here without a leading underscore is one lint: `python -m scripts.lints.NAME` prints its findings as
`file:line: sentence` and exits with 1 when there are any. `scripts/check` runs all of them. What they share is in `_files`.
"""
