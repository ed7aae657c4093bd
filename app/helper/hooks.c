/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The webhook process: webhooks and their events in memory, HTTP posts by libcurl on the loop,
 * retries and pauses, lines to and from the node. hooks_redis.c has leases and streams. At least
 * once, and in order for each call: an event leaves memory when Redis knows that it was delivered
 * or given up. A server that is down gets one request at a time until it answers.
 */

#include "app/helper/hooks.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_member.h"
#include "base/log.h"
#include "base/loop.h"

enum {
	FDS_MAX = 1024,
	TIMEOUT_MS = 10000,
	CONNECT_MS = 5000,
	ANSWER_MAX = 65536, /* octets that are read of an answer, which is not used */
	DOWN = 4, /* failures in a row: one request at a time finds out whether it is back */
	DOWN_PAUSE_MAX_MS = 300000,
	AFTER_MAX_S = 86400, /* of Retry-After */
	FIGURES_MS = 1000,
	OFF_MS = 30000,
	HOOKS_WAIT_MS = 1000,
	GONE = 410,
	TOO_MANY = 429,
	UNAVAILABLE = 503,
};

static struct hooks g_hooks;

/* The round behind it does all. */
static void hooks_on_timer(void *arg)
{
	(void)arg;
}

/* ---- lines to the node ---- */

void hooks_answer(struct hooks *s, json_int_t ask, json_t *result, const char *failed)
{
	child_peer_send(&s->link,
			result ? json_pack("{s:I, s:o}", "answer", ask, "result", result)
			       : json_pack("{s:I, s:s}", "answer", ask, "failed", failed));
}

static void hook_say_off(struct hook *h)
{
	child_peer_send(&h->all->link,
			json_pack("{s:s, s:s, s:I, s:s}", "off", h->name, "tenant", h->tenant,
				  "changed_utc_ms", (json_int_t)h->changed_utc_ms, "reason",
				  "its server answered 410 Gone"));
}

static void hooks_say_figures(struct hooks *s, uint64_t now_ns)
{
	json_int_t waiting = 0, owned = 0;
	json_t *lags;

	if (now_ns < s->figures_ns || !s->list)
		return;
	s->figures_ns = now_ns + FIGURES_MS * NS_PER_MS;
	for (const struct hook *h = s->list; h; h = h->next) {
		waiting += h->count;
		owned += h->mine;
	}
	lags = json_array();
	for (unsigned i = 0; i < HOOK_LAGS; i++)
		(void)json_array_append_new(lags, json_integer((json_int_t)s->lags[i]));
	child_peer_send(&s->link,
			json_pack("{s:{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o}}", "figures",
				  "delivered", (json_int_t)s->delivered, "retried",
				  (json_int_t)s->retried, "dead", (json_int_t)s->dead, "lost",
				  (json_int_t)s->lost, "lag_ms", (json_int_t)s->lag_ms, "waiting",
				  waiting, "owned", owned, "lag", lags));
	s->delivered = s->retried = s->dead = s->lost = s->lag_ms = 0;
	memset(s->lags, 0, sizeof(s->lags));
}

static void hooks_count_lag(struct hooks *s, uint64_t ms)
{
	static const uint64_t bounds[HOOK_LAGS] = { 10, 20, 50, 100, 250, 1000, 10000, UINT64_MAX };
	unsigned i = 0;

	while (ms > bounds[i])
		i++;
	s->lags[i]++;
	s->lag_ms += ms;
}

/* ---- events in memory ---- */

static void event_abort(struct hook_event *e)
{
	if (!e->easy)
		return;
	(void)curl_multi_remove_handle(g_hooks.multi, e->easy);
	curl_easy_cleanup(e->easy);
	curl_slist_free_all(e->headers);
	e->easy = NULL;
	e->headers = NULL;
	g_hooks.flights--;
	if (e->hook)
		e->hook->flights--;
}

static void event_free(struct hook_event *e)
{
	event_abort(e);
	free(e->body);
	free(e);
}

void hook_event_drop(struct hook *h, struct hook_event *e)
{
	struct hook_event *before = NULL, *at = h ? h->first : NULL;

	while (at && at != e) {
		before = at;
		at = at->next;
	}
	if (at) {
		*(before ? &before->next : &h->first) = e->next;
		h->last = h->last == e ? before : h->last;
		h->count--;
		h->all->count--;
	}
	event_free(e);
}

