/* SPDX-License-Identifier: Apache-2.0 */
/* The state of a call that runs a flow (flow_run.h): position, variables, the targets of a dial,
 * the current wait, and digits dialled ahead, as values with their record rows. The verbs are in
 * sig/pbx/flow; a successor continues at the saved position. */

#include "sig/model/flow_run.h"

#include "sig/model/recording.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"

#include "sig/host/groups.h"
#include "sig/host/trunk_route.h"
#include "sig/model/saved.h"

static bool flow_run_check(struct schema_reader *r, void *object)
{
	const struct flow_run *run = object;

	(void)r;
	return utf8_is(bytes_str(run->name)) && utf8_is(text_bytes(&run->path)) &&
	       utf8_is(text_bytes(&run->group)) &&
	       (!run->asker.n || run->asker.n == PROGRAM_HASH_LEN) &&
	       (run->state != RUN_WAITS || run->kind != RUN_NOTHING) &&
	       ((run->kind != RUN_TIME && run->kind != RUN_PARK && run->kind < RUN_REFER) ||
		run->until_ns || run->state != RUN_WAITS);
}

static bool queue_wait_check(struct schema_reader *r, void *object)
{
	const struct queue_wait *q = object;

	(void)r;
	return q->name[0] && utf8_is(bytes_str(q->name)) && utf8_is(bytes_str(q->agent));
}

static const struct schema queue_rows[] = {
	{ "name", 1, SCHEMA_CSTR, SCHEMA_LINE, SCHEMA_AT(struct queue_wait, name) },
	{ "joined_utc_ms", 2, SCHEMA_UINT, SCHEMA_AT(struct queue_wait, joined_utc_ms) },
	{ "priority", 3, SCHEMA_UINT, SCHEMA_AT(struct queue_wait, priority) },
	{ "visit", 4, SCHEMA_UINT, SCHEMA_AT(struct queue_wait, visit) },
	{ "left", 5, SCHEMA_BOOL, SCHEMA_AT(struct queue_wait, left) },
	{ "wrapped", 6, SCHEMA_BOOL, SCHEMA_AT(struct queue_wait, wrapped) },
	{ "agent", 7, SCHEMA_CSTR, SCHEMA_LINE, SCHEMA_AT(struct queue_wait, agent) },
	{ "waited_s", 8, SCHEMA_CSTR, SCHEMA_LINE, SCHEMA_AT(struct queue_wait, waited_s) },
	{ "keys", 9, SCHEMA_CSTR, SCHEMA_LINE, SCHEMA_AT(struct queue_wait, keys) },
	{ 0 },
};

