/* SPDX-License-Identifier: Apache-2.0 */
/* Webhooks in Redis: leases, reading of events, dead letters, figures (cluster/lua/hook_*.lua). One
 * node has a webhook at a time, by a lease that its process renews and gives back at its end. An
 * event is acknowledged in its group only when it was delivered, was passed over, or is a dead
 * letter. */

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/helper/hooks.h"
#include "base/decimal.h"
#include "base/json_member.h"

#define CONSUMER    "node" /* one name for all nodes: the holder of the lease has what is pending */
#define DEADLINE_NS (3 * NS_PER_S)

enum { READ_MOST = 64, WAKE_MS = 100, WAKE_PAUSE_MS = 10, POLL_MS = 50, WAKE_STREAMS = 256 };

static int hook_script(struct hooks *s, struct script_call call, redis_reply_fn *fn, void *arg)
{
	call.deadline_ns = DEADLINE_NS;
	return script_run(&s->scripts, s->redis, &call, fn, arg);
}

/* Of a list of arguments, of which so many are keys. */
#define SCRIPT_CALL(what, list, of_keys) \
	((struct script_call){           \
		.id = (what), .args = (list), .keys = (of_keys), .n = COUNT_OF(list) })

static void hook_on_nothing(int err, const struct redisReply *reply, void *arg)
{
	(void)err;
	(void)reply;
	(void)arg;
}

/* ---- its end: taken, or given up ---- */

static void hook_on_over(int err, const struct redisReply *reply, void *arg)
{
	struct hook_event *e = arg;
	struct bytes text;

	e->told = false;
	if (!e->hook)
		hook_event_drop(NULL, e);
	else if (!err && !redis_is_error(reply, &text))
		hook_event_drop(e->hook, e);
}

static int over_dead(struct hook *h, struct hook_event *e)
{
	struct bytes args[] = {
		bytes_str(h->stream), bytes_str(h->dead),     bytes_str(h->again),
		bytes_str(h->group),  bytes_str(e->id),       bytes_str(e->entry),
		bytes_str(e->body),   DECIMAL_TEXT(e->tries), DECIMAL_TEXT((uint64_t)e->status),
		bytes_str(e->error)
	};

	return hook_script(h->all, SCRIPT_CALL(SCRIPT_HOOK_DEAD, args, 3), hook_on_over, e);
}

/* One of its group is acknowledged; one that was replayed is deleted. */
static int over_say(struct hook *h, struct bytes id, struct bytes entry, redis_reply_fn *fn,
		    void *arg)
{
	struct bytes taken[] = { BYTES_LIT("XACK"), bytes_str(h->stream), bytes_str(h->group), id };
	struct bytes replayed[] = { BYTES_LIT("XDEL"), bytes_str(h->again), entry };

	return entry.n ? redis_command(h->all->redis, replayed, COUNT_OF(replayed), 0, fn, arg)
		       : redis_command(h->all->redis, taken, COUNT_OF(taken), 0, fn, arg);
}

void hook_over(struct hook *h, struct hook_event *e)
{
	if (e->told)
		return;
	e->told = !(e->dead ? over_dead(h, e)
			    : over_say(h, bytes_str(e->id), bytes_str(e->entry), hook_on_over, e));
}

void hook_pass(struct hook *h, struct bytes id, struct bytes entry)
{
	(void)!over_say(h, id, entry, NULL, NULL);
}

/* ---- events ---- */

static void hook_on_again(int err, const struct redisReply *reply, void *arg)
{
	struct hook *h = arg;

	h->refs--;
	for (size_t i = 0; !err && h->mine && i < redis_reply_count(reply); i++) {
		const struct redisReply *entry = redis_reply_at(reply, i);
		struct bytes body = stream_field(entry, "body");

		hook_read(h, stream_field(entry, "id"), stream_entry_id(entry),
			  body.n ? body : stream_field(entry, "event"), body.n != 0);
	}
}

