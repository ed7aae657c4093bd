/* SPDX-License-Identifier: Apache-2.0 */
/* Flows that every tenant has without putting them: those of deploy/flows, embedded when the node is built (deploy/flows/embed.py). */
#ifndef APP_SCHEMA_FLOW_SHIPPED_H
#define APP_SCHEMA_FLOW_SHIPPED_H

struct flow_shipped {
	const char *name, *program;
};
extern const struct flow_shipped g_flows_shipped[]; /* the last one has no name */

#endif
