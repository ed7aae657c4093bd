/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sends DNS questions and matches answers: sockets, retries over all servers, the change to TCP,
 * resolv.conf and metrics. resolver.c is its only caller; messages are encoded and parsed in
 * sig/lookup. An answer counts only with the id, question and socket of a pending query.
 */

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "app/dns/dns_client.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/metric.h"
#include "base/table.h"

/* Connected, or about to be; from a port that the kernel draws. A descriptor or -errno. */
static int dns_socket_open(const struct addr *server, int type)
{
	struct sockaddr_storage to;
	uint32_t n = addr_to_sockaddr(server, &to);
	int fd = socket(to.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), err;

	if (fd < 0)
		return -errno;
	if (!connect(fd, (const struct sockaddr *)&to, n) || errno == EINPROGRESS)
		return fd;
	err = -errno;
	(void)close(fd);
	return err;
}

/* malloc'ed, or NULL. */
static struct dns_stream *dns_stream_make(uint16_t id, const struct dns_question *question)
{
	struct dns_stream *s = calloc(1, sizeof(*s));
	struct writer w;

	if (!s)
		return NULL;
	w = writer_over(s->out + 2, sizeof(s->out) - 2);
	dns_query_write(&w, id, question);
	be16_put(s->out, (uint16_t)w.n);
	s->out_n = (uint32_t)w.n + 2;
	return s;
}

static bool dns_stream_is_sent(const struct dns_stream *s)
{
	return s->sent == s->out_n;
}

static int stream_write(struct dns_stream *s, int fd)
{
	while (!dns_stream_is_sent(s)) {
		ssize_t n = send(fd, s->out + s->sent, s->out_n - s->sent, MSG_NOSIGNAL);

		if (n < 0)
			return -errno;
		s->sent += (uint32_t)n;
	}
	return 0;
}

/* 0: *message, in s; -EAGAIN: it goes on when the socket is ready; else -errno. */
static int dns_stream_step(struct dns_stream *s, int fd, struct bytes *message)
{
	int err = stream_write(s, fd);

	while (!err) {
		uint32_t whole = s->got < 2 ? 2 : 2U + be16_get(s->in);
		ssize_t n;

		if (whole > sizeof(s->in))
			return -EMSGSIZE;
		if (s->got == whole && whole > 2) {
			*message = bytes_mem(s->in + 2, whole - 2);
			return 0;
		}
		n = recv(fd, s->in + s->got, whole - s->got, 0);
		if (n <= 0)
			return n ? -errno : -ECONNRESET;
		s->got += (uint32_t)n;
	}
	return err;
}

int dns_server_parse(struct addr *out, struct bytes text)
{
	if (addr_parse(out, text) || addr_is_any(out) || addr_is_multicast(out))
		return -EINVAL;
	if (!out->port)
		out->port = DNS_PORT;
	return 0;
}

static bool resolv_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

/* "nameserver 192.0.2.53  # near" */
static bool line_server(struct bytes line, struct addr *out)
{
	static const struct bytes keyword = BYTES_LIT("nameserver");
	struct bytes value;
	size_t n = 0;

	if (!bytes_eq(bytes_sub(line, 0, keyword.n), keyword) || line.n <= keyword.n ||
	    !resolv_blank(line.p[keyword.n]))
		return false;
	value = bytes_trim(bytes_from(line, keyword.n));
	while (n < value.n && !resolv_blank(value.p[n]))
		n++;
	return dns_server_parse(out, bytes_sub(value, 0, n)) == 0;
}

uint32_t resolv_conf_servers(struct bytes text, struct addr out[DNS_SERVERS_MAX])
{
	struct bytes line;
	uint32_t n = 0;

	while (n < DNS_SERVERS_MAX && bytes_cut(&text, '\n', &line))
		n += line_server(line, &out[n]);
	if (n)
		return n;
	addr_set_v4(&out[0], (const uint8_t[]){ 127, 0, 0, 1 }, DNS_PORT);
	return 1;
}

enum { ANSWER_OTHER = DNS_CODES, ANSWER_BAD, ANSWERS };

