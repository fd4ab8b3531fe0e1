"""Measurements of this product on this machine: `scripts/bench NAME`.

Each prints JSON lines `{"name", "ours", "peer", "peer_name", "unit", "ratio"}`; `peer` is what another system reaches on
the same machine in the same minute, null where nothing was compared. Every one ends within 55 s.
"""
