/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process of ours beside the node, for work that must never delay calls: a program in the folder
 * of tandemd, with lines of JSON over a socket pair. It ends with the node, and is restarted when
 * it dies. Control thread.
 */
#ifndef APP_NODE_NODE_PROCESS_H
#define APP_NODE_NODE_PROCESS_H

#include <jansson.h>
#include <sys/types.h>

#include "base/bytes.h"

struct node;

enum { NODE_PROCESS_LINE_MAX = 8 << 20 };

struct node_process_kind {
	const char *program;
	const char *role;    /* its argument; NULL: none */
	const char *area;    /* of the log */
	const char *missing; /* said once, where it cannot be started */
	const char *ended;   /* said when it has died */
	bool hands;          /* it is handed descriptors, too */
	/* It is restarted so long after its death; longer, the more often it dies. */
	uint64_t again_ns;
	void (*on_start)(struct node *n);
	void (*on_line)(struct node *n, const json_t *line);
	void (*on_end)(struct node *n); /* pending answers will not come */
};

struct node_process {
	const struct node_process_kind *kind;
	struct node *node;
	int link;  /* -1: it does not run */
	int hands; /* -1: no descriptors are handed over */
	pid_t pid; /* 0: none */
	bool gone; /* its link is closed, and it is not reaped yet */
	bool missing_said;
	unsigned deaths; /* one after the other */
	uint64_t start_ns, again_ns;
	struct node_process_buffer {
		char *p;
		size_t n, cap;
	} in, out;
};

void node_process_open(struct node_process *p, struct node *n,
		       const struct node_process_kind *kind);
/* Starts it if it does not run and may be started. Returns whether it runs. */
bool node_process_start(struct node_process *p, uint64_t now_ns);
/* Now and then: reaps it when it is gone. */
void node_process_reap(struct node_process *p);
/* Sends it, or as much as goes; the rest later. line is stolen. */
void node_process_send(struct node_process *p, json_t *line);
void node_process_close(struct node_process *p);

#endif
