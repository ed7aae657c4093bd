/* SPDX-License-Identifier: Apache-2.0 */
/* How each verb of a flow is carried out with what calls do anyway; and the facts that a program
 * may ask of the call. */
#include <stdlib.h>

#include "base/json.h"
#include "base/log.h"
#include "sig/call/call_end.h"
#include "sig/call/cdr.h"
#include "sig/call/identity.h"
#include "sig/call/legs.h"
#include "sig/call/prompts.h"
#include "sig/host/calendars.h"
#include "sig/host/programs.h"
#include "sig/host/settings.h"
#include "sig/host/spoken_value.h"
#include "sig/host/tenant_tables.h"
#include "sig/leg/dtmf.h"
#include "sig/pbx/flow/flow.h"

enum {
	REASON_LINE_MAX = 160,
	FLOW_HELP_GRACE_MS = 2000, /* the node itself says that nothing comes */
};

uint32_t verb_number(const struct flow_verb *v, const char *arg)
{
	return verb_value(v, arg)->number;
}

/* ---- what a verb asks of others ---- */

void *verb_asks(struct flow_turn_of *t, enum effect_kind kind, uint32_t ms,
		const struct bytes *texts)
{
	struct flow_run *r = t->c->run;
	uint64_t serial = rand_u64_from(t->h->rand) | 1;
	void *request = effects_request(t->h->effects, kind, t->c->id, serial, texts);

	if (!request)
		return NULL;
	r->help = serial;
	r->help_ns = t->h->now.ns + (ms + FLOW_HELP_GRACE_MS) * NS_PER_MS;
	return request;
}

int verb_request(struct flow_turn_of *t, enum help what, struct bytes data, uint32_t ms)
{
	struct request_helper *help = verb_asks(
		t, EFFECT_HELPER, ms, EFFECT_TEXTS(bytes_str(call_tenant(t->h, t->c)), data));

	if (!help)
		return OUTCOME_FAILED;
	help->what = what;
	help->ttl_ms = ms;
	return VERB_ASKS;
}

/* ---- prompts ---- */

/* Behind what the terms have. False: there is no room, or its name is too long. */
static bool file_add(struct prompt_terms *terms, const char *prefix, struct bytes name)
{
	struct writer w;

	if (terms->file_count == PROMPT_FILES_MAX)
		return false;
	w = writer_over(terms->files[terms->file_count], PROMPT_NAME_MAX);
	writer_str(&w, prefix);
	writer_bytes(&w, name);
	terms->files[terms->file_count++][w.n] = '\0';
	return !w.overflow;
}

bool verb_prompts(struct prompt_terms *terms, const struct flow_verb *v, const char *arg)
{
	const struct flow_value *value = verb_value(v, arg);
	uint8_t i = 0;

	while (i < value->count && file_add(terms, PROMPT_BY_NAME, v->texts[value->first + i]))
		i++;
	return i == value->count;
}

/* Appended to the prompts. text, as: the arguments with value and format. Returns false for an
 * invalid value, or without room. */
static bool spoken_add(struct prompt_terms *terms, const struct flow_verb *v, const char *text,
		       const char *as, struct writer *w)
{
	const char *kind = verb_arg_find(v->verb, as)->words[verb_number(v, as)];
	struct bytes language = verb_text(v, "language");
	bool speech = verb_number(v, as) == 0;
	struct spoken_value words;

	if (!file_add(terms, PROMPT_VALUE, (struct bytes){ 0 }))
		return false;
	WRITER_TEXTS(w, kind, ":");
	writer_bytes(w, language);
	writer_str(w, language.n || speech ? ":" : "");
	if (speech) {
		writer_bytes(w, verb_text(v, "voice"));
		writer_str(w, ":");
	}
	writer_bytes(w, verb_text(v, text));
	terms->said = writer_done(w);
	return !w->overflow && (speech || spoken_value_make(&words, terms->said, BYTES_LIT("en")));
}

static int prompts_carry(struct flow_turn_of *t, const struct prompt_terms *terms)
{
	if (prompts_collect(t->h, t->c, terms, 0))
		return OUTCOME_FAILED;
	t->c->run->kind = RUN_PROMPTS;
	return VERB_BEGUN;
}

static int verb_answer(struct flow_turn_of *t)
{
	(void)t;
	return OUTCOME_NEXT;
}

