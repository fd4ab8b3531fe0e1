"""Door 2: whatever is live, over one WebSocket per participant. May import services, gateways, stores and domain.

`messages` is the wire; the TypeScript types of the web app are generated from it (`scripts/generate`).
"""
