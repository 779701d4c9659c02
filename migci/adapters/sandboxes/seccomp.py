"""A filter of system calls: what no migration needs, and what uses memory that nothing else here counts."""

from __future__ import annotations

import errno
import os
import platform
import struct

# The number of each call on x86_64 and on aarch64 (<asm/unistd_64.h>, <asm-generic/unistd.h>).
_DENIED = {
    # Memory that belongs to no process, and so to no limit.
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "shmget": (29, 194),
    "msgget": (68, 186),
    "semget": (64, 190),
    # Ways into another process, or to see what it does.
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "kcmp": (312, 272),
    "pidfd_getfd": (438, 438),
    "perf_event_open": (298, 241),
    # What the kernel does for the machine, or has often done wrong.
    "bpf": (321, 280),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "syslog": (103, 116),
    "acct": (163, 89),
    "quotactl": (179, 60),
    "reboot": (169, 142),
    "kexec_load": (246, 104),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    # Other views of the machine.
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "unshare": (272, 97),
    "setns": (308, 268),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "open_by_handle_at": (304, 265),
    "name_to_handle_at": (303, 264),
}

# Calls that are denied by what they are given, where only the word that decides is looked at.
_MMAP, _IOCTL, _SOCKETS = (9, 222), (16, 29), ((41, 198), (53, 199))
_SHARED_AND_NOBODYS = 0x21  # MAP_SHARED, MAP_ANONYMOUS: what was written stays when its mapping is gone, unseen
_TYPING = (0x5412, 0x541C)  # TIOCSTI, TIOCLINUX
# A network namespace does not hold every kind of socket: not the one to the hypervisor.
_KINDS = (1, 2, 10)  # AF_UNIX, AF_INET, AF_INET6

_ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}  # <linux/audit.h>
_X32 = 0x40000000

# <linux/filter.h>, <linux/seccomp.h>
_LOAD, _AND, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x54, 0x15, 0x35, 0x06
_NUMBER, _ARCHITECTURE = 0, 4
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_DENY = (_RETURN, 0, 0, _ERRNO | errno.EPERM)

_Line = tuple[int, int, int, int]


def program() -> bytes | None:
    """The filter, as `bwrap --seccomp` takes it; `None` on a machine whose calls have other numbers.

    A denied call fails with EPERM, a socket of a denied kind with EAFNOSUPPORT; a call by another machine's numbers
    ends its process.
    """
    found = _ARCHITECTURES.get(platform.machine())
    if found is None:
        return None
    column, audit = found
    lines = [(_LOAD, 0, 0, _ARCHITECTURE), (_EQUAL, 1, 0, audit), (_RETURN, 0, 0, _KILL), (_LOAD, 0, 0, _NUMBER)]
    if column == 0:
        lines += [(_AT_LEAST, 0, 1, _X32), (_RETURN, 0, 0, _KILL)]
    lines += _when(_MMAP[column], [_argument(3), (_AND, 0, 0, _SHARED_AND_NOBODYS), *_denied((_SHARED_AND_NOBODYS,))])
    lines += _when(_IOCTL[column], [_argument(1), *_denied(_TYPING)])
    for call in _SOCKETS:
        lines += _when(call[column], [_argument(0), *_allowed(_KINDS)])
    numbers = sorted(calls[column] for calls in _DENIED.values())
    for left, number in zip(range(len(numbers), 0, -1), numbers, strict=True):
        lines.append((_EQUAL, left, 0, number))  # over the other numbers and the permission, to the denial
    lines += [(_RETURN, 0, 0, _ALLOW), _DENY]
    return b"".join(struct.pack("HBBI", *line) for line in lines)


def _argument(position: int) -> _Line:
    """Take the lower half of an argument, which is all that the kernel takes of those that are looked at."""
    return (_LOAD, 0, 0, 16 + 8 * position)


def _when(number: int, lines: list[_Line]) -> list[_Line]:
    """`lines`, which come to an end, for the call `number`."""
    return [(_EQUAL, 0, len(lines), number), *lines]


def _denied(values: tuple[int, ...]) -> list[_Line]:
    compared = [(_EQUAL, left, 0, value) for left, value in zip(range(len(values), 0, -1), values, strict=True)]
    return [*compared, (_RETURN, 0, 0, _ALLOW), _DENY]


def _allowed(values: tuple[int, ...]) -> list[_Line]:
    compared = [(_EQUAL, left, 0, value) for left, value in zip(range(len(values), 0, -1), values, strict=True)]
    return [*compared, (_RETURN, 0, 0, _ERRNO | errno.EAFNOSUPPORT), (_RETURN, 0, 0, _ALLOW)]


def descriptor() -> int | None:
    """The filter in a file that a started process can be handed; `None` as for `program`. Close it."""
    written = program()
    if written is None:
        return None
    file = os.memfd_create("seccomp", 0)
    os.write(file, written)
    os.lseek(file, 0, os.SEEK_SET)
    return file
