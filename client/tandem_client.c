/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A command through Redis: XADD to the tenant's stream, then XREAD of this client's own stream of
 * answers, which nobody else reads. That is read from its beginning, so that an answer that came
 * before the XREAD is found: "XREAD ... $" after the XADD would lose it.
 */
#include "client/tandem_client.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/time.h>
#include <time.h>

#include <hiredis/hiredis.h>

#ifndef TANDEM_CLIENT_WITHOUT_TLS
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#endif

enum {
	REDIS_PORT = 6379,
	SENTINEL_PORT = 26379,
	SENTINELS_MAX = 7,
	CONNECT_MS = 2000,
	BLOCK_MS = 1000, /* of one XREAD: a connection that died unseen is noticed */
	AGAIN_MS = 100,
	UNREAD_MS = 2000, /* a stream is read a second after its tenant's document was put */
};

struct server {
	char host[254];
	int port;
};

struct login {
	char user[64], password[128];
};

struct place {
	char path[108];              /* unix socket; empty: TCP */
	struct server server, first; /* first: as the url has it */
	bool tls;
	char db[8];
	struct login login;
	/* those who know which server it is */
	bool cluster; /* of Redis Cluster: streams of commands have one tag */
	struct server sentinels[SENTINELS_MAX];
	int sentinel_count;
	char primary[64];
	struct login sentinel_login;
};

struct tandem_client {
	struct place place;
	char ca[256], certificate[256], key[256];
	redisContext *redis;
	struct client_tls *tls; /* over the socket of redis; NULL: in the clear */
	char name[32];          /* of our stream; ids begin with it */
	char id[64];            /* of the command that is next, or under way; "": none was said */
	char in_key[96], out_key[128], after[48];
	bool operator;
	unsigned long count;
	char error[192];
};

static int64_t now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void wait_ms_for(long ms)
{
	struct timespec ts = { .tv_nsec = ms * 1000000 };

	(void)nanosleep(&ts, NULL);
}

static struct timeval timeval_of(int64_t ms)
{
	return (struct timeval){ .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };
}

/* ---- where Redis is ---- */

static int hex_digit(char c)
{
	const char *digits = "0123456789abcdef0123456789ABCDEF", *at = c ? strchr(digits, c) : NULL;

	return at ? (int)((at - digits) % 16) : -1;
}

/* %-decodes n characters. False: too long, or badly encoded. */
static bool text_decode(char *out, size_t cap, const char *in, size_t n)
{
	size_t length = 0;

	for (size_t i = 0; i < n; i++) {
		int c = (unsigned char)in[i];

		if (c == '%') {
			int high = i + 2 < n ? hex_digit(in[i + 1]) : -1;
			int low = high >= 0 ? hex_digit(in[i + 2]) : -1;

			if (low < 0)
				return false;
			c = high * 16 + low;
			i += 2;
		}
		if (!c || length + 1 >= cap)
			return false;
		out[length++] = (char)c;
	}
	out[length] = '\0';
	return true;
}

static bool text_copy(char *out, size_t cap, const char *in, size_t n)
{
	if (n >= cap)
		return false;
	memcpy(out, in, n);
	out[n] = '\0';
	return true;
}

static bool port_read(struct server *p, const char *text)
{
	char *end;
	long port = strtol(text, &end, 10);

	p->port = (int)port;
	return *end == '\0' && end != text && port > 0 && port <= UINT16_MAX;
}

/* host, host:port, [v6] or [v6]:port */
static bool client_host_read(struct server *p, const char *text, int port)
{
	const char *end = text[0] == '[' ? strchr(text, ']') : strchr(text, ':');
	const char *host = text[0] == '[' ? text + 1 : text;
	const char *rest;

	if (text[0] == '[' && !end)
		return false;
	rest = !end ? "" : text[0] == '[' ? end + 1 : end;
	p->port = port;
	return text_copy(p->host, sizeof(p->host), host,
			 end ? (size_t)(end - host) : strlen(host)) &&
	       p->host[0] && (!*rest || (*rest == ':' && port_read(p, rest + 1)));
}

/* n characters: [user]:password */
static bool client_login_read(struct login *l, const char *text, size_t n)
{
	const char *colon = memchr(text, ':', n);
	size_t user = colon ? (size_t)(colon - text) : 0;

	return colon && text_decode(l->user, sizeof(l->user), text, user) &&
	       text_decode(l->password, sizeof(l->password), colon + 1, n - user - 1);
}

