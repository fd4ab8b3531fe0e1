"""The process on each media node: `python -m media_plane`.

    app            composes everything below and runs it until told to stop
    settings       the one reader of the environment
    enrolment      tells the control plane that the node exists; brings the keys it signs links with
    link_tokens    are these credentials of the control plane, for us, fresh, and new?
    link, link_server   the node link: one WebSocket per signaling process, and the port with its health answers
    handlers       one function per request of the contract
    rooms          live sessions on this node: epochs, orphans, dead workers
    room_media     RouterGroup: all routers of one live session and what its participants have open
    room_consumers who watches what in it
    router_seats   its origin router and its edges on other workers: where a new transport goes
    seat_pipes     brings tracks and data from the origin to the edges, and takes them back when unused
    media_books, media_notices   what is open in it and closes with what; what owners are told of that
    participants   what one participant has open
    node_pipes, draining   live sessions over several nodes; a node that empties itself
    layer_wants, quality, quality_meter   layers nobody watches; how well media arrives
    worker_fleet   one worker per core, its WebRtcServer and its replacement
    worker_pulse   heartbeats: which worker hangs
    placement      which worker gets the next router, or the next viewer (pure)
    load, health   what the node says about itself

May import `sfu`, `ortc`, `contract`. Nothing imports the agent. Only `app` reads `settings`.
"""
