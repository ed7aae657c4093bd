/* SPDX-License-Identifier: Apache-2.0 */
/* Queues and agents as documents of a tenant, and their commands. A queue is carried out by a flow
 * that is made of its document. An agent is an extension that is logged in: his document is there
 * as long as he is. Control thread. */
#ifndef APP_FEATURE_QUEUE_QUEUE_H
#define APP_FEATURE_QUEUE_QUEUE_H

#include "app/schema/command.h"
#include "app/schema/feature.h"
#include "app/schema/field.h"
#include "sig/pbx/queue/queues.h"

enum { QUEUE_MEMBERS_TEXT_MAX = 1024, QUEUE_TO_MAX = 48, QUEUE_PROGRAM_MAX = 1024 };

struct queue_value {
	struct queue_terms core; /* without tenant and members */
	char members[QUEUE_MEMBERS_TEXT_MAX];
	char skills[QUEUE_MEMBERS_TEXT_MAX];
	/* flow:NAME or a number; "": the call ends */
	char timeout_to[QUEUE_TO_MAX], full_to[QUEUE_TO_MAX], none_to[QUEUE_TO_MAX];
	char key_to[QUEUE_TO_MAX];
	uint64_t changed_utc_ms;
};

struct agent_value {
	char number[DIAL_NUMBER_MAX];
	uint8_t state; /* enum agent_state */
	char reason[AGENT_REASON_MAX];
	uint64_t changed_utc_ms;
};

extern const struct command_arg g_queue_fields[], g_agent_fields[];
extern const struct form g_queue_form, g_agent_form;
extern const struct document_kind g_queue_documents, g_agent_documents;

/* The flow of its number: JSON, equal for equal queues. */
void queue_program(const struct queue_value *v, struct writer *w);

extern const struct metric_def g_queue_metric_rows[];
void queue_second(struct node *n, uint64_t now_ns);

command_fn queue_status, agent_list, agent_get;
/* The arguments of an agent's command, of a feature code. */
json_t *agent_code_args(enum feature_action code, const char *number, struct bytes behind);

#endif