/* What is to be replayed. */
static void hook_read_again(struct hook *h)
{
	struct bytes args[] = { BYTES_LIT("XRANGE"), bytes_str(h->again), BYTES_LIT("-"),
				BYTES_LIT("+"),      BYTES_LIT("COUNT"),  BYTES_LIT("64") };

	if (!redis_command(h->all->redis, args, COUNT_OF(args), 0, hook_on_again, h))
		h->refs++;
}

static void hook_on_read(int err, const struct redisReply *reply, void *arg)
{
	struct hook *h = arg;
	const struct redisReply *entries = redis_reply_at(redis_reply_at(reply, 0), 1);
	size_t n = redis_reply_count(entries);
	struct bytes text, id = { 0 };

	h->refs--;
	h->reading = false;
	if (!h->mine)
		return;
	if (err || redis_is_error(reply, &text)) { /* what was given may not have come */
		h->pending_read = false;
		(void)bytes_cstr(BYTES_LIT(STREAM_BEGINNING), h->after, sizeof(h->after));
		h->beat_ns = 0;
		h->hungry = false; /* until its next turn */
		return;
	}
	for (size_t i = 0; i < n; i++) {
		const struct redisReply *entry = redis_reply_at(entries, i);

		id = stream_entry_id(entry);
		hook_read(h, id, (struct bytes){ 0 }, stream_field(entry, "event"), false);
	}
	if (!h->pending_read) {
		h->pending_read = n == 0;
		if (n)
			(void)bytes_cstr(id, h->after, sizeof(h->after));
	} else if (n) {
		(void)bytes_cstr(id, h->tip, sizeof(h->tip));
	} else {
		h->hungry = false;
	}
}

static void hook_read_more(struct hook *h)
{
	size_t room = HOOK_WINDOW - h->count;
	struct bytes args[] = { BYTES_LIT("XREADGROUP"),
				BYTES_LIT("GROUP"),
				bytes_str(h->group),
				BYTES_LIT(CONSUMER),
				BYTES_LIT("COUNT"),
				DECIMAL_TEXT(room < READ_MOST ? room : READ_MOST),
				BYTES_LIT("STREAMS"),
				bytes_str(h->stream),
				h->pending_read ? BYTES_LIT(">") : bytes_str(h->after) };

	if (!h->mine || h->reading || !h->hungry || !hook_has_room(h))
		return;
	h->reading = !redis_command(h->all->redis, args, COUNT_OF(args), 0, hook_on_read, h);
	h->refs += h->reading;
}

/* ---- leases ---- */

static void hook_on_own(int err, const struct redisReply *reply, void *arg)
{
	struct hook *h = arg;
	bool own = !err && bytes_is(redis_reply_text(redis_reply_at(reply, 0)), "OK");

	h->refs--;
	h->asked = false;
	if (err || !h->url)
		return;
	if (!own) {
		if (h->mine)
			hook_clear(h);
		return;
	}
	if (!h->mine) {
		hook_clear(h);
		h->mine = true;
		h->pending_read = false;
		(void)bytes_cstr(BYTES_LIT(STREAM_BEGINNING), h->after, sizeof(h->after));
	}
	h->until_ns = h->asked_ns + (HOOK_LEASE_MS - HOOK_BEAT_MS) * NS_PER_MS;
	h->hungry = true;
	(void)bytes_cstr(redis_reply_text(redis_reply_at(reply, 1)), h->tip, sizeof(h->tip));
	h->all->lost += (uint64_t)redis_reply_integer(redis_reply_at(reply, 3));
	h->delivered -= h->sent.delivered;
	h->retried -= h->sent.retried;
	h->given_up -= h->sent.given_up;
	h->lost -= h->sent.lost;
	if (redis_reply_integer(redis_reply_at(reply, 2)))
		hook_read_again(h);
}