/* *text: what stands behind the login, if there is one. */
static bool client_login_cut(struct place *p, const char **text)
{
	const char *start = *text, *at = strrchr(start, '@');

	if (at)
		*text = at + 1;
	return !at || client_login_read(&p->login, start, (size_t)(at - start));
}

static bool client_tcp_read(struct place *p, const char *text)
{
	const char *slash;
	char rest[sizeof(p->server.host) + 16];

	if (!client_login_cut(p, &text))
		return false;
	slash = strchr(text, '/');
	if (slash && !text_copy(p->db, sizeof(p->db), slash + 1, strlen(slash + 1)))
		return false;
	return text_copy(rest, sizeof(rest), text, slash ? (size_t)(slash - text) : strlen(text)) &&
	       client_host_read(&p->server, rest, REDIS_PORT);
}

/* host[:port],... up to end */
static bool client_hosts_read(struct place *p, const char *text, const char *end)
{
	char host[sizeof(p->server.host) + 16];

	while (p->sentinel_count < SENTINELS_MAX) {
		const char *comma = memchr(text, ',', (size_t)(end - text));

		if (!text_copy(host, sizeof(host), text, (size_t)((comma ? comma : end) - text)) ||
		    !client_host_read(&p->sentinels[p->sentinel_count++], host, SENTINEL_PORT))
			return false;
		if (!comma)
			return true;
		text = comma + 1;
	}
	return false;
}

/* host[:port],.../primary[?sentinel=[user]:password] */
static bool client_sentinel_read(struct place *p, const char *text)
{
	static const char key[] = "?sentinel=";
	const char *slash, *query;

	if (!client_login_cut(p, &text))
		return false;
	slash = strchr(text, '/');
	query = slash ? strchr(slash, '?') : NULL;
	if (!slash || !client_hosts_read(p, text, slash) ||
	    !text_copy(p->primary, sizeof(p->primary), slash + 1,
		       query ? (size_t)(query - slash - 1) : strlen(slash + 1)))
		return false;
	if (query && (strncmp(query, key, strlen(key)) != 0 ||
		      !client_login_read(&p->sentinel_login, query + strlen(key),
					 strlen(query + strlen(key)))))
		return false;
	return p->primary[0] != '\0';
}

/* What of url stands behind "SCHEME://" or, with TLS, "SCHEMEs://"; NULL: it has another one. */
static const char *scheme_cut(struct place *p, const char *url, const char *scheme, const char *end)
{
	size_t n = strlen(scheme);

	if (strncmp(url, scheme, n) != 0)
		return NULL;
	p->tls = url[n] == 's';
	url += n + p->tls;
	return strncmp(url, end, strlen(end)) != 0 ? NULL : url + strlen(end);
}

static bool client_place_read(struct place *p, const char *url)
{
	const char *rest;

	*p = (struct place){ 0 };
	if (!strncmp(url, "unix:/", 6))
		return text_copy(p->path, sizeof(p->path), url + 5, strlen(url + 5));
	rest = scheme_cut(p, url, "sentinel", "://");
	if (rest)
		return client_sentinel_read(p, rest);
	rest = scheme_cut(p, url, "redis", "+cluster://");
	p->cluster = rest;
	if (!rest)
		rest = scheme_cut(p, url, "redis", "://");
	if (!rest || !client_tcp_read(p, rest) || (p->cluster && p->db[0]))
		return false;
	p->first = p->server;
	return true;
}

/* ---- the connection ---- */

static int client_fail(struct tandem_client *c, int err, const char *what, const char *why)
{
	(void)snprintf(c->error, sizeof(c->error), "%s%s%s", what, why ? ": " : "", why ? why : "");
	return err;
}

/* ---- TLS ---- */

#ifndef TANDEM_CLIENT_WITHOUT_TLS
struct client_tls {
	SSL_CTX *context;
	SSL *ssl;
};

static void client_tls_close(struct tandem_client *c)
{
	if (!c->tls)
		return;
	SSL_free(c->tls->ssl);
	SSL_CTX_free(c->tls->context);
	free(c->tls);
	c->tls = NULL;
}

static int client_tls_fail(struct tandem_client *c, const char *what)
{
	unsigned long e = ERR_peek_last_error();
	const char *why = e ? ERR_reason_error_string(e) : NULL;
	long verified = c->tls && c->tls->ssl ? SSL_get_verify_result(c->tls->ssl) : X509_V_OK;

	if (verified != X509_V_OK)
		why = X509_verify_cert_error_string(verified);
	return client_fail(c, -EHOSTUNREACH, what, why);
}

