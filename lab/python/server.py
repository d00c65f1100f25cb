#!/usr/bin/env python3
"""My chat server.

    python3 server.py [PORT]

It greets whoever comes, and answers every line with `Unknown command`. The rest is for you: the
steps are in docs/lab, the words that clients and servers say in docs/protocol.md.
"""
import socket
import sys
import threading


def parse(line):
    """Command and argument of a line: the text up to the first space, and the rest."""
    # Step 3 trims the argument, and refuses what is no line.
    command, _, argument = line.partition(" ")
    return command, argument


def serve_client(sock):
    """Runs in a thread of its own, one a client."""
    with sock:
        sock.sendall(b"Connect Success\n")
        # Step 3: is what one `recv` returns a line?
        while data := sock.recv(1024):
            command, argument = parse(data.decode().strip())
            sock.sendall(f"Unknown command: {command}\n".encode())


def main():
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 6666
    with socket.create_server(("127.0.0.1", port)) as listener:
        print(f"listening on 127.0.0.1:{listener.getsockname()[1]}", flush=True)
        while True:
            sock, _ = listener.accept()
            threading.Thread(target=serve_client, args=(sock,), daemon=True).start()


if __name__ == "__main__":
    main()
