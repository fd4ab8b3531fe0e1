"""Door 1: whatever must last, as JSON over HTTP. May import services, gateways, stores and domain; never signaling.

`server` builds the Litestar application; each noun has a controller of its own; `problems` maps errors to answers.
"""
