/* SPDX-License-Identifier: Apache-2.0 */
/* Prompts to a caller after the node has answered the call (prompts.h): steps that play files,
 * tones or spoken values, collect DTMF digits, and record messages and names. The steps and their
 * state are in the call's record, and a successor resumes a file near its position. Used by orders
 * of applications, by flows, by conferences that ask for a PIN or a name, and for announcements to
 * a leg of a pair. Files are played and recorded by the media side, which reports by prompt and
 * record replies. */

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "sig/call/audio_source.h"
#include "sig/call/call_end.h"
#include "sig/call/legs.h"
#include "sig/call/module.h"
#include "sig/call/prompts.h"
#include "sig/call/wait.h"
#include "sig/host/settings.h"
#include "sig/model/flow_run.h"
#include "sig/model/recording.h"

/* False: nothing of that leg can be recorded now. */
static bool prompt_record_start(struct call_host *h, struct call *c, uint8_t leg)
{
	struct prompts *a = c->prompts;

	a->recording = modules_message_start(h, c, leg, bytes_str(a->terms.mailbox));
	a->until_ns = h->now.ns + a->terms.message_max_ms * NS_PER_MS;
	return a->recording;
}

static bool given_is_little(const struct prompts *a);

/* Also after a hang-up: the draft becomes a message then, except in the caller's own mailbox, where
 * he only records one for others. */
static void draft_keep(struct call *c, enum prompt_outcome outcome)
{
	const struct prompts *a = c->prompts;
	struct recording *r = recording_by_number(c->recordings, a->recording);
	bool dropped;

	if (!a->terms.draft || !a->recording || !c->run)
		return;
	dropped = given_is_little(a) || !strcmp(a->terms.mailbox, text_str(&c->run->login));
	if (r) {
		c->run->draft_segment = r->segment;
		r->draft = outcome != PROMPT_HANGUP || dropped;
	}
	c->run->draft = a->recording;
	c->run->draft_is_dropped = dropped;
	if (text_set(&c->run->draft_box, bytes_str(a->terms.mailbox)))
		c->run->draft = 0;
}

/* The file is to be finished, and then the step has that outcome. */
static void prompt_record_close(struct call_host *h, struct call *c, enum prompt_outcome outcome)
{
	struct prompts *a = c->prompts;

	draft_keep(c, outcome);
	modules_message_end(h, c, a->recording);
	a->closing = (uint8_t)(outcome + 1);
	a->until_ns = h->now.ns + PROMPT_CLOSE_MS * NS_PER_MS;
	outbox_touch(&c->out);
}

void prompts_clear(struct prompts **prompts)
{
	if (!*prompts)
		return;
	text_wipe(&(*prompts)->said);
	explicit_bzero(*prompts, sizeof(**prompts));
	free(*prompts);
	*prompts = NULL;
}

static const struct prompt_step *prompt_step_now(const struct prompts *a)
{
	return &a->list[a->at];
}

bool prompts_are_announcing(const struct call *c)
{
	return c->prompts && c->prompts->leg != LEG_NONE && bridge_has(c, c->prompts->leg);
}

/* The leg that hears the prompt. */
static uint8_t prompt_leg(const struct call *c)
{
	return c->prompts->leg != LEG_NONE ? c->prompts->leg : c->bridge.caller;
}

/* Another one than that. */
static bool prompt_is_also_for(const struct call *c, uint8_t leg)
{
	const struct prompts *a = c->prompts;
	bool both = a->both && a->file >= a->alone && bridge_has(c, leg);

	return (both ||
		(leg_is_screened(call_leg(c, leg)) && leg_is_screened(call_leg(c, a->leg)))) &&
	       a->source == AUDIO_SOURCE_PLAY && audio_source_takes(c, leg, a->codec);
}

enum audio_source prompts_audio_source(const struct call *c, uint8_t leg)
{
	if (c->prompts && (leg == prompt_leg(c) || prompt_is_also_for(c, leg)))
		return c->prompts->source;
	return prompts_are_announcing(c) && bridge_has(c, leg) ? AUDIO_SOURCE_MUSIC
							       : AUDIO_SOURCE_PEER;
}

const struct job_id *prompts_track(const struct call *c)
{
	return c->prompts->track;
}

/* ---- what is played ---- */

