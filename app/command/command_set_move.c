/* SPDX-License-Identifier: Apache-2.0 */
/*
 * After the write that makes a set valid, its entries are moved to the documents, in order and each
 * once, by the node that began it. When that node is late another one moves them as well, which has
 * the same result. A Redis that fails is asked again until all are moved.
 */

#include <assert.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "app/command/command_flow.h"
#include "app/command/command_set.h"
#include "app/command/commands.h"
#include "app/document/directory.h"
#include "app/node/node.h"
#include "app/node/node_life.h"
#include "app/node/node_wait.h"
#include "base/clock.h"
#include "base/log.h"

/* Who began it is given so long; then others move it as well, which is the same. */
#define MOVE_LATE_NS (3 * NS_PER_S / 2)

struct set_mover {
	struct node *node;
	char tenant[COMMAND_TENANT_MAX], key[SET_KEY_MAX];
	struct set_value value;
	uint32_t moved, first,
		n; /* entries that were moved; of which texts: the first one, and how many */
	char *texts[STORE_SET_PIECE];
	struct store_set_move move;
	bool lost; /* entries of it are not there */
	set_moved_fn *done;
	void *arg;
	char *document; /* how it ends */
};

/* A set that is being moved, by any node. */
struct set_moving {
	struct set_mover *mover; /* by this node; NULL: it is not */
	struct set_mover *next;  /* of a set that this node has begun meanwhile; NULL: none */
	char tenant[COMMAND_TENANT_MAX], name[SET_NAME_MAX];
	uint64_t due_ns; /* 0: never */
};

static struct set_moving *moving_of(struct node *n)
{
	if (!n->api.set_moving)
		n->api.set_moving = calloc(1, sizeof(*n->api.set_moving));
	return n->api.set_moving;
}

static void texts_drop(struct set_mover *m)
{
	for (uint32_t i = 0; i < STORE_SET_PIECE; i++) {
		if (m->texts[i])
			OPENSSL_cleanse(m->texts[i], strlen(m->texts[i]));
		free(m->texts[i]);
		m->texts[i] = NULL;
	}
	m->n = 0;
}

static void mover_step(struct set_mover *m);

static void mover_end(struct set_mover *m, bool all)
{
	struct set_moving *s = m->node->api.set_moving;

	s->mover = s->next;
	s->next = NULL;
	if (m->done)
		m->done(all, m->arg);
	texts_drop(m);
	free(m->document);
	free(m);
	if (s->mover)
		mover_step(s->mover);
}

/* Redis is late: it is tried again. */
static void mover_fail(struct set_mover *m)
{
	struct set_moving *s = m->node->api.set_moving;

	memcpy(s->tenant, m->tenant, sizeof(s->tenant));
	memcpy(s->name, m->value.name, sizeof(s->name));
	s->due_ns = clock_now_ns() + MOVE_LATE_NS;
	mover_end(m, false);
}

/* ---- the end ---- */

static struct snapshot_document mover_document(const struct set_mover *m, uint64_t version)
{
	return (struct snapshot_document){ .tenant = bytes_str(m->tenant),
					   .kind = bytes_str(g_set_documents.name),
					   .name = bytes_str(m->value.name),
					   .version = version,
					   .text = bytes_str(m->document) };
}

static void mover_on_end(enum store_result result, uint64_t key, uint64_t version, void *arg)
{
	struct set_mover *m = arg;

	(void)key;
	if (result != STORE_OK) {
		mover_fail(m);
		return;
	}
	if (version) { /* else another node has said it */
		struct snapshot_document d = mover_document(m, version);

		directory_made(m->node, d.tenant, version);
		(void)directory_change(m->node, &d);
	}
	LOG_INFO("documents", 0, "a set was moved", LOG_STR("tenant", m->tenant),
		 LOG_STR("set", m->key), LOG_U64("documents", m->value.moves));
	mover_end(m, true);
}