static int verb_play(struct flow_turn_of *t)
{
	struct bytes stop = verb_text(t->v, "stop_keys");
	uint32_t loop = verb_number(t->v, "loop");
	struct prompt_terms terms = {
		.times = (uint8_t)(loop < PROMPT_TIMES_MAX ? loop : PROMPT_TIMES_MAX),
		.interruptible = stop.n,
		.only_ends = stop.n,
		.first = verb_number(t->v, "first"),
	};

	terms.spared = terms.first && step_branch(t->p, t->v->step, OUTCOME_FAILED);
	if (!verb_prompts(&terms, t->v, "prompt") ||
	    (verb_value(t->v, "message")->given &&
	     !file_add(&terms, PROMPT_RECORDING, verb_text(t->v, "message"))) ||
	    !terms.file_count || bytes_cstr(stop, terms.ends, sizeof(terms.ends)) ||
	    bytes_cstr(verb_text(t->v, "controls"), terms.controls, sizeof(terms.controls)))
		return OUTCOME_FAILED;
	return prompts_carry(t, &terms);
}

static int verb_say(struct flow_turn_of *t)
{
	uint8_t space[PROMPT_SAID_MAX];
	struct writer w = writer_over(space, sizeof(space));
	struct bytes stop = verb_text(t->v, "stop_keys");
	struct prompt_terms terms = { .times = 1, .interruptible = stop.n, .only_ends = stop.n };
	int outcome = OUTCOME_FAILED;

	if (spoken_add(&terms, t->v, "text", "as", &w) &&
	    !bytes_cstr(stop, terms.ends, sizeof(terms.ends)))
		outcome = prompts_carry(t, &terms);
	explicit_bzero(space, sizeof(space)); /* it may be a secret */
	return outcome;
}

/* Behind the prompts, and again behind an access code. False: there is no room. */
static bool dial_tone_add(struct prompt_terms *terms, const struct flow_verb *v)
{
	if (!verb_value(v, "dial_tone")->given)
		return true;
	terms->interruptible = true; /* it has no end */
	return file_add(terms, PROMPT_TONE, BYTES_LIT("dial")) &&
	       !bytes_cstr(verb_text(v, "dial_tone"), terms->tone_behind,
			   sizeof(terms->tone_behind));
}

static uint8_t digits_limit(uint32_t n)
{
	return (uint8_t)(n < PROMPT_DIGITS_MAX ? n : PROMPT_DIGITS_MAX);
}

static int verb_gather(struct flow_turn_of *t)
{
	const struct flow_verb *v = t->v;
	uint8_t space[PROMPT_SAID_MAX];
	struct writer w = writer_over(space, sizeof(space));
	int outcome;
	bool again = v->tries && verb_value(v, "again")->count;
	struct prompt_terms terms = {
		.times = 1,
		.interruptible = verb_number(v, "barge_in"),
		.max = digits_limit(verb_number(v, "max")),
		.first_ms = verb_number(v, "first_s"),
		.inter_ms = verb_number(v, "digit_s"),
	};

	terms.min = digits_limit(verb_number(v, "min"));
	terms.min = terms.min < terms.max ? terms.min : terms.max;
	if (!verb_prompts(&terms, v, again ? "again" : "prompt") ||
	    (verb_value(v, "say")->given && !spoken_add(&terms, v, "say", "say_as", &w)) ||
	    !dial_tone_add(&terms, v) ||
	    bytes_cstr(verb_text(v, "terminators"), terms.ends, sizeof(terms.ends)))
		return OUTCOME_FAILED;
	if (!verb_number(v, "secret") && verb_value(v, "tag")->given)
		(void)bytes_cstr(verb_text(v, "tag"), terms.tag, sizeof(terms.tag));
	outcome = prompts_carry(t, &terms);
	explicit_bzero(space, sizeof(space));
	return outcome;
}

