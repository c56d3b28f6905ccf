// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Server half: a thread's life in door_return(). Each invocation starts on the
 * same stack frame, the one of the thread's first; door_return() in a procedure
 * jumps back there, so the stack does not grow, and what lies between is gone.
 */
#include "server.h"
#include "cancel.h"
#include "private.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdatomic.h>
#include <stdbool.h>

#define exported __attribute__((visibility("default")))

/* Why a thread comes back to its base. */
enum { NEXT = 1, END };

/* One per thread; initial-exec, because it is looked up in every call. */
struct server {
	jmp_buf base;
	bool based;
	door_id_t bound; /* or 0 */
	bool orphan;
	void (*taken)(void);
	struct door_ioc_return ioc;
};

static __thread struct server self __attribute__((tls_model("initial-exec")));
/* Of doors whose threads the process's function makes, and of the others. */
static server_more_t *_Atomic more_threads[2];

/*
 * The parent's binding means nothing here until it is given up, and whoever
 * waited for the thread waited for the parent's.
 */
static void in_child(void)
{
	self.orphan = self.bound != 0;
	self.taken = NULL;
}

AT_FORK(in_child);

void server_when_depleted(uint32_t attributes, server_more_t *more)
{
	atomic_store(&more_threads[!!(attributes & DOOR_PRIVCREATE)], more);
}

static void make_more(const struct door_ioc_return *ioc)
{
	atomic_load (&more_threads[!!(ioc->attributes & DOOR_PRIVCREATE)])(ioc);
}

void server_when_taken(void (*taken)(void))
{
	self.taken = taken;
}

void server_taken(void)
{
	void (*taken)(void) = self.taken;

	self.taken = NULL;
	if (__builtin_expect(taken != NULL, 0))
		taken();
}

/* The caller is told when the thread is gone, but this is sooner. */
static void leave(void)
{
	control_ask(DOOR_IOC_LEAVE, NULL);
	pthread_exit(NULL);
}

__attribute__((noreturn)) static void run(void)
{
	struct door_ioc_return *ioc;
	door_server_procedure_t *procedure;

	if (_setjmp(self.base) == END)
		pthread_exit(NULL);
	ioc = &self.ioc;
	server_taken();
	if (ioc->state & DOOR_RETURN_DEPLETED)
		make_more(ioc);
	/* Only the procedure is cancelled, not whoever makes threads. */
	cancel_begin(ioc->call);
	procedure = (door_server_procedure_t *)(uintptr_t)ioc->procedure;
	procedure((void *)(uintptr_t)ioc->cookie,
		  ioc->state & DOOR_RETURN_UNREF
			  ? DOOR_UNREF_DATA
			  : (char *)(uintptr_t)ioc->arg_ptr,
		  ioc->arg_size, (door_desc_t *)(uintptr_t)ioc->arg_desc_ptr,
		  ioc->arg_desc_num);
	/* It should have called door_return(). */
	leave();
	__builtin_unreachable();
}

/* Answers and waits. A signal while waiting is none of the program's business.
 */
static int next_invocation(struct door_ioc_return *ioc)
{
	int ret;

	while ((ret = control_ask(DOOR_IOC_RETURN, ioc)) == -EINTR) {
		ioc->data_size = 0;
		ioc->desc_num = 0;
		ioc->call = 0;
	}
	return ret;
}

/* What the kernel does with descriptors for a caller who has gone. */
static void release(const door_desc_t *desc, uint_t n)
{
	const door_attr_t both = DOOR_DESCRIPTOR | DOOR_RELEASE;
	door_desc_t d;

	if (n > DOOR_DESC_MAX)
		return;
	while (n-- && sys_copy_in(&d, desc++, sizeof(d)) == 0)
		if ((d.d_attributes & both) == both)
			close(d.d_data.d_desc.d_descriptor);
}

/* Nobody can call the door that the thread is for. */
__attribute__((noreturn)) static void end(void)
{
	private_gone(self.bound);
	if (self.based)
		_longjmp(self.base, END);
	pthread_exit(NULL);
}

exported int door_return(char *data_ptr, size_t data_size,
			 door_desc_t *desc_ptr, uint_t desc_num)
{
	struct door_ioc_return *ioc = &self.ioc;
	int ret;

	if (self.orphan)
		return result(-EINVAL);
	ret = cancel_ready();
	if (ret < 0)
		return result(ret);
	/* A cancellation point if the caller has given up. */
	if (ioc->call && cancel_end(ioc->call)) {
		release(desc_ptr, desc_num);
		make_more(ioc);
		cancel_now();
	}
	ioc->data_ptr = (uintptr_t)data_ptr;
	ioc->data_size = data_size;
	ioc->desc_ptr = (uintptr_t)desc_ptr;
	ioc->desc_num = desc_num;
	ret = next_invocation(ioc);
	if (ret == -EIDRM)
		end();
	if (ret < 0) {
		if (!self.based)
			cancel_unready();
		/* It goes on with the invocation, if it has one. */
		if (ioc->call)
			cancel_begin(ioc->call);
		return result(ret);
	}
	if (self.based)
		_longjmp(self.base, NEXT);
	self.based = true;
	run();
}

uint64_t server_call(void)
{
	return self.ioc.call;
}

int server_bind(door_id_t id)
{
	struct door_ioc_bind ioc = {.id = id};
	int ret = control_ask(DOOR_IOC_BIND, &ioc);

	if (ret == 0) {
		self.bound = id;
		self.orphan = false;
	}
	return ret;
}

exported int door_bind(int d)
{
	struct door_ioc_info ioc;
	int ret = sys_info(d, &ioc);

	if (ret < 0)
		return result(ret);
	if ((ioc.attributes & (DOOR_PRIVATE | DOOR_LOCAL)) !=
	    (DOOR_PRIVATE | DOOR_LOCAL))
		return result(-EINVAL);
	return result(server_bind(ioc.id));
}

exported int door_unbind(void)
{
	int ret;

	if (self.orphan) {
		self.orphan = false;
		self.bound = 0;
		return 0;
	}
	if (!self.bound)
		return result(-EBADF);
	ret = control_ask(DOOR_IOC_UNBIND, NULL);
	if (ret == 0)
		self.bound = 0;
	return result(ret);
}
