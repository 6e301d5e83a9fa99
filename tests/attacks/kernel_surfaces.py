# expect: blocked
# without layers: succeeds
# Reach for parts of the kernel that no notebook needs: namespaces, mounts, io_uring, bpf, keys, shared memory, new calls.

# %%
import ctypes, platform

CALLS = {"unshare": (272, 0x10000000), "io_uring_setup": (425, 4, 0), "bpf": (321, 5, 0, 0), "keyctl": (250, 0, -3, 1),
         "userfaultfd": (323, 1), "shmget": (29, 4660, 4096, 0), "memfd_create": (319, b"x", 0), "mount": (165, b"x", b"/scratch", b"tmpfs", 0, 0),
         "setns": (308, 0, 0), "chroot": (161, b"/scratch"), "personality": (135, 0), "cachestat": (451, 0, 0, 0, 0)}

def attack(facts):
    libc = ctypes.CDLL(None, use_errno=True)
    allowed = []
    for name, (number, *args) in CALLS.items():
        if libc.syscall(number, *args) >= 0 or ctypes.get_errno() not in (1, 38):
            allowed.append(name)
    return allowed if platform.machine() == "x86_64" else []