void hook_clear(struct hook *h)
{
	struct hook_event *e, *next;

	for (e = h->first; e; e = next) {
		next = e->next;
		event_abort(e);
		e->hook = NULL;
		if (!e->told) /* else when its answer comes */
			event_free(e);
	}
	h->all->count -= h->count;
	h->count = h->failures = 0;
	h->first = h->last = NULL;
	h->mine = h->hungry = false;
	h->pause_ns = 0;
}

bool hook_has_room(const struct hook *h)
{
	return h->count < HOOK_WINDOW && (h->all->count < HOOKS_EVENTS || h->count < HOOK_FEW);
}

static bool hook_has(const struct hook *h, struct bytes id, struct bytes entry)
{
	for (const struct hook_event *e = h->first; e; e = e->next) {
		if (bytes_is(id, e->id) && bytes_is(entry, e->entry))
			return true;
	}
	return false;
}

static void hook_add(struct hook *h, struct hook_event *e)
{
	for (const struct hook_event *i = h->first; i && !e->behind; i = i->next)
		e->behind = !i->over && i->order == e->order;
	e->hook = h;
	*(h->last ? &h->last->next : &h->first) = e;
	h->last = e;
	h->count++;
	h->all->count++;
}

void hook_read(struct hook *h, struct bytes id, struct bytes entry, struct bytes event, bool whole)
{
	json_t *json = json_loadb((const char *)event.p, event.n, 0, NULL);
	const json_t *data = whole ? json_object_get(json, "data") : json;
	struct hook_event *e = NULL;
	uint64_t order;

	if (!event.n) {
		h->lost++;
		h->all->lost++;
	}
	if (!hook_event_wanted(data, bytes_str(entry.n ? "" : h->events),
			       bytes_str(entry.n ? "" : h->numbers), &order)) {
		hook_pass(h, id, entry);
	} else if (!hook_has(h, id, entry) && (e = calloc(1, sizeof(*e))) != NULL) {
		e->order = order;
		if (!bytes_cstr(id, e->id, sizeof(e->id)) &&
		    !bytes_cstr(entry, e->entry, sizeof(e->entry)))
			e->body = hook_event_body(data, e->id, h->tenant);
		if (e->body)
			hook_add(h, e);
		else
			free(e);
	}
	json_decref(json);
}

/* ---- requests ---- */

/* Only the status of an answer is used. */
static size_t event_on_octets(char *data, size_t size, size_t n, void *arg)
{
	struct hook_event *e = arg;

	(void)data;
	e->received += size * n;
	return e->received > ANSWER_MAX ? 0 : size * n;
}