static int verb_record(struct flow_turn_of *t)
{
	const struct flow_verb *v = t->v;
	uint32_t max_ms = verb_number(v, "max_s"), silence_ms = verb_number(v, "silence_s");
	struct prompt_terms terms = {
		.times = 1,
		.interruptible = true,
		.message_max_ms = max_ms < PROMPT_MESSAGE_MAX_MS ? max_ms : PROMPT_MESSAGE_MAX_MS,
		.message_silence_ms =
			silence_ms < PROMPT_SILENCE_MAX_MS ? silence_ms : PROMPT_SILENCE_MAX_MS,
		.message_min_ms = verb_number(v, "min_s"),
	};

	message_leave(t->h, t->c);
	terms.draft = verb_value(v, "mailbox")->given;
	if (!verb_prompts(&terms, v, "prompt") ||
	    bytes_cstr(verb_text(v, "mailbox"), terms.mailbox, sizeof(terms.mailbox)) ||
	    bytes_cstr(verb_text(v, "terminators"), terms.ends, sizeof(terms.ends)))
		return OUTCOME_FAILED;
	if (verb_number(v, "beep") && !file_add(&terms, PROMPT_BEEP, (struct bytes){ 0 }))
		return OUTCOME_FAILED;
	return prompts_carry(t, &terms);
}

/* ---- time, digits, the end ---- */

static int verb_pause(struct flow_turn_of *t)
{
	t->c->run->until_ns = t->h->now.ns + verb_number(t->v, "seconds") * NS_PER_MS;
	t->c->run->kind = RUN_TIME;
	return VERB_BEGUN;
}

static int verb_dtmf(struct flow_turn_of *t)
{
	struct bytes digits = verb_text(t->v, "digits");
	uint8_t leg = t->c->bridge.caller;

	if (digits.n > leg_digits_room(t->c->legs[leg]))
		return OUTCOME_FAILED;
	for (size_t i = 0; i < digits.n; i++) {
		struct dtmf dtmf = { .digit = (char)digits.p[i],
				     .duration_ms = (uint16_t)verb_number(t->v, "duration_ms") };

		dtmf_send(t->h, t->c, leg, &dtmf);
	}
	return OUTCOME_NEXT;
}

static int verb_reject(struct flow_turn_of *t)
{
	char phrase[65];
	struct call_ending e = { .cause = CAUSE_REFUSED,
				 .by = ENDED_BY_NODE,
				 .status = (uint16_t)verb_number(t->v, "status") };

	if (verb_value(t->v, "reason")->given &&
	    !bytes_cstr(verb_text(t->v, "reason"), phrase, sizeof(phrase)))
		e.phrase = phrase;
	call_untaken(t->h, t->c, &e);
	return VERB_LEAVES;
}

/* RFC 3326 */
static struct bytes reason_line(struct writer *w, struct bytes reason)
{
	if (!reason.n)
		return (struct bytes){ 0 };
	writer_str(w, "Reason: Q.850;cause=16;text=\"");
	for (size_t i = 0; i < reason.n; i++) {
		if (reason.p[i] == '"' || reason.p[i] == '\\')
			writer_u8(w, '\\');
		writer_u8(w, reason.p[i]);
	}
	writer_str(w, "\"\r\n");
	return writer_lines(w);
}

static int verb_hangup(struct flow_turn_of *t)
{
	uint8_t space[REASON_LINE_MAX];
	struct writer w = writer_over(space, sizeof(space));
	struct call_ending e = flow_ending(t->c);

	e.reason = reason_line(&w, verb_text(t->v, "reason"));
	call_end(t->h, t->c, &e);
	return VERB_LEAVES;
}

/* ---- the table ---- */

static const struct flow_act g_acts[] = {
	{ "answer", true, verb_answer },
	{ "play", true, verb_play },
	{ "say", true, verb_say },
	{ "gather", true, verb_gather },
	{ "record", true, verb_record },
	{ "pause", false, verb_pause },
	{ "dtmf", true, verb_dtmf },
	{ "reject", false, verb_reject },
	{ "hangup", false, verb_hangup },
	{ "dial", false, verb_dial, true },
	{ "http", false, verb_http },
	{ "refer", true, verb_refer },
	{ "login", false, verb_login },
	{ "pin", false, verb_pin },
	{ "device", false, verb_device },
	{ "greeting", false, verb_greeting },
	{ "notification", false, verb_notification },
	{ "directory", true, verb_directory },
	{ "message", false, verb_message },
};

