#!/usr/bin/env python3
"""A chat server with a thread that reads and a thread that writes for each client.

    python3 server.py [PORT]

Everything that the clients share stands behind one lock. Nobody writes to a socket while holding
it: a line is put into the outbox of each member, and the writer of each outbox sends it. So a
client that stops reading fills its own outbox, and nobody else waits for it.
"""
import collections
import socket
import sys
import threading
import time

LINE_BYTES = 4096            # the longest line, without its newline
ENDLESS_BYTES = 64 * 1024    # so much without a newline, and the client must go
OUTBOX_BYTES = 1024 * 1024   # how far a client may be behind before it misses lines
REPLY_BYTES = 64 * 1024      # with so much waiting for it, a client's requests are not read on
PATIENCE = 60                # seconds in which a client that leaves must take what it is owed
GOODBYE = 1                  # seconds in which it must close its side then
SPACE = " \t\r\v\f"          # what is trimmed


class Outbox:
    """What one client is owed, and the thread that sends it."""

    def __init__(self, sock):
        self.sock = sock
        self.changed = threading.Condition()
        self.pieces = collections.deque()
        self.size = 0
        self.missed = 0
        self.is_closing = False
        self.is_dead = False
        self.writer = threading.Thread(target=self._write, name="writer", daemon=True)
        self.writer.start()

    def reply(self, text):
        """Adds an answer, which the client never misses. The caller has waited for room."""
        with self.changed:
            self._say_missed()
            self._add(text)

    def tell(self, line):
        """Adds a line of the room. It never waits: a client too far behind misses the line."""
        with self.changed:
            # Once there is a gap, it goes on until all before it is sent.
            if self.missed or self.size > OUTBOX_BYTES:
                self.missed += 1
            else:
                self._add(line)

    def wait_for_room(self):
        """Waits until the client has taken most of its answers."""
        with self.changed:
            self.changed.wait_for(lambda: self.size < REPLY_BYTES or self.is_dead)

    def close(self):
        """Waits until all is sent. Whoever takes nothing for too long loses the rest."""
        with self.changed:
            self.is_closing = True
            self.changed.notify_all()
        self.writer.join(PATIENCE)
        if self.writer.is_alive():
            shut(self.sock, socket.SHUT_RDWR)  # its send fails now
            self.writer.join()

    def _add(self, text):
        if not self.is_dead:
            data = (text + "\n").encode()
            self.pieces.append(data)
            self.size += len(data)
            self.changed.notify_all()

    def _say_missed(self):
        if self.missed:
            missed, self.missed = self.missed, 0
            self._add(f"Missed {missed} lines")

    def _write(self):
        while True:
            with self.changed:
                self.changed.wait_for(lambda: self.pieces or self.is_closing)
                if not self.pieces:
                    return
                data = b"".join(self.pieces)
                self.pieces.clear()
            try:
                self.sock.sendall(data)  # without the lock, for this may wait
            except OSError:
                self._give_up()
                return
            with self.changed:
                self.size -= len(data)  # it counted until it was sent
                if not self.pieces:
                    self._say_missed()
                self.changed.notify_all()

    def _give_up(self):
        """The client is gone: nothing more is kept for it. Its reader notices, too."""
        with self.changed:
            self.is_dead = True
            self.pieces.clear()
            self.changed.notify_all()


class Chat:
    """What all threads share: the names that are taken, and who is in the room."""

    def __init__(self):
        self.lock = threading.Lock()
        self.taken = set()  # in lower case
        self.room = {}      # outboxes by name, in order of entry

    def tell(self, line):
        """Tells everyone in the room. The caller holds the lock, so there is one order."""
        for outbox in self.room.values():
            outbox.tell(line)

    def login(self, name, outbox):
        """Gives the refusal, or None when the client is in."""
        with self.lock:
            why = refusal(name)
            if why:
                return why
            if name.lower() in self.taken:
                return "UserName Exist"
            self.taken.add(name.lower())
            outbox.reply("Login Success")
            self.tell(f"{name} has entered the room.")
            self.room[name] = outbox
            return None

    def say(self, name, text):
        with self.lock:
            self.tell(f"{name}: {text}")

    def look(self, outbox):
        """Answers under the lock: after every line said before, before every line said after."""
        with self.lock:
            outbox.reply("\n".join(["Online Users:", *self.room]))

    def leave(self, name):
        """The room is told; the name stays taken until `free`."""
        with self.lock:
            del self.room[name]
            self.tell(f"{name} has left the room.")

    def free(self, name):
        with self.lock:
            self.taken.discard(name.lower())


