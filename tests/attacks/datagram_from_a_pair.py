# expect: blocked
# without layers: succeeds
# I15: make a pair of sockets, which one may, and send from one of them to somebody else's address.

# %%
import socket

def attack(facts):
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    return ours.sendto(b"the hidden input", facts["datagram"]) > 0