static enum audio_source prompt_word(const char *file)
{
	static const struct {
		const char *word;
		enum audio_source source;
	} g_words[] = {
		{ PROMPT_ECHO, AUDIO_SOURCE_ITSELF },
#define TONE(suffix, name) { PROMPT_TONE name, AUDIO_SOURCE_##suffix },
#include "sig/host/tones.def"
#undef TONE
	};

	for (size_t i = 0; i < COUNT_OF(g_words); i++) {
		if (!strcmp(file, g_words[i].word))
			return g_words[i].source;
	}
	return AUDIO_SOURCE_PLAY;
}

static void play_stop(struct call_host *h, struct call *c)
{
	if (c->prompts->serial)
		(void)effects_add(h->effects, EFFECT_PLAY_STOP, c->id, c->prompts->serial);
	c->prompts->serial = 0;
	c->prompts->source = AUDIO_SOURCE_PEER;
	memset(c->prompts->track, 0, sizeof(c->prompts->track));
}

static void wait_digit(const struct call_host *h, struct prompts *a)
{
	uint32_t ms = a->digit_count ? a->terms.inter_ms : a->terms.first_ms;

	a->until_ns = h->now.ns + ms * NS_PER_MS;
}

/* With an endless prompt the first digit is awaited from its beginning. */
static void endless_wait_digit(const struct call_host *h, struct prompts *a)
{
	if (a->terms.max && !a->until_ns)
		wait_digit(h, a);
}

static uint32_t played_since(const struct prompts *a, uint64_t utc_ms, uint32_t before)
{
	uint64_t ms = before;

	if (a->since_utc_ms && utc_ms > a->since_utc_ms)
		ms += utc_ms - a->since_utc_ms;
	return ms < PROMPT_PLACE_MAX_MS ? (uint32_t)ms : PROMPT_PLACE_MAX_MS;
}

uint32_t prompts_place_ms(const struct prompts *a, uint64_t utc_ms)
{
	return played_since(a, utc_ms, a->place_ms);
}

uint32_t prompts_played_ms(const struct prompts *a, uint64_t utc_ms)
{
	return played_since(a, utc_ms, a->played_ms);
}

static void place_set(const struct call_host *h, struct prompts *a, uint32_t ms)
{
	a->played_ms = prompts_played_ms(a, h->now.utc_ms);
	a->place_ms = ms;
	a->since_utc_ms = 0;
}

/* It waited meanwhile for what had not arrived. */
static void place_correct(const struct call_host *h, struct prompts *a, uint32_t ms)
{
	uint32_t place = prompts_place_ms(a, h->now.utc_ms), late = place > ms ? place - ms : 0;

	if (late < PROMPT_LATE_MS)
		return;
	place_set(h, a, ms);
	a->played_ms -= late < a->played_ms ? late : a->played_ms;
	a->since_utc_ms = h->now.utc_ms;
}

/* In its place. False: that tone is not played here, or not in a codec of the caller's. */
static bool word_start(const struct call_host *h, const struct call *c, enum audio_source word)
{
	struct prompts *a = c->prompts;
	enum media_codec codec;

	if (word != AUDIO_SOURCE_ITSELF &&
	    (!h->settings->tones || !audio_source_codec(c, prompt_leg(c), &codec)))
		return false;
	a->source = word;
	endless_wait_digit(h, a);
	return true;
}

/* As it is asked for: with the hash of what the call has begun. */
static struct bytes file_named(const struct prompts *a, char *space, size_t size)
{
	struct writer w = writer_over(space, size);

	if (!strcmp(a->terms.files[a->file], PROMPT_VALUE))
		return text_bytes(&a->said);
	WRITER_TEXTS(&w, a->terms.files[a->file], a->pinned[0] ? PROMPT_PINNED : "", a->pinned);
	return writer_done(&w);
}

