"""The TypeScript the web app reads of the server: made from the Python types, committed, compared by `scripts/check`.

`schema.py` turns JSON Schema into TypeScript; `signaling.py` says which types cross the socket; `rest.py` asks the API for
its OpenAPI document. May import `control_plane`; nothing imports this but `scripts/generate.py`.
"""