/* Its lease, and what is to be seen of it. */
static void hook_own(struct hook *h, uint64_t now_ns)
{
	char numbers[9][DECIMAL_TEXT_MAX];
	struct bytes args[32] = { bytes_str(h->state),
				  bytes_str(h->stream),
				  bytes_str(h->again),
				  bytes_str(h->all->id),
				  DECIMAL_TEXT(HOOK_LEASE_MS),
				  bytes_str(h->group),
				  DECIMAL_TEXT(h->changed_utc_ms) };
	struct {
		const char *name;
		uint64_t value;
	} figures[] = {
		{ "+delivered", h->delivered },    { "+retried", h->retried },
		{ "+dead", h->given_up },          { "+lost", h->lost },
		{ "waiting", h->count },           { "failures", h->failures },
		{ "lag_ms", h->lag_ms },           { "last_utc_ms", h->last_utc_ms },
		{ "status", (uint64_t)h->status },
	};
	struct script_call call = { .id = SCRIPT_HOOK_OWN, .args = args, .keys = 3, .n = 7 };

	if (h->mine) {
		for (size_t i = 0; i < COUNT_OF(figures); i++) {
			args[call.n++] = bytes_str(figures[i].name);
			args[call.n++] = decimal_text(numbers[i], figures[i].value);
		}
		args[call.n++] = BYTES_LIT("error");
		args[call.n++] = bytes_str(h->error);
		args[call.n++] = BYTES_LIT("node");
		args[call.n++] = bytes_str(h->all->name);
	}
	h->sent.delivered = h->mine ? h->delivered : 0;
	h->sent.retried = h->mine ? h->retried : 0;
	h->sent.given_up = h->mine ? h->given_up : 0;
	h->sent.lost = h->mine ? h->lost : 0;
	h->asked_ns = now_ns;
	h->asked = !hook_script(h->all, call, hook_on_own, h);
	h->refs += h->asked;
}

static void hook_beat(struct hook *h, uint64_t now_ns)
{
	if (h->mine && now_ns >= h->until_ns + HOOK_BEAT_MS * NS_PER_MS)
		hook_clear(h);
	if (now_ns < h->beat_ns || h->asked || !redis_is_connected(h->all->redis))
		return;
	h->beat_ns =
		now_ns + (HOOK_BEAT_MS - rand_below(&h->all->rand, HOOK_BEAT_MS / 4)) * NS_PER_MS;
	for (struct hook_event *e = h->first; e; e = e->next) {
		if (e->over)
			hook_over(h, e);
	}
	hook_own(h, now_ns);
}

void hook_forget(struct hook *h, bool deleted)
{
	struct bytes args[] = { bytes_str(h->state), bytes_str(h->stream),
				bytes_str(h->dead),  bytes_str(h->again),
				bytes_str(h->group), deleted ? BYTES_LIT("1") : BYTES_LIT("0") };

	(void)!hook_script(h->all, SCRIPT_CALL(SCRIPT_HOOK_FORGET, args, 4), hook_on_nothing, NULL);
}

/* ---- new entries of streams ---- */

static void hooks_on_new(struct bytes key, const struct redisReply *entries, void *arg)
{
	struct hooks *s = arg;

	(void)entries; /* the group gives them */
	for (struct hook *h = s->list; h; h = h->next)
		h->hungry |= h->mine && bytes_is(key, h->stream);
	s->outcome.next_ns = clock_now_ns() + WAKE_PAUSE_MS * NS_PER_MS;
}

static const struct streams_way g_new_entries_way = {
	.together = WAKE_STREAMS,
	.each = 1,
	.wait_ms = WAKE_MS,
	.deadline_ns = DEADLINE_NS,
	.poll_ns = POLL_MS * NS_PER_MS,
	.entries = hooks_on_new,
};

/* One question for all of them. It waits in Redis for the first event. */
static void hooks_wake(struct hooks *s, uint64_t now_ns)
{
	if (!streams_are_due(&s->outcome, now_ns))
		return;
	for (struct hook *h = s->list; h && redis_is_connected(s->wake); h = h->next) {
		if (h->mine && !h->reading && !h->hungry)
			streams_add(&s->outcome, bytes_str(h->stream),
				    bytes_str(h->tip[0] ? h->tip : STREAM_BEGINNING));
	}
	streams_request(&s->outcome, now_ns);
}