static bool client_tls_files(const struct tandem_client *c, SSL_CTX *context)
{
	int ok = c->ca[0] ? SSL_CTX_load_verify_locations(context, c->ca, NULL)
			  : SSL_CTX_set_default_verify_paths(context);

	if (ok == 1 && c->certificate[0])
		ok = SSL_CTX_use_certificate_chain_file(context, c->certificate) == 1 &&
		     SSL_CTX_use_PrivateKey_file(context, c->key, SSL_FILETYPE_PEM) == 1;
	return ok == 1;
}

/* RFC 6125: a name, or an address, which is no name to ask for. */
static bool client_tls_expect(SSL *ssl, const char *host)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(ssl);

	if (X509_VERIFY_PARAM_set1_ip_asc(param, host) == 1)
		return true;
	ERR_clear_error();
	return SSL_set1_host(ssl, host) == 1 &&
	       SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
			(void *)(uintptr_t)host) == 1;
}

static int client_tls_open(struct tandem_client *c, const char *host)
{
	struct client_tls *t = calloc(1, sizeof(*t));

	ERR_clear_error();
	c->tls = t;
	if (t)
		t->context = SSL_CTX_new(TLS_client_method());
	if (!t || !t->context || SSL_CTX_set_min_proto_version(t->context, TLS1_2_VERSION) != 1)
		return client_fail(c, -ENOMEM, "out of memory", NULL);
	SSL_CTX_set_verify(t->context, SSL_VERIFY_PEER, NULL);
	if (!client_tls_files(c, t->context))
		return client_tls_fail(c, "the files of TLS cannot be used");
	t->ssl = SSL_new(t->context);
	if (!t->ssl || SSL_set_fd(t->ssl, c->redis->fd) != 1 || !client_tls_expect(t->ssl, host))
		return client_fail(c, -ENOMEM, "out of memory", NULL);
	if (SSL_connect(t->ssl) != 1)
		return client_tls_fail(c, "no TLS with Redis");
	return 0;
}

/* The next reply, or NULL. */
static redisReply *client_tls_read(struct tandem_client *c)
{
	void *reply = NULL;
	char part[4096];

	while (redisReaderGetReply(c->redis->reader, &reply) == REDIS_OK && !reply) {
		int n = SSL_read(c->tls->ssl, part, sizeof(part));

		if (n <= 0 || redisReaderFeed(c->redis->reader, part, (size_t)n) != REDIS_OK)
			return NULL;
	}
	return reply;
}

static redisReply *client_tls_command(struct tandem_client *c, int n, const char **words)
{
	char *text = NULL;
	int length = redisFormatCommandArgv(&text, n, words, NULL);
	bool put = length > 0 && SSL_write(c->tls->ssl, text, length) == length;

	if (text) {
		explicit_bzero(text, length > 0 ? (size_t)length : 0); /* it may be a password */
		redisFreeCommand(text);
	}
	return put ? client_tls_read(c) : NULL;
}
#else
static void client_tls_close(struct tandem_client *c)
{
	(void)c;
}

static int client_tls_open(struct tandem_client *c, const char *host)
{
	(void)host;
	return client_fail(c, -EHOSTUNREACH, "rediss: needs a client with TLS", NULL);
}

static redisReply *client_tls_command(struct tandem_client *c, int n, const char **words)
{
	(void)c;
	(void)n;
	(void)words;
	return NULL;
}
#endif

static void client_hang_up(struct tandem_client *c)
{
	client_tls_close(c);
	if (c->redis)
		redisFree(c->redis);
	c->redis = NULL;
}

/* Sentinel has named another primary. */
static bool client_is_demoted(const struct tandem_client *c, const redisReply *reply)
{
	return (c->place.sentinel_count || c->place.cluster) &&
	       (!strncmp(reply->str, "READONLY ", 9) || !strncmp(reply->str, "UNBLOCKED ", 10));
}

/* "MOVED 3999 192.0.2.1:6381": asks that server from now on.
 * Without an address: another port of this one. */
static bool client_is_moved(struct tandem_client *c, const redisReply *reply)
{
	const char *at = strrchr(reply->str, ' '), *colon = strrchr(reply->str, ':');
	struct server *to = &c->place.server;

	if (!c->place.cluster || strncmp(reply->str, "MOVED ", 6) || !colon || colon < at)
		return false;
	if (colon > at + 1 &&
	    !text_copy(to->host, sizeof(to->host), at + 1, (size_t)(colon - at - 1)))
		return false;
	return port_read(to, colon + 1);
}

