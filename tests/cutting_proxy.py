"""A network that loses replies: requests get through, and then the connection is cut, now and then."""

from __future__ import annotations

import contextlib
import random
import socket
import threading


class CuttingProxy:
    """Forwards to a port of this machine, and cuts about one in ``one_in`` replies before it arrives."""

    def __init__(self, port: int, one_in: int, dice: random.Random) -> None:
        self._target, self._one_in, self._dice = port, one_in, dice
        self.cuts = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, socket.create_connection(("127.0.0.1", self._target)) as server:
            threading.Thread(target=_forward, args=(client, server), daemon=True).start()
            with contextlib.suppress(OSError):
                while reply := server.recv(1 << 16):
                    if self._dice.randrange(self._one_in) == 0:
                        self.cuts += 1
                        # Closing alone would not tell the client while the other thread still listens to it.
                        client.shutdown(socket.SHUT_RDWR)
                        return
                    client.sendall(reply)


def _forward(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(1 << 16):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
