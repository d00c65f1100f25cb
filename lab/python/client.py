#!/usr/bin/env python3
"""My chat client.

    python3 client.py [PORT] [HOST]

It connects, and shows what came first. The rest is for you: the steps are in docs/lab, the words
that clients and servers say in docs/protocol.md.
"""
import socket
import sys


def main():
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 6666
    host = sys.argv[2] if len(sys.argv) > 2 else "127.0.0.1"
    with socket.create_connection((host, port)) as sock:
        print(sock.recv(1024).decode())
        # Step 1: receive in a thread; log in; send what is typed; end when the server closes.


if __name__ == "__main__":
    main()
