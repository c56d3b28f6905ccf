/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _DOOR_ANSWER_H
#define _DOOR_ANSWER_H

#include "call.h"

struct door_budget;

int door_answer_admits(struct door_thread *th, const struct door_cargo *res);
bool door_answer_give(struct door_thread *th, struct door_cargo *res,
		      struct task_struct **client);
void door_answer_fail(struct door_thread *th, int err);
struct door_budget *door_answer_payer(struct door_thread *th);
bool door_answer_lent(struct door_thread *th, struct door_cargo *rest,
		      bool *away);
bool door_answer_take_back(struct door_thread *th, struct door_cargo *rest,
			   int err);
void door_answer_refuse(struct door *door);

#endif /* _DOOR_ANSWER_H */
