"""Measurements of this product on this machine: `scripts/bench NAME`, or `scripts/bench --all --full` for all at length.

Each prints JSON lines `{"name", "ours", "peer", "peer_name", "unit", "ratio", ...}` (see `figures`); `peer` is what
another system reaches on the same machine in the same minute, null where nothing was compared, and a `ratio` above 1
means that ours is better. Every one ends within 55 s, with `--full` within 5 minutes.

What lives here: the measurements `api`, `first_frame`, `join_path`, `joins`, `latency`, `pipe`, `sfu`, `sign_in`,
`viewer_memory`; what they share: `figures`, `machine` (CPU and memory of processes), `doors` (a REST door), `packets` (the
sender), `viewers` (DTLS-SRTP) and `sinks` (plain RTP) that receive, `watching` (a worker with an audience) and `node` (a
whole media node); and the peers: `bare_argon2`, `janus`, `relay`, `node_peers`.
"""