/* The slot is on its way, or its server is gone and has no successor yet. */
static bool client_is_waiting(const struct tandem_client *c, const redisReply *reply)
{
	return !strncmp(reply->str, "LOADING", 7) ||
	       (c->place.cluster &&
		(!strncmp(reply->str, "ASK ", 4) || !strncmp(reply->str, "TRYAGAIN ", 9) ||
		 !strncmp(reply->str, "CLUSTERDOWN ", 12)));
}

/* A reply that is no error, or NULL:
 * sets *err and the error, and closes the connection unless it was a refusal. */
static redisReply *client_command(struct tandem_client *c, int n, const char **words, int *err)
{
	redisReply *reply = c->tls ? client_tls_command(c, n, words)
				   : redisCommandArgv(c->redis, n, words, NULL);

	if (!reply) {
		*err = client_fail(c, -EHOSTUNREACH, "the connection to Redis broke",
				   c->tls ? NULL : c->redis->errstr);
		client_hang_up(c);
	} else if (reply->type == REDIS_REPLY_ERROR) {
		bool loading = client_is_waiting(c, reply),
		     demoted = client_is_demoted(c, reply) || client_is_moved(c, reply);

		*err = client_fail(c,
				   demoted   ? -EHOSTUNREACH
				   : loading ? -EAGAIN
					     : -EACCES,
				   "Redis refuses", reply->str);
		freeReplyObject(reply);
		reply = NULL;
		if (demoted)
			client_hang_up(c);
	}
	return reply;
}

static int client_send(struct tandem_client *c, int n, const char **words)
{
	int err = 0;
	redisReply *reply = client_command(c, n, words, &err);

	freeReplyObject(reply);
	return err;
}

static int client_log_in(struct tandem_client *c, const struct login *l)
{
	const char *with_user[] = { "AUTH", l->user, l->password },
		   *alone[] = { "AUTH", l->password };

	if (!l->password[0])
		return 0;
	return l->user[0] ? client_send(c, 3, with_user) : client_send(c, 2, alone);
}

/* To the unix socket where server is NULL. */
static int client_dial(struct tandem_client *c, const struct server *server,
		       const struct login *login)
{
	const struct place *p = &c->place;
	int err;

	c->redis =
		server ? redisConnectWithTimeout(server->host, server->port, timeval_of(CONNECT_MS))
		       : redisConnectUnixWithTimeout(p->path, timeval_of(CONNECT_MS));
	if (!c->redis)
		return client_fail(c, -ENOMEM, "out of memory", NULL);
	err = c->redis->err ? client_fail(c, -EHOSTUNREACH, server ? server->host : p->path,
					  c->redis->errstr)
			    : 0;
	if (!err && redisSetTimeout(c->redis, timeval_of(BLOCK_MS + CONNECT_MS)))
		err = client_fail(c, -EHOSTUNREACH, "cannot set a timeout", NULL);
	if (!err && p->tls)
		err = client_tls_open(c, server->host);
	if (!err)
		err = client_log_in(c, login);
	if (err)
		client_hang_up(c);
	return err;
}

/* ---- Sentinel ---- */

static const redisReply *reply_at(const redisReply *r, size_t i)
{
	return r && r->type == REDIS_REPLY_ARRAY && i < r->elements ? r->element[i] : NULL;
}

static const char *reply_text(const redisReply *r)
{
	return r && r->type == REDIS_REPLY_STRING ? r->str : "";
}

static int client_sentinel_request(struct tandem_client *c, const struct server *sentinel)
{
	const char *words[] = { "SENTINEL", "GET-MASTER-ADDR-BY-NAME", c->place.primary };
	int err = client_dial(c, sentinel, &c->place.sentinel_login);
	redisReply *reply = err ? NULL : client_command(c, 3, words, &err);
	const char *host = reply_text(reply_at(reply, 0)), *port = reply_text(reply_at(reply, 1));
	struct server *out = &c->place.server;

	if (reply &&
	    (!text_copy(out->host, sizeof(out->host), host, strlen(host)) || !port_read(out, port)))
		err = client_fail(c, -EHOSTUNREACH, "Sentinel does not know the primary",
				  c->place.primary);
	freeReplyObject(reply);
	client_hang_up(c);
	return err;
}

