/* SPDX-License-Identifier: Apache-2.0 */
/* Any node reads any command, and only one has a call: whoever reads a command about a call of another node puts it back for that one. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "app/command/control_stream.h"
#include "app/node/node.h"
#include "base/clock.h"
#include "sig/sip/id.h"

#define PASS_LIMIT_NS (2 * NS_PER_S)
#define PAUSE_NS      (5 * NS_PER_MS)

enum { PASSES_MAX = 200, PASS_WORDS_MAX = 16 };

/* KEYS: in. ARGV: entry, then the fields of the one that takes its place. One that is gone was put back before, or is carried out. */
#define PASS                                                              \
	"redis.call('XACK', KEYS[1], 'nodes', ARGV[1]) "                  \
	"if redis.call('XDEL', KEYS[1], ARGV[1]) == 0 then return 0 end " \
	"return redis.call('XADD', KEYS[1], '*', unpack(ARGV, 2))"

/* Also one that waits for its lease: its calls are to come. */
static bool is_of_this_node(const struct node *n, uint16_t shard)
{
	for (uint32_t i = 0; i < n->shard_count; i++) {
		if (n->shards[i].number == shard)
			return n->shards[i].state != NODE_SHARD_LOST;
	}
	return !shard; /* no node has that one */
}

bool control_is_elsewhere(const struct control_job *job)
{
	const struct command *command = command_find(bytes_str(job->command));
	const char *text = json_string_value(json_object_get(job->args, "call"));
	uint64_t call;

	return command && text && command_arg_find(command, BYTES_LIT("call")) &&
	       !id_call_get(bytes_str(text), &call) &&
	       !is_of_this_node(job->control->node, id_shard(call));
}

static void on_passed(int err, const struct redisReply *reply, void *arg)
{
	struct control_job *job = arg;

	if (err || redis_is_error(reply, NULL))
		job->stream->again = true; /* it stays in the stream */
	control_job_end(job);
}

static size_t add(struct bytes *args, size_t n, const char *name, struct bytes value)
{
	if (!value.n)
		return n;
	args[n++] = bytes_str(name);
	args[n++] = value;
	return n;
}

bool control_pass(struct control_job *job, const struct control_entry *e)
{
	char since[24], passed[24], ttl[24] = "";
	struct bytes args[5 + PASS_WORDS_MAX] = { BYTES_LIT("EVAL"), BYTES_LIT(PASS),
						  BYTES_LIT("1"), bytes_str(job->stream->key),
						  bytes_str(job->entry_id) };
	size_t n = 5;

	if (e->passed >= PASSES_MAX)
		return false;
	if (e->passed) /* it came back here: the one that it is for shall be first now */
		job->stream->pause_ns = clock_now_ns() + PAUSE_NS;
	(void)snprintf(since, sizeof(since), "%" PRIu64, e->added_utc_ms);
	(void)snprintf(passed, sizeof(passed), "%" PRIu64, e->passed + 1);
	if (e->ttl_ms)
		(void)snprintf(ttl, sizeof(ttl), "%" PRIu64, e->ttl_ms);
	n = add(args, n, "v", e->version);
	n = add(args, n, "id", e->id);
	n = add(args, n, "do", e->command);
	n = add(args, n, "args", e->args);
	n = add(args, n, "client", e->client);
	n = add(args, n, "ttl_ms", bytes_str(ttl));
	n = add(args, n, "since", bytes_str(since));
	n = add(args, n, "passed", bytes_str(passed));
	if (redis_command(job->control->node->redis, args, n, PASS_LIMIT_NS, on_passed, job))
		on_passed(-ENOTCONN, NULL, job);
	return true;
}
