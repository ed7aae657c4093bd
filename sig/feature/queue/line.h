/* SPDX-License-Identifier: Apache-2.0 */
/* What nodes tell each other of queues, as octets (line.proto). Pure. Slices live as long as what
 * was read. */
#ifndef SIG_FEATURE_QUEUE_LINE_H
#define SIG_FEATURE_QUEUE_LINE_H

#include "sig/pbx/queue/queues.h"

enum { LINE_MESSAGE_MAX = 256 }; /* octets of one of them */

/* Append one. tenant: by name, as nodes have numbers of their own. */
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

/* 0, or -EBADMSG with nothing told to anybody. */
int line_read(struct bytes octets, const struct line_readers *readers) NODISCARD;

#endif
