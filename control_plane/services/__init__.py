"""Use cases: check, do in one writing transaction, tell after commit.

Imports stores and domain; names what lies outside by the Protocols of `ports`. Never imports gateways or the doors.
"""