/* The file that is its turn. False: it cannot be asked for. */
static bool file_start(struct call_host *h, struct call *c)
{
	char space[PROMPT_NAME_MAX + sizeof(PROMPT_PINNED) + PROMPT_PIN_MAX];
	struct prompts *a = c->prompts;
	struct bytes file = file_named(a, space, sizeof(space));
	struct request_play *play;
	enum media_codec codec;
	uint64_t serial;

	if (!audio_source_codec(c, prompt_leg(c), &codec))
		return false;
	serial = rand_u64_from(h->rand) | 1;
	play = effects_request(h->effects, EFFECT_PLAY, c->id, serial,
			       EFFECT_TEXTS(bytes_str(call_tenant(h, c)),
					    bytes_str(legs_language(h, c, prompt_leg(c))), file));
	if (!play)
		return false;
	play->codec = codec;
	play->begin_ms = a->place_ms;
	play->resumed = a->resumed;
	play->spared = a->terms.first && (a->terms.spared || a->file + 1 < a->terms.file_count);
	a->source = AUDIO_SOURCE_PLAY;
	a->codec = codec;
	a->serial = serial;
	if (bytes_starts(file, PROMPT_LATE_ECHO) || bytes_starts(file, PROMPT_LIVE))
		endless_wait_digit(h, a);
	return true;
}

static bool play_start(struct call_host *h, struct call *c)
{
	enum audio_source word = prompt_word(c->prompts->terms.files[c->prompts->file]);

	return word == AUDIO_SOURCE_PLAY ? file_start(h, c) : word_start(h, c, word);
}

/* Another file is another prompt; a repetition is the same. */
static void pin_clear(struct prompts *a)
{
	if (a->terms.file_count > 1)
		a->pinned[0] = '\0';
}

/* That file from its beginning. */
static void file_set(struct prompts *a, uint8_t file)
{
	a->place_ms = a->played_ms = 0;
	a->since_utc_ms = 0;
	pin_clear(a);
	a->file = file;
}

/* False: all has been played. */
static bool play_next(struct prompts *a)
{
	bool more = a->file + 1 < a->terms.file_count && !a->terms.first;

	file_set(a, more ? (uint8_t)(a->file + 1) : a->terms.first ? a->file : 0);
	return more || !a->terms.times || ++a->time < a->terms.times;
}

/* ---- steps ---- */

static bool collected_are_few(const struct prompts *a)
{
	return a->terms.max && a->digit_count < a->terms.min;
}

/* The recorded speech is too short. */
static bool given_is_little(const struct prompts *a)
{
	return a->terms.message_max_ms ? a->message_ms < a->terms.message_min_ms
				       : collected_are_few(a);
}

/* It came to an end of its own. */
static bool outcome_is_own(enum prompt_outcome outcome)
{
	return outcome == PROMPT_ENDED || outcome == PROMPT_DIGIT || outcome == PROMPT_TIMEOUT;
}

static const char *prompt_reason_of(const struct prompts *a, enum prompt_outcome outcome)
{
	/* of what is played, collected and recorded */
	static const char *const reasons[PROMPT_OUTCOMES + 1][3] = {
		[PROMPT_ENDED] = { "end", "max", "silence" },
		[PROMPT_DIGIT] = { "key", "terminator", "key" },
		[PROMPT_TIMEOUT] = { "timeout", "timeout", "max" },
		[PROMPT_FAILED] = { "failed", "failed", "failed" },
		[PROMPT_STOPPED] = { "stopped", "stopped", "stopped" },
		[PROMPT_HANGUP] = { "hangup", "hangup", "hangup" },
		[PROMPT_OUTCOMES] = { "", "", "" },
	};
	bool records = a->terms.message_max_ms;

	if (given_is_little(a) &&
	    (outcome_is_own(outcome) || (records && outcome == PROMPT_HANGUP)))
		return "short";
	return reasons[outcome][records ? 2 : a->terms.max != 0];
}

/* The cause in addition to the reason: why it was not played or recorded, or why digits are not
 * collected again. NULL: none. */
static const char *prompt_cause(const struct prompts *a, enum prompt_outcome outcome)
{
	if (outcome == PROMPT_FAILED)
		return a->why ? a->why : "it cannot be said in a codec of the party";
	if (!a->terms.max || outcome == PROMPT_STOPPED || outcome == PROMPT_HANGUP)
		return NULL;
	if (a->why) /* a prompt that cannot be played does not prevent digits */
		return a->why;
	return collected_are_few(a) && a->terms.tries > 1
		       ? "fewer digits than min, and no tries are left"
		       : NULL;
}

/* They were given as they were asked for: from now on they go where the call goes (IVR-02). */
static void collected_keep(struct call *c, enum prompt_outcome outcome)
{
	const struct prompts *a = c->prompts;

	if (!outcome_is_own(outcome) || !a->terms.max || !a->terms.tag[0] || !a->digit_count ||
	    collected_are_few(a))
		return;
	if (call_data_set(c, bytes_str(a->terms.tag), bytes_str(a->digits)))
		LOG_WARN("call", c->id, "the call has no room for what was collected",
			 LOG_STR("tag", a->terms.tag));
}

