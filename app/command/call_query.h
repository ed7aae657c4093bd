/* SPDX-License-Identifier: Apache-2.0 */
/* The live counters of a call's flows, and what they mean in JSON. Control thread. */
#ifndef APP_COMMAND_CALL_QUERY_H
#define APP_COMMAND_CALL_QUERY_H

#include <jansson.h>

#include "app/command/queries.h"

struct node;

/* Asks the worker about all flows of the call; done as in queries.h. False: too many questions at once. */
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