/* ---- questions of commands ---- */

struct hook_request {
	struct hooks *hooks;
	json_int_t id;
	bool is_get;
};

static json_t *text_json(struct bytes text)
{
	json_t *json = json_stringn((const char *)text.p, text.n);

	return json ? json : json_string("");
}

static json_t *get_json(const struct redisReply *reply)
{
	static const char *const names[] = { "delivered", "retried",     "dead",
					     "lost",      "waiting",     "failures",
					     "lag_ms",    "last_utc_ms", "status" };
	json_t *out = json_pack("{s:o, s:o, s:I}", "node", text_json(stream_field(reply, "node")),
				"error", text_json(stream_field(reply, "error")), "dead_letters",
				(json_int_t)redis_reply_integer(redis_reply_at(reply, 2)));
	uint64_t number;

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		if (bytes_u64(stream_field(reply, names[i]), &number))
			number = 0;
		(void)json_object_set_new(out, names[i], json_integer((json_int_t)number));
	}
	return out;
}

static json_t *dead_json(const struct redisReply *entries)
{
	json_t *list = json_array();

	for (size_t i = 0; i < redis_reply_count(entries); i++) {
		const struct redisReply *entry = redis_reply_at(entries, i);
		struct bytes body = stream_field(entry, "body");
		json_t *all = json_loadb((const char *)body.p, body.n, 0, NULL);
		uint64_t tries = 0, status = 0;

		(void)!bytes_u64(stream_field(entry, "tries"), &tries);
		(void)!bytes_u64(stream_field(entry, "status"), &status);
		(void)json_array_append_new(
			list, json_pack("{s:o, s:I, s:I, s:I, s:o, s:O?}", "id",
					text_json(stream_field(entry, "id")), "utc_ms",
					(json_int_t)hook_id_ms(
						redis_reply_text(redis_reply_at(entry, 0))),
					"tries", (json_int_t)tries, "status", (json_int_t)status,
					"error", text_json(stream_field(entry, "error")), "event",
					json_object_get(all, "data")));
		json_decref(all);
	}
	return list;
}

static void hook_on_asked(int err, const struct redisReply *reply, void *arg)
{
	struct hook_request *a = arg;
	struct bytes text;
	json_t *out = NULL;

	if (err || redis_is_error(reply, &text))
		out = NULL;
	else if (a->is_get)
		out = get_json(reply);
	else if (redis_reply_type(redis_reply_at(reply, 0)) == REDIS_TYPE_TEXT)
		out = json_pack("{s:I}", "replayed",
				(json_int_t)redis_reply_integer(redis_reply_at(reply, 1)));
	else
		out = dead_json(reply);
	hooks_answer(a->hooks, a->id, out, "Redis does not answer");
	free(a);
}

static int ask_replay(struct hooks *s, const struct hook *h, const json_t *args,
		      struct hook_request *a)
{
	const char *id = json_string_value(json_object_get(args, "id"));
	const json_t *since = json_object_get(args, "since_utc_ms");
	struct bytes list[] = { bytes_str(h->stream),
				bytes_str(h->dead),
				bytes_str(h->again),
				bytes_str(h->group),
				bytes_str(id      ? "id"
					  : since ? "since"
						  : "dead"),
				id ? bytes_str(id)
				   : DECIMAL_TEXT((uint64_t)json_integer_value(since)) };

	return hook_script(s, SCRIPT_CALL(SCRIPT_HOOK_REPLAY, list, 3), hook_on_asked, a);
}

static int ask_send(struct hooks *s, const struct hook *h, const char *kind, const json_t *args,
		    struct hook_request *a)
{
	json_int_t limit = json_integer_value(json_object_get(args, "limit"));
	struct bytes get[] = { bytes_str(h->state), bytes_str(h->dead) };
	struct bytes dead[] = { BYTES_LIT("XREVRANGE"), bytes_str(h->dead),
				BYTES_LIT("+"),         BYTES_LIT("-"),
				BYTES_LIT("COUNT"),     DECIMAL_TEXT((uint64_t)limit) };