const struct flow_act *flow_act_of(const struct flow_verb *v)
{
	for (size_t i = 0; i < COUNT_OF(g_acts); i++) {
		if (!strcmp(g_acts[i].name, v->verb->name))
			return &g_acts[i];
	}
	for (const struct flow_act *act = g_place_acts; act->name; act++) {
		if (!strcmp(act->name, v->verb->name))
			return act;
	}
	return NULL;
}

/* ---- what a program asks ---- */

static struct bytes tag_value(const struct call *c, struct bytes tag)
{
	struct bytes rest = text_bytes(&c->data), one, name;

	while (bytes_cut(&rest, ';', &one)) {
		if (bytes_cut(&one, '=', &name) && bytes_eq(name, tag))
			return one;
	}
	return (struct bytes){ 0 };
}

/* From the caller's INVITE, if its side is trusted for it (sig/identity/policy.h). RFC 7433 without
 * parameters. */
static struct bytes header_value(const struct call *c, struct bytes name)
{
	struct bytes rest = text_bytes(&call_caller(c)->carried), value;
	struct carried_line line;

	while (carried_next(&rest, &line)) {
		value = line.value;
		if (line.kind == CARRIED_UUI)
			(void)bytes_cut(&line.value, ';', &value);
		else if (line.kind != CARRIED_EXTRA)
			continue;
		if (bytes_ieq(line.name, name) && utf8_is(value))
			return value;
	}
	return (struct bytes){ 0 };
}

/* Nothing where the tenant's zone cannot be read: another time would be wrong. */
static void fact_time(const struct flow_turn_of *t, struct bytes name, struct writer *w)
{
	const char *own = tenants_terms(t->h->settings->tenants, t->c->tenant)->zone;
	const struct zone *z = own[0] ? calendars_zone(t->h->calendars, own) : NULL;
	int64_t utc_s = (int64_t)t->c->run->turned_utc_s;

	if (z || !own[0])
		calendar_time_write(w, name, utc_s + (z ? zone_offset_s(z, utc_s) : 0));
}

static void fact_presence(const struct flow_turn_of *t, struct bytes user, struct writer *w)
{
	bool hidden;

	if (bytes_is(user, "called"))
		user = text_bytes(&t->c->to);
	else if (bytes_is(user, "box"))
		user = variable_get(&t->c->run->at, user, &hidden);
	writer_str(w, t->h->services->directory->presence(t->h->owner, t->c->tenant, user));
}

/* As the number of the flow is now: a call that was transferred here has called another one. */
static void fact_last(const struct call *c, struct bytes count, struct writer *w)
{
	struct bytes called = text_bytes(c->run->called.n ? &c->run->called : &c->to);
	uint32_t n;

	if (!bytes_u32(count, &n))
		writer_bytes(w, bytes_from(called, n < called.n ? called.n - n : 0));
}

static void world_fact(void *arg, struct bytes name, struct writer *w)
{
	const struct flow_turn_of *t = arg;
	const struct call *c = t->c;
	struct bytes dnis = call_dnis(c);
	/* Numbers of our phones stay as they are: they may be extensions. */
	const struct dial_plan *plan =
		dnis.n ? dial_plans_of(t->h->settings->dials, c->tenant) : NULL;
	char id[ID_TEXT_LEN];

	id_call_put(id, c->id);
	if (bytes_is(name, "caller"))
		writer_bytes(w, cdr_number(t->h, c, text_bytes(&c->from)));
	else if (bytes_is(name, "caller.e164"))
		dial_write_international(plan, cdr_number(t->h, c, text_bytes(&c->from)), w);
	else if (bytes_is(name, "called.e164"))
		dial_write_international(plan, dnis.n ? dnis : text_bytes(&c->to), w);
	else if (bytes_is(name, "caller_name"))
		writer_bytes(w, text_bytes(&c->display));
	else if (bytes_is(name, "called"))
		writer_bytes(w, text_bytes(&c->to));
	else if (bytes_is(name, "trunk"))
		writer_bytes(w, text_bytes(&call_caller(c)->trunk));
	else if (bytes_is(name, "language"))
		writer_str(w, legs_language(t->h, c, c->bridge.caller));
	else if (bytes_is(name, "call"))
		writer_mem(w, id, sizeof(id));
	else if (bytes_is(name, "tenant"))
		writer_str(w, call_tenant(t->h, c));
	else if (bytes_is(name, "diverted"))
		writer_str(w, plan_why_name((enum plan_why)c->run->diverted));
	else if (bytes_is(name, "diverted_by"))
		writer_bytes(w, text_bytes(&c->run->diverted_by));
	else if (bytes_starts(name, "called.last."))
		fact_last(c, bytes_from(name, strlen("called.last.")), w);
	else if (bytes_starts(name, "tag."))
		writer_bytes(w, tag_value(c, bytes_from(name, strlen("tag."))));
	else if (bytes_starts(name, "presence."))
		fact_presence(t, bytes_from(name, strlen("presence.")), w);
	else if (bytes_starts(name, "header."))
		writer_bytes(w, header_value(c, bytes_from(name, strlen("header."))));
	else
		fact_time(t, name, w);
}

