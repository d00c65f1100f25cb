"""A chat server in Python's standard library, as a good student writes it: levels 0 to 5.

A thread a client reads, and another one sends what waits in that client's queue, so that whoever
does not read keeps nobody waiting. One lock holds the room.
"""
import queue
import re
import socket
import sys
import threading

LINE, UNTERMINATED, BEHIND = 4096, 65536, 2000
BLANK = b" \t\r\x0b\x0c"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}\Z")

room = {}  # name -> Client, in order of entry
lock = threading.Lock()


class Client:
    def __init__(self, connection):
        self.connection = connection
        self.name = None
        self.waiting = queue.Queue(BEHIND)
        self.sender = threading.Thread(target=self.send, daemon=True)
        self.sender.start()

    def tell(self, line):
        try:
            self.waiting.put_nowait(line)
        except queue.Full:
            pass  # Who is so far behind misses this line.

    def send(self):
        try:
            while (line := self.waiting.get()) is not None:
                self.connection.sendall(line.encode() + b"\n")
        except OSError:
            pass

    def run(self):
        self.tell("Connect Success")
        try:
            for line in self.lines():
                if line == "":
                    continue
                if not self.answer(line):
                    break
        except OSError:
            pass
        with lock:
            if self.name:
                del room[self.name]
                for other in room.values():
                    other.tell(f"{self.name} has left the room.")
        try:
            self.waiting.put(None, timeout=1)
            self.sender.join(5)
            self.connection.shutdown(socket.SHUT_WR)
            self.connection.settimeout(0.2)
            while self.connection.recv(65536):
                pass
        except (OSError, queue.Full):
            pass
        self.connection.close()

    def lines(self):
        kept, is_long, length = b"", False, 0
        while True:
            data = self.connection.recv(65536)
            if not data:
                break
            while data:
                line, newline, data = data.partition(b"\n")
                length += len(line)
                kept = (kept + line)[: LINE + 2]
                if length >= UNTERMINATED:
                    self.tell(f"Line Too Long: {LINE}")
                    return
                if newline:
                    yield self.decoded(kept, length)
                    kept, length = b"", 0
        if length:
            yield self.decoded(kept, length)

    def decoded(self, line, length):
        if line.endswith(b"\r") and length == len(line):
            line, length = line[:-1], length - 1
        if length > LINE:
            self.tell(f"Line Too Long: {LINE}")
            return ""
        if not line.strip(BLANK):
            return ""
        try:
            text = line.decode()
        except UnicodeDecodeError:
            self.tell("Invalid UTF-8")
            return ""
        command, space, argument = text.partition(" ")
        argument = argument.encode().strip(BLANK).decode()
        if any(ord(c) < 32 and c != "\t" or 127 <= ord(c) < 160 for c in command + argument):
            self.tell("Control Character")
            return ""
        return command + space + argument

    def answer(self, line):
        command, _, argument = line.partition(" ")
        if command == "logout":
            return False
        if command == "login" and not self.name:
            self.login(argument)
        elif command == "say" and self.name:
            with lock:
                for client in room.values():
                    client.tell(f"{self.name}: {argument}")
        elif command == "look" and self.name:
            with lock:
                self.tell("Online Users:\n" + "\n".join(room))
        else:
            self.tell(f"Unknown command: {command}")
        return True

    def login(self, name):
        with lock:
            if not name:
                self.tell("UserName Empty")
            elif name in room:
                self.tell("UserName Exist")
            elif not NAME.match(name):
                self.tell("UserName Invalid: letters and digits, please")
            else:
                for other in room.values():
                    other.tell(f"{name} has entered the room.")
                self.name, room[name] = name, self
                self.tell("Login Success")


server = socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=128)
while True:
    threading.Thread(target=Client(server.accept()[0]).run, daemon=True).start()
