/* SPDX-License-Identifier: Apache-2.0 */
/* Message Call of call.proto. Features are read when legs and bridge are there. */
#include "sig/call/call_end.h"
#include "sig/record/call_codec.h"

/* ---- the best response so far ---- */

static bool best_is(const struct schema_writer *w, const void *object)
{
	(void)w;
	return ((const struct refusal_kept *)object)->status != 0;
}

static bool best_check(struct schema_reader *r, void *object)
{
	const struct refusal_kept *best = object;
	const struct call *c = loader_of(r)->c;

	return best->leg != c->bridge.caller && call_leg(c, best->leg);
}

static const struct schema best_rows[] = {
	{ "status", 1, SCHEMA_UINT, SCHEMA_AT(struct refusal_kept, status), .min = 300,
	  .max = 699 },
	{ "leg", 2, SCHEMA_UINT, SCHEMA_AT(struct refusal_kept, leg), .max = LEGS_MAX - 1 },
	{ "cause", 3, SCHEMA_UINT, SCHEMA_AT(struct refusal_kept, cause),
	  .max = CALL_CAUSE_COUNT - 1 },
	{ "extra", 4, SCHEMA_TEXT, SCHEMA_AT(struct refusal_kept, extra), .max = HOST_EXTRA },
	{ 0 },
};

/* ---- the call ---- */

static bool data_check(struct schema_reader *r, void *member)
{
	(void)r;
	return call_data_is_good(text_bytes(member));
}

static bool plain_check(struct schema_reader *r, void *member)
{
	(void)r;
	return bytes_are_plain(text_bytes(member));
}

static const struct schema call_name_rows[] = {
	{ "id", 1, SCHEMA_FIXED64, SCHEMA_AT(struct call, id) },
	{ "version", 2, SCHEMA_UINT, SCHEMA_AT(struct call, out.version), .max = INT64_MAX,
	  .wrong = "call: version" },
	{ 0 },
};

static const struct schema call_clock_rows[] = {
	{ "incarnation", 25, SCHEMA_UINT, SCHEMA_CONTEXT,
	  SCHEMA_AT(struct call_context, incarnation) },
	{ "boot", 26, SCHEMA_FIXED64, SCHEMA_CONTEXT, SCHEMA_AT(struct call_context, mark.boot) },
	{ "clock_offset_ms", 27, SCHEMA_SINT, SCHEMA_CONTEXT,
	  SCHEMA_AT(struct call_context, mark.offset_ms) },
	{ "saved_utc_ms", 28, SCHEMA_UINT, SCHEMA_CONTEXT,
	  SCHEMA_AT(struct call_context, mark.utc_ms) },
	{ "format", 29, SCHEMA_UINT, SCHEMA_CONTEXT, SCHEMA_AT(struct call_context, format) },
	{ 0 },
};

const struct schema call_outer_rows[] = {
	{ "id", 1, SCHEMA_GROUP, .of = call_name_rows },
	{ "sealed", 22, SCHEMA_TEXT, SCHEMA_CONTEXT, SCHEMA_AT(struct call_context, sealed) },
	{ "incarnation", 25, SCHEMA_GROUP, .of = call_clock_rows },
	{ 0 },
};