static enum sig_event_kind prompt_event_of(const struct prompts *a)
{
	if (a->terms.message_max_ms)
		return SIG_CALL_RECORDED;
	return a->terms.max ? SIG_CALL_COLLECTED : SIG_CALL_PLAYED;
}

/* The node itself asks for digits or a name: a party entering a conference has no application
 * yet. */
static bool prompt_is_own(const struct call *c)
{
	const struct prompt_terms *t = &c->prompts->terms;

	if (flow_has_caller(c) && !c->prompts->order)
		return c->prompts->leg == LEG_NONE;
	return c->member && c->member->asks && (t->max || (c->member->naming && t->message_max_ms));
}

/* Also after a hang-up: then it is deleted. */
static void name_keep(const struct call *c, enum prompt_outcome outcome)
{
	bool said = outcome != PROMPT_FAILED && !given_is_little(c->prompts);

	if (c->member && c->member->naming)
		c->member->name = said || outcome == PROMPT_HANGUP ? c->prompts->recording : 0;
}

/* What was asked for is told when nothing is under way any more. */
static void prompt_forget_call(struct call_host *h, struct call *c, enum prompt_outcome outcome)
{
	bool own = prompt_is_own(c) && outcome != PROMPT_STOPPED && outcome != PROMPT_HANGUP;
	char digits[PROMPT_DIGITS_MAX + 1];
	struct prompt_result result = { .outcome = outcome,
					.recording = c->prompts->recording,
					.few = given_is_little(c->prompts),
					.why = c->prompts->why,
					.none = c->prompts->terms.first &&
						outcome == PROMPT_FAILED };

	name_keep(c, outcome);
	memcpy(digits, c->prompts->digits, sizeof(digits));
	result.digits = bytes_str(digits);
	prompts_clear(&c->prompts);
	if (own)
		modules_prompted(h, c, &result);
	explicit_bzero(digits, sizeof(digits));
}

/* Tells the application, and only it of digits without a tag. */
static void prompt_finish(struct call_host *h, struct call *c, enum prompt_outcome outcome)
{
	struct sig_event *event = NULL;

	collected_keep(c, outcome);
	draft_keep(c, outcome);
	modules_message_end(h, c, c->prompts->recording);
	if (c->prompts->leg == LEG_NONE && !prompt_is_own(c))
		event = call_publish(h, c, prompt_event_of(c->prompts));
	event_put_number(event, EV_ORDER, c->prompts->order);
	event_put_str(event, EV_REASON, prompt_reason_of(c->prompts, outcome));
	event_put_str(event, EV_CAUSE, prompt_cause(c->prompts, outcome));
	if (c->prompts->recording)
		event_put_recording(event, c->id, c->prompts->recording);
	event_put_number(event, EV_MS, c->prompts->message_ms);
	if (call_application(c).n)
		event_put_str(event, EV_DIGITS, c->prompts->digits);
	play_stop(h, c);
	prompt_forget_call(h, c, outcome);
}

static void prompt_step_end(struct call_host *h, struct call *c, enum prompt_outcome outcome);

static void prompt_fail(struct call_host *h, struct call *c, const char *why)
{
	c->prompts->why = why;
	prompt_step_end(h, c, PROMPT_FAILED);
}

static void prompt_step_start(struct call_host *h, struct call *c)
{
	struct prompts *a = c->prompts;

	play_stop(h, c);
	switch ((enum prompt_step_kind)prompt_step_now(a)->kind) {
	case PROMPT_PLAY:
		if (!a->paused && !play_start(h, c))
			prompt_fail(h, c, "it cannot be said in a codec of the party");
		return;
	case PROMPT_COLLECT:
		wait_digit(h, a);
		if (a->digit_count == a->terms.max)
			prompt_step_end(h, c, PROMPT_ENDED);
		else if (c->run && c->run->state == RUN_WAITS)
			prompts_on_digits_kept(h, c);
		return;
	case PROMPT_RECORD:
		if (!prompt_record_start(h, c, prompt_leg(c)))
			prompt_step_end(h, c, PROMPT_FAILED);
		return;
	}
}

