/* SPDX-License-Identifier: Apache-2.0 */
/* tandemctl flow: programs of flows without a node (docs/flows.md). */
#include <stdio.h>
#include <string.h>

#include "app/ctl/ctl.h"
#include "sig/flow/program.h"

static int flow_schema_print(void)
{
	json_t *schema = flow_schema();
	int bad = schema ? json_dumpf(schema, stdout, JSON_INDENT(2)) : -1;

	(void)putchar('\n');
	json_decref(schema);
	return bad ? CTL_REFUSED : CTL_DONE;
}

int ctl_flow(int argc, char **argv)
{
	if (argc == 1 && !strcmp(argv[0], "schema"))
		return flow_schema_print();
	ctl_complain("see tandemctl help flow");
	return CTL_USAGE;
}