static struct {
	metric_id udp, tcp, timeouts, waiting;
	metric_id answers[ANSWERS];
	metric_id lookups[LOOKUP_BAD + 1], cached;
	struct histogram time;
} g_dns_metrics;

static const struct histogram_bound g_bounds[] = {
	{ 1000, "le=\"0.001\"" }, { 5000, "le=\"0.005\"" }, { 20000, "le=\"0.02\"" },
	{ 100000, "le=\"0.1\"" }, { 500000, "le=\"0.5\"" }, { 1000000, "le=\"1\"" },
	{ 2000000, "le=\"2\"" },  { 5000000, "le=\"5\"" },  { UINT64_MAX, "le=\"+Inf\"" },
};

static const char *const g_answer_labels[ANSWERS] = {
	"rcode=\"NOERROR\"", "rcode=\"FORMERR\"", "rcode=\"SERVFAIL\"", "rcode=\"NXDOMAIN\"",
	"rcode=\"NOTIMP\"",  "rcode=\"REFUSED\"", "rcode=\"other\"",    "rcode=\"bad\"",
};

void dns_metric_setup(void)
{
	static const char *const results[] = {
		[LOOKUP_DONE] = "result=\"done\"",       [LOOKUP_REQUEST] = "result=\"full\"",
		[LOOKUP_NOTHING] = "result=\"nothing\"", [LOOKUP_FAILED] = "result=\"failed\"",
		[LOOKUP_BAD] = "result=\"bad\"",
	};

	g_dns_metrics.udp = metric_register(METRIC_COUNTER, "tandem_dns_queries_total",
					    "transport=\"udp\"", "Questions to name servers.");
	g_dns_metrics.tcp = metric_register(METRIC_COUNTER, "tandem_dns_queries_total",
					    "transport=\"tcp\"", "Questions to name servers.");
	for (size_t i = 0; i < ANSWERS; i++)
		g_dns_metrics.answers[i] = metric_register(
			METRIC_COUNTER, "tandem_dns_answers_total", g_answer_labels[i],
			"Answers of name servers. bad: it did not answer the question.");
	g_dns_metrics.timeouts = metric_register(METRIC_COUNTER, "tandem_dns_timeouts_total", NULL,
						 "Questions without an answer in time.");
	histogram_open(&g_dns_metrics.time, "tandem_dns_seconds", NULL,
		       "From a question to its answer, all tries and servers included.", g_bounds,
		       1000000);
	for (size_t i = 0; i < COUNT_OF(results); i++)
		g_dns_metrics.lookups[i] = metric_register(
			METRIC_COUNTER, "tandem_lookups_total", results[i],
			"Names that were looked up. nothing: it leads nowhere; failed: no server "
			"said; bad: it is not a name, or wants what the node does not support; "
			"full: too many were under way.");
	g_dns_metrics.cached = metric_register(METRIC_COUNTER, "tandem_lookups_cached_total", NULL,
					       "Names that were known without asking a server.");
	g_dns_metrics.waiting = metric_register(METRIC_GAUGE, "tandem_lookups_waiting", NULL,
						"Look-ups under way.");
}

static void dns_metric_query(bool tcp)
{
	metric_add(tcp ? g_dns_metrics.tcp : g_dns_metrics.udp, 1);
}

static void dns_metric_answer(unsigned rcode)
{
	unsigned which = rcode == DNS_ANSWER_BAD ? ANSWER_BAD
			 : rcode < DNS_CODES     ? rcode
						 : ANSWER_OTHER;

	metric_add(g_dns_metrics.answers[which], 1);
}

void dns_metric_time(uint64_t took_ns)
{
	histogram_add(&g_dns_metrics.time, took_ns / NS_PER_US);
}

void dns_metric_lookup(enum lookup_state state, bool cached)
{
	metric_add(g_dns_metrics.lookups[state], 1);
	if (cached)
		metric_add(g_dns_metrics.cached, 1);
}

void dns_metric_waiting(uint32_t count)
{
	metric_set(g_dns_metrics.waiting, count);
}