static bool event_easy(struct hook *h, struct hook_event *e)
{
	struct curl_slist *more;

	e->easy = curl_easy_init();
	e->headers = curl_slist_append(NULL, "Content-Type: application/json");
	more = e->headers ? curl_slist_append(e->headers, "Expect:") : NULL;
	if (!e->easy || !more ||
	    !http_signed(&e->headers, &h->gate, e->id, "POST", h->url, bytes_str(e->body)))
		return false;
	http_gate_set(e->easy, &h->gate);
	(void)curl_easy_setopt(e->easy, CURLOPT_URL, h->url);
	(void)curl_easy_setopt(e->easy, CURLOPT_PRIVATE, e);
	(void)curl_easy_setopt(e->easy, CURLOPT_HTTPHEADER, e->headers);
	(void)curl_easy_setopt(e->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(e->body));
	(void)curl_easy_setopt(e->easy, CURLOPT_POSTFIELDS, e->body);
	(void)curl_easy_setopt(e->easy, CURLOPT_TIMEOUT_MS, (long)TIMEOUT_MS);
	(void)curl_easy_setopt(e->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
	(void)curl_easy_setopt(e->easy, CURLOPT_WRITEFUNCTION, event_on_octets);
	(void)curl_easy_setopt(e->easy, CURLOPT_WRITEDATA, e);
	return curl_multi_add_handle(h->all->multi, e->easy) == CURLM_OK;
}

/* Without memory it counts as not begun. */
static bool event_post(struct hook *h, struct hook_event *e, uint64_t now_ns)
{
	e->begin_ns = now_ns;
	e->received = 0;
	if (event_easy(h, e)) {
		h->flights++;
		h->all->flights++;
		return true;
	}
	curl_easy_cleanup(e->easy);
	curl_slist_free_all(e->headers);
	e->easy = NULL;
	e->headers = NULL;
	return false;
}

/* The next one of its call may go. */
static void event_over(struct hook *h, struct hook_event *e, bool dead)
{
	e->over = true;
	e->dead = dead;
	for (struct hook_event *i = e->next; i; i = i->next) {
		if (!i->over && i->order == e->order) {
			i->behind = false;
			break;
		}
	}
	hook_over(h, e);
}

static void hook_taken(struct hook *h, struct hook_event *e, uint64_t now_ns)
{
	uint64_t utc_ms = clock_utc_ms(), id_ms = hook_id_ms(bytes_str(e->id));

	h->delivered++;
	h->all->delivered++;
	h->last_utc_ms = utc_ms;
	if (!e->tries && !e->entry[0] && utc_ms >= id_ms) {
		h->lag_ms = utc_ms - id_ms;
		hooks_count_lag(h->all, h->lag_ms);
	}
	for (struct hook_event *i = h->first; i && h->row >= DOWN; i = i->next)
		i->due_ns = now_ns; /* it is back */
	h->row = h->failures = 0;
	h->pause_ns = 0;
	event_over(h, e, false);
}

static void hook_failed(struct hook *h, struct hook_event *e, uint64_t after_ms, uint64_t now_ns)
{
	bool down = e->status == 0 || e->status == TOO_MANY || e->status == UNAVAILABLE;
	uint64_t ms;

	e->tries++;
	h->retried++;
	h->all->retried++;
	h->row++;
	h->status = e->status;
	memcpy(h->error, e->error, sizeof(h->error));
	e->due_ns = now_ns + hook_pause_ms(e->tries, rand_u32_from(&h->all->rand)) * NS_PER_MS;
	if (down && now_ns >= h->pause_ns)
		h->failures++;
	if (down && h->failures >= DOWN) {
		ms = hook_pause_ms(h->failures - DOWN + 1, rand_u32_from(&h->all->rand));
		h->pause_ns =
			now_ns + (ms < DOWN_PAUSE_MAX_MS ? ms : DOWN_PAUSE_MAX_MS) * NS_PER_MS;
	}
	if (after_ms)
		h->pause_ns = now_ns + after_ms * NS_PER_MS;
}

static uint64_t event_after_ms(const struct hook_event *e)
{
	curl_off_t s = 0;

	if (e->status != TOO_MANY && e->status != UNAVAILABLE)
		return 0;
	(void)curl_easy_getinfo(e->easy, CURLINFO_RETRY_AFTER, &s);
	return (uint64_t)(s < AFTER_MAX_S ? s : AFTER_MAX_S) * 1000;
}

/* Word of the error, and its detail. */
static void event_why(struct hook_event *e, CURLcode code)
{
	const char *text = curl_easy_strerror(code), *word = "status";
	struct writer w = writer_over(e->error, sizeof(e->error) - 1);

	if (!e->status) {
		word = http_why(code, &e->hook->gate, &text);
		WRITER_TEXTS(&w, word, ": ", text);
	} else {
		WRITER_TEXTS(&w, word, ": it answers ");
		writer_u64(&w, (uint64_t)e->status);
		writer_str(&w, e->status >= 300 && e->status < 400
				       ? ", and redirects are not followed"
				       : "");
	}
	e->error[w.n] = '\0';
}

static void test_end(struct hook *h, struct hook_event *e, bool well, uint64_t now_ns)
{
	hooks_answer(h->all, e->ask,
		     json_pack("{s:b, s:I, s:I, s:s}", "ok", well, "status", (json_int_t)e->status,
			       "ms", (json_int_t)((now_ns - e->begin_ns) / NS_PER_MS), "error",
			       well ? "" : e->error),
		     "out of memory");
}

static void hook_free(struct hook *h)
{
	hook_clear(h);
	free(h->url);
	free(h->events);
	free(h->numbers);
	explicit_bzero(h, sizeof(*h));
	free(h);
}

static void event_fetched(struct hook_event *e, CURLcode code)
{
	struct hook *h = e->hook;
	uint64_t now_ns = clock_now_ns(), after_ms;
	bool well;

	(void)curl_easy_getinfo(e->easy, CURLINFO_RESPONSE_CODE, &e->status);
	if (code != CURLE_OK && code != CURLE_WRITE_ERROR)
		e->status = 0; /* an incomplete answer does not count */
	well = e->status >= 200 && e->status < 300;
	after_ms = event_after_ms(e);
	if (!well)
		event_why(e, code);
	event_abort(e);
	if (e->ask) {
		test_end(h, e, well, now_ns);
		hook_free(h);
	} else if (well) {
		hook_taken(h, e, now_ns);
	} else {
		hook_failed(h, e, after_ms, now_ns);
		if (e->status == GONE) {
			h->pause_ns = now_ns + OFF_MS * NS_PER_MS; /* until its document changes */
			hook_say_off(h);
		}
	}
}

static void hooks_collect(struct hooks *s)
{
	struct CURLMsg *m;
	char *of;
	int left;

	while ((m = curl_multi_info_read(s->multi, &left))) {
		if (m->msg == CURLMSG_DONE &&
		    curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &of) == CURLE_OK)
			event_fetched((struct hook_event *)(void *)of, m->data.result);
	}
}

