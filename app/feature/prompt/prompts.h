/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prompts that are documents, on this node: their octets come from Redis into the node's folder,
 * and the sound thread learns their names. What Redis has lost is put back by a node that has it.
 * Control thread.
 */
#ifndef APP_FEATURE_PROMPT_PROMPTS_H
#define APP_FEATURE_PROMPT_PROMPTS_H

#include "app/schema/command.h"
#include "app/schema/feature.h"
#include "app/schema/prompt_field.h"

struct document_kind;
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

extern const struct metric_def g_prompt_metric_rows[];
/* The document says so. 0 or -ENOMEM. */
int node_prompt_put(struct node *n, const char *tenant, const struct prompt_value *v) NODISCARD;
void node_prompt_delete(struct node *n, const char *tenant, const char *document);
/* NULL: no document has that name. */
const struct node_prompt *node_prompt_find(const char *tenant, struct bytes name,
					   struct bytes language);
/* sounds_settings.on_work, of works without an arg of their own. */
void node_prompts_on_work(struct node *n, struct prompt_work *work);
/* Columns of the feature's row (app/schema/feature.h). */
void node_prompts_second(struct node *n, uint64_t now_ns);
void node_prompts_doubt(struct node *n);
void node_prompts_close(struct node *n);
/* A recorded message's file is complete: stores it as the prompt that it was recorded for. */
void command_prompt_recorded(struct node *n, uint64_t call, uint8_t number, uint64_t ms);
command_fn command_prompt_put, command_prompt_get, command_prompt_record;
extern const struct document_kind g_prompt_documents;

#endif