static const struct schema flow_run_rows[] = {
	{ "position", 1, SCHEMA_MESSAGE, SCHEMA_AT(struct flow_run, at), .of = position_rows },
	{ "name", 2, SCHEMA_CSTR, SCHEMA_LINE, SCHEMA_AT(struct flow_run, name) },
	{ "state", 3, SCHEMA_UINT, SCHEMA_AT(struct flow_run, state), .max = RUN_OVER },
	{ "kind", 4, SCHEMA_UINT, SCHEMA_AT(struct flow_run, kind), .max = RUN_KINDS - 1 },
	{ "outcome", 5, SCHEMA_UINT, SCHEMA_AT(struct flow_run, outcome),
	  .max = FLOW_OUTCOMES - 1 },
	{ "value", 6, SCHEMA_TEXT, SCHEMA_SECRET | SCHEMA_LINE, SCHEMA_AT(struct flow_run, value),
	  .max = VERB_TEXT_MAX },
	{ "target", 7, SCHEMA_UINT, SCHEMA_AT(struct flow_run, target) },
	{ "status", 8, SCHEMA_UINT, SCHEMA_AT(struct flow_run, status), .max = 699 },
	{ "until_utc_ms", 9, SCHEMA_DEADLINE, SCHEMA_AT(struct flow_run, until_ns),
	  .max = UINT32_MAX },
	{ "path", 10, SCHEMA_TEXT, SCHEMA_LINE, SCHEMA_AT(struct flow_run, path),
	  .max = CALL_PATH_MAX - 1 },
	{ "after", 11, SCHEMA_UINT, SCHEMA_AT(struct flow_run, after) },
	{ "called", 12, SCHEMA_TEXT, SCHEMA_LINE, SCHEMA_AT(struct flow_run, called),
	  .max = SAVED_USER_MAX },
	{ "targets", 13, SCHEMA_TEXT, SCHEMA_LINE, SCHEMA_AT(struct flow_run, targets),
	  .max = RUN_TARGETS_MAX },
	{ "together", 14, SCHEMA_BOOL, SCHEMA_AT(struct flow_run, together) },
	{ "ring_ms", 15, SCHEMA_UINT, SCHEMA_AT(struct flow_run, ring_ms),
	  .max = PLAN_STEP_MAX_MS },
	{ "skip_busy", 16, SCHEMA_BOOL, SCHEMA_AT(struct flow_run, skip_busy) },
	{ "idle", 17, SCHEMA_BOOL, SCHEMA_AT(struct flow_run, idle) },
	{ "limit_ms", 18, SCHEMA_UINT, SCHEMA_AT(struct flow_run, limit_ms) },
	{ "limit_utc_ms", 19, SCHEMA_DEADLINE, SCHEMA_AT(struct flow_run, limit_ns),
	  .max = UINT32_MAX },
	{ "ahead", 20, SCHEMA_CSTR, SCHEMA_SECRET | SCHEMA_LINE,
	  SCHEMA_AT(struct flow_run, ahead) },
	{ "turned_utc_s", 30, SCHEMA_UINT, SCHEMA_AT(struct flow_run, turned_utc_s) },
	{ "group", 31, SCHEMA_TEXT, SCHEMA_LINE, SCHEMA_AT(struct flow_run, group),
	  .max = GROUP_NAME_MAX - 1 },
	{ "shown", 32, SCHEMA_TEXT, SCHEMA_LINE, SCHEMA_AT(struct flow_run, shown),
	  .max = GROUP_SHOWN_MAX - 1 },
	{ "goal", 33, SCHEMA_TEXT, SCHEMA_LINE, SCHEMA_AT(struct flow_run, goal),
	  .max = SAVED_USER_MAX },
	{ "waived", 34, SCHEMA_BOOL, SCHEMA_AT(struct flow_run, waived) },
	{ "refer_cseq", 36, SCHEMA_UINT, SCHEMA_AT(struct flow_run, refer_cseq) },
	{ "refer_branch", 37, SCHEMA_FIXED64, SCHEMA_AT(struct flow_run, refer_branch) },
	{ "order", 40, SCHEMA_UINT, SCHEMA_AT(struct flow_run, order) },
	{ "said", 41, SCHEMA_TEXT, SCHEMA_AT(struct flow_run, said), .max = RUN_SAID_MAX },
	{ "confirm_keys", 42, SCHEMA_CSTR, SCHEMA_LINE, SCHEMA_AT(struct flow_run, confirm_keys) },
	{ "confirm_outside", 43, SCHEMA_BOOL, SCHEMA_AT(struct flow_run, confirm_outside) },
	{ "shows", 44, SCHEMA_TEXT, SCHEMA_LINE, SCHEMA_AT(struct flow_run, shows),
	  .max = TRUNK_NUMBER_MAX - 1 },
	{ "no_video", 45, SCHEMA_BOOL, SCHEMA_AT(struct flow_run, no_video) },
	{ "asker", 46, SCHEMA_TEXT, SCHEMA_AT(struct flow_run, asker), .max = PROGRAM_HASH_LEN },
	{ "asker_step", 47, SCHEMA_UINT, SCHEMA_AT(struct flow_run, asker_step),
	  .max = PROGRAM_STEPS_MAX - 1 },
	{ "dialled", 48, SCHEMA_UINT, SCHEMA_AT(struct flow_run, dialled),
	  .max = FLOW_OUTCOMES - 1 },
	{ "login", 49, SCHEMA_TEXT, SCHEMA_LINE, SCHEMA_AT(struct flow_run, login),
	  .max = SAVED_USER_MAX },
	{ "diverted_by", 60, SCHEMA_TEXT, SCHEMA_LINE, SCHEMA_AT(struct flow_run, diverted_by),
	  .max = SAVED_USER_MAX },
	{ "diverted", 61, SCHEMA_UINT, SCHEMA_AT(struct flow_run, diverted), .max = PLAN_WHYS - 1 },
	{ "draft", 62, SCHEMA_UINT, SCHEMA_AT(struct flow_run, draft),
	  .max = RECORDING_NUMBER_MAX },
	{ "draft_is_dropped", 63, SCHEMA_BOOL, SCHEMA_AT(struct flow_run, draft_is_dropped) },
	{ "draft_box", 64, SCHEMA_TEXT, SCHEMA_LINE, SCHEMA_AT(struct flow_run, draft_box),
	  .max = BOX_NAME_MAX },
	{ "left", 65, SCHEMA_CSTR, SCHEMA_LINE, SCHEMA_AT(struct flow_run, left) },
	{ "draft_segment", 66, SCHEMA_UINT, SCHEMA_AT(struct flow_run, draft_segment) },
	{ "missed", 67, SCHEMA_TEXT, SCHEMA_LINE, SCHEMA_AT(struct flow_run, missed) },
	{ "members", 70, SCHEMA_BOOL, SCHEMA_AT(struct flow_run, members) },
	{ "past_decline", 71, SCHEMA_BOOL, SCHEMA_AT(struct flow_run, past_decline) },
	{ "queue", 72, SCHEMA_MESSAGE, SCHEMA_POINTER,
	  SCHEMA_OF(struct flow_run, queue, struct queue_wait), .of = queue_rows,
	  .check = queue_wait_check, .wrong = "call: queue" },
	{ 0 },
};