/* ---- turns ---- */

static bool event_is_late(const struct hook *h, const struct hook_event *e, uint64_t utc_ms)
{
	return (e->tries || h->failures >= DOWN) &&
	       utc_ms > hook_id_ms(bytes_str(e->entry[0] ? e->entry : e->id)) + h->retry_ms;
}

/* Posts what is due; returns the next time. */
static uint64_t hook_post(struct hook *h, uint64_t now_ns, uint64_t utc_ms)
{
	uint32_t most = h->failures >= DOWN ? 1 : HOOK_FLIGHTS;
	uint64_t next_ns = UINT64_MAX;

	if (!h->mine || now_ns >= h->until_ns)
		return UINT64_MAX;
	for (struct hook_event *e = h->first; e; e = e->next) {
		if (e->over || e->easy || e->behind)
			continue;
		if (event_is_late(h, e, utc_ms)) {
			h->given_up++;
			h->all->dead++;
			event_over(h, e, true);
		} else if (now_ns < h->pause_ns) {
			next_ns = h->pause_ns;
		} else if (e->due_ns > now_ns && h->failures < DOWN) {
			next_ns = e->due_ns < next_ns ? e->due_ns : next_ns;
		} else if (h->flights < most && h->all->flights < HOOKS_FLIGHTS &&
			   !event_post(h, e, now_ns)) {
			return now_ns + HOOKS_WAIT_MS * NS_PER_MS;
		}
	}
	return next_ns;
}

static void hooks_sweep(struct hooks *s)
{
	struct hook **at = &s->list, *h;

	while ((h = *at)) {
		if (h->gone && !h->refs) {
			*at = h->next;
			hook_free(h);
		} else {
			at = &h->next;
		}
	}
}