class Refused(Exception):
    """A line that is none; the text is the reply."""


def parse(line):
    """Command and argument of a line of bytes, or None for a blank one."""
    if line.endswith(b"\n"):
        line = line[:-1]
    if line.endswith(b"\r"):
        line = line[:-1]
    if len(line) > LINE_BYTES:
        raise Refused(f"Line Too Long: {LINE_BYTES}")
    try:
        text = line.decode()
    except UnicodeDecodeError:
        raise Refused("Invalid UTF-8") from None
    if not text.strip(SPACE):
        return None
    command, _, argument = text.partition(" ")
    argument = argument.strip(SPACE)
    if any(is_control(character) for character in command + argument):
        raise Refused("Control Character")
    return command, argument


def is_control(character):
    code = ord(character)
    return (code < 32 and character != "\t") or 127 <= code < 160


def refusal(name):
    """Why this cannot be a name, as a reply; None when it can."""
    if not name:
        return "UserName Empty"
    if len(name) > 32:
        return "UserName Invalid: longer than 32 characters"
    if not all(character.isalnum() or character in "_.-" for character in name):
        return "UserName Invalid: only letters, digits, _ . and - are allowed"
    if not name[0].isalnum():
        return "UserName Invalid: it must start with a letter or a digit"
    return None


def answer(chat, outbox, file):
    """Answers one client's lines until they end. Gives its name, or None."""
    name = None
    try:
        outbox.reply("Connect Success")
        # What the end of the input cuts off is a line, too; after a reset there is an error.
        while line := file.readline(ENDLESS_BYTES):
            outbox.wait_for_room()
            try:
                request = parse(line)
            except Refused as refused:
                outbox.reply(str(refused))
                request = None
            if request:
                command, argument = request
                if command == "logout":
                    break
                if name is None and command == "login":
                    why = chat.login(argument, outbox)
                    if why:
                        outbox.reply(why)
                    else:
                        name = argument
                elif name is not None and command == "say":
                    chat.say(name, argument)
                elif name is not None and command == "look":
                    chat.look(outbox)
                else:
                    outbox.reply(f"Unknown command: {command}")
            if not line.endswith(b"\n"):
                break
    except OSError:
        pass  # the client is gone, and there is nobody to tell
    return name


def serve_client(chat, sock):
    with sock, sock.makefile("rb") as file:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        outbox = Outbox(sock)
        name = answer(chat, outbox, file)
        if name is not None:
            chat.leave(name)
        outbox.close()
        if name is not None:
            chat.free(name)
        shut(sock, socket.SHUT_WR)
        drain(sock)


def drain(sock):
    """To close with unread input resets the connection, which destroys what is under way."""
    end = time.monotonic() + GOODBYE
    try:
        while (left := end - time.monotonic()) > 0:
            sock.settimeout(left)
            if not sock.recv(65536):
                return
    except OSError:
        pass


def shut(sock, how):
    try:
        sock.shutdown(how)
    except OSError:
        pass  # it is shut already


def main():
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 6666
    chat = Chat()
    with socket.create_server(("127.0.0.1", port), backlog=128) as listener:
        host, port = listener.getsockname()
        print(f"listening on {host}:{port}", flush=True)
        while True:
            try:
                sock, _ = listener.accept()
                thread = threading.Thread(
                    target=serve_client, args=(chat, sock), name="client", daemon=True)
                thread.start()
            except (OSError, RuntimeError) as error:
                # Too many files or threads. That passes when somebody leaves.
                print(f"cannot take a client: {error}", file=sys.stderr)
                time.sleep(0.1)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