enum query_state {
	QUERY_FREE,
	QUERY_QUEUED, /* for a socket */
	QUERY_UDP,
	QUERY_TCP,
};

struct dns_query {
	enum query_state state;
	struct dns_client *client;
	struct dns_question question;
	uint8_t tries, server;
	bool left; /* no caller waits for it */
	uint16_t id;
	int fd;
	uint64_t asked_ns, due_ns;
	struct dns_stream *stream; /* TCP: owned */
};

struct dns_client {
	struct rand_source *rand;
	dns_answered_fn *answered;
	void *arg;
	struct addr servers[DNS_SERVERS_MAX];
	uint32_t server_count, preferred;               /* the last one that answered */
	uint32_t active[DNS_SOCKETS_MAX], active_count; /* queries with a socket */
	uint32_t queue[DNS_QUERIES_MAX], queue_first, queue_count;
	uint32_t used;
	uint64_t hashes[DNS_QUERIES_MAX]; /* of questions; 0: free */
	struct hash_key key;
	struct dns_query queries[DNS_QUERIES_MAX];
	struct dns_answer answer; /* read here */
};

int dns_client_open(struct dns_client **out, struct rand_source *rand, dns_answered_fn *answered,
		    void *arg)
{
	struct dns_client *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->rand = rand;
	c->answered = answered;
	c->arg = arg;
	c->key = (struct hash_key){ rand_u64_from(rand), rand_u64_from(rand) };
	*out = c;
	return 0;
}

static uint32_t query_index(const struct dns_query *q)
{
	return (uint32_t)(q - q->client->queries);
}

/* Its socket, where it has one. */
static void query_release(struct dns_query *q)
{
	struct dns_client *c = q->client;

	if (q->fd < 0)
		return;
	loop_unwatch(q->fd);
	(void)close(q->fd);
	q->fd = -1;
	free(q->stream);
	q->stream = NULL;
	for (uint32_t i = 0; i < c->active_count; i++) {
		if (c->active[i] == query_index(q)) {
			c->active[i] = c->active[--c->active_count];
			return;
		}
	}
}

void dns_client_close(struct dns_client *c)
{
	if (!c)
		return;
	while (c->active_count)
		query_release(&c->queries[c->active[0]]);
	free(c);
}

void dns_client_servers(struct dns_client *c, const struct addr *servers, uint32_t count)
{
	assert(count <= DNS_SERVERS_MAX);
	if (count)
		memcpy(c->servers, servers, count * sizeof(*servers));
	c->server_count = count;
	c->preferred = 0;
}

static uint64_t client_hash(const struct dns_client *c, const struct dns_question *question)
{
	struct bytes name = bytes_str(question->name.text);

	return (hash_sip(&c->key, name) ^ (uint64_t)question->type) | 1;
}

static struct dns_query *query_find(struct dns_client *c, const struct dns_question *question,
				    uint64_t hash)
{
	for (uint32_t i = 0; i < DNS_QUERIES_MAX; i++) {
		struct dns_query *q = &c->queries[i];

		if (c->hashes[i] == hash && q->question.type == question->type &&
		    dns_name_eq(&q->question.name, &question->name))
			return q;
	}
	return NULL;
}

static struct dns_query *dns_query_find_free(struct dns_client *c)
{
	for (uint32_t i = 0; i < DNS_QUERIES_MAX; i++) {
		if (!c->hashes[i])
			return &c->queries[i];
	}
	return NULL;
}

static void query_queue(struct dns_query *q)
{
	struct dns_client *c = q->client;

	q->state = QUERY_QUEUED;
	c->queue[(c->queue_first + c->queue_count++) % DNS_QUERIES_MAX] = query_index(q);
}

