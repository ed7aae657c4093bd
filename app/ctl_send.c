/* SPDX-License-Identifier: Apache-2.0 */
/* One command and its answer through the node's Redis: XADD to the operators' stream, XREAD of a stream of our own. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/ctl.h"
#include "base/clock.h"
#include "base/loop.h"
#include "base/rand.h"
#include "cluster/embedded.h"
#include "cluster/redis.h"

#define WAIT_MS_TEXT "5000"
#define WAIT_NS      (5 * NS_PER_S)
#define CONNECT_NS   (2 * NS_PER_S)

enum { FDS_MAX = 64 };

#define IN_KEY "td:{cmd:_operator}:in"

struct exchange {
	struct redis *link;
	const char *command;
	char *args; /* JSON */
	char client[32], out_key[64];
	uint64_t end_ns;
	bool sent;
	const char *why; /* no answer: what is known of it */
	json_t *answer;
};

static void on_answer(int err, const struct redisReply *reply, void *arg)
{
	/* [[key, [[id, [name, value...]]]]] */
	const struct redisReply *entry =
		redis_reply_at(redis_reply_at(redis_reply_at(reply, 0), 1), 0);
	const struct redisReply *fields = redis_reply_at(entry, 1);
	struct exchange *x = arg;

	for (size_t i = 0; !err && i + 1 < redis_reply_count(fields); i += 2) {
		struct bytes name = redis_reply_text(redis_reply_at(fields, i));
		struct bytes value = redis_reply_text(redis_reply_at(fields, i + 1));

		if (bytes_is(name, "json") && !x->answer)
			x->answer = json_loadb((const char *)value.p, value.n, 0, NULL);
	}
	loop_stop();
}

static void on_added(int err, const struct redisReply *reply, void *arg)
{
	struct exchange *x = arg;

	if (err || redis_is_error(reply, NULL)) {
		x->why = "its Redis did not take the command";
		loop_stop();
	}
}

static void exchange_send(struct exchange *x)
{
	const struct bytes add[] = {
		BYTES_LIT("XADD"),     BYTES_LIT(IN_KEY),       BYTES_LIT("MAXLEN"),
		BYTES_LIT("~"),        BYTES_LIT("10000"),      BYTES_LIT("*"),
		BYTES_LIT("v"),        BYTES_LIT("1"),          BYTES_LIT("id"),
		bytes_str(x->client),  BYTES_LIT("client"),     bytes_str(x->client),
		BYTES_LIT("ttl_ms"),   BYTES_LIT(WAIT_MS_TEXT), BYTES_LIT("do"),
		bytes_str(x->command), BYTES_LIT("args"),       bytes_str(x->args)
	};
	const struct bytes read[] = { BYTES_LIT("XREAD"),      BYTES_LIT("BLOCK"),
				      BYTES_LIT(WAIT_MS_TEXT), BYTES_LIT("STREAMS"),
				      bytes_str(x->out_key),   BYTES_LIT("0") };

	x->sent = true;
	x->end_ns = clock_now_ns() + WAIT_NS + NS_PER_S / 2;
	x->why = "it did not answer within 5 s: is tandemd running?";
	if (redis_command(x->link, add, COUNT_OF(add), WAIT_NS, on_added, x) ||
	    redis_command(x->link, read, COUNT_OF(read), WAIT_NS + NS_PER_S, on_answer, x))
		loop_stop();
}

static void on_state(bool connected, void *arg)
{
	struct exchange *x = arg;

	if (connected && !x->sent) {
		exchange_send(x);
	} else if (!connected) {
		loop_stop();
	}
}

static void on_timer(void *arg)
{
	struct exchange *x = arg;

	redis_expire(x->link, clock_now_ns());
	if (clock_now_ns() >= x->end_ns)
		loop_stop();
}

static void on_round(void *arg)
{
	struct exchange *x = arg;
	uint64_t next;

	if (!x->link)
		return;
	redis_flush(x->link);
	next = redis_next_ns(x->link);
	if (loop_timer(next < x->end_ns ? next : x->end_ns, on_timer, x))
		loop_stop();
}

/* Our stream is of no use to anybody else. Best effort: it expires by itself. */
static void exchange_clean(struct exchange *x)
{
	const struct bytes del[] = { BYTES_LIT("DEL"), bytes_str(x->out_key) };

	if (redis_is_connected(x->link) &&
	    !redis_command(x->link, del, COUNT_OF(del), NS_PER_S, NULL, NULL))
		redis_flush(x->link);
}

static void exchange_run(struct exchange *x, const char *url)
{
	struct redis_settings settings = { .deadline_ns = WAIT_NS, .pending_max = 8 };

	(void)snprintf(settings.url, sizeof(settings.url), "%s", url);
	x->end_ns = clock_now_ns() + CONNECT_NS;
	x->why = "no Redis at redis.url answers: is tandemd running?";
	if (redis_open(&x->link, &settings, on_state, x))
		return;
	loop_after_round(on_round, x);
	if (!x->sent && redis_is_connected(x->link))
		exchange_send(x);
	if (loop_run())
		x->why = "the loop of tandemctl failed";
	exchange_clean(x);
	redis_close(x->link);
	x->link = NULL;
}

static void client_name(char out[32])
{
	struct rand_source rand;

	rand_open_system(&rand);
	(void)snprintf(out, 32, "ctl-%016" PRIx64, rand_u64_from(&rand));
}

json_t *ctl_send(const struct settings *settings, const char *command, const json_t *args)
{
	struct exchange x = { .command = command, .args = json_dumps(args, JSON_COMPACT) };
	char url[256];

	if (settings->redis.url[0]) {
		(void)snprintf(url, sizeof(url), "%s", settings->redis.url);
	} else {
		(void)snprintf(url, sizeof(url), "unix:%s/" EMBEDDED_SOCKET,
			       settings->node.state_dir);
	}
	client_name(x.client);
	(void)snprintf(x.out_key, sizeof(x.out_key), "td:{cmd:_operator}:out:%s", x.client);
	if (x.args && !loop_open(FDS_MAX)) {
		exchange_run(&x, url);
		loop_close();
	}
	if (x.args)
		explicit_bzero(x.args, strlen(x.args));
	free(x.args);
	explicit_bzero(url, sizeof(url));
	if (!x.answer) {
		ctl_complain("no answer from node %s: %s", settings->node.name,
			     x.why ? x.why : "out of memory");
	}
	return x.answer;
}