static void world_hours(void *arg, struct bytes name, struct writer *w)
{
	const struct flow_turn_of *t = arg;
	const struct calendar *c = calendars_find(t->h->calendars, t->c->tenant, name);

	if (c)
		writer_str(w, calendar_word(c, (int64_t)t->c->run->turned_utc_s));
}

/* A tag of the data, or of a module, as account.code. */
static bool world_tag(void *arg, struct bytes name, struct bytes value)
{
	const struct flow_turn_of *t = arg;
	bool taken = false;

	outbox_touch(&t->c->out);
	if (modules_tagged(t->h, t->c, name, value, &taken))
		return taken;
	return call_tag_is_good(name) && !call_data_set(t->c, name, value);
}

/* The path of the call: steps, and branches that are not next. What has no room ends in dots. */
static void world_left(void *arg, const struct flow_step *step, const char *by)
{
	const struct flow_turn_of *t = arg;
	struct flow_run *r = t->c->run;
	uint8_t space[CALL_PATH_MAX - 1];
	struct writer w = writer_over(space, sizeof(space) - strlen("...")), room;
	struct bytes before = text_bytes(&r->path);
	bool next = !strcmp(by, g_flow_outcomes[OUTCOME_NEXT]);

	if (!strcmp(by, g_flow_outcomes[OUTCOME_FAILED]) &&
	    !(json_is_true(json_object_get(step->args, "first")) &&
	      step_branch(t->p, step, OUTCOME_FAILED))) /* none is there */
		LOG_WARN("flow", t->c->id, "a verb has failed", LOG_STR("flow", r->name),
			 LOG_STR("step", step->name), LOG_STR("verb", step->verb->name),
			 LOG_STR("next", "its branch failed"));
	if (before.n >= w.cap)
		return;
	writer_bytes(&w, before);
	WRITER_TEXTS(&w, before.n ? "," : "", step->name, next ? "" : ",", next ? "" : by);
	room = writer_over(space, sizeof(space));
	room.n = w.overflow ? before.n : w.n;
	if (w.overflow)
		writer_str(&room, "...");
	if (text_set(&r->path, writer_done(&room)))
		LOG_WARN("flow", t->c->id, "no memory for the path of a call");
}

struct flow_world flow_world_of(struct flow_turn_of *t)
{
	return (struct flow_world){ world_fact, world_hours, world_tag, world_left, t };
}

/* ---- where a call is ---- */

static const char *run_state_words(const struct flow_run *r)
{
	switch ((enum flow_run_state)r->state) {
	case RUN_READY:
		return r->help ? "waits for an answer" : "is about to begin";
	case RUN_ANSWERS:
		return "waits until the caller is answered";
	case RUN_WAITS:
		return "is carried out";
	case RUN_ENDED:
		return "has ended";
	case RUN_OVER:
		break;
	}
	return r->after ? "is answered, and the flow goes on when they have spoken"
			: "was the last one: somebody else has the caller";
}

void flow_describe(const struct call_host *h, const struct call *c, struct writer *w)
{
	const struct flow_run *r = c->run;
	const struct flow_program *p = r ? programs_find(h->programs, r->at.program) : NULL;

	if (!r)
		return;
	if (p && r->at.step < p->count)
		WRITER_TEXTS(w, p->steps[r->at.step].verb->name, " of step ",
			     p->steps[r->at.step].name, " ", run_state_words(r));
	else
		WRITER_TEXTS(w, "its verb ", run_state_words(r));
	writer_number(w, ", after ", r->at.visit, " verbs");
}
