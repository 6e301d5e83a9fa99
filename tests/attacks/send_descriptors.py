# expect: lost protocol
# without deafness to files: the grader raises TooManyFiles
# V3: send the grader open files along with a frame, until it has no room for more.

# %%
import array, os, socket

def attack(facts):
    channel = socket.socket(fileno=3)
    files = array.array("i", [os.open("/dev/null", os.O_RDONLY) for _ in range(100)])
    channel.sendmsg([b"\0" * 12], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, files)])
