/* SPDX-License-Identifier: Apache-2.0 */
/* What nodes tell each other of queues, as octets (line.proto). Pure, but for line_wake. Slices
 * that readers get live as long as the octets that were read. */
#ifndef SIG_FEATURE_QUEUE_LINE_H
#define SIG_FEATURE_QUEUE_LINE_H

#include "sig/pbx/queue/queues.h"

enum { LINE_MESSAGE_MAX = 256 }; /* octets of one of them */

/* Each appends one message. tenant: its name, because each node numbers tenants by itself. */
void line_add_caller(struct writer *w, const char *tenant, const struct queue_caller *c, bool gone);
void line_add_agent(struct writer *w, const char *tenant, const char *number,
		    const struct queue_agent_word *word);

struct line_readers {
	/* c: without tenant and process. */
	void (*caller)(void *arg, struct bytes tenant, struct queue_caller *c, bool gone);
	void (*agent)(void *arg, struct bytes tenant, struct bytes number,
		      const struct queue_agent_word *word);
	void *arg;
};

/* Returns 0; or -EBADMSG, and then no reader was called. */
int line_read(struct bytes octets, const struct line_readers *readers) NODISCARD;

struct shard_shared_tables;
/* Calls of this node that wait in the queue look at it anew. Control thread. */
void line_wake(const struct shard_shared_tables *tables, const struct queue *q);

#endif
