# expect: lost exit
# without layers: succeeds
# Make a system call by the numbers of another machine (32 bits), which a filter by number could take for a harmless one.

# %%
import ctypes, mmap, platform

def attack(facts):
    if platform.machine() != "x86_64":
        ctypes.string_at(0)
    page = mmap.mmap(-1, 4096, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, 7)
    page.write(b"\xb8\x14\x00\x00\x00\xcd\x80\xc3")  # mov eax, 20 (getpid); int 0x80; ret
    return ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))()
