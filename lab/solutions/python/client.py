#!/usr/bin/env python3
"""A chat client.

    python3 client.py [PORT] [HOST]

It asks for a name until the server takes one. From then on, what is typed is sent as it is:
`say TEXT`, `look`, `logout`. What comes is printed, a line at a time.

The main thread receives, so that the program ends when the server closes the connection. A second
thread types.
"""
import os
import queue
import socket
import sys
import threading


def send(sock, line):
    # In one call, so that a line does not leave in two packets.
    sock.sendall((line + "\n").encode())


def typed(prompt):
    """The next line that is typed, without its newline; None at the end."""
    if sys.stdin.isatty():
        print(prompt, end="", file=sys.stderr, flush=True)
    line = sys.stdin.readline()
    return line.rstrip("\r\n") if line else None


def type_lines(sock, replies):
    """Logs in, then sends what is typed, until the input ends."""
    try:
        while (name := typed("name: ")) is not None:
            # Whoever types the whole request is right, too.
            send(sock, "login " + name.removeprefix("login "))
            if replies.get() == "Login Success":
                break
        while name is not None and (line := typed("")) is not None:
            send(sock, line)
        # The server answers all it was asked, then closes. The receiver sees that.
        sock.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # the server has closed the connection, which the receiver sees


def clean(line):
    """A line that cannot do anything to the terminal, whatever somebody has put into it."""
    return "".join(c if c.isprintable() or c == "\t" else "\ufffd" for c in line)


def receive(sock, replies):
    """Prints each line, until the server closes the connection."""
    # The file joins what packets have cut, also in the middle of a character.
    with sock.makefile("r", encoding="utf-8", errors="replace", newline="\n") as lines:
        is_in = False
        for line in lines:
            line = line.rstrip("\r\n")
            print(clean(line), flush=True)
            if not is_in and line != "Connect Success":
                is_in = line == "Login Success"
                replies.put(line)


def main():
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 6666
    host = sys.argv[2] if len(sys.argv) > 2 else "127.0.0.1"
    try:
        sock = socket.create_connection((host, port))
    except OSError as error:
        sys.exit(f"cannot connect to {host}:{port}: {error}")
    replies = queue.Queue()
    threading.Thread(target=type_lines, args=(sock, replies), name="typing", daemon=True).start()
    try:
        receive(sock, replies)
    except OSError as error:
        print(f"the connection was lost: {error}", file=sys.stderr, flush=True)
        os._exit(1)
    # The other thread may wait for the keyboard for ever, and a usual exit would wait for it.
    os._exit(0)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