/* Too few came, and may be given once more (IVR-05). */
static bool collect_again(struct prompts *a, enum prompt_outcome outcome)
{
	if ((outcome != PROMPT_DIGIT && outcome != PROMPT_TIMEOUT) || !collected_are_few(a) ||
	    a->tried + 1 >= a->terms.tries)
		return false;
	a->tried++;
	a->why = NULL;
	explicit_bzero(a->digits, sizeof(a->digits));
	a->digit_count = 0;
	a->until_ns = 0;
	return true;
}

static void prompt_step_end(struct call_host *h, struct call *c, enum prompt_outcome outcome)
{
	struct prompts *a = c->prompts;
	uint8_t next = prompt_step_now(a)->next[outcome];

	if (prompt_step_now(a)->kind == PROMPT_RECORD && !a->closing && outcome_is_own(outcome)) {
		/* its file is not there yet, and the receiver of the event may play it */
		prompt_record_close(h, c, outcome);
		return;
	}
	outbox_touch(&c->out);
	if (next == PROMPT_DONE && collect_again(a, outcome))
		next = 0;
	if (next == PROMPT_DONE) {
		prompt_finish(h, c, outcome);
		return;
	}
	a->at = next;
	a->time = 0;
	a->paused = false;
	file_set(a, 0);
	prompt_step_start(h, c);
}

static struct prompt_step prompt_step_make(enum prompt_step_kind kind)
{
	struct prompt_step act = { .kind = (uint8_t)kind };

	memset(act.next, PROMPT_DONE, sizeof(act.next));
	return act;
}

/* Digits may be dialled early, and a missing file does not prevent digits. */
static void steps_make(struct prompts *a)
{
	if (a->terms.file_count)
		a->list[a->count++] = prompt_step_make(PROMPT_PLAY);
	if (!a->terms.max && !a->terms.message_max_ms)
		return;
	if (a->count) {
		a->list[0].next[PROMPT_ENDED] = a->list[0].next[PROMPT_DIGIT] = 1;
		a->list[0].next[PROMPT_FAILED] = 1;
	}
	a->list[a->count++] = prompt_step_make(a->terms.max ? PROMPT_COLLECT : PROMPT_RECORD);
}

/* By a command: a leg has one recording. A message that is under way makes room. */
static bool is_recorded(const struct call *c)
{
	const struct recording *r = recording_of_leg(c->recordings, c->bridge.caller);

	return r && r->cause != RECORDING_MESSAGE;
}

/* NULL: no memory. */
static struct prompts *prompts_new(const struct prompt_terms *terms, uint8_t leg)
{
	struct prompts *a = calloc(1, sizeof(*a));

	if (!a || text_set(&a->said, terms->said)) {
		free(a);
		return NULL;
	}
	a->terms = *terms;
	a->terms.said = (struct bytes){ 0 };
	a->leg = leg;
	steps_make(a);
	return a;
}

enum refusal prompts_collect(struct call_host *h, struct call *c, const struct prompt_terms *terms,
			     uint32_t order)
{
	struct prompts *a;

	if (!call_is_alone(c) || c->state == CALL_ENDING)
		return REFUSED_NOT_ALONE;
	a = prompts_new(terms, LEG_NONE);
	if (!a)
		return REFUSED_MEMORY;
	if (c->prompts)
		prompt_finish(h, c, PROMPT_STOPPED);
	outbox_touch_lazily(&c->out); /* what has begun begins anew */
	a->order = order;
	if (a->count) {
		c->prompts = a;
		prompt_step_start(h, c);
	} else {
		prompts_clear(&a);
	}
	return REFUSED_NOT;
}

enum refusal prompts_start(struct call_host *h, struct call *c, const struct prompt_terms *terms,
			   uint32_t order)
{
	bool alone = call_is_alone(c) && c->state != CALL_ENDING;

	assert(!terms->max || !terms->message_max_ms);
	if (alone && terms->max && !call_application(c).n)
		return REFUSED_NO_COLLECTOR;
	if (alone && terms->message_max_ms && is_recorded(c))
		return REFUSED_LEG_RECORDED;
	return prompts_collect(h, c, terms, order);
}

