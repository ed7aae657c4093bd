/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/call/act.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "sig/call/act_record.h"
#include "sig/call/call_end.h"
#include "sig/call/feature.h"
#include "sig/call/hears.h"
#include "sig/call/wait.h"
#include "sig/model/recording.h"

void acts_clear(struct acts **acts)
{
	free(*acts);
	*acts = NULL;
}

static const struct act *act_now(const struct acts *a)
{
	return &a->list[a->at];
}

bool acts_announces(const struct call *c)
{
	return c->acts && c->acts->leg != LEG_NONE;
}

/* Who hears it. */
static uint8_t act_leg(const struct call *c)
{
	return acts_announces(c) ? c->acts->leg : c->bridge.caller;
}

static bool act_is_for_both(const struct call *c, uint8_t leg)
{
	const struct acts *a = c->acts;

	return a->both && bridge_has(c, leg) && a->hears == HEARS_PLAY &&
	       hears_takes(c, leg, a->codec);
}

enum hears acts_hears(const struct call *c, uint8_t leg)
{
	if (c->acts && (leg == act_leg(c) || act_is_for_both(c, leg)))
		return c->acts->hears;
	return acts_announces(c) && bridge_has(c, leg) ? HEARS_MUSIC : HEARS_PEER;
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

uint32_t acts_place_ms(const struct acts *a, uint64_t utc_ms)
{
	uint64_t ms = a->place_ms;

	if (a->since_utc_ms && utc_ms > a->since_utc_ms)
		ms += utc_ms - a->since_utc_ms;
	return ms < ACT_PLACE_MAX_MS ? (uint32_t)ms : ACT_PLACE_MAX_MS;
}

static void place_set(struct acts *a, uint32_t ms)
{
	a->place_ms = ms;
	a->since_utc_ms = 0;
}

/* Of the prompts that the caller hears. */
static const char *act_language(const struct call_host *h, const struct call *c)
{
	struct bytes user = text_bytes(&c->legs[act_leg(c)]->user);
	const struct shard_extension *e =
		user.n && h->extension_of ? h->extension_of(h->owner, c->tenant, user) : NULL;

	if (e && e->language[0])
		return e->language;
	return h->settings->tenants ? tenants_language(h->settings->tenants, c->tenant) : "";
}

/* In its place. False: that tone is not played here, or not in a codec of the caller's. */
static bool word_start(const struct call_host *h, const struct call *c, enum hears word)
{
	struct acts *a = c->acts;
	enum media_codec codec;

	if (word != HEARS_ITSELF && (!h->settings->tones || !hears_codec(c, act_leg(c), &codec)))
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

	if (!hears_codec(c, act_leg(c), &codec))
		return false;
	e = effects_add(h->effects, EFFECT_PLAY);
	if (!e || text_set(&e->tenant, bytes_str(call_tenant(h, c))) ||
	    text_set(&e->user, bytes_str(act_language(h, c))) ||
	    text_set(&e->data, bytes_str(a->terms.files[a->file])))
		return false;
	a->hears = HEARS_PLAY;
	a->codec = codec;
	a->serial = rand_u64_from(h->rand) | 1;
	e->call = c->id;
	e->version = a->serial;
	e->expected = codec;
	e->ttl_ms = a->place_ms;
	e->peer = a->resumed;
	if (bytes_starts(text_bytes(&e->data), ACT_LATE_ECHO) ||
	    bytes_starts(text_bytes(&e->data), ACT_LIVE))
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
	place_set(a, 0);
	if (++a->file < a->terms.file_count)
		return true;
	a->file = 0;
	if (a->terms.times == 0)
		return true;
	return ++a->time < a->terms.times;
}

/* ---- steps ---- */

static bool keys_are_few(const struct acts *a)
{
	return a->terms.max && a->digit_count < a->terms.min;
}

static const char *act_reason_of(const struct acts *a, enum act_outcome outcome)
{
	bool collects = a->terms.max, few = keys_are_few(a);

	if (a->terms.message_max_ms)
		return act_record_reason(a, outcome);
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

/* What is known beside the reason: why nothing was played, or recorded; and why digits are not asked for once more. NULL: nothing is. */
static const char *act_cause(const struct acts *a, enum act_outcome outcome)
{
	if (outcome == ACT_FAILED)
		return a->why ? a->why : "it cannot be said in a codec of the party";
	if (!a->terms.max || outcome == ACT_STOPPED || outcome == ACT_HANGUP)
		return NULL;
	if (a->why) /* a prompt that is not heard keeps nobody from pressing keys */
		return a->why;
	return keys_are_few(a) && a->terms.tries > 1
		       ? "fewer digits than min, and no tries are left"
		       : NULL;
}

/* They were given as they were asked for: from now on they go where the call goes (IVR-02). */
static void keys_keep(struct call *c, enum act_outcome outcome)
{
	const struct acts *a = c->acts;
	bool given = outcome == ACT_ENDED || outcome == ACT_KEY || outcome == ACT_TIMEOUT;

	if (!given || !a->terms.max || !a->terms.tag[0] || !a->digit_count || keys_are_few(a))
		return;
	if (call_data_set(c, bytes_str(a->terms.tag), bytes_str(a->digits)))
		LOG_WARN("call", c->id, "the call has no room for what was collected",
			 LOG_STR("tag", a->terms.tag));
}

static enum sig_event_kind act_event_of(const struct acts *a)
{
	if (a->terms.message_max_ms)
		return SIG_CALL_RECORDED;
	return a->terms.max ? SIG_CALL_COLLECTED : SIG_CALL_PLAYED;
}

/* The node asks for keys, or a name: who comes into a conference is heard by no application yet. */
static bool act_is_own(const struct call *c)
{
	const struct act_terms *t = &c->acts->terms;

	return c->member && c->member->asks && (t->max || (c->member->naming && t->message_max_ms));
}

/* Also of who has hung up: then it is forgotten. */
static void name_keep(const struct call *c, enum act_outcome outcome)
{
	bool said = outcome != ACT_FAILED && c->acts->message_ms >= c->acts->terms.message_min_ms;

	if (c->member && c->member->naming)
		c->member->name = said || outcome == ACT_HANGUP ? c->acts->recording : 0;
}

/* What was asked for is told when nothing is under way any more. */
static void act_forget(struct call_host *h, struct call *c, enum act_outcome outcome)
{
	bool own = act_is_own(c) && outcome != ACT_STOPPED && outcome != ACT_HANGUP;
	char digits[ACT_DIGITS_MAX + 1];

	name_keep(c, outcome);
	memcpy(digits, c->acts->digits, sizeof(digits));
	explicit_bzero(c->acts, sizeof(*c->acts));
	acts_clear(&c->acts);
	if (own)
		features_asked(h, c, bytes_str(digits));
	explicit_bzero(digits, sizeof(digits));
}

/* The application hears of it; nobody else of keys without a tag. */
static void act_finish(struct call_host *h, struct call *c, enum act_outcome outcome)
{
	struct sig_event *event = NULL;

	keys_keep(c, outcome);
	act_record_stop(h, c);
	if (!acts_announces(c) && !act_is_own(c))
		event = call_publish_begin(h, c, act_event_of(c->acts));
	if (event) {
		event->order = c->acts->order;
		event->reason = act_reason_of(c->acts, outcome);
		event->cause = act_cause(c->acts, outcome);
		event->recording = c->acts->recording;
		event->ms = c->acts->message_ms;
		if (call_application(c).n)
			memcpy(event->digits, c->acts->digits, sizeof(c->acts->digits));
	}
	play_stop(h, c);
	act_forget(h, c, outcome);
}

static void act_end(struct call_host *h, struct call *c, enum act_outcome outcome);

static void act_fail(struct call_host *h, struct call *c, const char *why)
{
	c->acts->why = why;
	act_end(h, c, ACT_FAILED);
}

static void act_start(struct call_host *h, struct call *c)
{
	struct acts *a = c->acts;

	switch ((enum act_kind)act_now(a)->kind) {
	case ACT_PLAY:
		if (a->paused)
			play_stop(h, c);
		else if (!play_start(h, c))
			act_fail(h, c, "it cannot be said in a codec of the party");
		return;
	case ACT_COLLECT:
		play_stop(h, c);
		wait_key(h, a);
		if (a->digit_count == a->terms.max)
			act_end(h, c, ACT_ENDED);
		return;
	case ACT_RECORD:
		play_stop(h, c);
		if (!act_record_begin(h, c, act_leg(c)))
			act_end(h, c, ACT_FAILED);
		return;
	}
}

/* Its file is not there yet, and who hears of it wants to play it. */
static bool record_waits(const struct acts *a, enum act_outcome outcome)
{
	return act_now(a)->kind == ACT_RECORD && !a->closing &&
	       (outcome == ACT_ENDED || outcome == ACT_KEY || outcome == ACT_TIMEOUT);
}

/* Too few came, and may be given once more (IVR-05). */
static bool keys_again(struct acts *a, enum act_outcome outcome)
{
	if ((outcome != ACT_KEY && outcome != ACT_TIMEOUT) || !keys_are_few(a) ||
	    a->tried + 1 >= a->terms.tries)
		return false;
	a->tried++;
	a->why = NULL;
	explicit_bzero(a->digits, sizeof(a->digits));
	a->digit_count = 0;
	a->until_ns = 0;
	return true;
}

static void act_end(struct call_host *h, struct call *c, enum act_outcome outcome)
{
	struct acts *a = c->acts;
	uint8_t next = act_now(a)->next[outcome];

	if (record_waits(a, outcome)) {
		act_record_close(h, c, outcome);
		return;
	}
	outbox_touch(&c->out);
	if (next == ACT_DONE && keys_again(a, outcome))
		next = 0;
	if (next == ACT_DONE) {
		act_finish(h, c, outcome);
		return;
	}
	a->at = next;
	a->file = a->time = 0;
	a->paused = false;
	place_set(a, 0);
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
	if (!a->terms.max && !a->terms.message_max_ms)
		return;
	if (a->count) {
		a->list[0].next[ACT_ENDED] = a->list[0].next[ACT_KEY] = 1;
		a->list[0].next[ACT_FAILED] = 1;
	}
	a->list[a->count++] = act_make(a->terms.max ? ACT_COLLECT : ACT_RECORD);
}

/* By a command: a leg has one recording. A message that is under way makes room. */
static bool is_recorded(const struct call *c)
{
	const struct recording *r = recording_of_leg(c->recordings, c->bridge.caller);

	return r && r->cause != RECORDING_MESSAGE;
}

static int acts_make(struct call_host *h, struct call *c, const struct act_terms *terms,
		     uint32_t order)
{
	struct acts *a;

	a = calloc(1, sizeof(*a));
	if (!a)
		return -ENOMEM;
	if (c->acts)
		act_finish(h, c, ACT_STOPPED);
	outbox_touch(&c->out);
	a->terms = *terms;
	a->leg = LEG_NONE;
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

int acts_begin(struct call_host *h, struct call *c, const struct act_terms *terms, uint32_t order)
{
	if (!call_is_alone(c) || c->state == CALL_ENDING)
		return -EISCONN;
	assert(!terms->max || !terms->message_max_ms);
	if (terms->max && !call_application(c).n)
		return -EACCES;
	if (terms->message_max_ms && is_recorded(c))
		return -EBUSY;
	return acts_make(h, c, terms, order);
}

int acts_ask(struct call_host *h, struct call *c, const struct act_terms *terms)
{
	if (!call_is_alone(c) || c->state == CALL_ENDING)
		return -EISCONN;
	return acts_make(h, c, terms, 0);
}

bool acts_announce(struct call_host *h, struct call *c, uint8_t leg, bool both,
		   const char *const *files, uint8_t count)
{
	struct acts *a;

	assert(count <= ACT_FILES_MAX && bridge_has(c, leg) && bridge_peer(c, leg) != LEG_NONE);
	if (c->acts || !(a = calloc(1, sizeof(*a))))
		return false;
	for (uint8_t i = 0; i < count; i++)
		(void)bytes_cstr(bytes_str(files[i]), a->terms.files[i], sizeof(a->terms.files[i]));
	a->terms.file_count = count;
	a->terms.times = 1;
	a->leg = leg;
	a->both = both;
	steps_make(a);
	c->acts = a;
	outbox_touch(&c->out);
	act_start(h, c);
	return c->acts;
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

static bool act_is_live(const struct acts *a)
{
	return bytes_starts(bytes_str(a->terms.files[a->file]), ACT_LIVE);
}

bool acts_want_keys(const struct call *c)
{
	const struct acts *a = c->acts;

	return a && a->leg == LEG_NONE &&
	       (a->terms.max || a->terms.interruptible || a->terms.ends[0] || act_is_live(a));
}

/* An application that hears the caller has its keys, too. */
static void live_key(struct call_host *h, const struct call *c, char key)
{
	const struct acts *a = c->acts;
	struct effect *e;

	if (!a->serial || !act_is_live(a))
		return;
	e = effects_add(h->effects, EFFECT_PLAY_KEY);
	if (!e)
		return;
	e->call = c->id;
	e->version = a->serial;
	e->expected = (uint8_t)key;
}

void acts_key(struct call_host *h, struct call *c, char key)
{
	struct acts *a = c->acts;

	if (!a || a->leg != LEG_NONE)
		return;
	if (act_now(a)->kind == ACT_PLAY) {
		live_key(h, c, key);
		if (!a->terms.interruptible)
			return;
		if (!a->terms.max && !a->terms.message_max_ms) {
			a->digits[0] = key;
			a->digit_count = 1;
		}
		act_end(h, c, ACT_KEY);
		if (!c->acts || act_now(c->acts)->kind != ACT_COLLECT)
			return;
	}
	if (act_now(a)->kind == ACT_COLLECT)
		collect_key(h, c, key);
	else if (!a->closing && strchr(a->terms.ends, key))
		act_end(h, c, ACT_KEY);
}

void acts_recorded(struct call_host *h, struct call *c, const struct record_news *news)
{
	struct acts *a = c->acts;

	if (!a || !a->recording || a->recording != news->number || act_now(a)->kind != ACT_RECORD)
		return;
	switch (news->kind) {
	case RECORD_NEWS_GROWN:
		a->message_ms = a->before_ms + news->ms;
		outbox_touch_later(&c->out);
		return;
	case RECORD_NEWS_QUIET:
		if (!a->closing)
			act_end(h, c, ACT_ENDED);
		return;
	case RECORD_NEWS_ENDED:
		a->message_ms = a->before_ms + news->ms;
		if (a->closing)
			act_end(h, c, (enum act_outcome)(a->closing - 1));
		return;
	}
}

void acts_record_failed(struct call_host *h, struct call *c, uint8_t number)
{
	if (!c->acts || !c->acts->recording || c->acts->recording != number)
		return;
	act_fail(h, c, "its file cannot be written");
}

bool acts_records(const struct call *c, uint8_t number)
{
	return c->acts && c->acts->recording == number && !c->acts->closing;
}

uint32_t acts_silence_ms(const struct call *c, uint8_t number)
{
	return acts_records(c, number) ? c->acts->terms.message_silence_ms : 0;
}

void acts_told(struct call_host *h, struct call *c, const struct act_news *news)
{
	struct acts *a = c->acts;

	if (!a || a->serial != news->serial || act_now(a)->kind != ACT_PLAY)
		return;
	switch (news->kind) {
	case ACT_NEWS_OPEN:
		a->track[news->codec] = news->job;
		a->since_utc_ms = h->now.utc_ms;
		outbox_touch(&c->out);
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
		act_fail(h, c, news->why);
		return;
	}
}

void acts_overdue(struct call_host *h, struct call *c)
{
	const struct acts *a = c->acts;

	if (a)
		act_end(h, c, a->closing ? (enum act_outcome)(a->closing - 1) : ACT_TIMEOUT);
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

/* It was heard up to a moment before this process, which nobody knows. */
static void place_resume(const struct call_host *h, struct acts *a)
{
	uint32_t ms = acts_place_ms(a, h->now.utc_ms),
		 again = ms > ACT_AGAIN_MS ? ms - ACT_AGAIN_MS : 0;

	place_set(a, again > a->place_ms ? again : a->place_ms);
}

/* The recording goes on by itself (recording.h). A file that was to be finished has been, or is by its node. */
static void record_resume(struct call_host *h, struct call *c)
{
	struct acts *a = c->acts;

	a->before_ms = a->message_ms;
	if (a->closing)
		act_end(h, c, (enum act_outcome)(a->closing - 1));
	else if (!recording_by_number(c->recordings, a->recording))
		act_end(h, c, ACT_FAILED);
}

void acts_resume(struct call_host *h, struct call *c)
{
	if (c->acts && act_now(c->acts)->kind == ACT_RECORD)
		record_resume(h, c);
	if (!c->acts || act_now(c->acts)->kind != ACT_PLAY)
		return;
	place_resume(h, c->acts);
	c->acts->resumed = true;
	act_start(h, c);
	if (c->acts)
		c->acts->resumed = false;
}

/* ---- pause and places ---- */

static bool act_has_place(const struct acts *a)
{
	const char *file = a->terms.files[a->file];

	return act_word(file) == HEARS_PLAY && !bytes_starts(bytes_str(file), ACT_LATE_ECHO) &&
	       !bytes_starts(bytes_str(file), ACT_LIVE);
}

static uint32_t place_wanted(enum act_control control, uint32_t place, uint32_t ms)
{
	uint64_t sum = (uint64_t)place + ms;

	switch (control) {
	case ACT_FORWARD:
		return sum < ACT_PLACE_MAX_MS ? (uint32_t)sum : ACT_PLACE_MAX_MS;
	case ACT_BACK:
		return place > ms ? place - ms : 0;
	case ACT_TO:
		return ms;
	case ACT_PLACE:
	case ACT_PAUSE:
	case ACT_RESUME:
		break;
	}
	return place;
}

int acts_control(struct call_host *h, struct call *c, enum act_control control, uint32_t ms)
{
	bool moves = control == ACT_FORWARD || control == ACT_BACK || control == ACT_TO;
	struct acts *a = c->acts;
	bool paused;

	if (!a || act_now(a)->kind != ACT_PLAY || a->leg != LEG_NONE)
		return -ENOSTR;
	if (moves && !act_has_place(a))
		return -ESPIPE;
	paused = control == ACT_PAUSE || (a->paused && control != ACT_RESUME);
	if (!moves && paused == a->paused)
		return 0;
	place_set(a, place_wanted(control, acts_place_ms(a, h->now.utc_ms), ms));
	a->paused = paused;
	outbox_touch(&c->out);
	act_start(h, c);
	return 0;
}
