"""Ten planted mistakes in `media_plane/sfu` and `media_plane/ortc`, each of which must turn a test red.

`python -m scripts.mutations` plants them one after another in a copy of the repository and runs the tests that should
notice. `planted` lists the mistakes, `field` makes the copy and runs tests there.
"""