const struct schema call_rows[] = {
	{ "id", 1, SCHEMA_GROUP, .of = call_name_rows },
	{ "state", 3, SCHEMA_UINT, SCHEMA_AT(struct call, state), .max = CALL_ENDING,
	  .wrong = "call: state" },
	{ "tenant", 4, SCHEMA_CSTR, SCHEMA_CONTEXT, SCHEMA_AT(struct call_context, tenant),
	  .wrong = "call: tenant" },
	{ "from", 5, SCHEMA_TEXT, SCHEMA_LINE, SCHEMA_AT(struct call, from), .max = SAVED_USER_MAX,
	  .wrong = "call: from" },
	{ "to", 6, SCHEMA_TEXT, SCHEMA_LINE, SCHEMA_AT(struct call, to), .max = SAVED_USER_MAX,
	  .wrong = "call: to" },
	{ "early_media", 7, SCHEMA_BOOL, SCHEMA_AT(struct call, early_media) },
	{ "video", 8, SCHEMA_BOOL, SCHEMA_AT(struct call, video) },
	{ "setup_utc_ms", 9, SCHEMA_TIME, SCHEMA_AT(struct call, setup_utc_ms), .min = 1,
	  .wrong = "call: no time of setup" },
	{ "ringing_utc_ms", 10, SCHEMA_TIME, SCHEMA_AT(struct call, ringing_utc_ms) },
	{ "answer_utc_ms", 11, SCHEMA_TIME, SCHEMA_AT(struct call, answer_utc_ms) },
	{ "end_utc_ms", 12, SCHEMA_TIME, SCHEMA_AT(struct call, end_utc_ms) },
	{ "ring_until_utc_ms", 13, SCHEMA_DEADLINE, SCHEMA_AT(struct call, ring_ns),
	  .max = UINT32_MAX },
	{ "status", 14, SCHEMA_UINT, SCHEMA_AT(struct call, status), .max = 699,
	  .wrong = "call: how it ended" },
	{ "cause", 15, SCHEMA_UINT, SCHEMA_AT(struct call, cause), .max = CALL_CAUSE_COUNT - 1,
	  .wrong = "call: how it ended" },
	{ "ended_by", 16, SCHEMA_UINT, SCHEMA_AT(struct call, ended_by), .max = ENDED_BY_OPERATOR,
	  .wrong = "call: how it ended" },
	{ "legs", 17, SCHEMA_GROUP, .of = legs_saved },
	{ "invite", 18, SCHEMA_IGNORED },
	{ "media", 19, SCHEMA_IGNORED },
	{ "flows", 20, SCHEMA_GROUP, SCHEMA_LATE, .of = flows_saved },
	{ "callee", 21, SCHEMA_UINT, SCHEMA_CONTEXT, SCHEMA_AT(struct call_context, callee),
	  .wrong = "call: callee" },
	{ "sealed", 22, SCHEMA_IGNORED },
	{ "originated", 23, SCHEMA_BOOL, SCHEMA_CONTEXT,
	  SCHEMA_AT(struct call_context, originated) },
	{ "display", 24, SCHEMA_TEXT, SCHEMA_LINE, SCHEMA_AT(struct call, display),
	  .max = SAVED_USER_MAX, .wrong = "call: display" },
	{ "incarnation", 25, SCHEMA_GROUP, .of = call_clock_rows },
	{ "offerer", 30, SCHEMA_UINT, SCHEMA_AT(struct call, bridge.offerer),
	  .wrong = "call: offerer" },
	{ "best", 31, SCHEMA_MESSAGE, SCHEMA_LATE, SCHEMA_AT(struct call, best), .of = best_rows,
	  .is = best_is, .check = best_check, .wrong = "invite: best" },
	{ "caller", 32, SCHEMA_UINT, SCHEMA_AT(struct call, bridge.caller),
	  .wrong = "call: no caller" },
	{ "steps", 33, SCHEMA_GROUP, SCHEMA_LATE, .of = plan_saved },
	{ "orders", 35, SCHEMA_GROUP, SCHEMA_LATE, .of = orders_saved },
	{ "callee_place", 36, SCHEMA_UINT, SCHEMA_CONTEXT,
	  SCHEMA_AT(struct call_context, callee_place), .wrong = "call: callee" },
	{ "transfer", 37, SCHEMA_GROUP, SCHEMA_LATE, .of = transfer_saved },
	{ "segments", 38, SCHEMA_GROUP, SCHEMA_LATE, .of = segments_saved },
	{ "parting_until_utc_ms", 39, SCHEMA_DEADLINE, SCHEMA_AT(struct call, parting_ns),
	  .max = PARTING_MS },
	{ "alone", 40, SCHEMA_BOOL, SCHEMA_CONTEXT, SCHEMA_AT(struct call_context, alone) },
	{ "prompts", 41, SCHEMA_GROUP, SCHEMA_LATE, .of = prompts_saved },
	{ "reoffer", 48, SCHEMA_UINT, SCHEMA_BITS, SCHEMA_AT(struct call, reoffer),
	  .max = REOFFER_CALLER | REOFFER_CALLEE },
	{ "replaces", 50, SCHEMA_FIXED64, SCHEMA_AT(struct call, replaces.call) },
	{ "replaces_leg", 51, SCHEMA_UINT, SCHEMA_AT(struct call, replaces.leg) },
	{ "meets", 52, SCHEMA_BOOL, SCHEMA_CONTEXT, SCHEMA_AT(struct call_context, meets) },
	{ "tolls", 53, SCHEMA_GROUP, SCHEMA_LATE, .of = tolls_saved },
	{ "park", 54, SCHEMA_GROUP, SCHEMA_LATE, .of = park_saved },
	{ "recordings", 55, SCHEMA_GROUP, SCHEMA_LATE, .of = recordings_saved },
	{ "data", 60, SCHEMA_TEXT, SCHEMA_LINE, SCHEMA_AT(struct call, data),
	  .max = CALL_DATA_MAX - 1, .check = data_check, .wrong = "call: data" },
	{ "media_stream", 61, SCHEMA_GROUP, SCHEMA_LATE, .of = media_stream_saved },
	{ "member", 63, SCHEMA_GROUP, SCHEMA_LATE, .of = member_saved },
	{ "account", 65, SCHEMA_TEXT, SCHEMA_LINE, SCHEMA_AT(struct call, account),
	  .max = CALL_ACCOUNT_MAX - 1, .check = plain_check, .wrong = "call: account code" },
	{ "payer", 66, SCHEMA_GROUP, SCHEMA_LATE, .of = payer_saved },
	{ "source", 67, SCHEMA_TEXT, SCHEMA_LINE, SCHEMA_AT(struct call, source),
	  .max = CALL_SOURCE_MAX, .wrong = "call: source" },
	{ "ring_s", 70, SCHEMA_UINT, SCHEMA_AT(struct call, ring_s), .max = CALL_RING_MAX_S,
	  .wrong = "call: how long it rings" },
	{ "away_s", 71, SCHEMA_UINT, SCHEMA_AT(struct call, away_s), .max = CALL_AWAY_MAX_S,
	  .wrong = "call: how long it rings" },
	{ "run", 72, SCHEMA_GROUP, SCHEMA_LATE, .of = flow_run_saved },
	{ 0 },
};