const struct schema flow_run_saved[] = {
	{ "run", 72, SCHEMA_MESSAGE, SCHEMA_POINTER, SCHEMA_OF(struct call, run, struct flow_run),
	  .of = flow_run_rows, .check = flow_run_check, .wrong = "call: flow" },
	{ 0 },
};

bool flow_run_keeps_keys(const struct flow_run *r)
{
	return r->state != RUN_OVER && (r->state != RUN_WAITS || r->kind == RUN_PROMPTS ||
					r->kind == RUN_TIME || r->kind == RUN_QUEUE);
}

bool flow_run_key(struct flow_run *r, char key)
{
	size_t n = strlen(r->ahead);

	if (!flow_run_keeps_keys(r))
		return false;
	if (n + 1 < sizeof(r->ahead))
		r->ahead[n] = key;
	return true;
}

void flow_run_clear(struct flow_run **run)
{
	if (!*run)
		return;
	explicit_bzero((*run)->ahead, sizeof((*run)->ahead));
	position_clear(&(*run)->at);
	text_wipe(&(*run)->value);
	text_clear(&(*run)->targets);
	free((*run)->kept);
	free((*run)->queue);
	text_clear(&(*run)->called);
	text_clear(&(*run)->path);
	text_clear(&(*run)->group);
	text_clear(&(*run)->shown);
	text_clear(&(*run)->said);
	text_clear(&(*run)->goal);
	text_clear(&(*run)->shows);
	text_clear(&(*run)->asker);
	text_clear(&(*run)->login);
	text_clear(&(*run)->diverted_by);
	text_clear(&(*run)->missed);
	text_clear(&(*run)->draft_box);
	free(*run);
	*run = NULL;
}
