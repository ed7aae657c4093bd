/* SPDX-License-Identifier: Apache-2.0 */
/* Queues and agents as documents of a tenant, and their commands. A queue is carried out by a flow
 * that is made of its document. An agent is an extension that is logged in: his document is there
 * as long as he is. Control thread. */
#ifndef APP_FEATURE_QUEUE_QUEUE_H
#define APP_FEATURE_QUEUE_QUEUE_H

#include "app/schema/command.h"
#include "app/schema/feature.h"
#include "app/schema/field.h"
#include "sig/pbx/queue/callbacks.h"
#include "sig/sip/id.h"

enum { QUEUE_MEMBERS_TEXT_MAX = 1024, QUEUE_TO_MAX = 48, QUEUE_PROGRAM_MAX = 2048 };
enum { DISPOSITIONS_TEXT_MAX = 512, DISPOSITIONS_MAX = 32, DISPOSITION_MAX = 32 };

struct queue_value {
	struct queue_terms core; /* without tenant and members */
	char members[QUEUE_MEMBERS_TEXT_MAX];
	char skills[QUEUE_MEMBERS_TEXT_MAX], tiers[QUEUE_MEMBERS_TEXT_MAX];
	/* flow:NAME or a number; "": the call ends */
	char timeout_to[QUEUE_TO_MAX], full_to[QUEUE_TO_MAX], none_to[QUEUE_TO_MAX];
	char key_to[QUEUE_TO_MAX];
	char callback_key[2]; /* by which a caller has himself called back; "": none */
	char dispositions[DISPOSITIONS_TEXT_MAX];
	uint64_t changed_utc_ms;
};

struct agent_value {
	char number[DIAL_NUMBER_MAX];
	uint8_t state; /* enum agent_state */
	char reason[AGENT_REASON_MAX];
	char at[DIAL_NUMBER_MAX]; /* the phone outside where he is rung; "": those of his extension */
	/* his last call of a queue that has wrap-up or dispositions, and what came of it */
	char last_queue[QUEUE_NAME_MAX], last_call[ID_TEXT_LEN + 1], disposition[DISPOSITION_MAX];
	bool wraps;                   /* he wraps up behind it, until */
	uint64_t wrapup_until_utc_ms; /* 0: he says more */
	uint64_t since_utc_ms;        /* he is in that state */
	uint64_t changed_utc_ms;
};

struct callback_value {
	char callback[DOCUMENT_NAME_MAX]; /* its name follows from the next two */
	char queue[QUEUE_NAME_MAX], number[DIAL_NUMBER_MAX];
	char times[CALLBACK_TIMES_MAX];
	uint8_t priority, tries;
	bool hides; /* its caller withholds the number */
	uint64_t since_utc_ms, created_utc_ms, called_utc_ms, changed_utc_ms;
};

extern const struct command_arg g_queue_fields[], g_agent_fields[], g_callback_fields[];
extern const struct form g_queue_form, g_agent_form, g_callback_form;
extern const struct document_kind g_queue_documents, g_agent_documents, g_callback_documents;

/* Of the node. */
struct queues *queue_table(const struct node *n);
/* The flow of its number: JSON, equal for equal queues. */
void queue_program(const struct queue_value *v, struct writer *w);

extern const struct metric_def g_queue_metric_rows[];
void queue_second(struct node *n, uint64_t now_ns);

/* Whether calls to a number outside may be made in the name of that extension; a number of the
 * tenant's own may not be called so. */
enum refusal queue_may_call(const struct node *n, uint16_t tenant, const char *number,
			    const char *payer);
/* Callers who are due are called back. */
void queue_callbacks_second(struct node *n);

/* X(word): the numbers of a row of queue.report, in order; those from talk_s on count ms. */
/* clang-format off */
#define QUEUE_REPORT_NUMBERS(X) \
	X("offered") X("answered") X("in_time") X("abandoned") X("abandoned_short") X("other") \
	X("disposed") \
	X("wait_s") X("wait_max_s") X("talk_s") X("ready_s") X("not_ready_s") \
	X("wrapup_s")
/* clang-format on */

/* A range of the archive's events of queues and agents, from the newest one on: each, then end. */
struct queue_events {
	void (*each)(struct command_run *run, const json_t *event);
	void (*end)(struct command_run *run);
	int64_t since_ms, until_ms;
	uint32_t most; /* with more the run fails */
	uint32_t read;
};
/* run->kept has them from now on. */
void queue_events_read(struct command_run *run, const struct queue_events *of);
/* before: the state of that agent until then; "": unknown. False: no line says it. */
bool queue_log_line(struct writer *w, const json_t *event, const char *before);

command_fn queue_status, queue_report, queue_log, agent_list, agent_get, callback_call,
	callback_list;
/* The state of an agent who wraps up, in events and reports. */
#define AGENT_WRAPUP "wrapup"

/* The one of that name, or at that place from 1 on, of those of a queue. Empty: none. */
struct bytes disposition_find(const char *dispositions, struct bytes asked);
/* What is wrong with such a list; NULL: nothing. */
const char *dispositions_wrong(const void *value, const char *text);
/* The arguments of an agent's command, of a feature code. */
json_t *agent_code_args(enum feature_action code, const char *number, struct bytes behind);

#endif