bool prompts_announce(struct call_host *h, struct call *c, uint8_t leg,
		      const struct prompt_terms *terms, uint8_t alone)
{
	struct prompts *a;

	assert(leg_is_screened(call_leg(c, leg)) ||
	       (bridge_has(c, leg) && bridge_peer(c, leg) != LEG_NONE));
	if (c->prompts || !(a = prompts_new(terms, leg)))
		return false;
	a->both = alone < terms->file_count;
	a->alone = a->both ? alone : 0;
	c->prompts = a;
	outbox_touch(&c->out);
	prompt_step_start(h, c);
	return c->prompts;
}

void prompts_settle(struct call_host *h, struct call *c)
{
	struct prompts *a = c->prompts;

	if (!a || a->leg == LEG_NONE || bridge_has(c, a->leg) ||
	    leg_is_screened(call_leg(c, a->leg)))
		return;
	outbox_touch(&c->out);
	for (uint8_t i = 0; i < c->leg_count; i++) {
		if (!leg_is_screened(c->legs[i]))
			continue;
		a->leg = i;
		file_set(a, 0);
		prompt_step_start(h, c);
		return;
	}
	prompt_finish(h, c, PROMPT_STOPPED);
}

/* ---- what happens ---- */

/* The second dial tone, behind an access code (MED-04). The next digit ends it. */
static void collect_tone(struct call_host *h, struct call *c)
{
	struct prompts *a = c->prompts;

	play_stop(h, c);
	if (a->digit_count && !strcmp(a->digits, a->terms.tone_behind))
		(void)word_start(h, c, AUDIO_SOURCE_DIAL);
}

static void collect_digit(struct call_host *h, struct call *c, char key)
{
	struct prompts *a = c->prompts;

	if (strchr(a->terms.ends, key)) {
		prompt_step_end(h, c, PROMPT_DIGIT);
		return;
	}
	a->digits[a->digit_count++] = key;
	outbox_touch(&c->out);
	wait_digit(h, a);
	if (a->digit_count == a->terms.max)
		prompt_step_end(h, c, PROMPT_ENDED);
	else
		collect_tone(h, c);
}

static bool prompt_is_live(const struct prompts *a)
{
	return bytes_starts(bytes_str(a->terms.files[a->file]), PROMPT_LIVE);
}

bool prompts_want_digits(const struct call *c)
{
	const struct prompts *a = c->prompts;

	if (c->run && flow_run_keeps_keys(c->run))
		return true;
	return a && a->leg == LEG_NONE &&
	       (a->terms.max || a->terms.interruptible || a->terms.ends[0] || prompt_is_live(a));
}

/* An application that streams the caller's audio gets its digits, too. */
static void prompt_live_digit(struct call_host *h, const struct call *c, char key)
{
	const struct prompts *a = c->prompts;
	struct effect *e;

	if (!a->serial || !prompt_is_live(a))
		return;
	e = effects_add(h->effects, EFFECT_PLAY_DIGIT, c->id, a->serial);
	if (e)
		((struct request_play_digit *)e->request)->digit = key;
}

/* False: that key moves nothing. */
static bool prompt_controlled(struct call_host *h, struct call *c, char key)
{
	static const enum prompt_control controls[PROMPT_CONTROLS] = { PROMPT_SKIP_BACK,
								       PROMPT_PAUSE,
								       PROMPT_SKIP_FORWARD };
	const struct prompts *a = c->prompts;
	const char *at = key ? strchr(a->terms.controls, key) : NULL;
	enum prompt_control control;

	if (!at)
		return false;
	control = controls[at - a->terms.controls];
	if (control == PROMPT_PAUSE && a->paused)
		control = PROMPT_RESUME;
	(void)!prompts_control(h, c, control, PROMPT_MOVE_MS);
	return true;
}

/* It takes DTMF digits, even if others than this one; else they are kept for the next prompt. */
static bool prompt_has_keys(const struct prompts *a)
{
	switch ((enum prompt_step_kind)prompt_step_now(a)->kind) {
	case PROMPT_PLAY:
		return a->terms.interruptible || a->terms.controls[0] || prompt_is_live(a);
	case PROMPT_COLLECT:
		return true;
	case PROMPT_RECORD:
		return !a->closing;
	}
	return true;
}

/* The caller is with no prompt, or with one that wants none. */
static void digit_keep(struct call *c, char key)
{
	if (c->run && flow_run_key(c->run, key))
		outbox_touch(&c->out);
}

