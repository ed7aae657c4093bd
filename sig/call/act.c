/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/call/act.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "sig/call/call_end.h"
#include "sig/call/hears.h"
#include "sig/call/wait.h"

void acts_clear(struct acts **acts)
{
	free(*acts);
	*acts = NULL;
}

static const struct act *act_now(const struct acts *a)
{
	return &a->list[a->at];
}

enum hears acts_hears(const struct call *c)
{
	return c->acts ? c->acts->hears : HEARS_PEER;
}

const struct job_id *acts_track(const struct call *c)
{
	return c->acts->track;
}

/* ---- what is played ---- */

static enum hears act_word(const char *file)
{
	static const struct {
		const char *word;
		enum hears hears;
	} g_words[] = {
		{ ACT_ECHO, HEARS_ITSELF },
#define TONE(suffix, name) { ACT_TONE name, HEARS_##suffix },
#include "sig/host/tones.def"
#undef TONE
	};

	for (size_t i = 0; i < COUNT_OF(g_words); i++) {
		if (!strcmp(file, g_words[i].word))
			return g_words[i].hears;
	}
	return HEARS_PLAY;
}

static void play_stop(struct call_host *h, struct call *c)
{
	struct effect *e = c->acts->serial ? effects_add(h->effects, EFFECT_PLAY_STOP) : NULL;

	if (e) {
		e->call = c->id;
		e->version = c->acts->serial;
	}
	c->acts->serial = 0;
	c->acts->hears = HEARS_PEER;
	memset(c->acts->track, 0, sizeof(c->acts->track));
}

static void wait_key(const struct call_host *h, struct acts *a)
{
	uint32_t ms = a->digit_count ? a->terms.inter_ms : a->terms.first_ms;

	a->until_ns = h->now.ns + ms * NS_PER_MS;
}

/* Beside what has no end the first key is waited for from its beginning on. */
static void endless_begin(const struct call_host *h, struct acts *a)
{
	if (a->terms.max && !a->until_ns)
		wait_key(h, a);
}

/* In its place. False: that tone is not played here, or not in a codec of the caller's. */
static bool word_start(const struct call_host *h, const struct call *c, enum hears word)
{
	struct acts *a = c->acts;
	enum media_codec codec;

	if (word != HEARS_ITSELF &&
	    (!h->settings->tones || !hears_codec(c, c->bridge.caller, &codec)))
		return false;
	a->hears = word;
	endless_begin(h, a);
	return true;
}

/* The file that is its turn. False: it cannot be asked for. */
static bool file_start(struct call_host *h, struct call *c)
{
	struct acts *a = c->acts;
	enum media_codec codec;
	struct effect *e;

	if (!hears_codec(c, c->bridge.caller, &codec))
		return false;
	e = effects_add(h->effects, EFFECT_PLAY);
	if (!e || text_set(&e->tenant, bytes_str(call_tenant(h, c))) ||
	    text_set(&e->data, bytes_str(a->terms.files[a->file])))
		return false;
	a->hears = HEARS_PLAY;
	a->serial = rand_u64_from(h->rand) | 1;
	e->call = c->id;
	e->version = a->serial;
	e->expected = codec;
	if (bytes_starts(text_bytes(&e->data), ACT_LATE_ECHO))
		endless_begin(h, a);
	return true;
}

static bool play_start(struct call_host *h, struct call *c)
{
	enum hears word = act_word(c->acts->terms.files[c->acts->file]);

	play_stop(h, c);
	return word == HEARS_PLAY ? file_start(h, c) : word_start(h, c, word);
}

/* False: all has been played. */
static bool play_next(struct acts *a)
{
	if (++a->file < a->terms.file_count)
		return true;
	a->file = 0;
	if (a->terms.times == 0)
		return true;
	return ++a->time < a->terms.times;
}

/* ---- steps ---- */

static const char *act_reason_of(const struct acts *a, enum act_outcome outcome)
{
	bool collects = a->terms.max;
	bool few = collects && a->digit_count < a->terms.min;

	switch (outcome) {
	case ACT_ENDED:
		return collects ? "max" : "end";
	case ACT_KEY:
		return !collects ? "key" : few ? "short" : "terminator";
	case ACT_TIMEOUT:
		return few ? "short" : "timeout";
	case ACT_FAILED:
		return "failed";
	case ACT_STOPPED:
		return "stopped";
	case ACT_HANGUP:
		return "hangup";
	case ACT_OUTCOMES:
		break;
	}
	return "";
}

/* The application hears of it; nobody else of the keys. */
static void act_finish(struct call_host *h, struct call *c, enum act_outcome outcome)
{
	struct sig_event *event =
		call_publish_begin(h, c, c->acts->terms.max ? SIG_CALL_COLLECTED : SIG_CALL_PLAYED);

	if (event) {
		event->order = c->acts->order;
		event->reason = act_reason_of(c->acts, outcome);
		if (call_application(c).n)
			memcpy(event->digits, c->acts->digits, sizeof(c->acts->digits));
	}
	play_stop(h, c);
	explicit_bzero(c->acts, sizeof(*c->acts));
	acts_clear(&c->acts);
}

