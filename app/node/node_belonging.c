/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state directory belongs to one Redis (cluster/identity.h). Looked at before anything of the directory goes to Redis, and said again
 * while the node runs: a Redis that was emptied has the id back before another directory is the first there.
 */
#include <errno.h>
#include <string.h>

#include "app/node/node.h"
#include "base/log.h"

#define TELL_NS (2 * NS_PER_S)

/* ---- the start ---- */

static void on_known_at_start(const struct store_know *said, void *arg)
{
	struct node *n = arg;

	n->belonging.known = said->known;
	n->belonging.empty = !said->id.n;
	/* what somebody else wrote there is no id of ours */
	if (identity_parse(n->belonging.found, said->id))
		n->belonging.found[0] = '\0';
	node_wait_end(said->result, 0, 0, n);
}

static void ask_known(struct node *n, const void *arg)
{
	const enum store_know_when *when = arg;

	store_cluster_know(n->store, bytes_str(n->belonging.of.id), *when, on_known_at_start, n);
}

/* Whatever Redis refuses it with, it is asked again: without an answer nothing may go there. */
static int belonging_ask(struct node *n, enum store_know_when when)
{
	const struct node_question q = {
		.what = "which Redis this is", .ask = ask_known, .arg = &when, .even_refused = true
	};

	return node_ask(n, &q);
}

static int belonging_write_file(struct node *n)
{
	int err = belonging_keep(&n->belonging.of, n->settings.node.state_dir);

	if (err)
		LOG_ERROR("node", 0, "cannot write the file cluster of node.state_dir",
			  LOG_STR("dir", n->settings.node.state_dir),
			  LOG_STR("error", strerror(-err)));
	return err ? NODE_EXIT_FAILED : NODE_EXIT_OK;
}

/* The first start of a directory, or of a program that knows of this: it belongs to the Redis that is there. */
static int belonging_begin(struct node *n)
{
	struct belonging *of = &n->belonging.of;
	struct writer w = writer_over(of->id, sizeof(of->id) - 1);
	uint8_t octets[IDENTITY_LEN / 2];
	int status;

	rand_fill(&n->rand, octets, sizeof(octets));
	writer_hex(&w, bytes_mem(octets, sizeof(octets)));
	of->id[IDENTITY_LEN] = '\0';
	node_redis_place(n, of->place, sizeof(of->place));
	status = belonging_ask(n, STORE_KNOW_FIRST);
	if (status)
		return status;
	if (n->belonging.found[0])
		memcpy(of->id, n->belonging.found, sizeof(of->id));
	return belonging_write_file(n);
}

static int belonging_refuse(const struct node *n, const char *place)
{
	LOG_ERROR(
		"node", 0,
		n->belonging.empty
			? "node.state_dir belongs to a Redis at another place, and redis.url "
			  "leads to an empty one: name the other one, copy its data, or give this "
			  "node another folder; remove the file cluster from the folder, and what "
			  "is in it goes to the empty one"
			: "node.state_dir belongs to another Redis than that of redis.url: name "
			  "the other one, or give this node another folder; remove the file "
			  "cluster from the folder only if its Redis lost its data, or remove "
			  "documents and spool* too, to give up what is in it",
		LOG_STR("dir", n->settings.node.state_dir),
		LOG_STR("belongs_to", n->belonging.of.place), LOG_STR("redis", place));
	return NODE_EXIT_CONFIG;
}

static int belonging_check(struct node *n)
{
	char place[BELONGING_PLACE_MAX];
	bool moved;
	int status;

	node_redis_place(n, place, sizeof(place));
	moved = strcmp(place, n->belonging.of.place) != 0;
	status = belonging_ask(n, moved ? STORE_KNOW_NEVER : STORE_KNOW_FIRST);
	if (status)
		return status;
	if (!n->belonging.known)
		return belonging_refuse(n, place);
	if (!moved)
		return NODE_EXIT_OK;
	memcpy(n->belonging.of.place, place, sizeof(place));
	return belonging_write_file(n);
}

/* From now on no link goes up to another one. Not before: a new id may give way to one that is there. */
static int belonging_settled(struct node *n, int status)
{
	if (!status)
		n->belonging.meant =
			(struct redis_meant){ .key = STORE_KEY_IDS, .member = n->belonging.of.id };
	return status;
}

int node_belonging_start(struct node *n)
{
	int err = belonging_read(&n->belonging.of, n->settings.node.state_dir);

	if (err == -ENOENT)
		return belonging_settled(n, belonging_begin(n));
	if (!err)
		return belonging_settled(n, belonging_check(n));
	LOG_ERROR("node", 0,
		  err == -EBADMSG ? "the file cluster of node.state_dir is damaged: remove it"
				  : "cannot read the file cluster of node.state_dir",
		  LOG_STR("dir", n->settings.node.state_dir), LOG_STR("error", strerror(-err)));
	return NODE_EXIT_CONFIG;
}

/* ---- while it runs ---- */

static void belonging_tell(struct node *n, bool other)
{
	if (other && !(health_reasons(&n->health, 0) & HEALTH_REDIS_OTHER))
		LOG_ERROR("node", 0,
			  "another Redis answers than that of node.state_dir: let redis.url lead "
			  "to that one again, or name it there and start the node again",
			  LOG_STR("belongs_to", n->belonging.of.place));
	health_set(&n->health, HEALTH_REDIS_OTHER, other);
}

static void on_told(const struct store_know *said, void *arg)
{
	struct node *n = arg;

	if (said->result != STORE_OK)
		return;
	n->belonging.known = said->known;
	belonging_tell(n, !said->known);
}

void node_belonging_linked(struct node *n)
{
	n->belonging.known = false;
	n->belonging.next_ns = 0;
}

/* No link goes up to another Redis. On one link it stays one: it may lose the id, and have that of another directory then. */
void node_belonging_beat(struct node *n, uint64_t now_ns)
{
	struct node_belonging *b = &n->belonging;

	if (redis_is_another(n->redis))
		belonging_tell(n, true);
	if (now_ns < b->next_ns || !redis_is_connected(n->redis))
		return;
	b->next_ns = now_ns + TELL_NS;
	store_cluster_know(n->store, bytes_str(b->of.id),
			   b->known ? STORE_KNOW_ALWAYS : STORE_KNOW_FIRST, on_told, n);
}