/* The loop's: once behind all that came. */
static void hooks_round(void *arg)
{
	struct hooks *s = arg;
	uint64_t now_ns = clock_now_ns(), utc_ms = clock_utc_ms(), next_ns, due_ns;
	int running;

	if (now_ns >= s->curl_ns) {
		s->curl_ns = UINT64_MAX;
		(void)curl_multi_socket_action(s->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	}
	hooks_collect(s);
	hooks_sweep(s);
	hooks_say_figures(s, now_ns);
	next_ns = now_ns + HOOKS_WAIT_MS * NS_PER_MS;
	for (struct hook *h = s->list; h; h = h->next) {
		due_ns = hook_post(h, now_ns, utc_ms);
		next_ns = due_ns < next_ns ? due_ns : next_ns;
	}
	if (s->redis) {
		due_ns = hooks_redis_round(s, now_ns);
		next_ns = due_ns < next_ns ? due_ns : next_ns;
	}
	next_ns = s->curl_ns < next_ns ? s->curl_ns : next_ns;
	if (loop_timer(next_ns, hooks_on_timer, s))
		loop_stop();
}

/* ---- libcurl in the loop ---- */

static void hooks_on_socket(int fd, unsigned events, void *arg)
{
	int mask = (events & LOOP_READ ? CURL_CSELECT_IN : 0) |
		   (events & LOOP_WRITE ? CURL_CSELECT_OUT : 0) |
		   (events & LOOP_ERROR ? CURL_CSELECT_ERR : 0),
	    running;

	(void)curl_multi_socket_action(((struct hooks *)arg)->multi, fd, mask, &running);
}

static int hooks_watch(CURL *easy, curl_socket_t fd, int what, void *arg, void *unused)
{
	unsigned events =
		(what & CURL_POLL_IN ? LOOP_READ : 0) | (what & CURL_POLL_OUT ? LOOP_WRITE : 0);

	(void)easy;
	(void)unused;
	if (what == CURL_POLL_REMOVE)
		loop_unwatch(fd);
	else if (loop_watch(fd, events, hooks_on_socket, arg))
		return -1;
	return 0;
}

static int hooks_time(CURLM *multi, long ms, void *arg)
{
	struct hooks *s = arg;

	(void)multi;
	s->curl_ns = ms < 0 ? UINT64_MAX : clock_now_ns() + (uint64_t)ms * NS_PER_MS;
	return 0;
}

/* ---- lines of the node ---- */

bool hook_keys(struct hook *h, const json_t *args)
{
	const char *tenant = json_text(args, "tenant"), *name = json_text(args, "name");
	const char *application = json_text(args, "application");
	struct {
		char *to;
		size_t cap;
		const char *text[6];
	} names[] = {
		{ h->tenant, sizeof(h->tenant), { tenant } },
		{ h->name, sizeof(h->name), { name } },
		{ h->group, sizeof(h->group), { "hook:", name } },
		{ h->stream,
		  sizeof(h->stream),
		  { "td:{ev:", tenant, application[0] ? "}:" : "}", application } },
		{ h->state, sizeof(h->state), { "td:{ev:", tenant, "}:hook:", name } },
		{ h->dead, sizeof(h->dead), { "td:{ev:", tenant, "}:hook:", name, ":dead" } },
		{ h->again, sizeof(h->again), { "td:{ev:", tenant, "}:hook:", name, ":again" } },
	};
	bool fits = tenant[0] && name[0];

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		struct writer w = writer_over(names[i].to, names[i].cap - 1);

		writer_texts(&w, names[i].text);
		names[i].to[w.n] = '\0';
		fits = fits && !w.overflow;
	}
	return fits;
}

static char *hook_text_copy(const char *text)
{
	size_t n = strlen(text) + 1;
	char *copy = malloc(n);

	if (copy)
		memcpy(copy, text, n);
	return copy;
}

/* Its URL, secrets and filters, by its document. False: no URL, or no memory. */
static bool hook_terms(struct hook *h, const json_t *line)
{
	free(h->url);
	free(h->events);
	free(h->numbers);
	h->url = h->events = h->numbers = NULL;
	h->gate = (struct http_gate){ 0 };
	h->changed_utc_ms = (uint64_t)json_integer_value(json_object_get(line, "changed_utc_ms"));
	h->retry_ms = (uint64_t)json_integer_value(json_object_get(line, "retry_s")) * 1000;
	h->events = hook_text_copy(json_text(line, "events"));
	h->numbers = hook_text_copy(json_text(line, "numbers"));
	if (json_text(line, "url")[0] && h->events && h->numbers && http_gate_read(&h->gate, line))
		h->url = hook_text_copy(json_text(line, "url"));
	return h->url != NULL;
}

/* Finds that name and stream; a webhook that moves to another stream is a new one. */
static struct hook *hook_find(struct hooks *s, const struct hook *like, bool same_stream)
{
	for (struct hook *h = s->list; h; h = h->next) {
		if (!h->gone && !strcmp(h->state, like->state) &&
		    !strcmp(h->stream, like->stream) == same_stream)
			return h;
	}
	return NULL;
}