int dns_client_query(struct dns_client *c, const struct dns_question *question, uint64_t now_ns,
		     uint32_t *query)
{
	uint64_t hash = client_hash(c, question);
	struct dns_query *q = query_find(c, question, hash);

	if (!q) {
		q = dns_query_find_free(c);
		if (!q)
			return -ENOSPC;
		*q = (struct dns_query){
			.client = c, .question = *question, .fd = -1, .asked_ns = now_ns
		};
		c->hashes[query_index(q)] = hash;
		c->used++;
		query_queue(q);
	}
	q->left = false;
	*query = query_index(q);
	return 0;
}

/* Its place, without an answer. */
static void query_free(struct dns_query *q)
{
	struct dns_client *c = q->client;

	query_release(q);
	q->state = QUERY_FREE;
	c->hashes[query_index(q)] = 0;
	c->used--;
}

static void query_unqueue(struct dns_query *q)
{
	struct dns_client *c = q->client;
	uint32_t kept = 0;

	for (uint32_t i = 0; i < c->queue_count; i++) {
		uint32_t index = c->queue[(c->queue_first + i) % DNS_QUERIES_MAX];

		if (index != query_index(q))
			c->queue[(c->queue_first + kept++) % DNS_QUERIES_MAX] = index;
	}
	c->queue_count = kept;
}

void dns_client_leave(struct dns_client *c, uint32_t query)
{
	struct dns_query *q = &c->queries[query];

	if (q->state == QUERY_QUEUED) {
		query_unqueue(q);
		query_free(q);
	} else {
		q->left = true;
	}
}

static void query_end(struct dns_query *q, const struct dns_answer *answer, uint64_t now_ns)
{
	struct dns_client *c = q->client;
	struct dns_question question = q->question;
	uint32_t index = query_index(q);

	query_free(q);
	c->answered(index, &question, answer, now_ns > q->asked_ns ? now_ns - q->asked_ns : 0,
		    c->arg);
}

static void query_failed(struct dns_query *q, uint64_t now_ns)
{
	struct dns_client *c = q->client;

	LOG_WARN("dns", 0, "no name server answers", LOG_STR("name", q->question.name.text),
		 LOG_STR("type", dns_type_name(q->question.type)), LOG_U64("tries", q->tries));
	c->answer.result = DNS_FAILED;
	c->answer.count = 0;
	c->answer.rcode = DNS_CODES;
	query_end(q, &c->answer, now_ns);
}

static void query_on_socket(int fd, unsigned events, void *arg);

/* It has a socket from now on, or the socket is closed. */
static int query_watch(struct dns_query *q, int fd, unsigned events)
{
	struct dns_client *c = q->client;
	int err;

	assert(c->active_count < DNS_SOCKETS_MAX);
	q->fd = fd;
	c->active[c->active_count++] = query_index(q);
	err = loop_watch(fd, events, query_on_socket, q);
	if (err)
		query_release(q);
	return err;
}

static int query_send(struct dns_query *q)
{
	struct dns_client *c = q->client;
	uint8_t space[DNS_QUERY_MAX];
	struct writer w = writer_over(space, sizeof(space));
	int fd = dns_socket_open(&c->servers[q->server], SOCK_DGRAM), err;

	if (fd < 0)
		return fd;
	q->id = (uint16_t)rand_u32_from(c->rand);
	err = query_watch(q, fd, LOOP_READ);
	if (err)
		return err;
	dns_query_write(&w, q->id, &q->question);
	if (send(fd, space, w.n, MSG_NOSIGNAL) == (ssize_t)w.n)
		return 0;
	err = -errno;
	query_release(q);
	return err;
}

/* Each server in turn. */
static void query_try(struct dns_query *q, uint64_t now_ns)
{
	struct dns_client *c = q->client;

	if (q->left) {
		query_free(q);
		return;
	}
	query_release(q);
	q->state = QUERY_UDP;
	while (c->server_count && q->tries < DNS_TRIES) {
		q->server = (uint8_t)((c->preferred + q->tries++) % c->server_count);
		q->due_ns = now_ns + DNS_TRY_NS;
		dns_metric_query(false);
		if (!query_send(q))
			return;
	}
	query_failed(q, now_ns);
}

