/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Joins the pure look-up of RFC 3263 (sig/lookup) with the DNS client: it repeats each look-up as
 * its answers arrive, until it has an outcome for the call. app/daemon/round.c asks it for calls,
 * node_probe.c for trunks. Failed targets are tried behind others for a while. Work per turn is
 * bounded, since one answer may wake a thousand callers.
 */

#include "app/dns/resolver.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/dns/dns_client.h"
#include "base/clock.h"
#include "base/log.h"
#include "sig/lookup/lookup.h"

enum { RESOLV_CONF_MAX = 4096 }; /* what follows is passed over */
#define RESOLV_CONF_CHECK_NS (5 * NS_PER_S)

enum wait_state {
	WAIT_FREE,
	WAIT_ASKS,
	WAIT_DUE, /* what it asked is answered: it is looked up again */
	WAIT_OVER,
};
enum { RUNS_MAX = 8 }; /* in a turn: others have theirs in between */

struct resolver_wait {
	enum wait_state state;
	uint64_t call;
	struct lookup_want want;
	uint32_t rounds, query_count;
	uint32_t queries[LOOKUP_ASKS_MAX]; /* of the client */
	struct lookup_reply outcome;
};

struct resolver {
	struct dns_cache cache;
	struct lookup_blocked blocked;
	struct dns_client *client;
	const char *file; /* NULL: servers are of the settings */
	uint64_t file_check_ns;
	struct timespec file_changed;
	uint32_t used, ready; /* waits, and those of them that are due or over */
	uint32_t next;        /* where the next outcome is looked for */
	struct lookup found;  /* read here */
	struct resolver_wait waits[RESOLVER_WAITS_MAX];
};

void resolver_setup(void)
{
	dns_metric_setup();
}

/* True: it waited for that answer, and for no other. */
static bool wait_on_answer(struct resolver_wait *w, uint32_t query)
{
	for (uint32_t i = 0; w->state == WAIT_ASKS && i < w->query_count; i++) {
		if (w->queries[i] != query)
			continue;
		w->queries[i] = w->queries[--w->query_count];
		return w->query_count == 0;
	}
	return false;
}

static void on_answered(uint32_t query, const struct dns_question *question,
			const struct dns_answer *answer, uint64_t took_ns, void *arg)
{
	struct resolver *r = arg;

	dns_metric_time(took_ns);
	dns_cache_put(&r->cache, question, answer, clock_now_ns());
	for (uint32_t i = 0; i < RESOLVER_WAITS_MAX; i++) {
		if (!wait_on_answer(&r->waits[i], query))
			continue;
		r->waits[i].state = WAIT_DUE;
		r->ready++;
	}
}

int resolver_open(struct resolver **out, struct rand_source *rand)
{
	struct hash_key key = { rand_u64_from(rand), rand_u64_from(rand) };
	struct resolver *r = calloc(1, sizeof(*r));
	int err;

	if (!r)
		return -ENOMEM;
	err = dns_cache_open(&r->cache, DNS_CACHE_MAX, &key);
	if (!err)
		err = dns_client_open(&r->client, rand, on_answered, r);
	if (err) {
		resolver_close(r);
		return err;
	}
	*out = r;
	return 0;
}

void resolver_close(struct resolver *r)
{
	if (!r)
		return;
	dns_client_close(r->client);
	if (r->cache.entries)
		dns_cache_close(&r->cache);
	free(r);
}

/* When it was changed. Octets, or -errno. */
static ssize_t resolver_file_text(const char *path, char *text, size_t cap,
				  struct timespec *changed)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st = { 0 };
	ssize_t n = -1;

	if (fd < 0)
		return -errno;
	if (!fstat(fd, &st) && S_ISREG(st.st_mode))
		n = read(fd, text, cap);
	*changed = st.st_mtim;
	(void)close(fd);
	return n;
}

/* A faulty file changes nothing. */
static void resolver_file_read(struct resolver *r)
{
	struct addr servers[DNS_SERVERS_MAX];
	char text[RESOLV_CONF_MAX];
	struct timespec changed;
	uint32_t count;
	ssize_t n = resolver_file_text(r->file, text, sizeof(text), &changed);

	if (n < 0 || (changed.tv_sec == r->file_changed.tv_sec &&
		      changed.tv_nsec == r->file_changed.tv_nsec))
		return;
	r->file_changed = changed;
	count = resolv_conf_servers(bytes_mem(text, (size_t)n), servers);
	dns_client_servers(r->client, servers, count);
	LOG_INFO("dns", 0, "name servers of a file", LOG_STR("file", r->file),
		 LOG_U64("servers", count), LOG_ADDR("first", &servers[0]));
}

void resolver_servers(struct resolver *r, const struct addr *servers, uint32_t count,
		      const char *file)
{
	struct addr fallback[DNS_SERVERS_MAX];

	r->file = count ? NULL : file;
	r->file_check_ns = 0;
	r->file_changed = (struct timespec){ 0 };
	if (count) {
		dns_client_servers(r->client, servers, count);
		return;
	}
	count = resolv_conf_servers((struct bytes){ 0 }, fallback);
	dns_client_servers(r->client, fallback, count);
}

static void resolver_file_check(struct resolver *r, uint64_t now_ns)
{
	if (!r->file || now_ns < r->file_check_ns)
		return;
	r->file_check_ns = now_ns + RESOLV_CONF_CHECK_NS;
	resolver_file_read(r);
}

void resolver_find(struct resolver *r, const struct lookup_want *want, uint64_t now_ns,
		   struct lookup *out)
{
	lookup_run(&r->cache, want, now_ns, out);
	blocked_order(&r->blocked, out, now_ns);
	if (out->state != LOOKUP_REQUEST)
		dns_metric_lookup(out->state, true);
}

