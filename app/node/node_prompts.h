/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prompts that are documents, on this node: their octets come from Redis into the node's folder,
 * and the sound thread learns their names. What Redis has lost is put back by a node that has it.
 * Control thread.
 */
#ifndef APP_NODE_NODE_PROMPTS_H
#define APP_NODE_NODE_PROMPTS_H

#include "app/schema/prompt_field.h"

struct node;
struct prompt_work;

enum node_prompt_state {
	NODE_PROMPT_WANTED, /* at again_ns the sound thread is asked for the octets */
	NODE_PROMPT_ASKED,
	NODE_PROMPT_LACKED, /* the node lacks the octets; Redis is asked for them at again_ns */
	NODE_PROMPT_HERE,
	NODE_PROMPT_OVER, /* expired: its name means nothing */
};

struct node_prompt {
	char tenant[TENANT_NAME_MAX];
	struct prompt_value value;
	enum node_prompt_state state;
	uint64_t again_ns;
	const char *fault; /* why it is not here; NULL: unknown */
};

struct node_prompts {
	struct node_prompt *list;
	uint32_t count, room;
	uint32_t looked;   /* Redis was asked about the octets of those before */
	bool looking;      /* Redis has not answered that question yet */
	uint64_t look_ns;  /* when all are checked again */
	uint64_t sweep_ns; /* when unneeded files are swept; 0: in an hour */
	uint32_t fetching; /* from Redis, now */
};

void node_prompts_setup(void); /* registers the metrics; main thread, once */
/* The document says so. 0 or -ENOMEM. */
int node_prompt_put(struct node *n, const char *tenant, const struct prompt_value *v) NODISCARD;
void node_prompt_delete(struct node *n, const char *tenant, const char *document);
/* NULL: no document has that name. */
const struct node_prompt *node_prompt_find(const struct node *n, const char *tenant,
					   struct bytes name, struct bytes language);
/* sounds_settings.on_work, of works without an arg of their own. */
void node_prompts_on_work(struct node *n, struct prompt_work *work);
/* Time passes, or something has changed. */
void node_prompts_beat(struct node *n, uint64_t now_ns);
/* Redis may have lost data. */
void node_prompts_doubt(struct node *n);
void node_prompts_close(struct node *n);

#endif
