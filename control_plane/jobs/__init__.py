"""Door 3: what nobody waits for. It has the effects of the outbox and does the clock's chores.

`runner` is the loop, `kinds` says who has which effect, `server` answers health and metrics. Any number of these processes
may run. May import services, gateways, stores and domain.
"""