static void wait_end(struct resolver *r, struct resolver_wait *w, enum lookup_state state)
{
	struct lookup_reply *outcome = &w->outcome;

	outcome->state = state;
	outcome->count = state == LOOKUP_DONE ? r->found.target_count : 0;
	memcpy(outcome->targets, r->found.targets, outcome->count * sizeof(outcome->targets[0]));
	w->state = WAIT_OVER;
	r->ready++;
	dns_metric_lookup(state, false);
	LOG_INFO("dns", w->call, "name looked up", LOG_STR("name", w->want.host),
		 LOG_STR("result", lookup_state_name(state)), LOG_U64("targets", outcome->count));
}

/* Asks for what is missing, or is over. */
static void resolver_wait_run(struct resolver *r, struct resolver_wait *w, uint64_t now_ns)
{
	w->query_count = 0;
	lookup_run(&r->cache, &w->want, now_ns, &r->found);
	blocked_order(&r->blocked, &r->found, now_ns);
	if (r->found.state != LOOKUP_REQUEST) {
		wait_end(r, w, r->found.state);
		return;
	}
	if (w->rounds++ == LOOKUP_ROUNDS_MAX) {
		wait_end(r, w, LOOKUP_FAILED);
		return;
	}
	for (uint32_t i = 0; i < r->found.ask_count; i++) {
		if (!dns_client_query(r->client, &r->found.asks[i], now_ns,
				      &w->queries[w->query_count]))
			w->query_count++;
	}
	if (!w->query_count)
		wait_end(r, w, LOOKUP_FAILED);
}

static struct resolver_wait *wait_answer_caller(struct resolver *r)
{
	for (uint32_t i = 0; i < RESOLVER_WAITS_MAX; i++) {
		if (r->waits[i].state == WAIT_FREE)
			return &r->waits[i];
	}
	return NULL;
}

void resolver_start(struct resolver *r, uint64_t call, uint64_t serial,
		    const struct lookup_want *want, uint64_t now_ns)
{
	struct resolver_wait *w = wait_answer_caller(r);

	if (!w) {
		dns_metric_lookup(LOOKUP_REQUEST, false);
		LOG_WARN("dns", call, "too many look-ups at once", LOG_STR("name", want->host));
		return;
	}
	resolver_file_check(r, now_ns);
	*w = (struct resolver_wait){ .state = WAIT_ASKS, .call = call, .want = *want };
	w->outcome.serial = serial;
	dns_metric_waiting(++r->used);
	resolver_wait_run(r, w, now_ns);
}

static void resolver_wait_free(struct resolver *r, struct resolver_wait *w)
{
	r->ready -= w->state != WAIT_ASKS;
	w->state = WAIT_FREE;
	dns_metric_waiting(--r->used);
}

static bool query_is_wanted(const struct resolver *r, uint32_t query)
{
	for (uint32_t i = 0; i < RESOLVER_WAITS_MAX; i++) {
		const struct resolver_wait *w = &r->waits[i];

		for (uint32_t j = 0; w->state == WAIT_ASKS && j < w->query_count; j++) {
			if (w->queries[j] == query)
				return true;
		}
	}
	return false;
}

static struct resolver_wait *wait_find(struct resolver *r, uint64_t call, uint64_t serial)
{
	for (uint32_t i = 0; i < RESOLVER_WAITS_MAX; i++) {
		struct resolver_wait *w = &r->waits[i];

		if (w->state != WAIT_FREE && w->call == call && w->outcome.serial == serial)
			return w;
	}
	return NULL;
}

void resolver_stop(struct resolver *r, uint64_t call, uint64_t serial)
{
	struct resolver_wait *w = wait_find(r, call, serial);
	uint32_t asked;

	if (!w)
		return;
	asked = w->state == WAIT_ASKS ? w->query_count : 0;
	resolver_wait_free(r, w);
	for (uint32_t i = 0; i < asked; i++) {
		if (!query_is_wanted(r, w->queries[i]))
			dns_client_leave(r->client, w->queries[i]);
	}
}

static void resolver_wait_again(struct resolver *r, struct resolver_wait *w, uint64_t now_ns)
{
	w->state = WAIT_ASKS;
	r->ready--;
	resolver_wait_run(r, w, now_ns);
}

bool resolver_pop(struct resolver *r, uint64_t *call, struct lookup_reply *outcome, uint64_t now_ns)
{
	unsigned runs = 0;

	for (uint32_t i = 0; r->ready && runs < RUNS_MAX && i < RESOLVER_WAITS_MAX; i++) {
		struct resolver_wait *w = &r->waits[r->next++ % RESOLVER_WAITS_MAX];

		if (w->state == WAIT_DUE) {
			runs++;
			resolver_wait_again(r, w, now_ns);
		}
		if (w->state == WAIT_OVER) {
			*call = w->call;
			*outcome = w->outcome;
			resolver_wait_free(r, w);
			return true;
		}
	}
	return false;
}

uint64_t resolver_blocked_ns(const struct resolver *r, const struct lookup_target *target,
			     uint64_t now_ns)
{
	return blocked_until_ns(&r->blocked, target, now_ns);
}

void resolver_failed(struct resolver *r, const struct lookup_target *target, uint32_t for_s,
		     uint64_t now_ns)
{
	blocked_add(&r->blocked, target, for_s, now_ns);
	LOG_INFO("dns", 0, "a target is tried last for a while", LOG_ADDR("target", &target->to),
		 LOG_STR("transport", sip_transport_name((enum sip_transport)target->transport)));
}

void resolver_expire(struct resolver *r, uint64_t now_ns)
{
	dns_client_expire(r->client, now_ns);
}

uint64_t resolver_next_ns(const struct resolver *r)
{
	return r->ready ? 0 : dns_client_next_ns(r->client);
}
