/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs Lua scripts by EVALSHA, and again by EVAL with their source when Redis answers NOSCRIPT, as
 * after its restart. store/ and app/helper/hooks.c change all their keys by them. A run keeps a
 * copy of its arguments until its answer, and its one deadline covers both attempts.
 */

#include "cluster/redis/script.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/clock.h"

#define LOAD_NS (3 * NS_PER_S)

enum { SHA1_LEN = 20, COUNT_TEXT = 8, SCRIPT_ARGS = 3 };

/* One run: what is needed to send it again. Lives until its answer. */
struct run {
	struct redis *redis;
	redis_reply_fn *fn;
	void *arg;
	uint64_t until_ns; /* UINT64_MAX: no deadline */
	enum script_id id;
	bool whole; /* sent as EVAL */
	char count[COUNT_TEXT];
	size_t n;
	struct bytes args[]; /* SCRIPT_ARGS and the caller's; what they point to follows */
};

int script_sha1(char out[SCRIPT_SHA_LEN], struct bytes in)
{
	uint8_t sha[EVP_MAX_MD_SIZE];
	char hex[SCRIPT_SHA_LEN];
	struct writer w = writer_over(hex, sizeof(hex));

	if (!EVP_Digest(in.p, in.n, sha, NULL, EVP_sha1(), NULL))
		return -ENOMEM;
	writer_hex(&w, bytes_mem(sha, SHA1_LEN));
	memcpy(out, hex, sizeof(hex));
	return 0;
}

int scripts_open(struct scripts *s)
{
	int err = 0;

	for (unsigned i = 0; i < SCRIPT_COUNT && !err; i++)
		err = script_sha1(s->sha[i], bytes_str(script_text((enum script_id)i)));
	return err;
}

void scripts_load(const struct scripts *s, struct redis *r)
{
	(void)s;
	for (unsigned i = 0; i < SCRIPT_COUNT; i++) {
		struct bytes args[] = { BYTES_LIT("SCRIPT"), BYTES_LIT("LOAD"),
					bytes_str(script_text((enum script_id)i)) };

		if (redis_command(r, args, COUNT_OF(args), LOAD_NS, NULL, NULL) != 0)
			return;
	}
}

static void script_on_reply(int err, const struct redisReply *reply, void *arg);

static int run_send(struct run *run)
{
	uint64_t now_ns = clock_now_ns();
	uint64_t left_ns = run->until_ns;

	if (left_ns != UINT64_MAX)
		left_ns = run->until_ns > now_ns ? run->until_ns - now_ns : 1;
	return redis_command(run->redis, run->args, run->n, left_ns, script_on_reply, run);
}

static bool is_forgotten(const struct redisReply *reply)
{
	struct bytes text;

	return redis_is_error(reply, &text) && bytes_starts(text, "NOSCRIPT");
}

static void script_on_reply(int err, const struct redisReply *reply, void *arg)
{
	struct run *run = arg;

	if (!err && !run->whole && is_forgotten(reply)) {
		run->whole = true;
		run->args[0] = BYTES_LIT("EVAL");
		run->args[1] = bytes_str(script_text(run->id));
		err = run_send(run);
		if (!err)
			return;
		reply = NULL;
	}
	run->fn(err, reply, run->arg);
	free(run);
}

static struct run *run_new(const struct script_call *call)
{
	struct run *run;
	size_t size = 0;
	uint8_t *p;

	for (size_t i = 0; i < call->n; i++)
		size += call->args[i].n;
	run = malloc(sizeof(*run) + (SCRIPT_ARGS + call->n) * sizeof(run->args[0]) + size);
	if (!run)
		return NULL;
	run->n = SCRIPT_ARGS + call->n;
	p = (uint8_t *)&run->args[run->n];
	for (size_t i = 0; i < call->n; i++) {
		struct bytes in = call->args[i];

		if (in.n)
			memcpy(p, in.p, in.n);
		run->args[SCRIPT_ARGS + i] = bytes_mem(p, in.n);
		p += in.n;
	}
	return run;
}

int script_run(const struct scripts *s, struct redis *r, const struct script_call *call,
	       redis_reply_fn *fn, void *arg)
{
	struct run *run;
	struct writer w;
	int err;

	assert(fn && call->keys <= call->n && call->n <= SCRIPT_ARGS_MAX && call->deadline_ns);
	run = run_new(call);
	if (!run)
		return -ENOMEM;
	run->redis = r;
	run->fn = fn;
	run->arg = arg;
	run->id = call->id;
	run->whole = false;
	run->until_ns =
		call->deadline_ns == UINT64_MAX ? UINT64_MAX : clock_now_ns() + call->deadline_ns;
	w = writer_over(run->count, sizeof(run->count));
	writer_fmt(&w, "%zu", call->keys);
	run->args[0] = BYTES_LIT("EVALSHA");
	run->args[1] = bytes_mem(s->sha[call->id], SCRIPT_SHA_LEN);
	run->args[2] = writer_done(&w);
	err = run_send(run);
	if (err)
		free(run);
	return err;
}
