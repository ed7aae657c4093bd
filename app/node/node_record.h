/* SPDX-License-Identifier: Apache-2.0 */
/* Recordings (app/record/recorder.h) and the node: orders of the call plane, and results back. */
#ifndef APP_NODE_NODE_RECORD_H
#define APP_NODE_NODE_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "app/siprec/sender.h"

struct effect;
struct node;

enum { NODE_NAMES_MAX = 1024, NODE_NAME_TENANT_MAX = 32 };

/* Names of members that left their conferences, to be deleted; more stay until a later start. */
struct node_names {
	uint32_t count;
	struct node_name {
		uint64_t call, due_ns;
		uint8_t number;
		char tenant[NODE_NAME_TENANT_MAX];
	} list[NODE_NAMES_MAX];
};

/* A node that cannot record reports it, and goes on. */
int node_record_open(struct node *n);
/* Twice a second: is the disk well? */
void node_record_beat(struct node *n);
/* Before the engine closes; recordings under way end as interrupted. */
void node_record_close(struct node *n);

/* EFFECT_RECORD and EFFECT_FORK; arg: the node. One that is lost is answered by a reply. */
void node_record_carry(const struct effect *e, void *arg);
/* EFFECT_FORK. */
void node_siprec_carry(const struct effect *e, void *arg);

/* External recorders (app/siprec/sender.h) and the node: orders of calls, and failures back. */

struct effect;
struct node;

enum { NODE_FIGURES_MAX = 16 };

/* Figures of sessions that were asked for. */
struct node_figures {
	uint32_t next;
	struct node_figure {
		uint64_t call; /* 0: none */
		uint8_t number;
		struct sender_figures is;
	} list[NODE_FIGURES_MAX];
};

struct recorder;
struct sender;

struct node_record {
	struct recorder *recorder; /* NULL: not open, or nothing can be recorded */
	/* NULL: the same, or nothing can be sent to external recorders. */
	struct sender *sender;
	struct node_figures figures;
	struct node_names names;
	/* As the process says that has finished recordings: */
	bool is_full;     /* too little room, and nothing that may be deleted */
	int folder_error; /* -errno: recordings.folder cannot be written */
};

/* A node that cannot send reports it, and goes on. */
int node_siprec_open(struct node *n);
/* Before the engine closes. */
void node_siprec_close(struct node *n);

/* Some 10 ms later there are figures of that session. */
void node_siprec_query(struct node *n, uint64_t call, uint8_t number);
/* The last answer about it. NULL: none, or not yet. */
const struct sender_figures *node_siprec_figures(const struct node *n, uint64_t call,
						 uint8_t number);

#endif