static void query_over_tcp(struct dns_query *q, uint64_t now_ns)
{
	struct dns_client *c = q->client;
	int fd;

	query_release(q);
	dns_metric_query(true);
	q->state = QUERY_TCP;
	q->due_ns = now_ns + DNS_TRY_NS;
	q->stream = dns_stream_make(q->id, &q->question);
	fd = q->stream ? dns_socket_open(&c->servers[q->server], SOCK_STREAM) : -1;
	if (fd >= 0 && !query_watch(q, fd, LOOP_WRITE))
		return;
	free(q->stream);
	q->stream = NULL;
	query_try(q, now_ns);
}

/* Ignores unsolicited answers; tries another server if this one cannot answer. */
static void query_message(struct dns_query *q, struct bytes message, uint64_t now_ns)
{
	struct dns_client *c = q->client;

	if (dns_answer_parse(&c->answer, q->id, &q->question, message)) {
		dns_metric_answer(DNS_ANSWER_BAD);
		if (q->state == QUERY_TCP)
			query_try(q, now_ns);
		return;
	}
	dns_metric_answer(c->answer.rcode);
	if (c->answer.truncated && q->state == QUERY_UDP) {
		query_over_tcp(q, now_ns);
		return;
	}
	if ((c->answer.truncated || c->answer.result == DNS_FAILED) && c->server_count > 1 &&
	    q->tries < DNS_TRIES) {
		query_try(q, now_ns);
		return;
	}
	c->preferred = q->server < c->server_count ? q->server : 0;
	query_end(q, &c->answer, now_ns);
}

static void query_on_datagram(struct dns_query *q, uint64_t now_ns)
{
	uint8_t space[DNS_DATAGRAM_MAX];
	ssize_t n = recv(q->fd, space, sizeof(space), 0);

	if (n >= 0)
		query_message(q, bytes_mem(space, (size_t)n), now_ns);
	else if (errno != EAGAIN && errno != EINTR)
		query_try(q, now_ns); /* nobody listens there */
}

static void query_on_stream(struct dns_query *q, uint64_t now_ns)
{
	struct bytes message;
	int err = dns_stream_step(q->stream, q->fd, &message);

	if (err == -EAGAIN) {
		err = loop_watch(q->fd, dns_stream_is_sent(q->stream) ? LOOP_READ : LOOP_WRITE,
				 query_on_socket, q);
		if (!err)
			return;
	}
	if (err)
		query_try(q, now_ns);
	else
		query_message(q, message, now_ns);
}

static void query_on_socket(int fd, unsigned events, void *arg)
{
	struct dns_query *q = arg;
	uint64_t now_ns = clock_now_ns();

	(void)events;
	assert(fd == q->fd);
	if (q->state == QUERY_TCP)
		query_on_stream(q, now_ns);
	else
		query_on_datagram(q, now_ns);
}

static void queue_start(struct dns_client *c, uint64_t now_ns)
{
	while (c->queue_count && c->active_count < DNS_SOCKETS_MAX) {
		struct dns_query *q = &c->queries[c->queue[c->queue_first]];

		c->queue_first = (c->queue_first + 1) % DNS_QUERIES_MAX;
		c->queue_count--;
		query_try(q, now_ns);
	}
}

void dns_client_expire(struct dns_client *c, uint64_t now_ns)
{
	for (uint32_t i = c->active_count; i-- > 0;) {
		/* those behind it have had their turn, and the list may be shorter by now */
		struct dns_query *q = i < c->active_count ? &c->queries[c->active[i]] : NULL;

		if (!q || q->due_ns > now_ns)
			continue;
		metric_add(g_dns_metrics.timeouts, 1);
		query_try(q, now_ns);
	}
	queue_start(c, now_ns);
}

uint64_t dns_client_next_ns(const struct dns_client *c)
{
	uint64_t next = UINT64_MAX;

	if (c->queue_count && c->active_count < DNS_SOCKETS_MAX)
		return 0;
	for (uint32_t i = 0; i < c->active_count; i++) {
		uint64_t due_ns = c->queries[c->active[i]].due_ns;

		next = due_ns < next ? due_ns : next;
	}
	return next;
}
