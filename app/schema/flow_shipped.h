/* SPDX-License-Identifier: Apache-2.0 */
/* Flows that every tenant has: those of deploy/flows, embedded at build time
 * (deploy/flows/embed.py). */
#ifndef APP_SCHEMA_FLOW_SHIPPED_H
#define APP_SCHEMA_FLOW_SHIPPED_H

struct flow_shipped {
	const char *name, *program;
};
extern const struct flow_shipped g_flows_shipped[]; /* the last one has no name */

#endif
