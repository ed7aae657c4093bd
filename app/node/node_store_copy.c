/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies of recordings on other nodes (docs/adr/0048): the processes that store recordings bring them to each other. The node tells its own which
 * nodes there are, and hands it what others begin at cluster.listen. No octet of a recording goes through the node.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "app/node/claimant.h"
#include "app/node/node.h"
#include "app/node/node_store.h"
#include "base/clock.h"

enum { ID_TEXT_MAX = 17, LATE_MS = 60000, LATE_TIMES = 3 };

static struct {
	metric_id behind, held, sent, refused, full, adopted;
} g_copies;

void node_store_copies_setup(void)
{
	g_copies.behind = metric_register(
		METRIC_GAUGE, "tandem_recording_copies_behind_seconds", NULL,
		"For how long another node does not have all that is not stored yet.");
	g_copies.held = metric_register(METRIC_GAUGE, "tandem_recording_copies_held_bytes", NULL,
					"Octets of copies of other nodes' recordings.");
	g_copies.sent = metric_register(METRIC_COUNTER, "tandem_recording_copies_sent_bytes_total",
					NULL, "Octets of recordings that went to another node.");
	g_copies.refused = metric_register(METRIC_COUNTER, "tandem_recording_copies_refused_total",
					   NULL, "Times that the other node had no room for them.");
	g_copies.full = metric_register(
		METRIC_COUNTER, "tandem_recording_copies_full_total", NULL,
		"Times that other nodes were refused here (recordings.copies_mib).");
	g_copies.adopted = metric_register(
		METRIC_COUNTER, "tandem_recordings_adopted_total", NULL,
		"Recordings of nodes that are gone, which are delivered from their copies here.");
}

static const char *copies_id(uint64_t id, char out[ID_TEXT_MAX])
{
	(void)snprintf(out, ID_TEXT_MAX, "%016" PRIx64, id);
	return out;
}

json_t *node_store_copies(const struct node *n)
{
	const struct settings_recordings *r = &n->settings.recordings;
	char self[ID_TEXT_MAX], process[ID_TEXT_MAX], key[2 * KEYS_LEN + 1];
	struct writer w = writer_over(key, sizeof(key));
	uint8_t octets[KEYS_LEN];
	uint64_t id, incarnation;
	json_t *copies;

	if (!n->claimant || !r->copies)
		return NULL;
	claimant_self(n->claimant, &id, &incarnation);
	keys_derive(&n->keys, "tandem copies 1", octets);
	writer_hex(&w, bytes_mem(octets, sizeof(octets)));
	writer_u8(&w, '\0');
	copies = json_pack("{s:s, s:s, s:s, s:I, s:I, s:I}", "id", copies_id(id, self),
			   "incarnation", copies_id(incarnation, process), "key", key, "octets",
			   (json_int_t)((uint64_t)r->copies_mib << 20), "wait_ms",
			   (json_int_t)(r->copies_wait / NS_PER_MS), "every_ms",
			   (json_int_t)(r->copies_every / NS_PER_MS));
	explicit_bzero(octets, sizeof(octets));
	explicit_bzero(key, sizeof(key));
	return copies;
}

static json_t *copies_nodes(const struct node *n)
{
	json_t *list = json_array();
	struct claimant_node node;
	char id[ID_TEXT_MAX];

	for (uint32_t i = 0; claimant_node(n->claimant, i, &node); i++)
		(void)json_array_append_new(
			list, json_pack("{s:s, s:s, s:b}", "id", copies_id(node.node.id, id),
					"address", node.node.address, "alive", (int)node.alive));
	return list;
}

void node_store_tell_nodes(struct node *n)
{
	json_t *list = n->claimant && n->settings.recordings.copies ? copies_nodes(n) : NULL;
	char *text = list ? json_dumps(list, JSON_COMPACT) : NULL;

	if (!text || (n->recordings.told && !strcmp(text, n->recordings.told))) {
		json_decref(list);
		free(text);
		return;
	}
	free(n->recordings.told);
	n->recordings.told = text;
	node_store_send(n, json_pack("{s:o}", "nodes", list));
}

/* The process does not read for a moment: the other one tries again. */
void node_store_take(struct node *n, int fd, const uint8_t *hello, size_t length)
{
	struct iovec octets = { (void *)(uintptr_t)hello, length };
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { .room = { 0 } };
	struct msghdr m = { .msg_iov = &octets,
			    .msg_iovlen = 1,
			    .msg_control = &control,
			    .msg_controllen = sizeof(control) };
	struct cmsghdr *head = CMSG_FIRSTHDR(&m);

	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(head), &fd, sizeof(fd));
	if (n->recordings.hands >= 0)
		(void)sendmsg(n->recordings.hands, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
	(void)close(fd);
}

void node_store_copies_figures(struct node *n, const json_t *f)
{
	uint64_t behind_ms = node_store_number(f, "behind_ms");
	uint64_t every_ms = n->settings.recordings.copies_every / NS_PER_MS;

	metric_set(g_copies.behind, behind_ms / 1000);
	metric_set(g_copies.held, node_store_number(f, "held"));
	node_store_count(g_copies.sent, node_store_number(f, "sent"),
			 &n->recordings.shown.copies_sent);
	node_store_count(g_copies.refused, node_store_number(f, "refused"),
			 &n->recordings.shown.copies_refused);
	node_store_count(g_copies.full, node_store_number(f, "full"),
			 &n->recordings.shown.copies_full);
	node_store_count(g_copies.adopted, node_store_number(f, "adopted"),
			 &n->recordings.shown.adopted);
	health_set(&n->health, HEALTH_RECORDINGS_UNCOPIED,
		   behind_ms > LATE_MS && behind_ms > LATE_TIMES * every_ms);
}