static void mover_finish(struct set_mover *m)
{
	char before[SET_KEY_MAX] = "none";
	struct snapshot_document d;
	json_t *json;

	if (m->lost)
		LOG_ERROR("documents", 0, "entries of a set are lost: apply it again",
			  LOG_STR("tenant", m->tenant), LOG_STR("set", m->key),
			  LOG_U64("moved", m->moved));
	m->value.moving = false;
	if (m->value.version_count == SET_VERSIONS_MAX)
		set_key(before, m->value.name, &m->value.versions[--m->value.version_count]);
	m->value.changed_utc_ms = clock_utc_ms();
	json = set_document(&m->value);
	m->document = json ? json_dumps(json, JSON_COMPACT) : NULL;
	json_decref(json);
	if (!m->document) {
		mover_fail(m);
		return;
	}
	d = mover_document(m, 0);
	store_set_end(m->node->redis->store,
		      &(struct store_document){ .tenant = d.tenant,
						.kind = g_set_documents.name,
						.name = d.name,
						.json = d.text },
		      mirror_version(&m->node->api.documents->keep.mirror, d.tenant, d.kind,
				     d.name),
		      &(struct store_set){ d.tenant, before }, mover_on_end, m);
}

/* ---- a piece ---- */

/* They count here now, as a change of another node does. */
static void mover_next(struct set_mover *m)
{
	const struct document_kind *kind = document_kind_find(bytes_str(m->move.kind));

	for (uint32_t i = 0; i < m->move.n; i++) {
		const struct store_set_moved *one = &m->move.documents[i];
		const struct snapshot_document d = { .tenant = m->move.tenant,
						     .kind = bytes_str(m->move.kind),
						     .name = one->name,
						     .version = one->version,
						     .text = one->text };
		char name[DOCUMENT_NAME_MAX];

		directory_made(m->node, d.tenant, d.version);
		(void)directory_change(m->node, &d);
		if (d.text.n)
			command_flow_text_keep(m->node, &d);
		else if (kind->deleted && !bytes_cstr(d.name, name, sizeof(name)))
			kind->deleted(m->node, name, NULL);
	}
}

static void mover_on_moved(enum store_result result, uint64_t key, uint64_t version, void *arg)
{
	struct set_mover *m = arg;

	(void)key;
	if (result != STORE_OK) {
		mover_fail(m);
		return;
	}
	if (version == m->moved + m->move.n)
		mover_next(m);
	if (version <= m->moved)
		m->lost = true; /* the set is there no longer */
	else
		m->moved = (uint32_t)version;
	mover_step(m);
}

/* Of the texts that were read those that belong together. */
static void mover_send(struct set_mover *m)
{
	struct store_set_move *move = &m->move;

	*move = (struct store_set_move){ .set = { bytes_str(m->tenant), m->key },
					 .moved = m->moved };
	for (uint32_t i = m->moved - m->first; i < m->n; i++) {
		struct set_entry e;
		const struct document_kind *kind;
		uint64_t base = 0;

		if (!m->texts[i] || set_entry_read(&e, bytes_str(m->texts[i])) ||
		    !(kind = document_kind_find(e.kind)) || e.change == SET_SAME)
			break;
		if (move->n && (!bytes_eq(move->tenant, e.tenant) || move->kind != kind->name))
			break;
		for (uint32_t k = 0; k < m->value.tenant_count; k++) {
			if (bytes_is(e.tenant, m->value.tenants[k].name))
				base = m->value.tenants[k].base;
		}
		move->tenant = e.tenant;
		move->kind = kind->name;
		move->documents[move->n++] =
			(struct store_set_moved){ e.name, e.text, base + e.number };
	}
	m->lost = !move->n;
	if (m->lost)
		mover_finish(m);
	else
		store_set_move(m->node->redis->store, move, mover_on_moved, m);
}

static void mover_on_entry(uint32_t i, struct bytes text, void *arg)
{
	struct set_mover *m = arg;

	assert(i >= m->first && i - m->first < STORE_SET_PIECE);
	m->texts[i - m->first] = strndup((const char *)text.p, text.n);
}

static void mover_on_read(enum store_result result, uint64_t key, uint64_t version, void *arg)
{
	struct set_mover *m = arg;

	(void)key;
	(void)version;
	if (result == STORE_OK)
		mover_send(m);
	else
		mover_fail(m);
}