static void act_end(struct call_host *h, struct call *c, enum act_outcome outcome);

static void act_start(struct call_host *h, struct call *c)
{
	struct acts *a = c->acts;

	switch ((enum act_kind)act_now(a)->kind) {
	case ACT_PLAY:
		if (!play_start(h, c))
			act_end(h, c, ACT_FAILED);
		return;
	case ACT_COLLECT:
		play_stop(h, c);
		wait_key(h, a);
		if (a->digit_count == a->terms.max)
			act_end(h, c, ACT_ENDED);
		return;
	}
}

static void act_end(struct call_host *h, struct call *c, enum act_outcome outcome)
{
	struct acts *a = c->acts;
	uint8_t next = act_now(a)->next[outcome];

	outbox_touch(&c->out);
	if (next == ACT_DONE) {
		act_finish(h, c, outcome);
		return;
	}
	a->at = next;
	a->file = a->time = 0;
	act_start(h, c);
}

static struct act act_make(enum act_kind kind)
{
	struct act act = { .kind = (uint8_t)kind };

	memset(act.next, ACT_DONE, sizeof(act.next));
	return act;
}

/* A key that is pressed early counts, and a file that is not there keeps nobody from pressing keys. */
static void steps_make(struct acts *a)
{
	if (a->terms.file_count)
		a->list[a->count++] = act_make(ACT_PLAY);
	if (!a->terms.max)
		return;
	if (a->count) {
		a->list[0].next[ACT_ENDED] = a->list[0].next[ACT_KEY] = 1;
		a->list[0].next[ACT_FAILED] = 1;
	}
	a->list[a->count++] = act_make(ACT_COLLECT);
}

int acts_begin(struct call_host *h, struct call *c, const struct act_terms *terms, uint32_t order)
{
	struct acts *a;

	if (!call_is_alone(c) || c->state == CALL_ENDING)
		return -EISCONN;
	if (terms->max && !call_application(c).n)
		return -EACCES;
	a = calloc(1, sizeof(*a));
	if (!a)
		return -ENOMEM;
	if (c->acts)
		act_finish(h, c, ACT_STOPPED);
	outbox_touch(&c->out);
	a->terms = *terms;
	a->order = order;
	steps_make(a);
	if (!a->count) {
		free(a);
		return 0;
	}
	c->acts = a;
	act_start(h, c);
	return 0;
}

/* ---- what happens ---- */

static void collect_key(struct call_host *h, struct call *c, char key)
{
	struct acts *a = c->acts;

	if (strchr(a->terms.ends, key)) {
		act_end(h, c, ACT_KEY);
		return;
	}
	a->digits[a->digit_count++] = key;
	outbox_touch(&c->out);
	wait_key(h, a);
	if (a->digit_count == a->terms.max)
		act_end(h, c, ACT_ENDED);
}

void acts_key(struct call_host *h, struct call *c, char key)
{
	struct acts *a = c->acts;

	if (!a)
		return;
	if (act_now(a)->kind == ACT_PLAY) {
		if (!a->terms.interruptible)
			return;
		if (!a->terms.max) {
			a->digits[0] = key;
			a->digit_count = 1;
		}
		act_end(h, c, ACT_KEY);
		if (!c->acts || act_now(c->acts)->kind != ACT_COLLECT)
			return;
	}
	collect_key(h, c, key);
}

void acts_told(struct call_host *h, struct call *c, const struct act_news *news)
{
	struct acts *a = c->acts;

	if (!a || a->serial != news->serial || act_now(a)->kind != ACT_PLAY)
		return;
	switch (news->kind) {
	case ACT_NEWS_OPEN:
		a->track[news->codec] = news->job;
		return;
	case ACT_NEWS_ENDED:
		if (!play_next(a)) {
			act_end(h, c, ACT_ENDED);
			return;
		}
		outbox_touch(&c->out);
		act_start(h, c);
		return;
	case ACT_NEWS_FAILED:
		LOG_WARN("call", c->id, "a sound is not played",
			 LOG_STR("file", a->terms.files[a->file]));
		act_end(h, c, ACT_FAILED);
		return;
	}
}

void acts_overdue(struct call_host *h, struct call *c)
{
	if (c->acts)
		act_end(h, c, ACT_TIMEOUT);
}

void acts_stop(struct call_host *h, struct call *c)
{
	if (c->acts)
		act_finish(h, c, ACT_STOPPED);
}

void acts_over(struct call_host *h, struct call *c)
{
	if (c->acts)
		act_finish(h, c, ACT_HANGUP);
}

void acts_resume(struct call_host *h, struct call *c)
{
	if (c->acts && act_now(c->acts)->kind == ACT_PLAY)
		act_start(h, c);
}
