"""The outside world, one file per outsider; each fills a Protocol of `services/ports.py`.

May import domain and the media plane's contract; never services, stores or the doors.
"""
