/* SPDX-License-Identifier: Apache-2.0 */
/* Any node reads any command, and only one has a call: whoever reads a command about a call of another node puts it back for that one.
 * So with all that lies at one node and says so in its name. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/command/control_stream.h"
#include "app/node/node.h"
#include "app/watch/trace_store.h"
#include "base/clock.h"
#include "sig/sip/id.h"

#define PASS_LIMIT_NS (2 * NS_PER_S)
#define PASS_PAUSE_NS (5 * NS_PER_MS)

enum { PASSES_MAX = 200, PASS_WORDS_MAX = 18 };

/* KEYS: in. ARGV: entry, then the fields of the one that takes its place. One that is gone was put back before, or is carried out. */
#define PASS                                                              \
	"redis.call('XACK', KEYS[1], 'nodes', ARGV[1]) "                  \
	"if redis.call('XDEL', KEYS[1], ARGV[1]) == 0 then return 0 end " \
	"return redis.call('XADD', KEYS[1], '*', unpack(ARGV, 2))"

/* KEYS: in, done. ARGV: mark of the claim, its seconds, entry, then the fields of the one that takes its place. */
#define MOVE                                                              \
	"redis.call('XACK', KEYS[1], 'nodes', ARGV[3]) "                  \
	"if redis.call('XDEL', KEYS[1], ARGV[3]) == 0 then return 0 end " \
	"redis.call('SET', KEYS[2], ARGV[1], 'EX', ARGV[2]) "             \
	"return redis.call('XADD', KEYS[1], '*', unpack(ARGV, 4))"

/* Also one that waits for its lease: its calls are to come. */
static bool is_of_this_node(const struct node *n, uint16_t shard)
{
	for (uint32_t i = 0; i < n->shard_count; i++) {
		if (n->shards[i].number == shard)
			return n->shards[i].state == NODE_SHARD_LIVE ||
			       (n->shards[i].state == NODE_SHARD_WAITING && !node_is_clustered(n));
	}
	return !shard; /* no node has that one */
}

/* The id that says where it is. False: it can be anywhere, or is none. */
static bool id_of_place(enum command_place place, struct bytes text, uint64_t *id)
{
	uint64_t utc_ms;

	switch (place) {
	case PLACE_ANY:
	case PLACE_NODE:
		break;
	case PLACE_ID:
		return !id_call_get(text, id);
	case PLACE_TRACE:
		return !trace_name_read(text, id, &utc_ms);
	}
	return false;
}

bool control_is_elsewhere(const struct node *n, struct bytes name, const json_t *args)
{
	const struct command *command = command_find(name);
	uint64_t id;

	for (const struct command_arg *arg = command ? command->args : NULL; arg && arg->name;
	     arg++) {
		const char *text = json_string_value(json_object_get(args, arg->name));

		if (text && arg->place == PLACE_NODE)
			return strcmp(text, n->settings.node.name) != 0;
		if (text && id_of_place(arg->place, bytes_str(text), &id))
			return !is_of_this_node(n, id_shard(id));
	}
	return false;
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
		job->stream->pause_ns = clock_now_ns() + PASS_PAUSE_NS;
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
	n = add(args, n, "claim", e->claim);
	if (redis_command(job->control->node->redis, args, n, PASS_LIMIT_NS, on_passed, job))
		on_passed(-ENOTCONN, NULL, job);
	return true;
}

static void move_send(struct control_job *job, struct bytes json)
{
	char mark[CONTROL_ID_MAX + 2], done[CONTROL_KEY_MAX];
	struct bytes args[8 + PASS_WORDS_MAX] = { BYTES_LIT("EVAL"), BYTES_LIT(MOVE),
						  BYTES_LIT("2") };
	size_t n = 8;

	/* of this entry alone: whoever sends the id again meanwhile waits for its answer */
	(void)snprintf(mark, sizeof(mark), "@%s", job->entry_id);
	control_key(job, "done", job->id, done);
	args[3] = bytes_str(job->stream->key);
	args[4] = bytes_str(done);
	args[5] = bytes_str(mark);
	args[6] = BYTES_LIT(CONTROL_CLAIM_S);
	args[7] = bytes_str(job->entry_id);
	n = add(args, n, "v", BYTES_LIT("1"));
	n = add(args, n, "id", bytes_str(job->id));
	n = add(args, n, "do", bytes_str(job->command));
	n = add(args, n, "args", json);
	n = add(args, n, "client", bytes_str(job->client));
	n = add(args, n, "claim", bytes_str(job->entry_id));
	if (redis_command(job->control->node->redis, args, n, PASS_LIMIT_NS, on_passed, job))
		on_passed(-ENOTCONN, NULL, job);
}

void control_move(struct control_job *job, const json_t *args)
{
	char *text = json_dumps(args, JSON_COMPACT);

	if (!text) {
		job->stream->again = true; /* it stays in the stream */
		control_job_end(job);
		return;
	}
	move_send(job, bytes_str(text));
	free(text);
}