void prompts_on_digits_kept(struct call_host *h, struct call *c)
{
	bool records = c->prompts && c->prompts->terms.message_max_ms; /* behind its beep */
	char keys[RUN_AHEAD_MAX];

	memcpy(keys, c->run->ahead, sizeof(keys));
	explicit_bzero(c->run->ahead, sizeof(c->run->ahead));
	for (const char *key = keys; *key && !records; key++)
		prompts_on_digit(h, c, *key);
	explicit_bzero(keys, sizeof(keys));
}

void prompts_on_digit(struct call_host *h, struct call *c, char key)
{
	struct prompts *a = c->prompts;

	if (!a || (a->leg == LEG_NONE && !prompt_has_keys(a)))
		digit_keep(c, key);
	if (!a || a->leg != LEG_NONE)
		return;
	if (prompt_step_now(a)->kind == PROMPT_PLAY) {
		if (prompt_controlled(h, c, key))
			return;
		prompt_live_digit(h, c, key);
		if (!a->terms.interruptible || (a->terms.only_ends && !strchr(a->terms.ends, key)))
			return;
		if (!a->terms.max && !a->terms.message_max_ms) {
			a->digits[0] = key;
			a->digit_count = 1;
		}
		prompt_step_end(h, c, PROMPT_DIGIT);
		a = c->prompts;
		if (!a || prompt_step_now(a)->kind != PROMPT_COLLECT)
			return;
	}
	if (prompt_step_now(a)->kind == PROMPT_COLLECT)
		collect_digit(h, c, key);
	else if (!a->closing && strchr(a->terms.ends, key))
		prompt_step_end(h, c, PROMPT_DIGIT);
}

void prompts_on_recorded(struct call_host *h, struct call *c, const struct record_reply *new_state)
{
	struct prompts *a = c->prompts;

	if (!a || !a->recording || a->recording != new_state->number ||
	    prompt_step_now(a)->kind != PROMPT_RECORD)
		return;
	switch (new_state->kind) {
	case RECORD_REPLY_FAILED: /* prompts_on_record_failed */
		return;
	case RECORD_REPLY_GROWN:
		a->message_ms = a->before_ms + new_state->ms;
		outbox_touch_later(&c->out);
		return;
	case RECORD_REPLY_QUIET:
		if (!a->closing)
			prompt_step_end(h, c, PROMPT_ENDED);
		return;
	case RECORD_REPLY_ENDED:
		a->message_ms = a->before_ms + new_state->ms;
		if (a->closing)
			prompt_step_end(h, c, (enum prompt_outcome)(a->closing - 1));
		return;
	}
}

void prompts_on_record_failed(struct call_host *h, struct call *c, uint8_t number)
{
	if (number && c->prompts && c->prompts->recording == number)
		prompt_fail(h, c, "its file cannot be written");
}

bool prompts_records(const struct call *c, uint8_t number)
{
	return c->prompts && c->prompts->recording == number && !c->prompts->closing;
}

uint32_t prompts_silence_ms(const struct call *c, uint8_t number)
{
	return prompts_records(c, number) ? c->prompts->terms.message_silence_ms : 0;
}

void prompts_on_reply(struct call_host *h, struct call *c, const struct prompt_reply *new_state)
{
	struct prompts *a = c->prompts;

	if (!a || a->serial != new_state->serial || prompt_step_now(a)->kind != PROMPT_PLAY)
		return;
	switch (new_state->kind) {
	case PROMPT_REPLY_OPEN:
		a->track[new_state->codec] = new_state->job;
		a->since_utc_ms = h->now.utc_ms;
		memcpy(a->pinned, new_state->pinned, sizeof(a->pinned));
		outbox_touch_lazily(&c->out);
		return;
	case PROMPT_REPLY_PLACE:
		place_correct(h, a, new_state->ms);
		outbox_touch_lazily(&c->out);
		return;
	case PROMPT_REPLY_ENDED:
		if (!play_next(a)) {
			prompt_step_end(h, c, PROMPT_ENDED);
			return;
		}
		outbox_touch(&c->out);
		prompt_step_start(h, c);
		return;
	case PROMPT_REPLY_FAILED:
		if (a->terms.first && a->file + 1 < a->terms.file_count) {
			file_set(a, (uint8_t)(a->file + 1));
			outbox_touch_lazily(&c->out);
			prompt_step_start(h, c);
			return;
		}
		if (a->terms.first) {
			prompt_fail(h, c, NULL);
			return;
		}
		LOG_WARN("call", c->id, "a sound is not played",
			 LOG_STR("file", a->terms.files[a->file]));
		prompt_fail(h, c, new_state->why);
		return;
	}
}

