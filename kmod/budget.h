/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _DOOR_BUDGET_H
#define _DOOR_BUDGET_H

#include <linux/door_netlink.h>
#include <linux/types.h>

struct cred;
struct door_budget;

/* A kind's index is its netlink attribute less one. */
#define DOOR_HELD(name) (DOOR_NL_A_HELD_##name - 1)

struct door_budget *door_budget_get(void);
struct door_budget *door_budget_of(const struct cred *cred);
void door_budget_hold(struct door_budget *b);
void door_budget_put(struct door_budget *b);

bool __must_check __door_charge(struct door_budget *b, int kind, size_t n);
void __door_uncharge(struct door_budget *b, int kind, size_t n);

struct door_budget *__door_pay(int kind, size_t n);
void __door_repay(struct door_budget *b, int kind, size_t n);

#define door_pay(name, n) __door_pay(DOOR_HELD(name), n)
#define door_repay(b, name, n) __door_repay(b, DOOR_HELD(name), n)
#define door_charge(b, name, n) __door_charge(b, DOOR_HELD(name), n)
#define door_uncharge(b, name, n) __door_uncharge(b, DOOR_HELD(name), n)

void door_budget_held(u64 held[DOOR_NL_A_HELD_MAX]);

void door_budget_init(void);
void door_budget_exit(void);

#endif /* _DOOR_BUDGET_H */
