"""What sets the project up, checks it, tests it and runs it on one machine.

The executables without a suffix (`run`, `test`, `check`, `bench`, `generate`) are the doors; the packages beside them do
the work. None of it is part of the product: `control_plane` and `media_plane` never import it.
"""
