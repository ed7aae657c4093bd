/* SPDX-License-Identifier: Apache-2.0 */
/* Questions to the media worker that a command waits for: live counters of a call's flows. */
#ifndef APP_COMMAND_QUERIES_H
#define APP_COMMAND_QUERIES_H

#include <jansson.h>

#include "base/ticket.h"
#include "sig/shard/shard.h"

enum { QUERIES_MAX = 64, QUERY_FLOWS_MAX = 2 * MEDIA_LINES_MAX };

struct query_flow {
	struct flow_id id;
	bool answered;
	struct flow_stats stats; /* these three where it answered by itself */
	struct flow_detail detail;
	struct flow_resume resume;
};

struct query;
/* Called once: when all flows answered, or at the deadline with what came. */
typedef void query_done_fn(const struct query *q, void *arg);

struct query {
	bool used;
	struct queries *of;
	struct ticket late; /* its deadline */
	uint32_t count;
	struct query_flow flows[QUERY_FLOWS_MAX];
	query_done_fn *done;
	void *arg;
};

struct queries {
	struct tickets *tickets; /* the caller's */
	struct query list[QUERIES_MAX];
	uint32_t used;
};

/* Returns a free query, or NULL.
 * The caller fills flows and count, sends the questions, then queries_start. */
struct query *queries_open(struct queries *x);
/* Ends at once where nothing is awaited (all flows marked answered). */
void queries_start(struct queries *x, struct query *q, uint64_t deadline_ns, query_done_fn *done,
		   void *arg);
/* A MEDIA_FLOW_STATS or MEDIA_FLOW_CLOSED of the worker. */
void queries_event(struct queries *x, const struct media_event *event);

/* The live counters of a call's flows, and what they mean in JSON. Control thread. */

struct node;

/* Asks the worker about all flows of the call; done as in queries.h. False: too many queries. */
bool call_query(struct node *node, const struct call_view *view, query_done_fn *done, void *arg);
/* What the worker said of a flow; NULL: nothing. */
const struct query_flow *call_query_find(const struct query *q, struct flow_id id);
/* The last counters of a flow of a call that has ended. */
struct diagnosis_flow;
json_t *call_flow_ended_json(const struct diagnosis_flow *f);
/* One flow of the view with its counters: "flows" of call.show. */
json_t *call_flow_json(const struct node *node, const struct call_view *view, uint32_t flow,
		       const struct query *q);

#endif