/* The first that answers says which server it is. */
static int client_primary_find(struct tandem_client *c)
{
	int err = -EHOSTUNREACH;

	for (int i = 0; err && err != -ENOMEM && i < c->place.sentinel_count; i++)
		err = client_sentinel_request(c, &c->place.sentinels[i]);
	return err;
}

/* A client without the right learns it from a refused write. */
static int client_role_check(struct tandem_client *c)
{
	const char *words[] = { "ROLE" };
	int err = 0;
	redisReply *reply = client_command(c, 1, words, &err);
	bool primary = !reply || !strcmp(reply_text(reply_at(reply, 0)), "master");

	freeReplyObject(reply);
	if (primary)
		return err == -EACCES ? 0 : err;
	client_hang_up(c);
	return client_fail(c, -EHOSTUNREACH, "no primary, although Sentinel named it", NULL);
}

static int client_connect(struct tandem_client *c)
{
	const struct place *p = &c->place;
	const char *select[] = { "SELECT", p->db };
	int err = 0;

	if (c->redis)
		return 0;
	if (p->sentinel_count)
		err = client_primary_find(c);
	if (!err)
		err = client_dial(c, p->path[0] ? NULL : &p->server, &p->login);
	if (err == -EHOSTUNREACH && p->cluster)
		c->place.server = p->first; /* the next one that is asked knows another */
	if (!err && p->db[0])
		err = client_send(c, 2, select);
	if (!err && p->sentinel_count)
		err = client_role_check(c);
	if (err)
		client_hang_up(c);
	return err;
}

/* ---- one command ---- */

struct question {
	const char *id, *command, *args;
	int64_t begun_ms, end_ms;
	char *answer;
};

/* -ENOENT: there is no such stream. Nodes make those that they read. */
static int client_question_send(struct tandem_client *c, const struct question *q)
{
	int64_t left = q->end_ms - now_ms();
	char ttl[24];
	const char *words[] = { "XADD",   c->in_key, "NOMKSTREAM", "MAXLEN", "~",
				"10000",  "*",       "v",          "1",      "id",
				q->id,    "client",  c->name,      "do",     q->command,
				"ttl_ms", ttl,       "args",       q->args };
	int n = sizeof(words) / sizeof(words[0]), err = 0;
	redisReply *reply;

	(void)snprintf(ttl, sizeof(ttl), "%lld", (long long)(left > 1 ? left : 1));
	reply = client_command(c, q->args ? n : n - 2, words, &err);
	if (reply && reply->type == REDIS_REPLY_NIL)
		err = client_fail(c, -ENOENT,
				  c->operator? "no node has read commands with this Redis"
					     : "no node reads commands of that tenant in that "
					       "role: there is no such tenant, or its commands "
					       "(tenant.put) do not name that role",
				  NULL);
	freeReplyObject(reply);
	return err;
}

/* [id, [name, value...]]: the answer, if it is ours. */
static void client_entry_read(struct tandem_client *c, struct question *q, const redisReply *entry)
{
	const redisReply *fields = reply_at(entry, 1);
	const char *id = "", *json = NULL;

	(void)snprintf(c->after, sizeof(c->after), "%s", reply_text(reply_at(entry, 0)));
	for (size_t i = 0; reply_at(fields, i + 1); i += 2) {
		const char *name = reply_text(reply_at(fields, i));

		if (!strcmp(name, "id"))
			id = reply_text(reply_at(fields, i + 1));
		else if (!strcmp(name, "json"))
			json = reply_text(reply_at(fields, i + 1));
	}
	if (json && !q->answer && !strcmp(id, q->id))
		q->answer = strdup(json);
}

static int question_read(struct tandem_client *c, struct question *q)
{
	int64_t left = q->end_ms - now_ms();
	char block[24];
	const char *words[] = { "XREAD", "BLOCK", block, "STREAMS", c->out_key, c->after };
	const redisReply *entries;
	redisReply *reply;
	int err = 0;

	left = left < 1 ? 1 : left > BLOCK_MS ? BLOCK_MS : left;
	(void)snprintf(block, sizeof(block), "%d", (int)left);
	reply = client_command(c, sizeof(words) / sizeof(words[0]), words, &err);
	entries = reply_at(reply_at(reply, 0), 1);
	for (size_t i = 0; reply_at(entries, i); i++)
		client_entry_read(c, q, reply_at(entries, i));
	freeReplyObject(reply);
	return err;
}

