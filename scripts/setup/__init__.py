"""What the entry scripts share to set a machine up.

`env.sh` holds the steps, `parts.sh` runs several parts and sums up, `apt` installs Debian packages, `uv.txt` pins uv, and
`node_modules` checks what npm installed.
"""
