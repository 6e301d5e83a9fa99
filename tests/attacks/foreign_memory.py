# expect: blocked
# without layers: succeeds
# I7: attach to, or read the memory of, any other process.

# %%
import ctypes, threading

libc = ctypes.CDLL(None, use_errno=True)

def seize(pid, done):
    if libc.ptrace(0x4206, pid, 0, 0) == 0:
        done.append(("ptrace", pid))

def attack(facts):
    done = []
    for pid in (facts["pid"], 1, 2, 3):
        tracer = threading.Thread(target=seize, args=(pid, done))  # with its end, what it has seized is free again
        tracer.start()
        tracer.join()
        if libc.syscall(310, pid, 0, 0, 0, 0, 0) == 0:
            done.append(("process_vm_readv", pid))
        if libc.syscall(434, pid, 0) >= 0:
            done.append(("pidfd_open", pid))
    return done
