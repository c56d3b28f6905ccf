/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _DOOR_WATCH_H
#define _DOOR_WATCH_H

#include <linux/task_work.h>
#include <linux/workqueue.h>

struct task_struct;

/**
 * struct door_watch - something to be told when a thread ends
 * @work: our entry in the thread's list of task works
 * @rearm: puts @work back after the thread has run it while alive
 * @task: the thread, referenced
 * @gone: called once, in process context; may free the watch
 * @process: it is about the end of the process: @task is any of its threads that
 *	lives
 * @retired: @gone is wanted at the next opportunity, alive or not (@task)
 */
struct door_watch {
	struct callback_head work;
	struct delayed_work rearm;
	struct task_struct *task;
	void (*gone)(struct door_watch *w);
	bool process;
	bool retired;
};

int door_watch_start(struct door_watch *w,
		     void (*gone)(struct door_watch *w));
int door_watch_start_process(struct door_watch *w,
			     void (*gone)(struct door_watch *w));
void door_watch_retire(struct door_watch *w);

int door_watch_init(void);
void door_watch_exit(void);

#endif /* _DOOR_WATCH_H */