static void hook_end(struct hook *h, bool deleted)
{
	hook_clear(h);
	hook_forget(h, deleted);
	h->gone = true;
	free(h->url);
	h->url = NULL;
}

static void hooks_on_webhook(struct hooks *s, const json_t *line)
{
	struct hook *h = calloc(1, sizeof(*h)), *other, *before;
	bool deleted = json_flag(line, "deleted");

	if (!h || !s->redis || !hook_keys(h, line)) {
		free(h);
		return;
	}
	h->all = s;
	while ((other = hook_find(s, h, false)))
		hook_end(other, deleted);
	before = hook_find(s, h, true);
	if (!hook_terms(before ? before : h, line)) {
		hook_end(before ? before : h, deleted);
		if (!before)
			hook_free(h);
		return;
	}
	if (before) {
		hook_free(h);
		before->pause_ns = 0;
		return;
	}
	h->next = s->list;
	s->list = h;
}

static void hooks_test(struct hooks *s, json_int_t ask, const json_t *args)
{
	struct hook *h = calloc(1, sizeof(*h));
	struct hook_event *e = calloc(1, sizeof(*e));
	json_t *event = json_pack("{s:s}", "type", "webhook.test");
	struct writer w = writer_over(e ? e->id : NULL, e ? sizeof(e->id) - 1 : 0);

	writer_u64(&w, clock_utc_ms());
	writer_str(&w, "-0");
	if (h && e && hook_keys(h, args) && hook_terms(h, args)) {
		h->all = s;
		e->hook = h;
		e->ask = ask;
		e->body = hook_event_body(event, e->id, h->tenant);
		h->first = h->last = e;
		h->count = 1;
		s->count++;
	}
	json_decref(event);
	if (h && h->count && e->body && event_post(h, e, clock_now_ns()))
		return;
	hooks_answer(s, ask, NULL, "it cannot be posted");
	if (h && h->count) {
		hook_free(h);
	} else {
		free(e);
		free(h);
	}
}

static void hooks_process_line(const json_t *line, void *arg)
{
	struct hooks *s = arg;
	const json_t *begin = json_object_get(line, "begin"),
		     *hook = json_object_get(line, "webhook");
	const json_t *args = json_object_get(line, "args");
	json_int_t ask = json_integer_value(json_object_get(line, "ask"));

	if (begin && !s->redis && hooks_redis_open(s, begin))
		LOG_ERROR("webhook", 0, "no link to Redis can be made: webhooks are not delivered");
	else if (hook)
		hooks_on_webhook(s, hook);
	else if (ask && !strcmp(json_text(line, "kind"), "test"))
		hooks_test(s, ask, args);
	else if (ask && (!s->redis || !hooks_redis_request(s, ask, json_text(line, "kind"), args)))
		hooks_answer(s, ask, NULL, "no such question");
}

static void hooks_on_link(int fd, unsigned events, void *arg)
{
	struct hooks *s = arg;

	(void)fd;
	(void)events;
	if (!child_peer_read(&s->link, hooks_process_line, s))
		loop_stop();
}

int hooks_run(void)
{
	struct hooks *s = &g_hooks;
	int err;

	(void)signal(SIGTERM, SIG_IGN); /* it ends with its link, and gives leases back */
	s->link.fd = CHILD_LINK;
	s->curl_ns = UINT64_MAX;
	rand_open_system(&s->rand);
	s->multi = curl_multi_init();
	if (!s->multi || loop_open(FDS_MAX))
		return 1;
	(void)curl_multi_setopt(s->multi, CURLMOPT_SOCKETFUNCTION, hooks_watch);
	(void)curl_multi_setopt(s->multi, CURLMOPT_SOCKETDATA, s);
	(void)curl_multi_setopt(s->multi, CURLMOPT_TIMERFUNCTION, hooks_time);
	(void)curl_multi_setopt(s->multi, CURLMOPT_TIMERDATA, s);
	(void)curl_multi_setopt(s->multi, CURLMOPT_MAXCONNECTS, (long)HOOKS_FLIGHTS);
	loop_after_round(hooks_round, s);
	err = loop_watch(CHILD_LINK, LOOP_READ, hooks_on_link, s);
	if (!err)
		err = loop_run();
	hooks_redis_close(s);
	return err ? 1 : 0;
}
