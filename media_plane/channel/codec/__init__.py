"""Python values to flatbuffers and back, one file per schema namespace.

A request is made by one function, which returns a `RequestMessage`: finished bytes with a hole for the request id, and
how to read the answer. Callers see values only, so a function may later copy prebuilt bytes and patch them instead of
building them, and nobody notices. `message` holds the envelope, `tables` the few tools the others share.
"""
