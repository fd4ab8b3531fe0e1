"""The control plane: who, where, may they, what did they pay, what was said.

Floors, top to bottom: `app` (composition root), the doors `rest` and `signaling` (which do not import each other),
`services` and `gateways` (which do not import each other), `stores`, `domain`. It knows the media plane only by
`media_plane.contract`.
"""
