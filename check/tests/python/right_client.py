"""A chat client in Python's standard library, as a good student writes it."""
import os
import socket
import sys
import threading

connection = socket.create_connection((sys.argv[1], int(sys.argv[2])))
lines = connection.makefile("r", encoding="utf-8", newline="\n")


def send(line):
    connection.sendall((line + "\n").encode())


def show():
    for line in lines:
        print(line, end="", flush=True)
    os._exit(0)


print(lines.readline(), end="", flush=True)
while True:
    send("login " + input())
    answer = lines.readline()
    print(answer, end="", flush=True)
    if answer == "Login Success\n":
        break
threading.Thread(target=show, daemon=True).start()
for typed in sys.stdin:
    send("say " + typed.rstrip("\n"))
