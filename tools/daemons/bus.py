# SPDX-License-Identifier: GPL-2.0-only
"""A service on D-Bus for tools/daemons/dbus.sh, and ("ask") a client that passes a pipe."""
import os
import sys

import dbus
import dbus.mainloop.glib
import dbus.service
from gi.repository import GLib

NAME = "org.example.Door"


class Service(dbus.service.Object):
    @dbus.service.method(NAME, in_signature="s", out_signature="s")
    def Upper(self, text):
        return text.upper()

    @dbus.service.method(NAME, in_signature="h", out_signature="h")
    def Through(self, pipe):
        """Writes to the caller's pipe and answers with another one."""
        fd = pipe.take()
        os.write(fd, b"to your pipe")
        os.close(fd)
        r, w = os.pipe()
        os.write(w, b"from mine")
        os.close(w)
        return dbus.types.UnixFd(r)

    @dbus.service.method(NAME)
    def Quit(self):
        loop.quit()


dbus.mainloop.glib.DBusGMainLoop(set_as_default=True)
bus = dbus.SessionBus()
if sys.argv[1:] == ["ask"]:
    service = dbus.Interface(bus.get_object(NAME, "/"), NAME)
    r, w = os.pipe()
    answer = service.Through(dbus.types.UnixFd(w)).take()
    print(os.read(r, 100), os.read(answer, 100))
    service.Quit()
else:
    loop = GLib.MainLoop()
    name = dbus.service.BusName(NAME, bus)
    Service(name, "/")
    loop.run()