static void mover_step(struct set_mover *m)
{
	uint32_t left = m->value.moves - m->moved;

	if (m->node->life->phase != NODE_RUNNING) {
		mover_fail(m);
	} else if (m->lost || !left) {
		mover_finish(m);
	} else if (m->n && m->moved >= m->first && m->moved - m->first < m->n) {
		mover_send(m);
	} else {
		texts_drop(m);
		m->first = m->moved;
		m->n = left < STORE_SET_PIECE ? left : STORE_SET_PIECE;
		store_set_read(m->node->redis->store,
			       &(struct store_set){ bytes_str(m->tenant), m->key }, m->first, m->n,
			       mover_on_entry, mover_on_read, m);
	}
}

void command_set_move(struct node *n, const char *tenant, const struct set_value *v,
		      set_moved_fn *done, void *arg)
{
	struct set_moving *s = moving_of(n);
	struct set_mover *m = s ? calloc(1, sizeof(*m)) : NULL;

	if (!m) {
		if (done)
			done(false, arg);
		return;
	}
	*m = (struct set_mover){ .node = n, .value = *v, .done = done, .arg = arg };
	(void)snprintf(m->tenant, sizeof(m->tenant), "%s", tenant);
	set_key(m->key, v->name, &v->versions[0]);
	if (s->mover) {
		assert(!s->next); /* sets are applied one after the other */
		s->next = m;
		return;
	}
	s->mover = m;
	mover_step(m);
}

/* ---- of other nodes ---- */

void command_set_moving(struct node *n, const char *tenant, const struct set_value *v)
{
	struct set_moving *s = moving_of(n);

	if (!s || s->mover)
		return;
	if (!v->moving) {
		if (!strcmp(s->tenant, tenant) && !strcmp(s->name, v->name))
			s->due_ns = 0;
		return;
	}
	(void)snprintf(s->tenant, sizeof(s->tenant), "%s", tenant);
	memcpy(s->name, v->name, sizeof(s->name));
	s->due_ns = clock_now_ns() + MOVE_LATE_NS;
}

void command_set_move_round(struct node *n)
{
	struct set_moving *s = n->api.set_moving;
	struct set_value v;

	if (!s || !s->due_ns || s->mover || n->life->phase != NODE_RUNNING ||
	    clock_now_ns() < s->due_ns)
		return;
	s->due_ns = 0;
	if (!document_stored(n, s->tenant, &g_set_documents, bytes_str(s->name), &v) || !v.moving)
		return;
	LOG_WARN("documents", 0, "a set is being moved for long: this node goes on with it",
		 LOG_STR("tenant", s->tenant), LOG_STR("set", s->name));
	command_set_move(n, s->tenant, &v, NULL, NULL);
}

uint64_t command_set_move_next_ns(const struct node *n)
{
	const struct set_moving *s = n->api.set_moving;

	return s && s->due_ns && !s->mover ? s->due_ns : UINT64_MAX;
}

void command_set_move_close(struct node *n)
{
	free(n->api.set_moving);
	n->api.set_moving = NULL;
}

/* ---- the document ---- */

static json_t *set_kind_write(const void *value, const struct seal_key *key,
			      struct rand_source *rand)
{
	(void)key;
	(void)rand;
	return set_document(value);
}

static json_t *set_kind_show(const struct node *node, uint16_t tenant, const void *value)
{
	(void)node;
	(void)tenant;
	return set_view(value);
}

static int set_kind_read(void *value, struct bytes json, const struct seal_key *key,
			 const char **reason)
{
	(void)key;
	return set_document_read(value, json, reason);
}

static int set_kind_apply(struct node *node, uint16_t tenant, const void *value)
{
	command_set_moving(node, tenants_name(node->common.tenants, tenant), value);
	return 0;
}

static void set_kind_forget(struct node *node, uint16_t tenant, const char *name)
{
	(void)node;
	(void)tenant;
	(void)name;
}

const struct document_kind g_set_documents = {
	.rank = 2,
	.name = "set",
	.argument = "name",
	.size = sizeof(struct set_value),
	.name_at = offsetof(struct set_value, name),
	.several = "sets",
	.places = 16384,
	.share = 256,
	.write = set_kind_write,
	.show = set_kind_show,
	.read = set_kind_read,
	.apply = set_kind_apply,
	.forget = set_kind_forget,
};
