// SPDX-License-Identifier: GPL-2.0-only
/* Names in libdoor, with real files and a kernel that says what the test wants.
 */
// LINK: lib/name.c lib/door.c lib/control.c
// WRAP: ioctl,open
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <door.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <stropts.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <linux/door.h>

#define DOOR 77

static char path[] = "/tmp/test_name.XXXXXX";
static int attach_err, detach_err, info_err, control_err;
static bool detach_lost;   /* /dev/door turns out to be another's */
static int lost_fd;	   /* that one */
static int control_opened; /* so often it was opened */
static int last_flags;	   /* of what was opened otherwise */
static int last_fd;	   /* what the kernel was told is the file */
static int open_files;

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_ioctl(int fd, unsigned long command, ...);

int __wrap_open(const char *p, int flags, ...)
{
	if (p && !strcmp(p, "/dev/door")) {
		control_opened++;
		errno = control_err;
		return control_err ? -1 : __real_open("/dev/null", flags);
	}
	last_flags = flags;
	return __real_open(p, flags, 0600);
}

static int fail_with(int err)
{
	errno = err;
	return err ? -1 : 0;
}

int __wrap_ioctl(int fd, unsigned long command, ...)
{
	const struct door_ioc_name *name;
	va_list ap;

	va_start(ap, command);
	name = va_arg(ap, void *);
	va_end(ap);
	if (command == DOOR_IOC_CAPS)
		return fail_with(fd == lost_fd ? ENOTTY : 0);
	if (command == DOOR_IOC_BIND)
		return fail_with(EINVAL);
	if (command == DOOR_IOC_INFO)
		return fail_with(info_err);
	assert_int_equal(0, name->flags);
	/* The file, and no more than that. */
	assert_true(fcntl(name->fd, F_GETFL) & O_PATH);
	assert_true(fcntl(name->fd, F_GETFD) & FD_CLOEXEC);
	last_fd = name->fd;
	if (command == DOOR_IOC_ATTACH) {
		assert_int_equal(DOOR, fd);
		return fail_with(attach_err);
	}
	assert_int_equal(DOOR_IOC_DETACH, command);
	if (detach_lost) {
		detach_lost = false;
		lost_fd = fd;
		return fail_with(ENOTTY);
	}
	lost_fd = -1;
	return fail_with(detach_err);
}

static int count_files(void)
{
	int n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static int reset(void **state)
{
	(void)state;
	attach_err = detach_err = info_err = control_err = 0;
	control_opened = last_flags = 0;
	detach_lost = false;
	last_fd = lost_fd = -1;
	open_files = count_files();
	return 0;
}

/* Nothing but /dev/door may stay open. */
static int nothing_left(void **state)
{
	(void)state;
	return count_files() - open_files > control_opened;
}

static void test_attach_passes_errors(void **state)
{
	static const int errors[] = {EBADF,  EPERM,  EACCES, EROFS,  EBUSY,
				     EINVAL, EMLINK, ENOMEM, ETXTBSY};

	(void)state;
	assert_int_equal(0, fattach(DOOR, path));
	assert_int_equal(-1, fcntl(last_fd, F_GETFD));
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		attach_err = errors[i];
		assert_int_equal(-1, fattach(DOOR, path));
		assert_int_equal(errors[i], errno);
	}
}

static void test_attach_to_no_door(void **state)
{
	(void)state;
	attach_err = ENOTTY;
	assert_int_equal(-1, fattach(DOOR, path));
	assert_int_equal(EINVAL, errno);
}

static void test_no_path(void **state)
{
	static const char *const paths[] = {NULL, "", "/nowhere/at all"};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(-1, fattach(DOOR, paths[i]));
		assert_int_equal(ENOENT, errno);
		assert_int_equal(-1, fdetach(paths[i]));
		assert_int_equal(ENOENT, errno);
		assert_int_equal(-1, door_open(paths[i], O_RDONLY));
		assert_int_equal(ENOENT, errno);
	}
	assert_int_equal(-1, last_fd);
}

static void test_detach_passes_errors(void **state)
{
	static const int errors[] = {EPERM, EINVAL};

	(void)state;
	assert_int_equal(0, fdetach(path));
	for (size_t i = 0; i < 2; i++) {
		detach_err = errors[i];
		assert_int_equal(-1, fdetach(path));
		assert_int_equal(errors[i], errno);
	}
	/* EPERM is about the file here, not about /dev/door. */
	assert_true(control_opened <= 1);
}

static void test_detach_finds_its_device_lost(void **state)
{
	(void)state;
	detach_lost = true;
	assert_int_equal(0, fdetach(path));
	assert_false(detach_lost);
	assert_true(control_opened >= 1);
}

static void test_detach_without_module(void **state)
{
	(void)state;
	/* Forget the one that is open. */
	detach_lost = true;
	control_err = ENOENT;
	detach_err = ENOTTY;
	assert_int_equal(-1, fdetach(path));
	assert_int_equal(EINVAL, errno);
	/* There is one, but not here: the name itself will do. */
	detach_err = 0;
	assert_int_equal(0, fdetach(path));
	assert_int_equal(O_ACCMODE, last_flags & O_ACCMODE);
	assert_true(last_flags & O_CLOEXEC);
	detach_err = EPERM;
	assert_int_equal(-1, fdetach(path));
	assert_int_equal(EPERM, errno);
	detach_err = 0;
	assert_int_equal(-1, fdetach("/dev/null"));
	assert_int_equal(EINVAL, errno);
}

static void test_open_door(void **state)
{
	int fd;

	(void)state;
	fd = door_open(path, O_RDWR | O_CLOEXEC | O_CREAT | O_EXCL | O_TRUNC);
	assert_true(fd >= 0);
	assert_true(last_flags & O_CLOEXEC);
	assert_int_equal(O_RDWR, last_flags & O_ACCMODE);
	assert_false(last_flags & (O_CREAT | O_EXCL | O_TRUNC));
	close(fd);
}

static void test_open_plain_file(void **state)
{
	(void)state;
	info_err = ENOTTY;
	assert_int_equal(-1, door_open(path, O_RDWR));
	assert_int_equal(ENXIO, errno);
}

static void test_open_leaves_others_alone(void **state)
{
	(void)state;
	assert_int_equal(-1, door_open("/tmp", O_RDONLY));
	assert_int_equal(ENXIO, errno);
	assert_int_equal(-1, door_open("/dev/null", O_RDONLY));
	assert_int_equal(ENXIO, errno);
	assert_true(last_flags & O_PATH);
}

static void test_isastream(void **state)
{
	(void)state;
	assert_int_equal(0, isastream(0));
	assert_int_equal(-1, isastream(-1));
	assert_int_equal(EBADF, errno);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, reset, nothing_left)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_attach_passes_errors),
		TEST(test_attach_to_no_door),
		TEST(test_no_path),
		TEST(test_detach_passes_errors),
		TEST(test_detach_finds_its_device_lost),
		TEST(test_detach_without_module),
		TEST(test_open_door),
		TEST(test_open_plain_file),
		TEST(test_open_leaves_others_alone),
		TEST(test_isastream),
	};
	int fd = mkstemp(path), ret;

	if (fd < 0)
		return 1;
	close(fd);
	ret = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	return ret;
}
