/* SPDX-License-Identifier: Apache-2.0 */
/* Two calls of one. Whoever is told that it was done is told so when both are saved (command_ordered). */
#include <errno.h>

#include "app/command/command_handlers.h"
#include "app/node/node.h"
#include "sig/sip/id.h"

void command_call_split(struct command_run *run)
{
	const struct command_value *leg = command_value(run, "leg");
	char application[APPLICATION_NAME_MAX];
	struct shard_order by;
	struct shard_split split = { .leg = leg->given ? (uint8_t)leg->number : 1,
				     .application = application,
				     .by = &by };
	int err;

	if (!command_call_id(run, &split.call) || !command_order_begin(run, &by))
		return;
	(void)bytes_cstr(command_value(run, "application")->text, application, sizeof(application));
	split.to = id_call_derive(id_shard(split.call), bytes_str(run->id));
	err = shard_call_split(node_core(run->node, split.call), &split, clock_instant());
	if (err != -ENOSPC && err != -ENOMEM)
		command_order_end(run, &by, err);
	else if (command_order_refused(run, &by, err))
		command_fail(run, COMMAND_FULL, NULL, "calls");
}
