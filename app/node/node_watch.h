/* SPDX-License-Identifier: Apache-2.0 */
/* Traces, their export, and the newest SIP messages. Control thread. */
#ifndef APP_NODE_NODE_WATCH_H
#define APP_NODE_NODE_WATCH_H

#include "app/watch/recent.h"
#include "base/bytes.h"

struct node;
struct sip_hop;
struct watch;

struct node_watch {
	struct recent recent; /* the newest SIP messages */
	uint32_t recent_kib;  /* as it was made */
	struct watch *watch;  /* NULL: not open yet, or not any more */
};

/* Traces and export; the exit status. */
int node_watch_open(struct node *n);
void node_watch_reload(struct node *n);
void node_watch_close(struct node *n);
/* What a trace of that call begins with. but_newest: all but the message that passes now. */
void node_trace_past(struct node *n, uint64_t call, bool decrypted, bool but_newest);
/* effects_passed_fn: each SIP message after it came, or before it goes. */
void node_on_passed(const struct sip_hop *hop, bool sent, uint64_t call, struct bytes message,
		    const char *why, void *arg);

#endif
