# expect: blocked
# without layers: succeeds
# I15: TCP, UDP, a Unix socket by path, an abstract one.

# %%
import socket

def attack(facts):
    reached = []
    for family, kind, address in (
        (socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", facts["port"])),
        (socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", facts["port"])),
        (socket.AF_UNIX, socket.SOCK_STREAM, facts["socket"]),
        (socket.AF_UNIX, socket.SOCK_STREAM, "\0" + facts["abstract"]),
    ):
        try:
            with socket.socket(family, kind) as s:
                s.settimeout(1)
                s.connect(address)
                s.send(b"the hidden input")
                reached.append(str(address))
        except OSError:
            pass
    return reached
