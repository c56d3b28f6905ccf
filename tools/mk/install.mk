# SPDX-License-Identifier: GPL-2.0-only
# Installation. What dkms needs is listed by name: nothing else reaches /usr/src.
DKMS_SRC   := $(DESTDIR)/usr/src/door-$(VERSION)
DKMS_FILES := Kbuild Makefile dkms.conf $(wildcard tools/mk/*.mk) \
	$(wildcard kmod/*.[ch] kmod/*/*.[ch] include/uapi/linux/*.h)
bindir     := $(DESTDIR)$(PREFIX)/bin
libdir     := $(DESTDIR)$(PREFIX)/lib
includedir := $(DESTDIR)$(PREFIX)/include

install: lib tools
	install -d $(bindir) $(libdir)/pkgconfig $(includedir)/libdoor/linux
	for f in $(wildcard include/*.h); do install -m 644 $$f $(includedir)/ || exit 1; done
	install -D -m 644 include/sys/door.h $(includedir)/sys/door.h
	install -m 644 include/uapi/linux/*.h $(includedir)/libdoor/linux/
	for f in $(filter %.so.1 %preload.so,$(LIB_OUT)); do install -m 755 $$f $(libdir)/ || exit 1; done
	for f in $(filter %.a,$(LIB_OUT)); do install -m 644 $$f $(libdir)/ || exit 1; done
	ln -sfn libdoor.so.1 $(libdir)/libdoor.so
	install -m 755 build/bin/door $(bindir)/
	for f in $(wildcard lib/*.pc.in); do \
		sed 's|@PREFIX@|$(PREFIX)|g; s|@VERSION@|$(VERSION)|g' $$f \
			> $(libdir)/pkgconfig/$$(basename $$f .in) || exit 1; done
	for n in 1 3 4 7 8; do for f in Documentation/man/*.$$n; do [ ! -e $$f ] || \
		install -D -m 644 $$f $(DESTDIR)$(PREFIX)/share/man/man$$n/$${f##*/} || exit 1; done; done
	[ -n "$(DESTDIR)" ] || [ "$$(id -u)" != 0 ] || PATH=$$PATH:/sbin:/usr/sbin ldconfig

uninstall:
	$(RM) $(bindir)/door $(libdir)/libdoor.so $(libdir)/libdoor.so.1 \
		$(libdir)/libdoor.a $(libdir)/libdoor-preload.so $(libdir)/pkgconfig/libdoor.pc \
		$(patsubst include/%,$(includedir)/%,$(wildcard include/*.h include/sys/*.h)) \
		$(foreach n,1 3 4 7 8,$(patsubst Documentation/man/%,$(DESTDIR)$(PREFIX)/share/man/man$n/%, \
			$(wildcard Documentation/man/*.$n)))
	$(RM) -r $(includedir)/libdoor

dkms-install:
	for f in $(DKMS_FILES); do install -D -m 644 $$f $(DKMS_SRC)/$$f || exit 1; done
	[ -n "$(DESTDIR)" ] || dkms install door/$(VERSION) $(if $(KVER),-k $(KVER))

dkms-remove:
	dkms remove door/$(VERSION) --all
	$(RM) -r $(DKMS_SRC)

.PHONY: install uninstall dkms-install dkms-remove
