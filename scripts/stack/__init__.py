"""The whole platform on one machine: `python -m scripts.stack`.

    processes.py   a command to start, and children that die with their parent
    ports.py       free and busy ports, all below the kernel's ephemeral range
    secrets.py     the data folder's random passwords
    reach.py       where `nobody` can reach PostgreSQL when we are root
    postgres.py    EmbeddedPostgres: the wheel's PostgreSQL, for the stack and for tests
    valkey.py      EmbeddedValkey: the wheel's Valkey, likewise
    layout.py      ports, folders and environment of every process
    claim.py       one stack per data folder, and its ports
    child_log.py   a child's output: into its log file, errors also on the console
    service.py     one process, kept running
    supervisor.py  starts, restarts and stops them all
    guard.py       the line to the warden
    warden.py      ends what a killed supervisor left behind
    seed.py        the demo organization
    smoke.py       `--smoke`: proves the whole path with a headless host and viewer

May import `scripts.headless`; nothing of the product imports it.
"""
