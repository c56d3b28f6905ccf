# SPDX-License-Identifier: GPL-2.0-only
"""What tools/daemons/python.sh runs: sockets as Python's own modules use them."""
import asyncio
import hashlib
import multiprocessing
import multiprocessing.managers
import os
import socket
import socketserver
import subprocess
import sys
import threading

BLOB = b"0123456789abcdef" * 40000


async def echo(reader, writer):
    while data := await reader.read(70000):
        writer.write(data)
        await writer.drain()
    writer.write_eof()
    writer.close()


async def ask(opened):
    reader, writer = await opened
    writer.write(BLOB)
    writer.write_eof()
    data = await reader.read()
    writer.close()
    return hashlib.md5(data).hexdigest()


async def streams():
    tcp = await asyncio.start_server(echo, "127.0.0.1", 8001)
    unix = await asyncio.start_unix_server(echo, "sock")
    asks = [ask(asyncio.open_connection("127.0.0.1", 8001)) for _ in range(5)]
    asks += [ask(asyncio.open_unix_connection("sock")) for _ in range(5)]
    print("asyncio", set(await asyncio.gather(*asks)))
    tcp.close()
    unix.close()


def square(x):
    return x * x


def processes():
    with multiprocessing.Manager() as manager:
        shared = manager.dict()
        with multiprocessing.Pool(3) as pool:
            shared["squares"] = pool.map(square, range(100))
        print("manager", sum(shared["squares"]))
    here, there = multiprocessing.Pipe()
    child = multiprocessing.Process(target=lambda: there.send(there.recv()[::-1]))
    child.start()
    here.send(BLOB)
    print("pipe", here.recv() == BLOB[::-1])
    child.join()


def descriptors():
    a, b = socket.socketpair()
    socket.send_fds(a, [b"x"], [os.open("/etc/hostname", os.O_RDONLY), a.fileno()])
    a.sendall(b"after")
    data, fds, _, _ = socket.recv_fds(b, 1, 4)
    print("descriptors", data, len(fds), b.recv(5), os.read(fds[0], 1) == open("/etc/hostname", "rb").read(1))
    os.write(fds[1], b"through the other one")
    print(b.recv(100))


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            self.wfile.write(line.upper())


def threads():
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for _ in range(8):
            with socket.create_connection(server.server_address) as c:
                c.sendall(b"some text\n" * 1000)
                c.shutdown(socket.SHUT_WR)
                with c.makefile("rb") as f:
                    assert f.read() == b"SOME TEXT\n" * 1000
        server.shutdown()
    print("threads done")


CHILD = """
import socket
l = socket.socket(fileno=3)
for _ in range(3):
    c, _ = l.accept()
    with c:
        c.sendall(c.recv(100)[::-1])
"""


def handed_down():
    """A listener made here, accepted from by a program that was started with it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        os.set_inheritable(listener.fileno(), True)
        child = subprocess.Popen([sys.executable, "-c", CHILD], close_fds=False,
                                 preexec_fn=lambda: os.dup2(listener.fileno(), 3))
        for _ in range(3):
            with socket.create_connection(listener.getsockname()) as c:
                c.sendall(b"backwards")
                print("child", c.recv(100))
        print("child", child.wait())


asyncio.run(streams())
processes()
descriptors()
threads()
handed_down()