	if (!strcmp(kind, "replay"))
		return ask_replay(s, h, args, a);
	return a->is_get ? hook_script(s, SCRIPT_CALL(SCRIPT_HOOK_GET, get, 2), hook_on_asked, a)
			 : redis_command(s->redis, dead, COUNT_OF(dead), 0, hook_on_asked, a);
}

bool hooks_redis_request(struct hooks *s, json_int_t ask, const char *kind, const json_t *args)
{
	struct hook_request *a;
	struct hook h;

	if (strcmp(kind, "get") != 0 && strcmp(kind, "dead") != 0 && strcmp(kind, "replay") != 0)
		return false;
	a = malloc(sizeof(*a));
	if (a)
		*a = (struct hook_request){ s, ask, !strcmp(kind, "get") };
	if (!a || !hook_keys(&h, args) || ask_send(s, &h, kind, args, a)) {
		free(a);
		hooks_answer(s, ask, NULL, "Redis is not reached");
	}
	return true;
}

/* ---- life ---- */

static void hooks_on_state(bool connected, void *arg)
{
	struct hooks *s = arg;

	if (connected)
		scripts_load(&s->scripts, s->redis);
	for (struct hook *h = s->list; connected && h; h = h->next)
		h->beat_ns = 0;
}

int hooks_redis_open(struct hooks *s, const json_t *begin)
{
	struct redis_settings set = { .deadline_ns = DEADLINE_NS,
				      .pending_max = 32768,
				      .labels = "link=\"webhooks\"" };
	int err = scripts_open(&s->scripts);

	if (!err)
		err = child_redis_read(&s->place, &set.place, begin);
	if (!err)
		err = bytes_cstr(bytes_str(json_text(begin, "id")), s->id, sizeof(s->id));
	if (!err)
		err = bytes_cstr(bytes_str(json_text(begin, "name")), s->name, sizeof(s->name));
	if (!err)
		err = redis_open(&s->redis, &set, hooks_on_state, s);
	set.labels = "link=\"webhook_streams\"";
	if (!err)
		err = redis_open(&s->wake, &set, NULL, NULL);
	s->outcome = (struct streams){ .redis = s->wake, .way = &g_new_entries_way, .arg = s };
	explicit_bzero(&set, sizeof(set));
	return err;
}

/* The next node need not wait for the leases to expire. */
void hooks_redis_close(struct hooks *s)
{
	for (struct hook *h = s->list; s->redis && h; h = h->next) {
		struct bytes args[] = { BYTES_LIT("HDEL"), bytes_str(h->state), BYTES_LIT("owner"),
					BYTES_LIT("until") };

		if (h->mine)
			(void)!redis_command(s->redis, args, COUNT_OF(args), 0, NULL, NULL);
	}
	if (s->redis)
		redis_flush(s->redis);
	streams_clear(&s->outcome);
}

uint64_t hooks_redis_round(struct hooks *s, uint64_t now_ns)
{
	uint64_t next_ns = UINT64_MAX, due_ns;

	redis_expire(s->redis, now_ns);
	redis_expire(s->wake, now_ns);
	for (struct hook *h = s->list; h; h = h->next) {
		if (!h->url)
			continue;
		hook_beat(h, now_ns);
		hook_read_more(h);
		if (h->beat_ns < next_ns && !h->asked && redis_is_connected(s->redis))
			next_ns = h->beat_ns;
	}
	hooks_wake(s, now_ns);
	redis_flush(s->redis);
	redis_flush(s->wake);
	due_ns = streams_next_ns(&s->outcome);
	next_ns = due_ns < next_ns ? due_ns : next_ns;
	due_ns = redis_next_ns(s->redis);
	next_ns = due_ns < next_ns ? due_ns : next_ns;
	due_ns = redis_next_ns(s->wake);
	return due_ns < next_ns ? due_ns : next_ns;
}
