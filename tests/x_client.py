"""Just enough of the X protocol to do to a window what a person and a window manager do.

Keys are pressed by the XTEST extension, so they take the way of a real keyboard. Spoken over the display's socket, it
needs no library. Numbers are the opcodes of "X Window System Protocol", version 11.
"""

import socket
import struct
import time

VIEWABLE = 2
KEYSYMS = {
    "BackSpace": 0xFF08, "Return": 0xFF0D, "Escape": 0xFF1B, "Shift_L": 0xFFE1, "Control_L": 0xFFE3, "F11": 0xFFC8,
    "space": 0x20,
}  # fmt: skip
_KEY_PRESS, _KEY_RELEASE, _CLIENT_MESSAGE = 2, 3, 33


class XClient:
    """A connection to the display with this number, without any access control."""

    def __init__(self, number: int) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(10)
        self._socket.connect(f"/tmp/.X11-unix/X{number}")
        self._socket.sendall(struct.pack("<BxHHHHxx", ord("l"), 11, 0, 0, 0))
        is_accepted, n_words = struct.unpack("<B5xH", self._receive(8))
        setup = self._receive(4 * n_words)
        assert is_accepted == 1, setup
        vendor_length, n_formats, first, last = struct.unpack_from("<16xHxxxB4xBB", setup)
        (self.root,) = struct.unpack_from("<I", setup, 32 + (vendor_length + 3) // 4 * 4 + 8 * n_formats)
        mapping = self._ask(101, 0, struct.pack("<BBxx", first, last - first + 1))
        self._per_key, self._first_key = mapping[1], first
        self._keysyms = struct.unpack_from(f"<{(last - first + 1) * self._per_key}I", mapping, 32)
        xtest = self._ask(98, 0, struct.pack("<Hxx", 5) + b"XTEST\0\0\0")
        assert xtest[8], "this display has no XTEST extension"
        self._xtest = xtest[9]

    def close(self) -> None:
        self._socket.close()

    def find_window(self, title: str, timeout_s: float = 20) -> int:
        """The window with this title, as soon as it is on the screen."""
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            tree = self._ask(15, 0, struct.pack("<I", self.root))
            for window in struct.unpack_from(f"<{struct.unpack_from('<H', tree, 16)[0]}I", tree, 32):
                is_shown = self._ask(3, 0, struct.pack("<I", window))[26] == VIEWABLE
                if is_shown and self._text(window, "_NET_WM_NAME") == title:
                    return int(window)
            time.sleep(0.02)
        raise TimeoutError(f"no window named {title!r}")

    def press(self, key: str, hold_s: float = 0.0) -> None:
        """Press and release a key of the keyboard: a lower-case letter, or a name in KEYSYMS."""
        code = self._key_code(key)
        self._fake_key(_KEY_PRESS, code)
        time.sleep(hold_s)
        self._fake_key(_KEY_RELEASE, code)

    def press_with(self, modifier: str, key: str) -> None:
        """Press a key while another is held."""
        self._fake_key(_KEY_PRESS, self._key_code(modifier))
        self.press(key)
        self._fake_key(_KEY_RELEASE, self._key_code(modifier))

    def focus(self, window: int) -> None:
        """Give the keyboard to a window."""
        self._send(42, 0, struct.pack("<II", window, 0))
        self._settle()

    def resize(self, window: int, width: int, height: int) -> None:
        self._send(12, 0, struct.pack("<IHxxII", window, 4 | 8, width, height))
        self._settle()

    def hide(self, window: int) -> None:
        """What a window manager does to minimise."""
        self._send(10, 0, struct.pack("<I", window))
        self._settle()

    def unhide(self, window: int) -> None:
        self._send(8, 0, struct.pack("<I", window))
        self._settle()

    def ask_to_close(self, window: int) -> None:
        """What a window manager does when the cross is clicked: send WM_DELETE_WINDOW."""
        event = struct.pack(
            "<BBHIIII12x", _CLIENT_MESSAGE, 32, 0, window, self._atom("WM_PROTOCOLS"), self._atom("WM_DELETE_WINDOW"), 0
        )
        self._send(25, 0, struct.pack("<II", window, 0) + event)
        self._settle()

    def _text(self, window: int, name: str) -> str:
        answer = self._ask(20, 0, struct.pack("<IIIII", window, self._atom(name), 0, 0, 100))
        return answer[32 : 32 + struct.unpack_from("<I", answer, 16)[0]].decode()

    def _atom(self, name: str) -> int:
        padded = name.encode() + b"\0" * (-len(name) % 4)
        return int(struct.unpack_from("<I", self._ask(16, 0, struct.pack("<Hxx", len(name)) + padded), 8)[0])

    def _key_code(self, key: str) -> int:
        keysym = KEYSYMS[key] if len(key) > 1 else ord(key)
        return self._first_key + self._keysyms.index(keysym) // self._per_key

    def _fake_key(self, kind: int, code: int) -> None:
        self._send(self._xtest, 2, struct.pack("<BBxxII8xhh7xx", kind, code, 0, self.root, 0, 0))
        self._settle()

    def _settle(self) -> None:
        """Wait until the display has done what was sent."""
        self._ask(43, 0, b"")

    def _send(self, opcode: int, detail: int, content: bytes) -> None:
        self._socket.sendall(struct.pack("<BBH", opcode, detail, 1 + len(content) // 4) + content)

    def _ask(self, opcode: int, detail: int, content: bytes) -> bytes:
        """Send a request and return its reply; events are passed over."""
        self._send(opcode, detail, content)
        while True:
            packet = self._receive(32)
            if packet[0] == 1:
                return packet + self._receive(4 * struct.unpack_from("<I", packet, 4)[0])
            assert packet[0] != 0, f"the display refused opcode {packet[10]}: error {packet[1]}"

    def _receive(self, n_bytes: int) -> bytes:
        content = b""
        while len(content) < n_bytes:
            part = self._socket.recv(n_bytes - len(content))
            assert part, "the display has closed the connection"
            content += part
        return content
