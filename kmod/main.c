// SPDX-License-Identifier: GPL-2.0-only
/* Birth and death of the module; the exit ladder mirrors the init ladder. */
#include "budget.h"
#include "chardev.h"
#include "sock/graft.h"
#include "door/name.h"
#include "netlink.h"
#include "door/serve.h"
#include "watch.h"

#include <linux/module.h>

static int __init door_module_init(void)
{
	int err;

	door_budget_init();
	err = door_watch_init();
	if (err)
		return err;
	door_serve_init();
	err = door_graft_init();
	if (err)
		goto err_watch;
	err = door_netlink_init();
	if (err)
		goto err_graft;
	err = door_chardev_init();
	if (err)
		goto err_netlink;
	return 0;

err_netlink:
	door_netlink_exit();
err_graft:
	door_graft_exit();
err_watch:
	door_proc_exit();
	door_watch_exit();
	door_budget_exit();
	return err;
}

static void __exit door_module_exit(void)
{
	door_chardev_exit();
	door_netlink_exit();
	door_graft_exit();
	door_name_exit();
	door_proc_exit();
	door_watch_exit();
	door_budget_exit();
}

module_init(door_module_init);
module_exit(door_module_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Doors: synchronous procedure calls and fast local streams");
MODULE_VERSION(DOOR_VERSION);
