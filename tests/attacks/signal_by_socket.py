# expect: blocked
# without layers: succeeds
# I14: let the kernel send another process a signal whenever something can be read from a socket of one's own.

# %%
import fcntl, os, socket, struct

F_SETSIG, F_SETOWN_EX, FIOSETOWN = 10, 15, 0x8901

def attack(facts):
    ours, theirs = socket.socketpair()
    armed = []
    for name, act in (
        ("owner", lambda: fcntl.fcntl(ours, fcntl.F_SETOWN, facts["pid"])),
        ("signal", lambda: fcntl.fcntl(ours, F_SETSIG, 9)),
        ("any owner", lambda: fcntl.fcntl(ours, F_SETOWN_EX, struct.pack("ii", 1, facts["pid"]))),
        ("by ioctl", lambda: fcntl.ioctl(ours, FIOSETOWN, struct.pack("i", facts["pid"]))),
    ):
        try:
            act()
            armed.append(name)
        except OSError:
            pass
    return armed