/* Until there is an answer, or something that waiting does not mend. */
static int question_put(struct tandem_client *c, struct question *q)
{
	bool sent = false;
	int err;

	do {
		bool connected = c->redis != NULL;

		err = client_connect(c);
		if (!connected)
			sent = false; /* under the same id: it has one effect */
		if (!err && !sent)
			err = client_question_send(c, q);
		sent |= !err;
		if (!err)
			err = question_read(c, q);
		if (err == -EACCES || err == -ENOMEM ||
		    (err == -ENOENT && !c->operator&& now_ms() > q->begun_ms + UNREAD_MS))
			return err;
		if (err)
			wait_ms_for(AGAIN_MS);
	} while (!q->answer && now_ms() < q->end_ms);
	if (q->answer || err == -EHOSTUNREACH || err == -ENOENT)
		return q->answer ? 0 : err;
	return client_fail(c, -ETIMEDOUT, "no node answered in time", NULL);
}

static bool client_is_word(const char *text)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789._-";

	return text[0] && strlen(text) < 64 && text[strspn(text, allowed)] == '\0';
}

int tandem_client_next_id(struct tandem_client *c, const char *id)
{
	if (!client_is_word(id))
		return client_fail(c, -EINVAL, "that is no id", NULL);
	(void)snprintf(c->id, sizeof(c->id), "%s", id);
	return 0;
}

int tandem_client_request(struct tandem_client *c, const char *command, const char *args,
			  unsigned wait_ms, char **answer)
{
	struct question q = { .id = c->id, .command = command, .args = args, .begun_ms = now_ms() };
	int err;

	q.end_ms = q.begun_ms + wait_ms;
	if (!c->id[0])
		(void)snprintf(c->id, sizeof(c->id), "%s-%lu", c->name, ++c->count);
	err = question_put(c, &q);
	c->id[0] = '\0';
	*answer = q.answer;
	return err;
}

/* ---- open and close ---- */

static bool is_role(const char *text)
{
	return !strcmp(text, "reader") || !strcmp(text, "application") || !strcmp(text, "admin");
}

/* What an admin's keys do not have. */
static const char *role_part(const char *role)
{
	return !strcmp(role, "reader") ? "reader:" : !strcmp(role, "admin") ? "" : "application:";
}

int tandem_client_open(struct tandem_client **out, const char *url, const char *tenant)
{
	return tandem_client_open_as(out, url, tenant, "admin");
}

int tandem_client_open_as(struct tandem_client **out, const char *url, const char *tenant,
			  const char *role)
{
	struct tandem_client *c = calloc(1, sizeof(*c));
	uint64_t number;

	*out = NULL;
	if (!c)
		return -ENOMEM;
	if (!client_place_read(&c->place, url) || !client_is_word(tenant) || !is_role(role) ||
	    getrandom(&number, sizeof(number), 0) != (ssize_t)sizeof(number)) {
		tandem_client_close(c);
		return -EINVAL;
	}
	c->operator= !strcmp(tenant, "_operator");
	(void)snprintf(c->name, sizeof(c->name), "c-%016llx", (unsigned long long)number);
	(void)snprintf(c->in_key, sizeof(c->in_key),
		       c->place.cluster ? "td:{cmd}:%s:%sin" : "td:{cmd:%s}:%sin", tenant,
		       role_part(role));
	(void)snprintf(c->out_key, sizeof(c->out_key),
		       c->place.cluster ? "td:{cmd}:%s:%sout:%s" : "td:{cmd:%s}:%sout:%s", tenant,
		       role_part(role), c->name);
	(void)snprintf(c->after, sizeof(c->after), "0");
	*out = c;
	return 0;
}

int tandem_client_tls(struct tandem_client *c, const char *ca, const char *certificate,
		      const char *key)
{
	const char *given[] = { ca ? ca : "", certificate ? certificate : "", key ? key : "" };

	return text_copy(c->ca, sizeof(c->ca), given[0], strlen(given[0])) &&
			       text_copy(c->certificate, sizeof(c->certificate), given[1],
					 strlen(given[1])) &&
			       text_copy(c->key, sizeof(c->key), given[2], strlen(given[2]))
		       ? 0
		       : -EINVAL;
}

const char *tandem_client_error(const struct tandem_client *c)
{
	return c->error;
}

/* Our stream is of no use to anybody else; it would go by itself, an hour later. */
void tandem_client_close(struct tandem_client *c)
{
	const char *words[] = { "DEL", NULL };

	if (!c)
		return;
	words[1] = c->out_key;
	if (c->redis)
		(void)client_send(c, 2, words);
	client_hang_up(c);
	explicit_bzero(c, sizeof(*c));
	free(c);
}
