"""The media plane: mediasoup workers driven from Python.

Floors, top to bottom: `agent` (the process on a media node), `sfu` (the object model), `channel` (the wire to the C++
worker), and on the ground floor `contract` (the words both planes speak) and `ortc` (pure negotiation). It knows no
tenants, plans, databases, Redis or Stripe, and never imports the control plane.
"""