void prompts_on_timeout(struct call_host *h, struct call *c)
{
	const struct prompts *a = c->prompts;

	if (a)
		prompt_step_end(
			h, c, a->closing ? (enum prompt_outcome)(a->closing - 1) : PROMPT_TIMEOUT);
}

void prompts_stop(struct call_host *h, struct call *c)
{
	if (c->prompts)
		prompt_finish(h, c, PROMPT_STOPPED);
}

void prompts_end(struct call_host *h, struct call *c)
{
	uint8_t closing = c->prompts && flow_has_caller(c) ? c->prompts->closing : 0;

	if (c->prompts) /* a flow may act on an outcome that waits for the file alone */
		prompt_finish(h, c, closing ? (enum prompt_outcome)(closing - 1) : PROMPT_HANGUP);
}

/* Played up to some moment before this process, which is unknown. */
static void place_resume(const struct call_host *h, struct prompts *a)
{
	uint32_t ms = prompts_place_ms(a, h->now.utc_ms),
		 again = ms > PROMPT_AGAIN_MS ? ms - PROMPT_AGAIN_MS : 0;

	place_set(h, a, again > a->place_ms ? again : a->place_ms);
}

/* The recording continues by itself (sig/pbx/recording/recording.h). A file to be finished is, here
 * or by its node. */
static void record_resume(struct call_host *h, struct call *c)
{
	struct prompts *a = c->prompts;

	a->before_ms = a->message_ms;
	if (a->closing)
		prompt_step_end(h, c, (enum prompt_outcome)(a->closing - 1));
	else if (!recording_by_number(c->recordings, a->recording))
		prompt_step_end(h, c, PROMPT_FAILED);
}

void prompts_resume(struct call_host *h, struct call *c)
{
	if (c->prompts && prompt_step_now(c->prompts)->kind == PROMPT_RECORD)
		record_resume(h, c);
	else if (c->prompts && prompt_step_now(c->prompts)->kind == PROMPT_COLLECT)
		collect_tone(h, c);
	if (!c->prompts || prompt_step_now(c->prompts)->kind != PROMPT_PLAY)
		return;
	place_resume(h, c->prompts);
	c->prompts->resumed = true;
	prompt_step_start(h, c);
	if (c->prompts)
		c->prompts->resumed = false;
}

/* ---- pause and places ---- */

static bool prompt_has_place(const struct prompts *a)
{
	const char *file = a->terms.files[a->file];

	return prompt_word(file) == AUDIO_SOURCE_PLAY && !prompt_is_live(a) &&
	       !bytes_starts(bytes_str(file), PROMPT_LATE_ECHO);
}

static uint32_t place_wanted(enum prompt_control control, uint32_t place, uint32_t ms)
{
	uint64_t sum = (uint64_t)place + ms;

	switch (control) {
	case PROMPT_SKIP_FORWARD:
		return sum < PROMPT_PLACE_MAX_MS ? (uint32_t)sum : PROMPT_PLACE_MAX_MS;
	case PROMPT_SKIP_BACK:
		return place > ms ? place - ms : 0;
	case PROMPT_SEEK:
		return ms;
	case PROMPT_PLACE:
	case PROMPT_PAUSE:
	case PROMPT_RESUME:
		break;
	}
	return place;
}

enum refusal prompts_control(struct call_host *h, struct call *c, enum prompt_control control,
			     uint32_t ms)
{
	bool moves = control == PROMPT_SKIP_FORWARD || control == PROMPT_SKIP_BACK ||
		     control == PROMPT_SEEK;
	struct prompts *a = c->prompts;
	bool paused;

	if (!a || prompt_step_now(a)->kind != PROMPT_PLAY || a->leg != LEG_NONE)
		return REFUSED_NOTHING_PLAYED;
	if (moves && !prompt_has_place(a))
		return REFUSED_NO_POSITION;
	paused = control == PROMPT_PAUSE || (a->paused && control != PROMPT_RESUME);
	if (!moves && paused == a->paused)
		return 0;
	place_set(h, a, place_wanted(control, prompts_place_ms(a, h->now.utc_ms), ms));
	a->paused = paused;
	outbox_touch(&c->out);
	prompt_step_start(h, c);
	return 0;
}
